"""What was asked last in a thread, for "and amazon?": kept where every process finds it, and forgotten soon."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from bot.asking.facts import WITHOUT_SOURCES, Intent, Understood
from bot.asking.keeping import packed, unpacked
from bot.asking.reading import Before
from jobs.errors import UnavailableError
from storage.facts.people import Actor, SlackIdentity
from storage.facts.talk import Conversation

log = structlog.get_logger("bot.asking.threads")

#: Questions whose writing has not ended; more are read from the database, a moment old.
_MOST = 500


class Talk(Protocol):
    """Where it is kept."""

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        """Return what the person asked there last."""
        ...

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        """Keep what the person asked there, or nothing any more."""
        ...


def after(found: Understood, before: Before | None) -> Before | None:
    """Return what a following message may take up; what was not understood leaves what was there."""
    told = [
        item for item in found.asked if item.intent not in WITHOUT_SOURCES and not item.unclear and not item.unknown
    ]
    if told:
        last = told[-1]
        return Before(last, declined=found.declined or found.still)
    if before is None:
        return None
    only_help = all(item.intent is Intent.HELP for item in found.asked)
    return Before(before.asked, declined=before.declined or (found.declined and not only_help))


class Threads:
    """The last question of each person in each thread."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        #: said here and not written yet: people may be quicker than a disk
        self._underway: OrderedDict[tuple[SlackIdentity, Conversation], str | None] = OrderedDict()

    async def before(self, actor: Actor, where: Conversation) -> Before | None:
        """Return what was asked before, if that was lately and can be read."""
        key = (actor.identity, where)
        if key in self._underway:
            return unpacked(self._underway[key])
        try:
            return unpacked(await self._talk.last(actor, where))
        except UnavailableError:
            log.info("last_question_not_read", team=actor.identity.team_id, user=actor.identity.user_id)
            return None

    def keep(
        self, actor: Actor, where: Conversation, found: Understood, before: Before | None
    ) -> Callable[[], Awaitable[None]] | None:
        """Return what writes down what was asked, for after the answer; None where there is nothing to write."""
        asked = packed(after(found, before))
        if asked is None and before is None:
            return None
        key = (actor.identity, where)
        self._underway.pop(key, None)
        self._underway[key] = asked
        while len(self._underway) > _MOST:
            self._underway.popitem(last=False)

        return lambda: self._written(actor, where)

    async def _written(self, actor: Actor, where: Conversation) -> None:
        """Write what was said last, be it after the question that this is the end of."""
        key = (actor.identity, where)
        if key not in self._underway:
            return
        asked = self._underway[key]
        try:
            await self._talk.keep(actor, where, asked)
        except UnavailableError:
            # The answer was given; what follows is asked which source it means.
            log.info("last_question_not_kept", team=actor.identity.team_id, user=actor.identity.user_id)
        finally:
            if key in self._underway and self._underway[key] == asked:
                del self._underway[key]
