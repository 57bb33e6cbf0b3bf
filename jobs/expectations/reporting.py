"""Support is told what did not happen: by Slack and by mail, and once when it is made up.

What joins an open report is put under it, and its post in Slack is edited within a minute. Never without a word: an
edit rings no bell, and nobody reads a sent mail again. So a message follows that names what joined; the first one
after 100 seconds, each next one after twice as long, every hour at last, so that a clock that stands still while its
slots fall due one by one brings no message for each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.expectations.missed_view import BEFORE, MISSED_MORE, MISSED_OVER, MISSED_REPORT, SINCE, TOTAL
from jobs.notify.adding import add_message
from storage.facts.deliveries import Channel, Delivery
from storage.facts.expectations import ExpectationKind
from storage.facts.ids import derived_id
from storage.records import cards, deliveries, expectations, missed_reports, overdue
from storage.records.missed_reports import LastWord, Living
from storage.sessions import Database, Session

#: Messages about one kind are at least so far apart. With the grace of a slot and two sweeps, support hears of the
#: first slot within five minutes of its time, and reads of every later one in Slack by then.
GATHER = timedelta(seconds=100)
#: Messages about what joins are at most so far apart; so long no more is said of one company's messages.
_LONGEST_WAIT = timedelta(hours=1)
#: A report takes in what joins for so long; a later one is found more easily at the end of the channel.
LIVES = timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SupportPlaces:
    """Where the operator's own people are told: ``team/channel`` and an address; empty where there is none."""

    channel: str
    email: str

    def ways(self) -> list[tuple[Channel, str]]:
        """Return every way there is."""
        ways = [(Channel.SLACK, self.channel), (Channel.EMAIL, self.email)]
        return [(channel, place) for channel, place in ways if place]


def tell_support(
    session: Session,
    enqueue: Enqueue,
    ways: list[tuple[Channel, str]],
    kind: str,
    subject: str,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> list[str]:
    """Write deliveries to the operator's people and return the ids of those that are new.

    They belong to the first organization, for want of one of the operator's own, and name nothing of anybody.
    """
    owner = overdue.first_organization(session)
    if owner is None:
        return []
    new = []
    for channel, place in ways:
        delivery_id = add_message(
            session,
            enqueue,
            organization_id=owner,
            kind=kind,
            subject=subject,
            channel=channel,
            destination=place,
            now=now,
            facts=facts,
        )
        if delivery_id is not None:
            new.append(delivery_id)
    return new


class Reporter:
    """Turns what is missed into messages."""

    def __init__(self, database: Database, enqueue: Enqueue, places: SupportPlaces) -> None:
        self._database = database
        self._enqueue = enqueue
        self._places = places

    def report(self, now: datetime) -> None:
        """Report what nobody was told of, and close the reports of what is made up."""
        for kind in self._database.in_read(expectations.kinds_missed):
            if not self._database.in_read(partial(self._gathers, kind=kind, now=now)):
                self._database.in_write(partial(self._reported, kind=kind, now=now))
        for one in self._database.in_read(partial(missed_reports.living, since=now - LIVES)):
            if self._database.in_read(partial(self._word_due, report=one, now=now)) is not None:
                self._database.in_write(partial(self._more, report=one, now=now))
        for report_id in self._database.in_read(missed_reports.made_up):
            self._database.in_write(partial(self._over, report_id=report_id, now=now))

    def _reported(self, session: Session, kind: ExpectationKind, now: datetime) -> None:
        living = self._living(session, kind, now)
        if living is not None:
            if expectations.report(session, kind, living.id):
                cards.wake(session, [living.id], now)
            return
        first = expectations.first_missed(session, kind)
        if first is None or self._gathers(session, kind, now):
            return
        report_id = derived_id("mis", first)
        # Whoever else saw the same first one waits here, and finds that it is told.
        if not missed_reports.add(session, report_id, kind, now):
            return
        total = expectations.report(session, kind, report_id)
        self._tell(session, MISSED_REPORT, report_id, now, {TOTAL: total})
        if not expectations.is_open(session, report_id):
            # It is made up already, and the one message says so.
            missed_reports.close(session, report_id, now)

    def _living(self, session: Session, kind: ExpectationKind, now: datetime) -> Living | None:
        """Return the report that takes in what is missed now."""
        return next((one for one in missed_reports.living(session, now - LIVES) if one.kind is kind), None)

    def _gathers(self, session: Session, kind: ExpectationKind, now: datetime) -> bool:
        """Whether a report must wait, because there was one a moment ago that does not live any more."""
        if self._living(session, kind, now) is not None:
            return False
        last = missed_reports.last_opened(session, kind)
        # A clock that was set back must not gather until it is where it was.
        return last is not None and timedelta(0) <= now - last < GATHER

    def _word_due(self, session: Session, report: Living, now: datetime) -> LastWord | None:
        """Return the last word about a report that more has joined since, when the next one is due."""
        last = missed_reports.last_word(session, report.id, (MISSED_REPORT, MISSED_MORE))
        if last is None or expectations.count_of(session, report.id) <= last.total:
            return None
        wait = min(GATHER * 2**last.number, _LONGEST_WAIT)
        if report.kind is ExpectationKind.DELIVERY:
            # More messages of a company of which support was told are the same trouble, and nothing new.
            known = not expectations.another_company_joined(session, report.id, last.at)
            wait = _LONGEST_WAIT if known else wait
        return None if timedelta(0) <= now - last.at < wait else last

    def _more(self, session: Session, report: Living, now: datetime) -> None:
        """Say what joined: an edited post rings no bell, and nobody reads a sent mail again."""
        last = self._word_due(session, report, now)
        if last is not None:
            facts = {TOTAL: expectations.count_of(session, report.id), BEFORE: last.total, SINCE: last.at.isoformat()}
            self._tell(session, MISSED_MORE, f"{report.id}.{last.number + 1}", now, facts)

    def _over(self, session: Session, report_id: str, now: datetime) -> None:
        if missed_reports.close(session, report_id, now):
            self._tell(session, MISSED_OVER, report_id, now)
            cards.wake(session, [report_id], now)

    def _tell(
        self, session: Session, kind: str, report_id: str, now: datetime, facts: Mapping[str, object] | None = None
    ) -> None:
        new = tell_support(session, self._enqueue, self._places.ways(), kind, report_id, now, facts)
        if not new:
            log.error("missed_told_nobody", report=report_id)
        if kind == MISSED_REPORT:
            for one in (deliveries.delivery(session, delivery_id) for delivery_id in new):
                _living_post(session, one)


def _living_post(session: Session, delivery: Delivery) -> None:
    """Let the post of a report be edited as long as anything of it is missing."""
    if delivery.channel is Channel.SLACK:
        team_id, channel_id = delivery.destination.split("/")
        cards.add(
            session, organization_id=delivery.organization_id, kind=delivery.kind, subject=delivery.subject,
            team_id=team_id, channel_id=channel_id, delivery_id=delivery.id,
        )  # fmt: skip
