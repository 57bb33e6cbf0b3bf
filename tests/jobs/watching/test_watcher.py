"""The watcher finds what stands still while processes live, tells it once and its end once, over its own restarts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.deliver.results import Accepted, Refused, Result
from jobs.expectations.beats import ClockBeat
from jobs.watching.troubles import LEDGER_STILL, WORKER_DEAD, Trouble, TroubleCode, troubles_of
from jobs.watching.watcher import Watcher
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel
from storage.facts.expectations import Pulse
from storage.looking import look_once
from storage.records import deliveries, overdue, workers
from storage.sessions import Database, Session
from templates.mail import Mail
from tests.storage.test_seeding import ORGANIZATION, seed

MINUTE = timedelta(minutes=1)


class Post:
    """A mail server that takes mails, or does not."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.works = True

    async def send(self, letter: Mail, key: str, _now: datetime) -> Result:
        """Take a mail, in its time."""
        if not self.works:
            return Refused("the mail server cannot be reached", final=False)
        self.taken.append(letter.subject)
        return Accepted(key)


class Watched:
    """A Tidings as the watcher sees it: rows that somebody keeps fresh, or does not."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = OffsetClock()
        self.post = Post()
        self.state = folder / "watch.json"
        self.beat = ClockBeat(database, self.clock)
        seed(database)

    def watcher(self, url: str | None = None) -> Watcher:
        """Return a watcher that began just now."""
        return Watcher(url or self.database.url, self.clock, self.post.send, self.state)

    async def lives(self) -> None:
        """Beat, as a worker and as a clock."""
        self.database.in_write(lambda session: workers.register(session, "worker", "all"))
        await self.beat.sweep()()

    def send(self, subject: str) -> None:
        """Put a message into the outbox."""
        now = self.clock.now()
        self.database.in_write(
            lambda session: deliveries.add(
                session, organization_id=ORGANIZATION, kind="incident_card", subject=subject, channel=Channel.SLACK,
                destination="T0TEMERITY/C0FINANCE", member_id=None, now=now, expires_at=now + timedelta(days=1),
            )
        )  # fmt: skip


async def test_a_clock_that_stands_still_is_told_once_and_its_end_once(database: Database, tmp_path: Path) -> None:
    watched = Watched(database, tmp_path)
    await watched.lives()
    assert await watched.watcher().look() == []
    stopped = watched.clock.now()
    while not watched.post.taken and watched.clock.now() < stopped + 5 * MINUTE:
        # Each look is one of a process of its own, as with cron.
        watched.clock.advance(MINUTE / 2)
        await watched.watcher().look()
    assert watched.clock.now() - stopped < 5 * MINUTE
    assert watched.post.taken == ["Tidings: its clock stands still"]
    watched.clock.advance(timedelta(hours=1))
    assert await watched.watcher().look() == [TroubleCode.CLOCK]
    assert len(watched.post.taken) == 1
    await watched.lives()
    for _ in range(2):
        assert await watched.watcher().look() == []
    assert watched.post.taken[1:] == ["Over: Tidings works again (its clock stands still)"]


async def test_what_could_not_be_mailed_is_mailed_later(sqlite_database: Database, tmp_path: Path) -> None:
    watched = Watched(sqlite_database, tmp_path)
    await watched.lives()
    watched.post.works = False
    watched.clock.advance(10 * MINUTE)
    await watched.watcher().look()
    watched.post.works = True
    await watched.watcher().look()
    assert len(watched.post.taken) == 1


async def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path, sqlite_database: Database) -> None:
    watched = Watched(sqlite_database, tmp_path)
    gone = watched.watcher(f"sqlite:///{tmp_path / 'elsewhere' / 'tidings.db'}")
    assert await gone.look() == [TroubleCode.DATABASE]
    # A restart is no trouble.
    assert watched.post.taken == []
    watched.clock.advance(2 * MINUTE)
    await gone.look()
    assert watched.post.taken == ["Tidings: its database cannot be read"]


async def test_looking_changes_nothing_and_takes_no_lock(sqlite_database: Database) -> None:
    def write(session: Session) -> int:
        from sqlalchemy import text

        return session.execute(text("DELETE FROM workers")).rowcount  # type: ignore[attr-defined,no-any-return]

    with sqlite_database.write() as session:
        workers.register(session, "worker", "all")
        # Beside a transaction that holds the write lock.
        assert look_once(sqlite_database.url, lambda inner: overdue.pulse(inner, WORKER_DEAD)).workers == 0
    with pytest.raises(RuntimeError, match="readonly"):
        look_once(sqlite_database.url, write)


def by_processes_alone(pulse: Pulse, _now: datetime) -> list[TroubleCode]:
    """Twin: all is well while a process lives."""
    return [] if pulse.workers else [TroubleCode.WORKERS]


def product(pulse: Pulse, now: datetime) -> list[TroubleCode]:
    return [trouble.code for trouble in troubles_of(pulse, now)]


NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
WELL = Pulse(
    clock_due_at=NOW + timedelta(seconds=5), workers=1, next_alarm_at=NOW + MINUTE, unsent=0, unsent_since=None,
    tried_at=None, has_sources=True,
)  # fmt: skip
STANDING = {
    "clock": (replace(WELL, clock_due_at=NOW - 3 * MINUTE), TroubleCode.CLOCK),
    "clock never began": (replace(WELL, clock_due_at=None), TroubleCode.CLOCK),
    "outbox": (replace(WELL, unsent=3, unsent_since=NOW - 5 * MINUTE), TroubleCode.OUTBOX),
    "outbox long ago": (
        replace(WELL, unsent=3, unsent_since=NOW - 9 * MINUTE, tried_at=NOW - 5 * MINUTE), TroubleCode.OUTBOX
    ),
    "ledger": (replace(WELL, next_alarm_at=NOW - 5 * MINUTE), TroubleCode.EXPECTATIONS),
}  # fmt: skip


@pytest.mark.parametrize("name", STANDING)
def test_work_that_is_not_done_is_a_trouble_while_processes_live(name: str) -> None:
    pulse, code = STANDING[name]
    judges: list[Callable[[Pulse, datetime], list[TroubleCode]]] = [product, by_processes_alone]
    assert [judge(pulse, NOW) for judge in judges] == [[code], []]


def test_a_ledger_that_is_patient_after_a_standstill_is_no_alarm_and_a_dead_one_is_in_time() -> None:
    patience, look_every = timedelta(seconds=150), timedelta(seconds=30)

    def fits(found: Trouble) -> bool:
        return patience + look_every <= found.confirm <= 5 * MINUTE - LEDGER_STILL - look_every

    (found,) = troubles_of(replace(WELL, next_alarm_at=NOW - 60 * MINUTE), NOW)
    assert fits(found)
    # Twins: one that cries at once after every standstill, and one that is too late.
    assert not any(fits(replace(found, confirm=wrong)) for wrong in (timedelta(0), 4 * MINUTE))


def test_what_is_only_slow_is_none() -> None:
    tried = replace(WELL, unsent=3, unsent_since=NOW - 9 * MINUTE, tried_at=NOW - MINUTE)
    for pulse in (WELL, tried, replace(WELL, clock_due_at=NOW - MINUTE), replace(WELL, has_sources=False, workers=0)):
        assert troubles_of(pulse, NOW) == []
    assert product(replace(WELL, workers=0), NOW) == [TroubleCode.WORKERS]


async def test_the_outbox_is_seen_in_the_rows(sqlite_database: Database, tmp_path: Path) -> None:
    watched = Watched(sqlite_database, tmp_path)
    watched.send("inc_1")
    watched.clock.advance(5 * MINUTE)
    await watched.lives()
    assert await watched.watcher().look() == [TroubleCode.OUTBOX]
    assert watched.post.taken == ["Tidings: its messages are not sent"]
