"""The App Home's data source index: one look at everything that it shows, and who has it open when that changes."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.status import statuses
from storage.facts.clock import Clock
from storage.facts.home import Administration, Index
from storage.facts.people import Action, Actor, Member, Role
from storage.records import home, home_views, organizations, sources
from storage.records.home_views import HomeView
from storage.sessions import Database, Session


class HomeService:
    """Looks, and remembers for a day who looked."""

    def __init__(self, desk: Desk, database: Database, clock: Clock, *, read_budget: int) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock
        self._budget = read_budget

    async def index(self, actor: Actor) -> Index:
        """Return every source of the actor's organization; how it is set up only to admins."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: self._index(session, member))

    async def opened(self, actor: Actor, showing: str) -> None:
        """Write down that the person looks at it now, and at what; UnavailableError while that cannot be written."""
        member = authorize(actor, Action.SEE_STATUS)
        now = self._clock.now()
        await self._desk.write(
            lambda session: home_views.opened(session, member.organization_id, actor.identity, showing, now)
        )

    async def take_changed(self) -> list[HomeView]:
        """Return the open Homes that have changed and are due; each is this caller's to draw."""
        now = self._clock.now()
        due = await self._database.reading(lambda session: home_views.due(session, now))
        if not due:
            return []
        return await self._database.writing(
            lambda session: [view for view in due if home_views.claim(session, view, now)]
        )

    async def forget(self) -> None:
        """Forget whoever does not look any more; a sweep."""
        now = self._clock.now()
        await self._database.writing(lambda session: home_views.forget(session, now))

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
