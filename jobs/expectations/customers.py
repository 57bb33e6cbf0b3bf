"""What the ledger's absences mean for the companies whose sources they are about."""

from datetime import datetime

from jobs.expectations.ledger import Missed
from jobs.incidents.lateness import noticed
from jobs.notify.notifier import Notifier
from storage.facts.expectations import Expectation
from storage.sessions import Session


def of_sources(notifier: Notifier) -> Missed:
    """Return what looks at the source that something was missed of: late by its promise, or held while many are."""

    def missed(session: Session, one: Expectation, now: datetime) -> None:
        if one.source_id is not None and one.organization_id is not None:
            noticed(session, one.organization_id, one.source_id, now, notifier)

    return missed
