"""Support is told what did not happen: by Slack and by mail, and once when it is made up.

What joins after a report went out is never put under that report without a word, for nobody reads a sent mail again:
it has a report of its own, and what comes meanwhile is gathered for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.work import Work
from storage.facts.deliveries import Channel, Delivery
from storage.facts.expectations import ExpectationKind
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.records import deliveries, expectations, missed_reports, organizations, overdue, sources
from storage.sessions import Database, Session
from templates.notices.missed import MissedFacts, made_up, missed

MISSED_REPORT = "missed_report"
MISSED_OVER = "missed_over"
#: Reports of one kind are at least so far apart, and what is found meanwhile is gathered for the next one. With the
#: grace of a slot and two sweeps, support hears of every slot within five minutes of its time.
GATHER = timedelta(seconds=100)
#: For so long no more is said of one company's messages; then how many more there are.
_SAME_TROUBLE = timedelta(hours=1)
_KEEP_TRYING = timedelta(hours=24)
_MOST_NAMES = 5

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
    session: Session, enqueue: Enqueue, ways: list[tuple[Channel, str]], kind: str, subject: str, now: datetime
) -> list[str]:
    """Write deliveries to the operator's people and return the ids of those that are new.

    They belong to the first organization, for want of one of the operator's own, and name nothing of anybody.
    """
    owner = overdue.first_organization(session)
    if owner is None:
        return []
    new = []
    for channel, place in ways:
        delivery_id = deliveries.add(
            session,
            organization_id=owner,
            kind=kind,
            subject=subject,
            channel=channel,
            destination=place,
            member_id=None,
            now=now,
            expires_at=now + _KEEP_TRYING,
        )
        if delivery_id is not None:
            enqueue(session, Work("delivery", delivery_id, queue="notify"))
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
            if not self._database.in_read(partial(_gathers, kind=kind, now=now)):
                self._database.in_write(partial(self._reported, kind=kind, now=now))
        for report_id in self._database.in_read(missed_reports.made_up):
            self._database.in_write(partial(self._over, report_id=report_id, now=now))

    def _reported(self, session: Session, kind: ExpectationKind, now: datetime) -> None:
        if kind is ExpectationKind.DELIVERY:
            # More messages of a company of which support was just told are the same trouble, and nothing new.
            for organization_id, report_id in expectations.known_troubles(session, kind, now - _SAME_TROUBLE).items():
                expectations.report(session, kind, report_id, organization_id=organization_id)
        first = expectations.first_missed(session, kind)
        if first is None or _gathers(session, kind, now):
            return
        report_id = derived_id("mis", first)
        # Whoever else saw the same first one waits here, and finds that it is told.
        if not missed_reports.add(session, report_id, kind, now):
            return
        expectations.report(session, kind, report_id)
        self._tell(session, MISSED_REPORT, report_id, now)
        if not expectations.is_open(session, report_id):
            # It is made up already, and the one message says so.
            missed_reports.close(session, report_id, now)

    def _over(self, session: Session, report_id: str, now: datetime) -> None:
        if missed_reports.close(session, report_id, now):
            self._tell(session, MISSED_OVER, report_id, now)

    def _tell(self, session: Session, kind: str, report_id: str, now: datetime) -> None:
        if not tell_support(session, self._enqueue, self._places.ways(), kind, report_id, now):
            log.error("missed_told_nobody", report=report_id)


def _gathers(session: Session, kind: ExpectationKind, now: datetime) -> bool:
    last = missed_reports.last_opened(session, kind)
    # A clock that was set back must not gather until it is where it was.
    return last is not None and timedelta(0) <= now - last < GATHER


def missed_words() -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are ours."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        return missed(_facts(session, delivery.subject))

    def over(session: Session, delivery: Delivery, _now: datetime) -> Message:
        return made_up(_facts(session, delivery.subject))

    return {MISSED_REPORT: told, MISSED_OVER: over}


def _facts(session: Session, report_id: str) -> MissedFacts:
    found = expectations.of_report(session, report_id)
    if not found:
        raise KeyError(report_id)
    settled = [one.settled_at for one in found if one.settled_at is not None]
    named = {one.source_id: None for one in found if one.source_id}
    return MissedFacts(
        kind=found[0].kind,
        count=len(found),
        settled=len(settled),
        first_due=found[0].due_at,
        last_due=found[-1].due_at,
        settled_at=max(settled, default=None),
        names=tuple(name for source_id in list(named)[:_MOST_NAMES] if (name := _name(session, source_id))),
        more=max(0, len(named) - _MOST_NAMES),
    )


def _name(session: Session, source_id: str) -> str | None:
    try:
        source = sources.source(session, source_id)
    except KeyError:
        return None
    return f"{source.label} ({organizations.organization(session, source.organization_id).name})"
