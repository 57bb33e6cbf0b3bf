"""`/data notify`: what one is told, changing it in words, and a test of whether messages arrive."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot import names
from bot import telling as told
from bot.case import Case
from bot.digest import digest
from bot.here import here
from bot.quiet import quiet
from bot.reply import Reply
from jobs.errors import NotFoundError
from storage.facts.deliveries import Channel
from storage.facts.subscriptions import BOTH, OFF, Choices, Topic, Ways
from templates import notices
from templates.notices import notify as words

_WAYS: Mapping[str, Ways | None] = {
    "slack": frozenset({Channel.SLACK}),
    "mail": frozenset({Channel.EMAIL}),
    "email": frozenset({Channel.EMAIL}),
    "both": BOTH,
    "on": BOTH,
    "off": OFF,
    "default": None,
}


async def _test(case: Case, _said: Sequence[str]) -> Reply:
    return await told.test(case)


#: What is no choice about topics.
_OTHERS: Mapping[str, Callable[[Case, Sequence[str]], Awaitable[Reply]]] = {
    "test": _test,
    "quiet": quiet,
    "digest": digest,
    "here": here,
}


async def notify(case: Case) -> Reply:
    """Show what the person is told; with a choice behind it, save that."""
    said = case.about.strip().casefold().split()
    if len(said) > 1 and said[-1] == "here" and said[0] not in _OTHERS:
        # Where it is typed may be said last.
        said = ["here", *said[:-1]]
    if said and said[0] in _OTHERS:
        return await _OTHERS[said[0]](case, said[1:])
    if not said:
        return case.say(words.preferences(await case.services.subscriptions.mine(case.actor)))
    topics = frozenset(Topic) if said[0] == "all" else frozenset(one for one in Topic if one == said[0])
    if not topics or said[-1] not in {*_WAYS, "digest"} or len(said) < len(("ready", "off")):
        return case.say(words.notify_refused(case.about))
    about, source_id = " ".join(said[1:-1]), None
    if about and not names.is_everything(about):
        known = await case.services.status.connections(case.actor)
        found = names.find(about, known)
        if len(found.sources) != 1:
            return case.say(notices.unknown_source(about, [source.label for source in known], found.guess))
        source_id = found.sources[0].id
    try:
        chosen = await _save(case, source_id, topics, said[-1])
    except NotFoundError:
        return case.say(words.notify_refused(case.about))
    return case.say(words.preferences(chosen, changed=True))


async def _save(case: Case, source_id: str | None, topics: frozenset[Topic], how: str) -> Choices:
    if how != "digest":
        return await case.services.subscriptions.choose(case.actor, source_id, topics, _WAYS[how], case.trigger)
    await case.services.digests.instead(case.actor, source_id, topics, case.trigger)
    return await case.services.subscriptions.mine(case.actor)
