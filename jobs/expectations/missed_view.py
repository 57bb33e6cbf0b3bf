"""What the reports about what did not happen say: from the ledger as it is now."""

from collections.abc import Callable, Mapping
from datetime import datetime

from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.records import deliveries, expectations, missed_reports, organizations, sources
from storage.sessions import Session
from templates.notices.missed import MissedFacts, made_up, missed, more

#: a report, a word about what joined it, and the word that all of it is made up for
MISSED_REPORT, MISSED_MORE, MISSED_OVER = "missed_report", "missed_more", "missed_over"
MISSED_KINDS = frozenset({MISSED_REPORT, MISSED_MORE, MISSED_OVER})
#: facts of a delivery: how much the report spoke of when it was written, and when the one before was
TOTAL, BEFORE, SINCE = "total", "before", "since"
_MOST_NAMES = 5

#: As `jobs.deliver.posting.Words`, which reads this module.
Words = Callable[[Session, Delivery, datetime], Message]


def missed_words() -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are ours."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        return report_message(session, delivery.subject, now)

    def joined(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        since = datetime.fromisoformat(str(facts[SINCE]))
        count = int(str(facts[TOTAL])) - int(str(facts[BEFORE]))
        return more(_facts(session, delivery.subject.partition(".")[0], since), count)

    def over(session: Session, delivery: Delivery, _now: datetime) -> Message:
        return made_up(_facts(session, delivery.subject))

    return {MISSED_REPORT: told, MISSED_MORE: joined, MISSED_OVER: over}


def report_message(session: Session, report_id: str, _now: datetime) -> Message:
    """Return what a report says now; KeyError where it is gone."""
    return missed(_facts(session, report_id))


def is_made_up(session: Session, report_id: str) -> bool:
    """Whether a report will not change any more."""
    return missed_reports.is_closed(session, report_id)


def _facts(session: Session, report_id: str, since: datetime | None = None) -> MissedFacts:
    """Return the whole report; its names are those of what was missed after that instant, if there are any."""
    found = expectations.sum_of(session, report_id)
    if found is None:
        raise KeyError(report_id)
    names, named = expectations.sources_of(session, report_id, since, _MOST_NAMES)
    return MissedFacts(
        kind=found.kind,
        count=found.count,
        settled=found.settled,
        first_due=found.first_due,
        last_due=found.last_due,
        settled_at=found.settled_at,
        names=tuple(name for source_id in names if (name := _name(session, source_id))),
        more=max(0, named - _MOST_NAMES),
        messages=expectations.messages_of(session, report_id, since),
    )


def _name(session: Session, source_id: str) -> str | None:
    try:
        source = sources.source(session, source_id)
    except KeyError:
        return None
    return f"{source.label} ({organizations.organization(session, source.organization_id).name})"
