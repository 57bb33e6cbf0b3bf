"""`/data metrics` and `/data metric`: numbers that are calculated from QuickBooks, and a card before one is made."""

import re
from collections.abc import Awaitable, Callable, Mapping

from bot import handing_out, metric_forms, share, values
from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.errors import NotFoundError
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.service import NotConnectedError
from jobs.refresh.ask import TriggerKey
from storage.facts.messages import Message
from storage.facts.metrics import Shown
from storage.facts.people import Action
from storage.facts.shared import Answer, Shareable
from templates.notices import metric_changing
from templates.notices import metrics as metric_notices


async def metrics(case: Case) -> Reply:
    """Show all metrics with their latest values, as-of and state; `post #channel …` says when a channel has them."""
    posted = handing_out.posting(case, plain_words(case.about).strip()) if case.about else None
    if posted is not None:
        return posted
    who = await case.names()
    noun = await case.services.making.noun(case.actor)
    told = metric_notices.metrics_list(who.organization, await case.services.metrics.all(case.actor), case.now, noun)
    if case.may(Action.CHANGE_METRICS):
        told = metric_changing.offers_new(told, noun)
    return case.say(share.with_button(case, told, Answer(Shareable.METRICS)))


async def metric(case: Case) -> Reply:
    """Show the metric that the words name, or all of them; after `new`, the card that asks.

    A metric may be called “Change in cash”, “New customers” or “Sales csv”: a whole name is meant before a command.
    """
    name = plain_words(case.about).strip()
    if not name:
        return await metrics(case)
    first, _, rest = name.partition(" ")
    verb, rest = first.casefold(), rest.strip()
    if not rest and verb in {"new", "noun"}:
        return await _VERBS[verb](case, rest)
    try:
        return _shown(case, await case.services.metrics.one(case.actor, name), rest if verb in _ON_ONE else "")
    except NotFoundError:
        return await _said(case, name, verb, rest)


async def pressed(case: Case) -> Reply:
    """Show the metric of the button; one that is called otherwise by now, or gone, is said to be missing."""
    name = case.request.value
    try:
        return _shown(case, await case.services.metrics.one(case.actor, name), "")
    except NotFoundError:
        return case.say(metric_notices.metric_missing(name, await case.services.making.noun(case.actor)))


def _shown(case: Case, found: Shown, other: str) -> Reply:
    """Return a metric; `other`: what else the words may have meant to change or delete."""
    told = metric_notices.metric_shown(found, case.now)
    if case.may(Action.CHANGE_METRICS):
        told = metric_changing.offers_change(told, found, values.pack_held(values.new_card(), found.metric.id))
    told = metric_changing.called_so(told, other) if other else told
    return case.say(share.with_button(case, told, Answer(Shareable.METRIC, metric_id=found.metric.id)))


async def _said(case: Case, name: str, verb: str, rest: str) -> Reply:
    """Return the answer to words that are no name of a metric."""
    if rest and verb in _VERBS:
        return await _VERBS[verb](case, rest)
    if _BY_HAND.fullmatch(name):
        return case.say(metric_changing.metric_by_hand(await case.services.making.noun(case.actor)))
    handed = await handing_out.handed_out(case, name)
    if handed is not None:
        return handed
    return case.say(metric_notices.metric_missing(name, await case.services.making.noun(case.actor)))


async def _new(case: Case, wish: str) -> Reply:
    """Open the form; with words, show the card that asks."""
    authorize(case.actor, Action.CHANGE_METRICS)
    if not wish:
        return metric_forms.open_form(case)
    # The lake is asked in a process of its own, which takes longer than Slack waits for its ack.
    return Reply(then=lambda: _preview(case, wish), zone=case.zone)


async def _change(case: Case, name: str) -> Reply:
    authorize(case.actor, Action.CHANGE_METRICS)
    return metric_forms.open_form(case, name, by_name=True)


async def _delete(case: Case, name: str) -> Reply:
    authorize(case.actor, Action.CHANGE_METRICS)
    try:
        found = await case.services.metrics.one(case.actor, name)
    except NotFoundError:
        return case.say(metric_notices.metric_missing(name, await case.services.making.noun(case.actor)))
    return case.say(metric_changing.metric_delete(found, values.pack_held(values.new_card(), found.metric.id)))


async def _noun(case: Case, noun: str) -> Reply:
    if not noun:
        return case.say(metric_changing.noun_shown(await case.services.making.noun(case.actor)))
    try:
        chosen = await case.services.making.name_all(case.actor, noun, case.trigger)
    except MetricRefusedError as error:
        return case.say(metric_changing.noun_refused(str(error)))
    case.directory.forget(case.member.organization_id)
    return case.say(metric_changing.noun_shown(chosen, changed=True))


#: Words that begin something else than the name of a metric.
_VERBS: Mapping[str, Callable[[Case, str], Awaitable[Reply]]] = {
    "new": _new, "change": _change, "delete": _delete, "noun": _noun,
}  # fmt: skip
#: those of them that are about one metric
_ON_ONE = frozenset({"change", "delete"})
#: An attempt to type a value in: ``Net income = 5``, ``set Net income to 5``.
_BY_HAND = re.compile(r"[^=]+=.*|set .+ to .+", re.IGNORECASE | re.DOTALL)


def plain_words(said: str) -> str:
    """Return words as they were typed: Slack writes three characters in another way, which names of accounts have."""
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


async def _preview(case: Case, wish: str) -> Reply:
    try:
        found = await case.services.metrics.preview(case.actor, wish)
    except (MetricRefusedError, NotConnectedError) as error:
        return case.say(await _refused(case, error))
    value = values.pack_promise(values.new_card(), found.metric.source_id, wish, 0)
    return case.say(metric_changing.metric_preview(found, case.now, value))


async def _refused(case: Case, error: MetricRefusedError | NotConnectedError) -> Message:
    """Return why none is made."""
    noun = await case.services.making.noun(case.actor)
    if isinstance(error, NotConnectedError):
        return metric_changing.metric_needs_quickbooks(noun, connects=case.may(Action.CONNECT))
    return metric_changing.metric_refused(str(error), noun)


async def made(case: Case) -> Reply:
    """Make the metric of the card; the card is the key, so that a second click makes nothing more."""
    asked = values.unpack_promise(case.request.value)
    key = TriggerKey(case.request.team_id, asked.card)
    return Reply(then=lambda: _made(case, asked.words, key), zone=case.zone)


async def _made(case: Case, wish: str, key: TriggerKey) -> Reply:
    try:
        name = await case.services.metrics.make(case.actor, wish, key)
    except (MetricRefusedError, NotConnectedError) as error:
        return case.say(await _refused(case, error), replace=True)
    return case.say(metric_changing.metric_made(name), replace=True)
