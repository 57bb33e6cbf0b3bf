"""The oracle: judges what the product says by what the provider knows and by what lies in the warehouse.

It believes no word of the product about itself: times are compared with the provider's own log of changes and reads,
and with the ready rows that people import.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from sandbox.slack.journal import Entry
from sandbox.slack.messages import words as texts
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import RefreshStatus, SourceStatus
from storage.sessions import Session
from tests.faults.simulation.clock import BEGINNING
from tests.faults.simulation.provider import NAMES, Account, Mood
from tests.faults.simulation.world import SUPPORT_CHANNEL, Company, Simulated

#: What a status answer may be late by: the product's own grace, and a stride.
TOLERANCE = timedelta(minutes=15)

#: A refresh that runs longer is support's.
ESCALATES = timedelta(hours=3)
#: How long the outbox may take, once Slack answers.
TOLD_IN = timedelta(minutes=40)
_LOOK, _GRACE, _DAY = timedelta(minutes=30), timedelta(hours=5), timedelta(days=1)
_CARD_AND_CONFIRMATION = 2
_NAME = "(?P<name>(QuickBooks|Shopify)( · Company [0-9-]+)?)"
_CLAIM = re.compile(rf"\*{_NAME}\* data as of [^→]*→ <!date\^(?P<at>[0-9]+)")
#: A living message that is not at its end; the words in its thread about how long it takes are said once and stay.
_SCRIPTED = frozenset({"ratelimited", "server_error", "reset"})
_UNFINISHED = re.compile("refreshing |is queued|is being stopped")
_WORD_IN_THREAD = "Still refreshing "
_OPEN = text(
    "SELECT kind, subject, slot, state FROM expectations"
    " WHERE state IN ('expected', 'missed') AND settled_at IS NULL AND alarm_at < :late"
)

#: Returns the ready rows of a source: table -> key -> version.
Look = Callable[[str, str], Mapping[str, Mapping[str, int]]]


@dataclass(slots=True)
class Request:
    """A person waits."""

    company: Company
    id: str
    at: datetime
    sources: tuple[str, ...]
    #: judged at three hours
    judged: bool = False


@dataclass
class Oracle:
    """Collects complaints; an empty list is praise."""

    world: Simulated
    look: Look
    complaints: list[str] = field(default_factory=list)
    #: claims that were verified
    verified: int = 0
    requests: list[Request] = field(default_factory=list)
    #: Slack is ill
    silent: bool = False
    #: since when people can be told
    speaks_since: datetime = BEGINNING
    #: since when the machine does not sleep
    awake_since: datetime = BEGINNING
    _heard: int = 0
    #: delivery -> how often it was posted
    _posts: Counter[str] = field(default_factory=Counter)
    #: what is shown now, by channel and ts
    _shown: dict[tuple[str, str], str] = field(default_factory=dict)
    #: source -> when it was said to be disconnected, and late or failing
    _disconnected: dict[str, datetime] = field(default_factory=dict)
    _troubled: dict[str, datetime] = field(default_factory=dict)
    #: what support was told, and when
    _support: list[tuple[datetime, str]] = field(default_factory=list)
    _judged: dict[str, datetime] = field(default_factory=dict)
    _known: dict[tuple[str, datetime], int] = field(default_factory=dict)

    async def answers(self, company: Company) -> None:
        """Ask for the status of all sources of a company, and judge each answer."""
        world = self.world
        now = world.clock.now()
        for status in await world.jobs.services.status.all(world.actor(company)):
            account = world.account(status.source)
            if status.last_data_refresh is not None:
                self.claim(company, status.source.id, account, status.last_data_refresh, "the status answer")
            self._freshness(status, now)

    def claim(self, company: Company, source_id: str, account: Account, as_of: datetime, said: str) -> None:
        """Judge the sentence "this source's data is as of that instant"."""
        key, state = (source_id, as_of), self.world.small_lakes.lake(company.id).touched
        if self._known.get(key) == state:
            return
        self._known[key] = state
        self.verified += 1
        for name in NAMES:
            read_to = account.read_to(name)
            if read_to is None or as_of > read_to:
                self._complain(f"{said} claims {account.name} as of {as_of}, {name} was read as of {read_to}")
        rows = self.look(company.id, source_id)
        for (stream, record), change in account.last_changes(as_of).items():
            held = rows.get(stream, {}).get(record)
            newest = account.last_changes(self.world.clock.now())[stream, record]
            there = held is not None and held >= change.version and not (change.gone and held == change.version)
            gone = held is None and (change.gone or newest.gone)
            if not there and not gone:
                self._complain(
                    f"{said} claims {account.name} as of {as_of}: {stream} {record} of {change.at} is not there"
                )

    def asked(self, company: Company, refresh_id: str, sources: tuple[str, ...]) -> None:
        """Note that somebody waits for these sources."""
        self.requests.append(Request(company, refresh_id, self.world.clock.now(), sources))

    async def listen(self) -> None:
        """Judge what was said since the last time, and what was not."""
        entries = self.world.slack.entries
        for entry in entries[self._heard :]:
            if entry.kind in {"post", "update"}:
                self._hear(entry)
        self._heard = len(entries)
        for company in self.world.companies:
            for source_id in company.sources:
                self._promises(source_id)
        for request in self.requests:
            if not request.judged:
                await self._overrun(request)

    async def end(self) -> None:
        """Judge what must be true when all is well again and nothing is under way."""
        mails = [mail.text for mail in self.world.mail.messages]
        for request in self.requests:
            refresh = await self._refresh(request)
            if refresh.finished_at is None:
                self._complain(f"refresh {request.id} of {request.at} never ended")
                continue
            about = [shown for shown in self._shown.values() if request.id in shown]
            if len(about) < _CARD_AND_CONFIRMATION:
                self._complain(f"refresh {request.id} of {request.at}: {len(about)} messages of it are in Slack")
            self.complaints += [
                f"never shown to its end: {shown[:200]}"
                for shown in about
                if _UNFINISHED.search(shown) and _WORD_IN_THREAD not in shown
            ]
            if not any(request.id in mail for mail in mails):
                self._complain(f"refresh {request.id} of {request.at}: no mail came")
        self.world.database.in_read(self._ledger)
        for refused in self.world.slack.core.journal.refused:
            if refused.error not in _SCRIPTED:
                self._complain(f"Slack refused {refused.method}: {refused.error} {refused.messages}")

    def transcript(self) -> str:
        """Return a digest of what was said, where and when, by Slack and by mail."""
        said = [f"{entry.at} {entry.kind} {entry.channel} {entry.text}" for entry in self.world.slack.entries]
        said += [f"{mail.accepted_at} {mail.recipients} {mail.parsed['Subject']}" for mail in self.world.mail.messages]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    def _hear(self, entry: Entry) -> None:
        words = "\n".join([*texts(entry.blocks), entry.text])
        if entry.channel is None or entry.ts is None:
            return
        self._shown[entry.channel, entry.ts] = words
        delivery = ((entry.metadata or {}).get("event_payload") or {}).get("delivery")
        if entry.kind == "post" and delivery:
            self._posts[delivery] += 1
            if self._posts[delivery] > 1:
                self._complain(f"posted {self._posts[delivery]} times: {words[:200]}")
        if entry.channel == SUPPORT_CHANNEL:
            self._support.append((entry.at, words))
            return
        company = next(one for one in self.world.companies if one.team == entry.team)
        for claim in _CLAIM.finditer(words):
            source_id = self._meant(company, claim["name"], words)
            if source_id is not None:
                as_of = datetime.fromtimestamp(int(claim["at"]), UTC)
                self.claim(company, source_id, self.world.account_of(source_id), as_of, "a message")
        for source_id in company.sources:
            self._hear_of(source_id, self.world.titles[source_id], words, entry)

    def _meant(self, company: Company, name: str, words: str) -> str | None:
        """Return whose name it is: a provider alone means the one that was asked for, or the only one there is."""
        titles = self.world.titles
        if " · " in name:
            return next((one for one in company.sources if titles[one] == name), None)
        asked = next((request.sources for request in self.requests if request.id in words), company.sources)
        some = [one for one in asked if titles[one].startswith(name)]
        return some[0] if len(some) == 1 else None

    def _hear_of(self, source_id: str, title: str, words: str, entry: Entry) -> None:
        if title not in words:
            return
        account = self.world.account_of(source_id)
        if f"{title} is disconnected" in words:
            self._disconnected[source_id] = entry.at
        if re.search(rf"{title} (is late|is overdue|is late again|fails|keeps failing|cannot be)", words):
            self._troubled[source_id] = entry.at
        if f"{title} works again" in words and account.mood is Mood.REVOKED and account.refusals:
            self._complain(f"{account.name} is said to work again, and the provider refuses it")

    def _promises(self, source_id: str) -> None:
        world, account = self.world, self.world.account_of(source_id)
        now = world.clock.now()
        if self._judged.get(source_id, BEGINNING) + _LOOK > now:
            return
        self._judged[source_id] = now
        # The second refusal: the first one may have come to a run that was stopped by a person.
        refused = account.refusals[1] if len(account.refusals) > 1 else None
        told = self._disconnected.get(source_id, BEGINNING)
        if refused and not self.silent and now > max(refused, self.speaks_since) + TOLD_IN and told < refused - _DAY:
            self._complain(f"{account.name} refuses since {refused}, and nobody was told that it is disconnected")
        well = max(account.since or BEGINNING, self.awake_since)
        if account.mood is not Mood.WELL or now < well + _GRACE:
            return
        last = account.reads[-1].began if account.reads else BEGINNING
        if now > last + timedelta(minutes=world.minutes[source_id]) + _GRACE:
            self._complain(f"{account.name} is well since {well}, and was not collected since {last}")

    async def _overrun(self, request: Request) -> None:
        now = self.world.clock.now()
        due = request.at + ESCALATES
        if self.silent or now < max(due, self.speaks_since) + TOLD_IN:
            return
        request.judged = True
        ended = (await self._refresh(request)).finished_at
        if ended is not None and ended <= max(due, self.awake_since) + TOLERANCE:
            return
        name = f"Company {request.company.number}"
        if not any(at >= due and f"Needs support · {name}:" in words for at, words in self._support):
            self._complain(f"refresh {request.id} of {name}, asked for at {request.at}: support was never called")

    async def _refresh(self, request: Request) -> RefreshStatus:
        return await self.world.jobs.services.refresh.get(self.world.actor(request.company), request.id)

    def _ledger(self, session: Session) -> None:
        late = self.world.clock.now() - _GRACE
        for row in session.connection().execute(_OPEN, {"late": late.replace(tzinfo=None).isoformat(" ")}):
            self._complain(f"expected and neither met nor reported: {row.kind} {row.subject} {row.slot}, {row.state}")

    def _freshness(self, status: SourceStatus, now: datetime) -> None:
        as_of, every = status.last_data_refresh, timedelta(minutes=status.source.schedule_minutes)
        if status.freshness is not Freshness.FRESH:
            return
        if as_of is None or now - as_of > every + TOLERANCE:
            self._complain(f"{status.source.account} is called fresh, as of {as_of}, and is promised every {every}")
        if status.source.connection is ConnectionState.DISCONNECTED and as_of is not None and now - as_of > every * 2:
            self._complain(f"{status.source.account} is called fresh and was disconnected long ago")

    def _complain(self, words: str) -> None:
        self.complaints.append(f"{self.world.clock.now():%Y-%m-%d %H:%M:%S} {words}")


def small_lake(world: Simulated) -> Look:
    """Return how the rows of the warehouse in memory are looked at."""

    def look(organization_id: str, source_id: str) -> Mapping[str, Mapping[str, int]]:
        part = world.small_lakes.lake(organization_id).part(source_id)
        return {name.rpartition("_")[2]: rows for name, rows in part.ready.items()}

    return look
