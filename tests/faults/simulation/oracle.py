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
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.sources import Freshness
from storage.facts.status import RefreshStatus, SourceStatus
from storage.records import deliveries
from storage.sessions import Session
from tests.faults.simulation.clock import BEGINNING
from tests.faults.simulation.promised import Alarms, Promised
from tests.faults.simulation.provider import NAMES, Account, Mood
from tests.faults.simulation.world import SUPPORT_CHANNEL, Company, Simulated

#: What a status answer may be late by: the product's own grace, and a stride.
TOLERANCE = timedelta(minutes=15)

#: A refresh that runs longer is support's.
ESCALATES = timedelta(hours=3)
#: How long the outbox may take, once Slack answers.
TOLD_IN = timedelta(minutes=40)
_LOOK, _GRACE, _DAY = timedelta(minutes=30), timedelta(hours=5), timedelta(days=1)
#: Nobody waits longer for the word whose fault it is; an alarm that is over says so by then.
_FLEET_HOLDS, _OVER_IN = timedelta(hours=3), timedelta(hours=1)
_CUSTOMERS_WAIT = "Customers are not told yet"
_SOURCE_ID = re.compile("src_[0-9a-z]+")
_CALLED = re.compile("^(Needs support|In hand) · ", re.MULTILINE)
#: What the product cannot read, and says so at once.
_KNOWN_AT_ONCE = frozenset({Mood.BROKEN, Mood.EMPTY})
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
    #: what was promised of each source, as people set it
    promised: dict[str, Promised] = field(default_factory=dict)
    #: when somebody last stopped a refresh
    cancelled_at: datetime = BEGINNING - _DAY
    _heard: int = 0
    #: channel -> what its living messages say
    _alarms: dict[str, Alarms] = field(default_factory=dict)
    #: source -> when a person last changed it; and what was complained of
    _changed: dict[str, datetime] = field(default_factory=dict)
    _said: set[tuple[str, ...]] = field(default_factory=set)
    #: when customers were last held back
    _held_at: datetime = BEGINNING
    #: delivery -> how often it was posted
    _posts: Counter[str] = field(default_factory=Counter)
    #: what is shown now, by channel and ts
    _shown: dict[tuple[str, str], str] = field(default_factory=dict)
    #: source -> when it was said to be disconnected
    _disconnected: dict[str, datetime] = field(default_factory=dict)
    #: what support was told, and when
    _support: list[tuple[datetime, str]] = field(default_factory=list)
    _judged: dict[str, datetime] = field(default_factory=dict)
    _known: dict[tuple[str, datetime], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for company in self.world.companies:
            titles = {one: self.world.titles[one] for one in company.sources}
            self._alarms[company.channel] = Alarms(titles)
            for one in company.sources:
                self.promised[one] = Promised(timedelta(minutes=self.world.minutes[one]))

    def changed(self, source_id: str) -> None:
        """Note that a person changed something about a source: what is said of it may follow."""
        self._changed[source_id] = self.world.clock.now()

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
        if self._held_back():
            self._held_at = self.world.clock.now()
        for company in self.world.companies:
            for source_id in company.sources:
                self._promises(company, source_id)
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
            if not any(request.id in mail for mail in mails) and not self._in_doubt(request.id):
                self._complain(f"refresh {request.id} of {request.at}: no mail came")
        for (channel, _), shown in self._shown.items():
            if channel == SUPPORT_CHANNEL and _CALLED.match(shown):
                self._complain(f"never closed for support: {shown[:200]}")
        self.world.database.in_read(self._ledger)
        for refused in self.world.slack.core.journal.refused:
            if refused.error not in _SCRIPTED:
                self._complain(f"Slack refused {refused.method}: {refused.error} {refused.messages}")

    def _in_doubt(self, refresh_id: str) -> bool:
        """Whether its mail is shown as never confirmed: one in doubt is not sent twice where Slack has the message."""
        found = self.world.database.in_read(lambda session: deliveries.of_subject(session, refresh_id))
        return any(one.channel is Channel.EMAIL and one.state is DeliveryState.UNCONFIRMED for one in found)

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
        if entry.channel == company.channel:
            ids = _SOURCE_ID.findall(str(entry.blocks))
            self._alarms[entry.channel].hear(entry.ts, words.split("\n"), ids)
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
        if f"{title} works again" in words and account.mood is Mood.REVOKED and account.refusals:
            self._complain(f"{account.name} is said to work again, and the provider refuses it")

    def _held_back(self) -> bool:
        """Whether support was told that customers are not told yet."""
        return any(
            channel == SUPPORT_CHANNEL and _CUSTOMERS_WAIT in words for (channel, _), words in self._shown.items()
        )

    def _promises(self, company: Company, source_id: str) -> None:
        world, account = self.world, self.world.account_of(source_id)
        now = world.clock.now()
        if self._judged.get(source_id, BEGINNING) + _LOOK > now:
            return
        self._judged[source_id] = now
        if not self.silent:
            self._alarm(company, source_id, account, now)
        if self.promised[source_id].stopped:
            return
        # The second refusal: the first one may have come to a run that was stopped by a person.
        refused = account.refusals[1] if len(account.refusals) > 1 else None
        told = self._disconnected.get(source_id, BEGINNING)
        tell_by = max(refused or BEGINNING, self.speaks_since, self._changed.get(source_id, BEGINNING)) + TOLD_IN
        if refused and not self.silent and now > tell_by and told < refused - _DAY:
            self._complain(f"{account.name} refuses since {refused}, and nobody was told that it is disconnected")
        well = max(account.since or BEGINNING, self.awake_since, self._changed.get(source_id, BEGINNING))
        if account.mood is not Mood.WELL or now < well + _GRACE:
            return
        last = account.reads[-1].began if account.reads else BEGINNING
        every = self.promised[source_id].collected_every()
        # The first time of another schedule is the next one.
        if every is not None and now > max(last, self._changed.get(source_id, BEGINNING)) + every + _GRACE:
            self._complain(f"{account.name} is well since {well}, and was not collected since {last}")

    def _alarm(self, company: Company, source_id: str, account: Account, now: datetime) -> None:
        """Judge what is said, or not said, of a source that is late, fails, or is well."""
        promised, said = self.promised[source_id], self._alarms[company.channel].said(source_id)
        news = max(
            self.speaks_since, self.awake_since, self._changed.get(source_id, BEGINNING), promised.mute_ends(now)
        )
        known = [read_to for name in NAMES if (read_to := account.read_to(name)) is not None]
        late = promised.late_at(min(known)) if len(known) == len(NAMES) else None
        last = account.reads[-1] if account.reads else None
        told = bool(said) or promised.is_muted(now)
        if late is not None and not told and now > max(news, self._allowed(late)) + TOLD_IN:
            self._once(source_id, late, f"{account.name} is late since {late}, and nobody is told")
        if last is None or self.cancelled_at > last.began - _FLEET_HOLDS:
            return
        fails = last.mood in _KNOWN_AT_ONCE and account.mood is last.mood and not promised.stopped and promised.every
        # The very first read of an account that answers with nothing is as good as any.
        whole = last.ended is not None and set(last.whole) == set(NAMES)
        if fails and not whole and not told and now > max(news, self._allowed(last.began)) + TOLD_IN:
            self._once(source_id, last.began, f"{account.name} fails since {last.began}, and nobody is told")
        well = last.mood is Mood.WELL and last.ended is not None and set(last.whole) == set(NAMES)
        in_time = late is None or (now < late and not promised.by_times)
        if (
            well
            and in_time
            and account.mood is Mood.WELL
            and said == "troubled"
            and now > max(news, last.began) + _OVER_IN
        ):
            self._once(
                source_id, last.began, f"{account.name} was read at {last.began}, and is still said to be in trouble"
            )

    def _allowed(self, since: datetime) -> datetime:
        """Return when customers must be told at the latest of what is so since then: support may be told first."""
        return max(since, min(self._held_at, since + _FLEET_HOLDS))

    def _once(self, source_id: str, since: datetime, words: str) -> None:
        if (source_id, str(since), words) not in self._said:
            self._said.add((source_id, str(since), words))
            self._complain(words)

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
        as_of, promised = status.last_data_refresh, self.promised[status.source.id]
        if status.freshness is not Freshness.FRESH:
            return
        late = promised.fresh_until(as_of) if as_of is not None else BEGINNING
        if now > late + TOLERANCE:
            self._complain(f"{status.source.account} is called fresh, as of {as_of}, and is late since {late}")

    def _complain(self, words: str) -> None:
        self.complaints.append(f"{self.world.clock.now():%Y-%m-%d %H:%M:%S} {words}")


def small_lake(world: Simulated) -> Look:
    """Return how the rows of the warehouse in memory are looked at."""

    def look(organization_id: str, source_id: str) -> Mapping[str, Mapping[str, int]]:
        part = world.small_lakes.lake(organization_id).part(source_id)
        return {name.rpartition("_")[2]: rows for name, rows in part.ready.items()}

    return look
