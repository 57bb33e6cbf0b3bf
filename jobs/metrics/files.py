"""Metrics to download: a link for one person and one metric, signed, for 15 minutes; who may is read at each use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics.export import FileForm, as_csv, as_json
from jobs.metrics.standing import shown_of
from jobs.signing import Signing
from storage.facts.clock import Clock
from storage.facts.metrics import Metric, Shown
from storage.facts.people import Action, Actor, SlackIdentity
from storage.facts.secret import Secret
from storage.records import audit, metric_posts, metrics, organizations
from storage.sessions import Session

#: Where the files are.
PATH = "/files/metric"
#: what the audit says of it
DOWNLOADED = "downloaded"
VALID = timedelta(minutes=15)
_TICKET = re.compile(
    r"(?P<metric>met_[a-z0-9]{1,64})\.(?P<member>mem_[a-z0-9_]{1,64})\.(?P<form>csv|json)"
    r"\.(?P<until>[0-9]{10})\.(?P<mark>[A-Za-z0-9_-]{43})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says of itself; nothing of it is true before `FileLinks.made` says so."""

    metric_id: str
    member_id: str
    form: FileForm
    until: int
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """The links to one metric's files."""

    name: str
    urls: tuple[tuple[FileForm, str], ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class File:
    """What is downloaded."""

    name: str
    form: FileForm
    content: bytes


class FileLinks:
    """Makes and checks links. Keys are those of SECRET_KEYS: links from before a rotation still count."""

    def __init__(self, keys: Sequence[Secret], public_url: str) -> None:
        self._signing = Signing("metric file", keys)
        self._public_url = public_url

    def link(self, claim: Claim) -> str:
        """Return the address of a file."""
        said = f"{claim.metric_id}.{claim.member_id}.{claim.form.value}.{claim.until}"
        return f"{self._public_url}{PATH}?ticket={said}.{self._signing.mark(*self._parts(claim))}"

    def made(self, claim: Claim, now: datetime) -> bool:
        """Whether the link was made here for that metric, person and form, and is young enough."""
        return self._signing.made(claim.mark, *self._parts(claim)) and now.timestamp() < claim.until

    def _parts(self, claim: Claim) -> tuple[str, ...]:
        return self._public_url, claim.metric_id, claim.member_id, claim.form.value, str(claim.until)


def read_ticket(text: str) -> Claim | None:
    """Return what a link claims; None for what no link of ours says."""
    found = _TICKET.fullmatch(text)
    if found is None:
        return None
    return Claim(found["metric"], found["member"], FileForm(found["form"]), int(found["until"]), found["mark"])


class MetricFiles:
    """Links to files, and the files behind them."""

    def __init__(self, desk: Desk, clock: Clock, links: FileLinks) -> None:
        self._desk = desk
        self._clock = clock
        self._links = links

    async def links(self, actor: Actor, wanted: str) -> Links:
        """Return links to a metric, by its name or id; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def find(session: Session) -> Metric | None:
            found = metric_posts.by_id(session, member.organization_id, wanted)
            return found or metrics.named(session, member.organization_id, wanted)

        metric = await self._desk.read(find)
        if metric is None:
            raise NotFoundError
        until = int((self._clock.now() + VALID).timestamp())
        urls = tuple((form, self._links.link(Claim(metric.id, member.id, form, until))) for form in FileForm)
        return Links(metric.name, urls, datetime.fromtimestamp(until, UTC))

    async def whole(self, actor: Actor, metric_id: str) -> Shown:
        """Return a metric with all its values; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)
        now = self._clock.now()
        found = await self._desk.read(lambda session: whole(session, member.organization_id, metric_id, now))
        if found is None:
            raise NotFoundError
        return found

    async def file(self, ticket: str) -> File | None:
        """Return the file of a link, as things stand now; None for whatever is not, or not any more, for its person.

        Nothing is handed over that the audit does not tell of.
        """
        claim, now = read_ticket(ticket), self._clock.now()
        if claim is None or not self._links.made(claim, now):
            return None
        shown = await self._desk.read(lambda session: self._shown(session, claim))
        if shown is None:
            return None
        await self._noted(shown, claim, now)
        content = as_csv(shown) if claim.form is FileForm.CSV else as_json(shown)
        return File(shown.metric.name, claim.form, content)

    async def _noted(self, shown: Shown, claim: Claim, now: datetime) -> None:
        """Write into the audit who takes which metric out (UnavailableError: then nothing is handed over)."""
        owner, detail = shown.metric.organization_id, {"name": shown.metric.name, "form": claim.form.value}
        await self._desk.write(lambda session: taken(session, owner, claim.member_id, claim.metric_id, detail, now))

    def _shown(self, session: Session, claim: Claim) -> Shown | None:
        member = organizations.still_member(session, claim.member_id)
        if member is None:
            return None
        authorize(Actor(SlackIdentity(member.team_id, member.user_id), member), Action.SEE_STATUS)
        return whole(session, member.organization_id, claim.metric_id, self._clock.now())


def taken(
    session: Session, organization_id: str, member_id: str, about: str, detail: Mapping[str, object], now: datetime
) -> None:
    """Note in the audit who took what out of Slack; never the link."""
    organizations.lock(session, organization_id)
    audit.record(session, organization_id, member_id, DOWNLOADED, about, now, detail)


def whole(session: Session, organization_id: str, metric_id: str, now: datetime) -> Shown | None:
    """Return an organization's metric with the newest value of every period; None for a missing one."""
    metric = metric_posts.by_id(session, organization_id, metric_id)
    if metric is None:
        return None
    return shown_of(session, [metric], {metric.id: tuple(metrics.newest_values(session, metric.id))}, now)[0]
