"""What Slack refuses before an attempt begins, as a person's channel that cannot be asked for, is tried ever less often."""

from datetime import timedelta
from typing import Any, cast

import pytest

from jobs.deliver.again import Again
from jobs.deliver.handler import DeliveryHandler
from jobs.deliver.posting import Posting
from jobs.deliver.results import Refused
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import REFRESH_FINISHED
from jobs.work import Work
from storage.facts.deliveries import Channel, Delivery
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import deliveries
from storage.sessions import Database, Session
from tests.jobs.incidents.troubled import Company


class Hurried(DeliveryHandler):
    """Twin: waits by its attempts alone."""

    async def _refused(self, delivery: Delivery, refused: Refused) -> Again | None:
        again = await super()._refused(delivery, refused)
        return None if again is None else Again(min(again.seconds, 2.0 ** min(delivery.attempts, 6)))


@pytest.mark.parametrize("kind, patient", [(DeliveryHandler, True), (Hurried, False)], ids=["handler", "twin"])
async def test_it_is_tried_less_and_less_often(
    sqlite_database: Database, kind: type[DeliveryHandler], *, patient: bool
) -> None:
    company = Company(sqlite_database)
    company.founded("acme", Provider.SHOPIFY)
    # Nothing listens there.
    sender = SlackSender("http://127.0.0.1:1/api/", _token, seconds=2)
    posting = Posting(sqlite_database, company.clock, sender)
    handler = kind(
        sqlite_database, company.clock, _nothing, company.notifier, posting, cast("Any", None), may_act=lambda: True
    )
    began = company.at
    delivery_id = sqlite_database.in_write(
        lambda session: deliveries.add(
            session,
            organization_id="org_acme",
            kind=REFRESH_FINISHED,
            subject="rfr_1",
            channel=Channel.SLACK,
            destination="T0ACME/U0ADMIN",
            member_id=None,
            now=began,
            expires_at=began + timedelta(hours=1),
        )
    )
    waits = list[float]()
    while company.at < began + timedelta(minutes=4):
        again = await handler.attempt(delivery_id or "")
        assert again is not None
        waits.append(again.seconds)
        company.at += timedelta(seconds=again.seconds)
    await sender.close()
    left = sqlite_database.in_read(lambda session: deliveries.delivery(session, delivery_id or ""))
    assert (left.attempts, waits[0] <= 2, max(waits) <= 60) == (0, True, True)
    assert (len(waits) < 40) == patient


def _nothing(session: Session, work: Work) -> object:
    pytest.fail(f"nothing is enqueued here, but {work} in {session}")


async def _token(_team_id: str) -> Secret | None:
    return Secret("xoxb-of-a-test")
