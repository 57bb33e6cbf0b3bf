"""Answers "why?": reads, never writes."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.explain.evidence import gather
from jobs.explain.tree import explain
from storage.facts.clock import Clock
from storage.facts.explain import Explanation
from storage.facts.people import Action, Actor
from storage.records import sources
from storage.records.about import sources_of_message
from storage.sessions import Session


class ExplainService:
    """Explains how a source of the actor's own organization stands."""

    def __init__(self, desk: Desk, clock: Clock, *, read_budget: int, sender: str = "") -> None:
        self._desk = desk
        self._clock = clock
        self._budget = read_budget
        self._sender = sender

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        """Return the one cause; NotFoundError for a missing source and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> Explanation:
            source = sources.visible(session, member.organization_id, source_id)
            if source is None:
                raise NotFoundError
            return explain(
                gather(
                    session,
                    member,
                    source,
                    self._clock.now(),
                    budget=self._budget,
                    asks_mail=asks_mail,
                    sender=self._sender,
                )
            )

        return await self._desk.read(work)

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        """Return the ids of the sources that a message of ours is about; none for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: sources_of_message(session, member.organization_id, delivery_id))
