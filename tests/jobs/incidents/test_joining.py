"""What joins a message after it was sent is named below it and by a mail of its own, and what did not is not."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from jobs.escalation import deadline_sweep
from jobs.notify.notifier import Notifier
from storage.facts.sources import Provider, Source
from storage.records import deliveries
from storage.sessions import Database
from storage.tables import DeliveryRow, MemberRow
from tests.jobs.incidents.troubled import Company

NOTE, MAIL = "incident_note", "incident_mail"
ADDRESS = "ada@temerity.example"


class Silent(Notifier):
    """Twin: leaves it to the edited post."""

    def incident_joined(
        self, session: Session, incident_id: str, what: str, joined: list[Source], joined_at: datetime, now: datetime
    ) -> None:
        """Say nothing."""


def with_mail(company: Company) -> None:
    """Give the company's admin an address."""

    def write(session: Session) -> None:
        ada = session.get_one(MemberRow, "mem_temerity")
        ada.email, ada.email_confirmed_at = ADDRESS, company.at
        session.add(ada)

    company.database.in_write(write)


def sent(company: Company) -> None:
    """Send everything that waits, as it is now."""

    def write(session: Session) -> None:
        for row in session.exec(select(DeliveryRow).where(DeliveryRow.state == "pending")).all():
            deliveries.begin_attempt(session, row.id, row.attempts, company.at)

    company.database.in_write(write)


async def until_late(company: Company) -> None:
    """Let time pass until the first source is late."""
    while not company.all():
        await company.passes(minutes=1)


@pytest.mark.parametrize("kind", [Notifier, Silent], ids=["product", "twin"])
async def test_what_joins_is_named_once_in_thread_and_mail(sqlite_database: Database, kind: type[Notifier]) -> None:
    company = Company(sqlite_database)
    company.notifier = kind(lambda *_: None, support_channel="T0SUPPORT/C0SUP", support_email="s@t.example")
    company.deadlines = deadline_sweep(sqlite_database, company.clock, company.notifier, lambda *_: None)
    found = company.founded("temerity", Provider.SHOPIFY, Provider.AMAZON, Provider.NETSUITE, Provider.SHOPIFY)
    with_mail(company)
    # The first is late; then two together four minutes later, and one after six more.
    for source, later in zip(found, (0, 4, 4, 10), strict=True):
        company.ready(source, company.at - timedelta(minutes=60 - later))
    await until_late(company)
    sent(company)
    await company.passes(minutes=3)
    first, *joined = company.all()
    assert (len(joined), company.told(NOTE), len(company.told(MAIL))) == (0, [], 1)
    await company.passes(minutes=4)
    notes, mails = company.told(NOTE), company.told(MAIL)
    assert (len(notes), len(mails)) == ((2, 2) if kind is Notifier else (0, 1))
    if kind is Silent:
        return
    follow_up = next(subject for subject, _ in mails if subject != first.id)
    assert company.says(NOTE, notes[0][0]).summary.startswith("Now also: Amazon")
    mail = company.says(MAIL, follow_up).summary
    assert "2 more sources need a look" in mail
    assert "Amazon" in mail
    assert "shopify-0" not in mail
    # What was not sent yet names the last one by itself.
    await company.passes(minutes=12)
    assert len(company.told(MAIL)) == 3
    assert "4 sources need a look" in company.says(MAIL, first.id).summary


async def test_a_mail_that_is_sent_later_needs_no_other(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    found = company.founded("temerity", Provider.SHOPIFY, Provider.AMAZON)
    with_mail(company)
    for number, source in enumerate(found):
        company.ready(source, company.at - timedelta(minutes=60 - number))
    await until_late(company)
    await company.passes(minutes=5)
    assert len(company.all()) == 2
    assert (company.told(NOTE), len(company.told(MAIL))) == ([], 1)
