"""Where files are delivered, their rhythm is observed, and the next one that does not come by it is an event."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from jobs.expectations.customers import of_sources
from jobs.expectations.judging import Judge
from jobs.expectations.ledger import Ledger
from jobs.expectations.reporting import Reporter, SupportPlaces
from jobs.file_rhythm import Came, file_turns, next_file, observed
from jobs.promises import next_file_at
from jobs.status import statuses
from storage.facts.expectations import ExpectationKind, ExpectationState
from storage.facts.incidents import IncidentKind
from storage.facts.rhythms import FileRhythm, read_rhythm
from storage.facts.sources import Freshness, Provider, Source
from storage.records import expectations
from storage.sessions import Database
from storage.tables import SourceRow
from tests.jobs.incidents.troubled import ZONE, Company

NEW_YORK = ZoneInfo(ZONE)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: a Monday, and the days after it on which files come
MONDAY = datetime(2026, 11, 2, tzinfo=NEW_YORK)
Observe = Callable[[Sequence[Came], ZoneInfo], FileRhythm | None]


def files(*days: int, hour: int = 6) -> list[Came]:
    """Return files of these days after the Monday, up to that local hour, here 80 minutes later."""
    ends = [datetime.combine((MONDAY + day * DAY).date(), MONDAY.time().replace(hour=hour), NEW_YORK) for day in days]
    return [(end.astimezone(UTC), end.astimezone(UTC) + timedelta(minutes=80)) for end in ends]


def counts_weekends(came: Sequence[Came], zone: ZoneInfo) -> FileRhythm | None:
    """Twin: expects files of a working week at the weekend as well."""
    found = observed(came, zone)
    return FileRhythm(found.daily, found.minutes, found.lag_minutes, weekdays=False) if found else None


@pytest.mark.parametrize("observe, right", [(observed, True), (counts_weekends, False)], ids=["product", "twin"])
def test_a_working_week_expects_nothing_at_the_weekend(observe: Observe, *, right: bool) -> None:
    came = files(0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
    rhythm = observe(came, NEW_YORK)
    assert rhythm is not None
    friday, _ = came[-1]
    by = next_file(rhythm, friday, NEW_YORK).astimezone(NEW_YORK)
    assert (by.strftime("%a %H:%M") == "Mon 07:20") == right
    sunday = (MONDAY + 13 * DAY).replace(hour=20)
    assert (sunday < file_turns(rhythm, friday, NEW_YORK)[0]) == right


def test_what_rhythms_are_observed() -> None:
    assert observed(files(0, 1, 2, 3), NEW_YORK) is None
    every_day = observed(files(*range(9)), NEW_YORK)
    assert str(every_day) == "at 06:00 lag 80"
    weekly = observed(files(0, 7, 14, 21, 28), NEW_YORK)
    assert str(weekly) == "every 7200 lag 80 weekdays"
    assert weekly is not None
    (tuesday, _), (_, thursday) = files(1)[0], files(3)[0]
    assert next_file(weekly, tuesday, NEW_YORK) == files(8)[0][1]
    assert next_file(weekly, files(3)[0][0], NEW_YORK) - thursday == 7 * DAY
    for rhythm in (every_day, weekly):
        assert rhythm is not None
        assert read_rhythm(str(rhythm)) == rhythm
    # A day of their outage is no rhythm, and the hour stands over the change of the clocks.
    summer = [
        (datetime(2026, 10, day, 10, tzinfo=UTC), datetime(2026, 10, day, 11, tzinfo=UTC)) for day in range(20, 31)
    ]
    assert every_day is not None
    assert str(observed([one for one in summer if one[0].day != 24], NEW_YORK)) == "at 06:00 lag 60"
    before = datetime(2026, 10, 31, 10, tzinfo=UTC)
    assert next_file(every_day, before, NEW_YORK) == datetime(2026, 11, 1, 12, 20, tzinfo=UTC)
    with pytest.raises(ValueError, match="not a rhythm"):
        read_rhythm("at noon")


def test_the_end_of_a_day_that_comes_in_the_morning_is_waited_for_once() -> None:
    rhythm = FileRhythm(MONDAY.time().replace(hour=23, minute=59), 0, 441, weekdays=False)
    sunday = datetime(2026, 11, 8, 23, 59, tzinfo=NEW_YORK)
    for ended in (sunday, sunday + timedelta(minutes=9), sunday - timedelta(minutes=9)):
        assert next_file(rhythm, ended, NEW_YORK) == datetime(2026, 11, 10, 7, 20, tzinfo=NEW_YORK)


class Delivered(Company):
    """A company to which one source's files are delivered every working day."""

    def week(self) -> Source:
        """Let two weeks of files come, and return the source."""
        (source,) = self.founded("temerity", Provider.NETSUITE, minutes=1440)
        self.database.in_write(lambda session: _push(session, source))
        for as_of, taken in files(0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
            self.at = taken
            self.ready(source, as_of)
        return self.source(source.id)

    def ledger(self) -> Ledger:
        """Return a ledger that tells the company."""
        reporter = Reporter(self.database, lambda *_: None, SupportPlaces("", ""))
        return Ledger(self.database, self.clock, Judge(frozenset()), reporter, [of_sources(self.notifier)])


def _push(session: Session, source: Source) -> None:
    session.get_one(SourceRow, source.id).mode = "push"


async def look(company: Company, ledger: Ledger, times: int) -> None:
    """Let the clock sweep twice a minute."""
    for _ in range(times):
        await company.passes(seconds=30)
        ledger.tick()


async def test_a_file_that_does_not_come_is_an_event_and_an_incident(sqlite_database: Database) -> None:
    company = Delivered(sqlite_database)
    source = company.week()
    assert next_file_at(source, files(11)[0][0]) == files(14)[0][1]
    (found,) = company.database.in_read(lambda s: statuses(s, [source], company.at, budget=0))
    assert found.next_file_at == files(14)[0][1]

    def open_rows() -> list[tuple[datetime, ExpectationState]]:
        rows = company.database.in_read(lambda s: expectations.of_subject(s, ExpectationKind.FILE, source.id))
        return [(one.due_at, one.state) for one in rows if one.settled_at is None]

    # Every file before came in its time.
    assert open_rows() == [(files(14)[0][1], ExpectationState.EXPECTED)]
    ledger = company.ledger()
    # The weekend and the Monday's morning pass.
    company.at = files(14)[0][1] + 4 * HOUR - timedelta(minutes=9)
    await look(company, ledger, times=16)
    assert company.open(source) is None
    await look(company, ledger, times=16)
    incident = company.open(source, IncidentKind.LATE)
    assert incident is not None
    assert incident.reason == "no new file since 13 Nov 2026 06:00 EST; one usually comes by 16 Nov 07:20 EST"
    assert (
        company.database.in_read(lambda s: statuses(s, [source], company.at, budget=0))[0].freshness is Freshness.LATE
    )
    assert open_rows()[0][1] is not ExpectationState.EXPECTED
    # It comes after all.
    company.ready(source, company.at - HOUR)
    assert company.open(source) is None
    assert [state for _, state in open_rows()] == [ExpectationState.EXPECTED]
