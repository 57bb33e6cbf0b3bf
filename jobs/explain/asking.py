"""`Did my change land?`: looked up at once, and watched for a week where it did not."""

import asyncio
from collections.abc import Sequence
from functools import partial

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, UnavailableError
from jobs.explain.landing import hits, look, standings
from jobs.explain.watching import MOST_WATCHES, WATCHED_FOR
from jobs.ground import Warehouses
from jobs.refresh.ask import TriggerKey
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.landed import LandedAnswer, Sought, SoughtKind
from storage.facts.people import Action, Actor, Member, Role
from storage.facts.sources import ConnectionState, Source
from storage.records import sources, watching
from storage.sessions import Session

#: A look that takes longer is given up; the lake is never waited for without end.
LOOK_SECONDS = 20.0


class LandedService:
    """Looks for changes in the data of the actor's own organization."""

    def __init__(self, desk: Desk, clock: Clock, warehouses: Warehouses) -> None:
        self._desk = desk
        self._clock = clock
        self._warehouses = warehouses

    async def landed(
        self, actor: Actor, wanted: Sought, source_ids: Sequence[str], trigger: TriggerKey
    ) -> LandedAnswer:
        """Return what is there, or watch for it; the same trigger watches once.

        NotFoundError for sources of others; NotAllowedError for a viewer who asks by an amount, since the answer
        would tell amounts; UnavailableError when the look takes too long.
        """
        member = authorize(actor, Action.SEE_STATUS)
        amounts = member.role.includes(Role.REFRESHER)
        if wanted.kind is SoughtKind.AMOUNT and not amounts:
            raise NotAllowedError(Action.START_REFRESH, Role.REFRESHER)
        found = await self._desk.read(lambda session: _visible(session, member, source_ids))
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                rows = await in_thread(partial(look, self._warehouses, found, wanted))
        except TimeoutError:
            raise UnavailableError("the lake did not answer in time") from None
        there = await self._desk.read(lambda session: hits(session, found, wanted, rows))
        if any(hit.ready for hit in there):
            return LandedAnswer(wanted, tuple(there), (), None, amounts=amounts)
        watched = [one.id for one in found if one.connection is not ConnectionState.DISCONNECTED]
        return await self._desk.write(
            lambda session: self._watch(session, member, found, watched, LandedAnswer(
                wanted, tuple(there), (), None, amounts=amounts), trigger)
        )  # fmt: skip

    def _watch(
        self,
        session: Session,
        member: Member,
        found: Sequence[Source],
        watched: Sequence[str],
        answer: LandedAnswer,
        trigger: TriggerKey,
    ) -> LandedAnswer:
        now = self._clock.now()
        until = now + WATCHED_FOR
        room = watching.of_member(session, member.id) < MOST_WATCHES
        if watched and room:
            ask_id = derived_id("ask", trigger.team_id, trigger.trigger_id)
            watching.add(session, ask_id, member.organization_id, member.id, watched, answer.wanted, now, until)
        return LandedAnswer(
            answer.wanted,
            answer.hits,
            standings(session, found, now),
            until if watched and room else None,
            amounts=answer.amounts,
        )


def _visible(session: Session, member: Member, source_ids: Sequence[str]) -> list[Source]:
    known = sources.sources_of(session, member.organization_id)
    if not source_ids:
        return known
    found = [one for one in known if one.id in source_ids]
    if len(found) != len(set(source_ids)):
        raise NotFoundError
    return found
