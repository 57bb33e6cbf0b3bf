"""`/data metrics` and `/data metric`: numbers that are calculated from QuickBooks, and a card before one is made."""

from bot import values
from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.errors import NotFoundError
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.service import NotConnectedError
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Action
from templates.notices import metrics as words


async def metrics(case: Case) -> Reply:
    """Show all metrics with their latest values, as-of and state."""
    who = await case.names()
    return case.say(words.metrics_list(who.organization, await case.services.metrics.all(case.actor), case.now))


async def metric(case: Case) -> Reply:
    """Show the metric that the words name, or all of them; after `new`, the card that asks."""
    name = _plain(case.about).strip()
    first, _, rest = name.partition(" ")
    if first.casefold() == "new":
        authorize(case.actor, Action.CHANGE_METRICS)
        # The lake is asked in a process of its own, which takes longer than Slack waits for its ack.
        return Reply(then=lambda: _preview(case, rest.strip()), zone=case.zone)
    if not name:
        return await metrics(case)
    try:
        found = await case.services.metrics.one(case.actor, name)
    except NotFoundError:
        return case.say(words.metric_missing(name))
    return case.say(words.metric_shown(found, case.now))


def _plain(said: str) -> str:
    """Return words as they were typed: Slack writes three characters in another way, which names of accounts have."""
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


async def _preview(case: Case, wish: str) -> Reply:
    try:
        found = await case.services.metrics.preview(case.actor, wish)
    except MetricRefusedError as error:
        return case.say(words.metric_refused(str(error)))
    except NotConnectedError:
        return case.say(words.metric_needs_quickbooks(connects=case.may(Action.CONNECT)))
    value = values.pack_promise(values.new_card(), found.metric.source_id, wish, 0)
    return case.say(words.metric_preview(found, case.now, value))


async def made(case: Case) -> Reply:
    """Make the metric of the card; the card is the key, so that a second click makes nothing more."""
    asked = values.unpack_promise(case.request.value)
    key = TriggerKey(case.request.team_id, asked.card)
    return Reply(then=lambda: _made(case, asked.words, key), zone=case.zone)


async def _made(case: Case, wish: str, key: TriggerKey) -> Reply:
    try:
        name = await case.services.metrics.make(case.actor, wish, key)
    except MetricRefusedError as error:
        return case.say(words.metric_refused(str(error)), replace=True)
    except NotConnectedError:
        return case.say(words.metric_needs_quickbooks(connects=case.may(Action.CONNECT)), replace=True)
    return case.say(words.metric_made(name), replace=True)
