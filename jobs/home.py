"""The App Home's data source index: one look at everything that it shows."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.status import statuses
from storage.facts.clock import Clock
from storage.facts.home import Administration, Index
from storage.facts.people import Action, Actor, Member, Role
from storage.records import home, organizations, sources
from storage.sessions import Session


class HomeService:
    """Looks; writes nothing."""

    def __init__(self, desk: Desk, clock: Clock, *, read_budget: int) -> None:
        self._desk = desk
        self._clock = clock
        self._budget = read_budget

    async def index(self, actor: Actor) -> Index:
        """Return every source of the actor's organization; how it is set up only to admins."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: self._index(session, member))

    def _index(self, session: Session, member: Member) -> Index:
        organization_id = member.organization_id
        found = sources.sources_of(session, organization_id)
        return Index(
            organizations.organization(session, organization_id),
            tuple(statuses(session, found, self._clock.now(), budget=self._budget)),
            home.owner_names(session, organization_id),
            _administration(session, organization_id) if member.role.includes(Role.ADMIN) else None,
        )


def _administration(session: Session, organization_id: str) -> Administration:
    return Administration(home.members_by_role(session, organization_id), home.webhooks(session, organization_id))
