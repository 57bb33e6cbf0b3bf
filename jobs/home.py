"""The App Home's data source index: one look at everything that it shows, and who has it open when that changes."""

from datetime import timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.metrics.board import board_of
from jobs.status import statuses
from storage.facts.clock import Clock
from storage.facts.home import Administration, Index
from storage.facts.people import Action, Actor, Member, Role, SlackIdentity
from storage.records import home, home_views, organizations, sources
from storage.records.home_views import HomeView
from storage.sessions import Database, Session

#: A page that Slack does not take is tried again after that long, then twice as long each time, and at last so often.
_FIRST, _LAST = timedelta(seconds=10), timedelta(minutes=10)
#: Tries, some three hours of them; after that the next change draws it.
_TRIES = 25
_MOST_REFUSED = 10_000


class HomeService:
    """Looks, and remembers for a day who looked."""

    def __init__(self, desk: Desk, database: Database, clock: Clock, *, read_budget: int) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock
        self._budget = read_budget
        #: how often in a row Slack refused somebody's page; whoever forgets it tries a few times more
        self._refused: dict[SlackIdentity, int] = {}

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
        """Return the open Homes that have changed and are due; each is this caller's to draw, within two minutes."""
        now = self._clock.now()
        due = await self._database.reading(lambda session: home_views.due(session, now))
        if not due:
            return []

        def claimed(session: Session) -> list[HomeView]:
            return [taken for view in due if (taken := home_views.claim(session, view, now)) is not None]

        return await self._database.writing(claimed)

    async def drawn(self, view: HomeView) -> None:
        """Say that one that was taken is drawn."""
        self._refused.pop(view.identity, None)
        await self._database.writing(lambda session: home_views.settle(session, view, None))

    async def refused(self, view: HomeView) -> bool:
        """Say that one that was taken could not be drawn; whether it is tried again: ever later, for some hours."""
        times = self._refused.get(view.identity, 0) + 1
        again_at = self._clock.now() + _again(times) if times < _TRIES else None
        self._remember(view.identity, times if again_at is not None else 0)
        await self._database.writing(lambda session: home_views.settle(session, view, again_at))
        return again_at is not None

    def _remember(self, identity: SlackIdentity, times: int) -> None:
        if len(self._refused) >= _MOST_REFUSED:
            self._refused.clear()
        self._refused[identity] = times

    async def forget(self) -> None:
        """Forget whoever does not look any more; a sweep."""
        now = self._clock.now()
        await self._database.writing(lambda session: home_views.forget(session, now))

    def _index(self, session: Session, member: Member) -> Index:
        organization_id = member.organization_id
        found = sources.sources_of(session, organization_id)
        organization, now = organizations.organization(session, organization_id), self._clock.now()
        listed = tuple(statuses(session, found, now, budget=self._budget))
        return Index(
            organization,
            listed,
            home.owner_names(session, organization_id),
            _administration(session, organization_id) if member.role.includes(Role.ADMIN) else None,
            board_of(session, organization, listed, now),
        )


def _again(times: int) -> timedelta:
    return min(_FIRST * (1 << (times - 1)), _LAST)


def _administration(session: Session, organization_id: str) -> Administration:
    return Administration(home.members_by_role(session, organization_id), home.webhooks(session, organization_id))
