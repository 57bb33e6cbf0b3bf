"""Who is told what the exchange did: receivers of webhooks of everything, people of what is wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.exchange.ports import OrderMoves
from storage.facts.exchange import ExchangeRun, RunState
from storage.facts.outgoing import EventType
from storage.records import outgoing
from storage.records.exchange_given import Moves
from storage.sessions import Session

#: keys that one message names; of the rest it says how many they are
MOST_KEYS = 200


def started(session: Session, run: ExchangeRun, now: datetime) -> None:
    """Tell that a run began to build."""
    outgoing.tell(session, run.organization_id, EventType.EXCHANGE_STARTED, run.id, _about(run), now)


def completed(session: Session, run: ExchangeRun, moves: Moves, now: datetime) -> None:
    """Tell that the far side has what a run brought, and which objects are others there."""
    outgoing.tell(session, run.organization_id, EventType.EXCHANGE_COMPLETED, run.id, _about(run), now)
    changed = {"added": [*moves.added], "updated": [*moves.updated], "removed": moves.removed}
    _changed(session, run, run.id, changed, now)


def orders_completed(session: Session, run: ExchangeRun, now: datetime) -> None:
    """Tell that a run of the orders is through."""
    outgoing.tell(session, run.organization_id, EventType.EXCHANGE_COMPLETED, run.id, _about(run), now)


def orders_changed(session: Session, run: ExchangeRun, moves: OrderMoves, now: datetime) -> None:
    """Tell which orders one turn of a run made, changed or cancelled in QuickBooks, whatever becomes of the run.

    The run has counted them already: by that two turns of one attempt, between which a process died, are told apart.
    """
    order_changed(session, run, f"{run.id}:{run.counts.touched}", moves, now)


def order_changed(session: Session, run: ExchangeRun, subject: str, moves: OrderMoves, now: datetime) -> None:
    """Tell it once for that subject."""
    changed = {"added": moves.added, "updated": moves.updated, "removed": moves.removed}
    _changed(session, run, subject, changed, now)


def _changed(
    session: Session, run: ExchangeRun, subject: str, changed: Mapping[str, Sequence[str]], now: datetime
) -> None:
    if not any(changed.values()):
        return
    data = {
        **_about(run),
        **{what: sorted(keys)[:MOST_KEYS] for what, keys in changed.items()},
        "more": sum(max(0, len(keys) - MOST_KEYS) for keys in changed.values()),
    }
    outgoing.tell(session, run.organization_id, EventType.EXCHANGE_CHANGED, subject, data, now)


def errored(session: Session, run: ExchangeRun, now: datetime) -> None:
    """Tell that a run was held, failed or is missing, once for each run and state."""
    subject = f"{run.id}:{run.state.value}"
    outgoing.tell(session, run.organization_id, EventType.EXCHANGE_ERRORED, subject, _about(run), now)


def _about(run: ExchangeRun) -> Mapping[str, Any]:
    held = run.held if run.state is RunState.HELD else None
    return {
        "run": run.id,
        "pair": run.pair.value,
        "connection": run.source_id,
        "source": run.books_id,
        "state": run.state.value,
        "trigger": run.trigger.value,
        "as_of": _instant(run.as_of),
        "rows": run.rows,
        "rows_before": run.rows_before,
        "left_out": run.rejected,
        "sha256": run.sha256,
        "reason": run.why,
        "code": run.code,
        "held": {"guard": held.guard.value, "before": held.before, "after": held.after} if held else None,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
