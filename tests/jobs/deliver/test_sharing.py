"""Several processes together post a message a second to a channel; escalations do not wait for the others."""

import heapq
import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs.deliver.handler import DeliveryHandler
from jobs.deliver.mail import MailSender
from jobs.deliver.mailing import Mailing
from jobs.deliver.posting import Posting, Prepared
from jobs.deliver.results import Accepted, Refused, Result
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import ESCALATION_STEP, REFRESH_FINISHED
from storage.facts.deliveries import Channel, Delivery
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import deliveries
from storage.sessions import Database, Session
from tests.jobs.incidents.troubled import Company

WORKERS, EACH, BURST = 3, 8, 3


class Slack(Posting):
    """Says everything at once, and notes when; what it says is nobody's business here."""

    def __init__(self, company: Company, said: list[tuple[float, str]]) -> None:
        super().__init__(company.database, company.clock, SlackSender("http://127.0.0.1:1/api/", _token))
        self._company, self._said, self._began = company, said, company.at

    async def prepare(self, delivery: Delivery, _thread_ts: str | None) -> Prepared | Refused:
        """Return what notes it."""

        async def call() -> Result:
            self._said.append(((self._company.at - self._began).total_seconds(), delivery.kind))
            return Accepted(f"{len(self._said)}.0", None)

        return call


async def _token(_team_id: str) -> Secret | None:
    return None


@pytest.mark.parametrize("shared, most", [(True, BURST + 1), (False, None)], ids=["product", "twin"])
async def test_workers_share_the_turns_of_a_channel(
    sqlite_database: Database, most: int | None, *, shared: bool
) -> None:
    company, said = Company(sqlite_database), list[tuple[float, str]]()
    company.founded("acme", Provider.SHOPIFY)
    began = company.at
    mailing = Mailing(sqlite_database, company.clock, MailSender(Secret(""), ""))
    workers = [
        DeliveryHandler(
            sqlite_database,
            company.clock,
            lambda *_: None,
            company.notifier,
            Slack(company, said),
            mailing,
            may_act=lambda: True,
            shared=shared,
        )
        for _ in range(WORKERS)
    ]
    order = itertools.count()
    due = [(0.0, next(order), one, number % WORKERS) for number, one in enumerate(written(company))]
    heapq.heapify(due)
    while due:
        at, _, delivery_id, worker = heapq.heappop(due)
        company.at = began + timedelta(seconds=at)
        again = await workers[worker].attempt(delivery_id)
        if again is not None:
            # The engine gives it to whoever is free.
            heapq.heappush(due, (at + max(again.seconds, 0.001), next(order), delivery_id, (worker + 1) % WORKERS))
    assert len(said) == WORKERS * EACH + 1
    times = [at for at, _ in said]
    # In no second more than a burst and the escalation; in the long run one a second.
    crowded = max(sum(1 for other in times if at <= other < at + 0.9) for at in times)
    assert (most is not None and crowded <= most) == shared
    assert (max(times) >= WORKERS * EACH - BURST) == shared
    assert max(times) <= WORKERS * EACH * 1.5
    assert next(at for at, kind in said if kind == ESCALATION_STEP) == 0


def written(company: Company) -> list[str]:
    """Write deliveries to one channel, an escalation last."""

    def write(session: Session) -> Iterator[str]:
        for number in range(WORKERS * EACH + 1):
            kind = ESCALATION_STEP if number == WORKERS * EACH else REFRESH_FINISHED
            found = deliveries.add(
                session, organization_id="org_acme", kind=kind, subject=f"rfr_{number}", channel=Channel.SLACK,
                destination="T0ACME/C0FINANCE", member_id=None, now=company.at, expires_at=company.at + timedelta(days=1),
            )  # fmt: skip
            assert found is not None
            yield found

    return company.database.in_write(lambda session: list(write(session)))
