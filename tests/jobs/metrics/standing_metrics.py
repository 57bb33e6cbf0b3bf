"""A seeded company with metrics that are calculated, one up to date and one of a source that is older than promised."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from jobs.work import Work
from storage.facts.deliveries import Delivery
from storage.facts.metrics import Dataset, Definition, ItemKind, Metric, MetricState, Period, Selection, Target, Value
from storage.facts.people import Actor, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import Provider, Source
from storage.records import deliveries, metric_keeping, metric_posts, metrics, organizations, sources
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, MetricRow, RunRow
from tests.storage.test_seeding import ORGANIZATION, seed

#: Sunday noon in UTC; in New York the next Monday at nine is 14:00 UTC of November 23
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
FINANCE = "T0TEMERITY/C0FINANCE"
NET = Definition(
    Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "NetIncome", "Net income"), target=Target(Decimal(100))
)


class Company:
    """A company, its QuickBooks source and its metrics on a real database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.enqueued: list[Work] = []
        seed(database)

    @property
    def source(self) -> Source:
        """The QuickBooks company."""
        found = self.database.in_read(lambda session: sources.sources_of(session, ORGANIZATION))
        return next(one for one in found if one.provider is Provider.QUICKBOOKS)

    def actor(self, user_id: str) -> Actor:
        """Return somebody as the database knows them."""
        identity = SlackIdentity("T0TEMERITY", user_id)
        return Actor(
            identity, self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        )

    def enqueue(self, session: Session, work: Work) -> object:
        """Take what is to be sent."""
        assert session.is_active
        self.enqueued.append(work)
        return None

    def ready(self, as_of: datetime) -> None:
        """Let a run of the source be ready, with data up to that instant."""
        run: dict[str, Any] = {"id": f"run_{as_of:%d%H%M}", "organization_id": ORGANIZATION,
                               "source_id": self.source.id, "trigger": "schedule", "slot_key": as_of.isoformat(),
                               "state": RunState.READY.value, "requested_at": as_of, "source_as_of": as_of,
                               "loaded_at": as_of, "ready_at": as_of, "finished_at": as_of}  # fmt: skip
        self.database.in_write(lambda session: session.add(RunRow(**run)))

    def make(
        self,
        name: str,
        *,
        place: str = FINANCE,
        definition: Definition = NET,
        amounts: Sequence[str | None] = ("150", "120"),
    ) -> Metric:
        """Make a metric with a value for each of the months before November, the latest first."""
        source = self.source
        metric = Metric("met_" + "".join(one for one in name.lower() if one.isalnum())[:20], ORGANIZATION, source.id,
                        source.account, name, definition, 1, "mem_1", place, NOW, MetricState.CALCULATING, "", None,
                        "", None, 0)  # fmt: skip
        values = [
            Value(Period(date(2026, month, 1), date(2026, month + 1, 1) - timedelta(days=1)),
                  None if amount is None else Decimal(amount), "" if amount else "nothing to divide by", 3)
            for month, amount in zip(range(10, 0, -1), amounts, strict=False)
        ]  # fmt: skip

        def work(session: Session) -> None:
            assert metrics.add(session, metric, "mem_1")
            metric_keeping.keep(session, metric, values, Calculated("run_1", 7, NOW, "USD", 1), NOW)

        self.database.in_write(work)
        return metric

    def calculated(self, name: str, as_of: datetime) -> None:
        """Let a metric be as of that instant."""

        def work(session: Session) -> None:
            found = metrics.named(session, ORGANIZATION, name)
            assert found is not None
            session.get_one(MetricRow, found.id).as_of = as_of

        self.database.in_write(work)

    def posts(self, kind: str) -> list[Delivery]:
        """Return what was asked for of a kind, the oldest first."""

        def read(session: Session) -> list[Delivery]:
            wanted = select(DeliveryRow).where(DeliveryRow.kind == kind).order_by(col(DeliveryRow.created_at))
            rows = session.exec(wanted)
            return [deliveries.as_delivery(row) for row in rows]

        return self.database.in_read(read)

    def planned(self) -> datetime | None:
        """Return when the finance channel's next post is due."""
        found = self.database.in_read(lambda session: metric_posts.find(session, FINANCE))
        return found.due_at if found is not None and found.planned else None
