"""What stands on a page: who reads it, and the source or metric as it stands at that moment."""

from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError
from jobs.metrics.export import FileForm
from jobs.metrics.files import Claim, FileLinks, taken, whole
from jobs.pages.links import VALID, PageClaim, PageLinks, read_ticket
from jobs.status import statuses
from storage.facts.clock import Clock
from storage.facts.metrics import Metric, Shown
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.runs import Run
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from storage.records import metric_posts, organizations, runs, sources
from storage.sessions import Session

#: Runs of a history: as many points as a picture has.
MOST_RUNS = 60


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to a page."""

    about: Source | Metric
    url: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """A source as it stands, and its newest runs, the newest first."""

    status: SourceStatus
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class MetricValues:
    """A metric with the newest value of every period, and links to its files."""

    shown: Shown
    files: tuple[tuple[FileForm, str], ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to, looked up when it was opened."""

    member: Member
    organization: str
    at: datetime
    until: datetime
    about: SourceHistory | MetricValues


class PageService:
    """Gives links to whoever may, and opens them for as long as that person may."""

    def __init__(self, desk: Desk, clock: Clock, links: PageLinks, files: FileLinks) -> None:
        self._desk = desk
        self._clock = clock
        self._links = links
        self._files = files

    async def link(self, actor: Actor, about: str) -> PageLink:
        """Return a link to a source or metric by its id; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, _needed(about))
        found = await self._desk.read(lambda session: _own(session, member.organization_id, about))
        if found is None:
            raise NotFoundError
        until = int((self._clock.now() + VALID).timestamp())
        url = self._links.link(PageClaim(found.id, member.organization_id, member.id, until))
        return PageLink(found, url, datetime.fromtimestamp(until, UTC))

    async def open(self, ticket: str) -> Opened | None:
        """Return what a link leads to as things stand now; None for what is not, or not any more, for its person."""
        claim = read_ticket(ticket)
        if claim is None or not self._links.made(claim, self._clock.now()):
            return None
        found = await self._desk.read(lambda session: self._opened(session, claim))
        if found is not None:
            about, owner = found.about, claim.organization_id
            shown = about.shown.metric.name if isinstance(about, MetricValues) else about.status.source.label
            detail = {"name": shown, "form": "page"}
            await self._desk.write(
                lambda session: taken(session, owner, claim.member_id, claim.about, detail, found.at)
            )
        return found

    def _opened(self, session: Session, claim: PageClaim) -> Opened | None:
        member, now = self._reader(session, claim), self._clock.now()
        if member is None:
            return None
        about = self._about(session, claim, now)
        if about is None:
            return None
        name = organizations.organization(session, claim.organization_id).name
        return Opened(member, name, now, datetime.fromtimestamp(claim.until, UTC), about)

    def _reader(self, session: Session, claim: PageClaim) -> Member | None:
        """Return the link's person, who is still of that organization and still has the right."""
        member = organizations.still_member(session, claim.member_id)
        if member is None:
            return None
        try:
            actor = Actor(SlackIdentity(member.team_id, member.user_id), member)
            return authorize(actor, _needed(claim.about), claim.organization_id)
        except (NotAllowedError, NotFoundError):
            return None

    def _about(self, session: Session, claim: PageClaim, now: datetime) -> SourceHistory | MetricValues | None:
        if claim.about.startswith(_METRIC):
            shown = whole(session, claim.organization_id, claim.about, now)
            return MetricValues(shown, self._file_links(claim)) if shown is not None else None
        source = sources.visible(session, claim.organization_id, claim.about)
        if source is None:
            return None
        listed = tuple(runs.history(session, [source.id], MOST_RUNS))
        return SourceHistory(statuses(session, [source], now, budget=0)[0], listed)

    def _file_links(self, claim: PageClaim) -> tuple[tuple[FileForm, str], ...]:
        """Return links to the metric's files, for the same person and no longer than the page."""
        return tuple(
            (form, self._files.link(Claim(claim.about, claim.member_id, form, claim.until))) for form in FileForm
        )


_METRIC = "met_"


def _needed(about: str) -> Action:
    return Action.SEE_STATUS if about.startswith(_METRIC) else Action.SEE_HISTORY


def _own(session: Session, organization_id: str, about: str) -> Source | Metric | None:
    if about.startswith(_METRIC):
        return metric_posts.by_id(session, organization_id, about)
    return sources.visible(session, organization_id, about)
