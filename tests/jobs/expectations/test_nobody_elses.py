"""What the operator's people are told is carried by a customer's id, and shows nowhere at that customer."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.expectations.canary import CANARY
from jobs.expectations.missed_view import MISSED_KINDS
from jobs.expectations.reporting import tell_support
from jobs.notify.kinds import PLACE_DEAD, REPEATABLE
from jobs.notify.notifier import Notifier
from jobs.timelines import TimelineService
from storage.facts.deliveries import Channel, Delivery
from storage.facts.operators import OPERATORS_KINDS
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import Provider
from storage.records import deliveries, organizations
from storage.sessions import Database
from storage.tables import DeliveryRow
from tests.jobs.incidents.troubled import Company

WAYS = [(Channel.SLACK, "T0SUPPORT/C0SUP"), (Channel.EMAIL, "s@t.example")]


def told(company: Company) -> list[Delivery]:
    """Tell support everything that is the operator's own, as the product does."""

    def write(session: Session) -> list[str]:
        found = []
        for kind, subject in (*((one, "mis_1") for one in sorted(MISSED_KINDS)), (CANARY, "2026-11-20")):
            found += tell_support(session, lambda *_: None, WAYS, kind, subject, company.at)
        company.notifier.fleet(session, "flt_1", "org_temerity", company.at)
        return found

    company.database.in_write(write)

    def read(session: Session) -> list[Delivery]:
        rows = session.exec(select(DeliveryRow.id).order_by(DeliveryRow.id)).all()
        return [deliveries.delivery(session, one) for one in rows]

    return company.database.in_read(read)


class Talkative(Notifier):
    """Twin: tells the admins of the organization whose id stands in it."""

    def place_dead(self, session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
        """Tell of any place."""
        for admin in organizations.admins(session, delivery.organization_id):
            self._add(
                session, admin.organization_id, PLACE_DEAD, "ded_1", Channel.SLACK, "T0TEMERITY/U0ADMIN", admin.id, now
            )


@pytest.mark.parametrize("talks", [False, True], ids=["product", "twin"])
async def test_no_customer_sees_what_is_the_operators(
    sqlite_database: Database, tmp_path: Path, *, talks: bool
) -> None:
    company = Company(sqlite_database)
    company.founded("temerity", Provider.SHOPIFY)
    found = told(company)
    assert {one.kind for one in found} == OPERATORS_KINDS
    assert len(found) == 10
    assert {one.organization_id for one in found} == {"org_temerity"}
    # Nobody may have them sent again, and none stands for a person: digests and lists are of people.
    assert not OPERATORS_KINDS & REPEATABLE
    assert {one.member_id for one in found} == {None}
    identity = SlackIdentity("T0TEMERITY", "U0ADMIN")
    member = company.database.in_read(lambda session: organizations.member_by_identity(session, identity))
    desk = Desk(sqlite_database.url)
    try:
        service = TimelineService(desk, company.clock, company.notifier)
        for named in {*(one.id for one in found), *(one.subject for one in found), "last"}:
            with pytest.raises(NotFoundError):
                await service.of(Actor(identity, member), named)
    finally:
        desk.close()
    notifier = Talkative.__new__(Talkative) if talks else company.notifier
    notifier.__dict__.update(company.notifier.__dict__)

    def dead(session: Session) -> None:
        for one in found:
            notifier.place_dead(session, one, "gone", company.at)

    company.database.in_write(dead)
    assert bool(company.told(PLACE_DEAD)) == talks
