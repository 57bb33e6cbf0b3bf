"""What is kept of metrics: revisions once, turns that one process holds, and nothing of what was erased."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlmodel import select

from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Direction,
    Metric,
    MetricState,
    Period,
    Selection,
    Target,
    Value,
)
from storage.facts.outgoing import EventType
from storage.records import metric_keeping, metrics, outgoing
from storage.records.metric_forms import definition_json
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import MetricRow, MetricVersionRow, OrganizationRow, OutgoingMessageRow, SendRow, SourceRow

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DEFINITION = Definition(
    Selection(Dataset.REVENUE),
    Calculation.RATIO,
    Selection(Dataset.EXPENSES, item_name="<Rent>"),
    target=Target(Decimal("0.40"), Direction.AT_MOST, Decimal("2.5")),
)


def seeded(session: Session) -> Metric:
    session.add(OrganizationRow(id="org_1", name="Temerity Goods", timezone="UTC", created_at=NOW))
    session.flush()
    session.add(SourceRow(id="src_1", organization_id="org_1", provider="quickbooks", account="1", label="quickbooks_1",
                          company="Temerity", mode="timer", schedule_minutes=60, created_at=NOW, updated_at=NOW))  # fmt: skip
    session.flush()
    metric = Metric("met_1", "org_1", "src_1", "1", "Cash  ratio", DEFINITION, 1, "mem_1", "", NOW,
                    MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
    assert metrics.add(session, metric, "mem_1")
    return metric


def value(month: int, amount: str | None, reason: str = "") -> Value:
    return Value(
        Period(date(2026, month, 1), date(2026, month, 28)), None if amount is None else Decimal(amount), reason
    )


def of(run: str, version: int = 1) -> Calculated:
    return Calculated(run, 7, NOW, "USD", version)


def test_what_is_kept_of_a_metric(database: Database) -> None:
    metric = database.in_write(seeded)
    again = database.in_read(lambda session: metrics.named(session, "org_1", " CASH ratio"))
    assert again is not None
    assert again.definition == DEFINITION
    assert database.in_read(lambda session: metrics.named(session, "org_2", "cash ratio")) is None
    first, second = [value(1, "1.50"), value(2, None, "empty")], [value(1, "1.50"), value(2, "0.00000070")]
    assert len(database.in_write(lambda session: metric_keeping.keep(session, metric, first, of("run_1"), NOW))) == 2
    assert database.in_write(lambda session: metric_keeping.keep(session, metric, first, of("run_1"), NOW)) == []
    (restated,) = database.in_write(lambda session: metric_keeping.keep(session, metric, second, of("run_2"), NOW))
    assert (restated.revision, restated.changed["before"], restated.changed["run_before"]) == (2, None, "run_1")
    # A calculation of the definition before keeps nothing over the newer one.
    assert database.in_write(lambda session: metrics.redefine(session, metric, DEFINITION, "mem_2", NOW))
    assert database.in_write(lambda session: metric_keeping.keep(session, metric, first, of("run_3"), NOW)) == []
    kept = database.in_read(lambda session: metrics.latest_of(session, ["met_1"]))["met_1"]
    assert kept == restated
    assert kept.value.value == Decimal("0.00000070")
    assert len(database.in_read(lambda session: metrics.revisions(session, "met_1", kept.value.period))) == 2

    def told(session: Session, subject: str) -> int:
        return outgoing.tell(session, "org_1", EventType.METRIC_UPDATED, subject, {"value": "1.50"}, NOW)

    def pending(session: Session) -> set[str]:
        return set(session.exec(select(OutgoingMessageRow.subject).join(SendRow)))

    wanted = (EventType.METRIC_UPDATED,)
    database.in_write(
        lambda session: outgoing.add_endpoint(session, "hook_1", "org_1", "https://a/", wanted, b"", "mem_1", NOW)
    )
    assert [database.in_write(partial(told, subject=one)) for one in ("met_1:run_1", "met_10:run_1")] == [1, 1]
    database.in_write(lambda session: metrics.erase_values(session, "src_1", "its data was erased"))
    database.in_write(lambda session: outgoing.forget_values(session, "org_1", {"met_1"}))
    assert database.in_read(pending) == {"met_10:run_1"}, "what waits to be sent is values, too"
    assert database.in_read(lambda session: metrics.newest_values(session, "met_1")) == []
    stored = database.in_read(lambda session: [
        *session.exec(select(MetricRow.definition)), *session.exec(select(MetricVersionRow.definition)),
    ])  # fmt: skip
    assert len(stored) == 3
    assert "<Rent>" in str(definition_json(DEFINITION))
    assert "<Rent>" not in str(stored), "what was chosen has a name that was imported"
    left = database.in_read(lambda session: metrics.named(session, "org_1", "cash ratio"))
    assert left is not None
    assert left.definition == replace(DEFINITION, divisor=Selection(Dataset.EXPENSES))


def test_what_a_period_came_to_before_it_was_over_is_not_kept_for_years(database: Database) -> None:
    metric = database.in_write(seeded)
    july = Period(date(2026, 7, 1), date(2026, 7, 31))

    def kept(hour: int, amount: str, *, over: bool) -> None:
        one, at = Value(july, Decimal(amount), complete=over), NOW + timedelta(hours=hour)
        database.in_write(lambda session: metric_keeping.keep(session, metric, [one], of(f"run_{hour}"), at))

    kept(1, "1", over=False)
    kept(2, "2", over=False)
    kept(3, "3", over=True)
    kept(4, "4", over=True)
    kept(41 * 24 + 4, "5", over=True)
    left = database.in_read(lambda session: metrics.revisions(session, "met_1", july))
    assert [one.revision for one in left] == [3, 4, 5]


def test_one_process_holds_a_turn_and_what_comes_meanwhile_is_done_after_it(database: Database) -> None:
    database.in_write(seeded)
    assert database.in_read(lambda session: metrics.due_turns(session, NOW)) == []
    database.in_write(lambda session: metrics.due(session, "src_1", NOW))
    (turn,) = database.in_read(lambda session: metrics.due_turns(session, NOW))
    later = NOW + timedelta(minutes=5)
    taken = database.in_write(lambda session: metrics.claim(session, turn, NOW, later))
    assert taken is not None
    assert database.in_write(lambda session: metrics.claim(session, turn, NOW, later)) is None
    # It died with it: the next one takes it, and the first one has lost it.
    (left,) = database.in_read(lambda session: metrics.due_turns(session, later))
    heir = database.in_write(lambda session: metrics.claim(session, left, later, later + timedelta(minutes=5)))
    assert heir is not None
    assert not database.in_read(lambda session: metrics.holds(session, taken))
    database.in_write(lambda session: metrics.due(session, "src_1", later))
    assert not database.in_write(lambda session: metrics.done(session, heir, "seen"))
    assert len(database.in_read(lambda session: metrics.due_turns(session, later))) == 1
