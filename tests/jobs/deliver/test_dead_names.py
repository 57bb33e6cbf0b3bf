"""A channel that is gone is named as people knew it."""

import pytest
from sqlmodel import select

from jobs.deliver.dead import dead_words
from jobs.notify.kinds import PLACE_DEAD, REFRESH_FINISHED
from jobs.notify.notifier import Notifier
from storage.facts.deliveries import Channel, Delivery
from storage.facts.people import Action
from storage.facts.sources import Provider
from storage.records import audit, deliveries
from storage.sessions import Database, Session
from storage.tables import DeliveryRow
from tests.jobs.incidents.troubled import Company

ORG, CHANNEL = "org_acme", "C0FINANCE"


class Nameless(Notifier):
    """Twin: knows nothing but the id."""

    def name_of(self, session: Session, delivery: Delivery) -> str | None:
        """Look nowhere."""


@pytest.mark.parametrize(
    "kind, names, said",
    [
        (Notifier, ["money", "finance"], "#finance cannot be told any more"),
        # Where Slack did not tell when it was denied, the id was written down.
        (Notifier, ["finance", CHANNEL], "#finance cannot be told any more"),
        (Notifier, [], "A channel cannot be told any more"),
        (Nameless, ["finance"], "A channel cannot be told any more"),
    ],
    ids=["renamed", "not told", "never", "twin"],
)
def test_a_dead_channel_has_its_last_name(
    sqlite_database: Database, kind: type[Notifier], names: list[str], said: str
) -> None:
    company = Company(sqlite_database)
    company.founded("acme", Provider.SHOPIFY)
    notifier = kind(lambda *_: None, support_channel="", support_email="")

    def write(session: Session) -> None:
        for name in names:
            detail: dict[str, object] = {"channel": name, "allowed": True, "private": False}
            audit.record(session, ORG, "mem_acme", Action.MANAGE_CHANNELS, CHANNEL, company.at, detail)
        lost = deliveries.add(
            session, organization_id=ORG, kind=REFRESH_FINISHED, subject="rfr_1", channel=Channel.SLACK,
            destination=f"T0ACME/{CHANNEL}", member_id=None, now=company.at, expires_at=company.at,
        )  # fmt: skip
        assert lost is not None
        notifier.place_dead(session, deliveries.delivery(session, lost), "channel_not_found", company.at)

    sqlite_database.in_write(write)
    with sqlite_database.read() as session:
        told = session.exec(select(DeliveryRow.id).where(DeliveryRow.kind == PLACE_DEAD)).one()
        message = dead_words()[PLACE_DEAD](session, deliveries.delivery(session, told), company.at)
    assert message.summary.startswith(said)
