"""An endless row of failures is one message about all of them: the first is told at once, and no source is left out."""

import os
from datetime import datetime

import pytest

from jobs.incidents.trouble import BURST, open_trouble
from jobs.notify.kinds import INCIDENT_CARD
from jobs.notify.notifier import Notifier
from storage.facts.incidents import IncidentKind
from storage.facts.sources import Provider, Source
from storage.records import organizations
from storage.sessions import Database, Session
from tests.jobs.incidents.troubled import Company

FAILURES = 100_000 if os.environ.get("SOAK") else 600
SOURCES = 6


class DropsTheFirst(Notifier):
    """The bug: a cap that counts failures, and takes the first of many for one too many."""

    dropped = ""

    def incident(self, session: Session, incident_id: str, source: Source, now: datetime) -> None:
        self.dropped = self.dropped or incident_id
        if incident_id != self.dropped:
            super().incident(session, incident_id, source, now)


def _wrong(company: Company, found: list[Source]) -> list[str]:
    """Let the sources fail on and on within a quarter of an hour, and return what is wrong about what was told."""

    def fail(session: Session) -> None:
        organizations.lock(session, found[0].organization_id)
        for number in range(FAILURES):
            now = company.at + BURST * 0.9 * (number / FAILURES)
            reason = f"failure {number}"
            open_trouble(session, found[number % SOURCES], IncidentKind.FAILING, reason, now, company.notifier)

    company.database.in_write(fail)
    first, *others = company.all()
    told = company.told(INCIDENT_CARD)
    wrong = [] if len(told) == len(("the channel", "the admin")) else [f"{len(told)} messages"]
    if len(others) != SOURCES - 1 or any(one.message_id != first.id for one in others):
        wrong.append("a source is missing")
    return wrong


@pytest.mark.parametrize("broken", [False, True])
def test_failures_without_end_are_one_message_and_the_first_is_told(sqlite_database: Database, *, broken: bool) -> None:
    company = Company(sqlite_database)
    if broken:
        company.notifier = DropsTheFirst(lambda _session, _work: None, support_channel="", support_email="")
    found = company.founded("temerity", *[Provider.SHOPIFY] * SOURCES)
    assert bool(_wrong(company, found)) is broken
    if not broken:
        assert "6 sources need a look" in company.says(INCIDENT_CARD, company.all()[0].id).summary
