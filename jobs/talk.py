"""What a follow-up refers to: kept in the database, so that it outlives the process and every process knows it."""

from datetime import timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor
from storage.facts.talk import Conversation
from storage.records import asked_last
from storage.sessions import Database

#: Outside of a thread a conversation ends when nothing was said for that long.
_PAUSE = timedelta(minutes=30)


class TalkService:
    """Remembers one question for each person and thread; of others' nobody hears."""

    def __init__(self, desk: Desk, database: Database, clock: Clock) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        """Return what the person asked there last, as it was kept; UnavailableError while nothing can be read."""
        member = authorize(actor, Action.SEE_STATUS)
        since = self._clock.now() - (asked_last.LIVES if where.thread else _PAUSE)
        return await self._desk.read(
            lambda session: asked_last.find(session, member.organization_id, actor.identity, where, since)
        )

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        """Keep what the person asked there, or nothing any more; UnavailableError while nothing can be written."""
        member = authorize(actor, Action.SEE_STATUS)
        now = self._clock.now()
        if asked is None:
            await self._desk.write_behind(lambda session: asked_last.drop(session, actor.identity, where))
            return
        await self._desk.write_behind(
            lambda session: asked_last.keep(session, member.organization_id, actor.identity, where, asked, now)
        )

    async def forget(self) -> None:
        """Forget what is older than a day; a sweep."""
        until = self._clock.now() - asked_last.LIVES
        await self._database.writing(lambda session: asked_last.forget_before(session, until))
