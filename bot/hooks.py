"""`/data webhooks`: the addresses that Tidings sends to, for admins."""

import re
from collections.abc import Awaitable, Callable

from bot.case import Case
from bot.reply import Reply
from connectors.errors import Broken
from jobs.errors import TooLateError
from templates.notices import hooks as words

_ID = re.compile(r"hook_[a-z0-9]+", re.ASCII)
_HOURS = re.compile(r"([1-9][0-9]{0,3}) ?h?", re.ASCII)
#: Slack writes an address that is typed as <https://…> or <https://…|https://…>.
_LINK = re.compile(r"<([^|>]+)(?:\|[^>]*)?>")


async def webhooks(case: Case) -> Reply:
    """Show the receivers or one of them, or do with them what the words say."""
    said = case.about.strip()
    first, _, rest = said.partition(" ")
    try:
        if not said:
            who = await case.names()
            return case.say(words.endpoints(who.organization, await case.services.outgoing.all(case.actor), case.now))
        if first == "add":
            return await _added(case, _LINK.sub(r"\1", rest.strip()))
        if _ID.fullmatch(first):
            return await _with(case, first, rest.strip().casefold())
    except Broken as error:
        return case.say(words.webhooks_refused(error.detail))
    except TooLateError as error:
        return case.say(words.webhooks_refused(str(error)))
    return case.say(words.webhooks_usage(said))


async def _added(case: Case, url: str) -> Reply:
    made = await case.services.outgoing.add(case.actor, url, case.trigger)
    return case.say(words.endpoint_made(made.endpoint, made.secret.reveal(), renewed=False))


async def _with(case: Case, endpoint_id: str, what: str) -> Reply:
    services = case.services.outgoing
    verb, _, more = what.partition(" ")
    simple: dict[str, Callable[[], Awaitable[Reply]]] = {
        "": lambda: _shown(case, endpoint_id),
        "test": lambda: _tested(case, endpoint_id),
        "secret": lambda: _renewed(case, endpoint_id),
        "remove": lambda: _removed(case, endpoint_id),
    }
    if not more and verb in simple:
        return await simple[verb]()
    hours = _HOURS.fullmatch(more)
    if verb != "replay" or hours is None:
        return case.say(words.webhooks_usage(f"{endpoint_id} {what}"))
    endpoint, count = await services.replay(case.actor, endpoint_id, int(hours[1]), case.trigger)
    return case.say(
        words.endpoint_changed(endpoint, f"{count} messages of the last {hours[1]} hours are sent again to")
    )


async def _shown(case: Case, endpoint_id: str) -> Reply:
    endpoint, sent = await case.services.outgoing.one(case.actor, endpoint_id)
    return case.say(words.endpoint_shown(endpoint, sent, case.now))


async def _tested(case: Case, endpoint_id: str) -> Reply:
    endpoint = await case.services.outgoing.test(case.actor, endpoint_id, case.trigger)
    return case.say(words.endpoint_changed(endpoint, "A test is on its way to"))


async def _renewed(case: Case, endpoint_id: str) -> Reply:
    made = await case.services.outgoing.renew(case.actor, endpoint_id, case.trigger)
    return case.say(words.endpoint_made(made.endpoint, made.secret.reveal(), renewed=True))


async def _removed(case: Case, endpoint_id: str) -> Reply:
    return case.say(words.endpoint_removed(await case.services.outgoing.remove(case.actor, endpoint_id, case.trigger)))
