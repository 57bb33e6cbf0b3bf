"""Rows that say themselves when something was due: messages of the outbox, runs; looked at by their age alone."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.facts import exchange
from storage.facts.deliveries import DeliveryState
from storage.facts.dependents import DependentKind
from storage.facts.expectations import ExpectationKind, ExpectationState, Expected, Pulse
from storage.facts.runs import RunState, Trigger
from storage.facts.sources import CollectMode, Source
from storage.records import expectations, workers
from storage.records.sources import as_source
from storage.tables import (
    ConnectionRow,
    DeliveryRow,
    ExchangePairRow,
    ExchangeRunRow,
    ExpectationRow,
    FrozenRow,
    OrganizationRow,
    RunRow,
    SourceRow,
)
from storage.tables.columns import Instant

_WAITING = (DeliveryState.PENDING, DeliveryState.SENDING)
#: What was held for quiet hours waits since they ended.
_SINCE = func.coalesce(col(DeliveryRow.held_until), col(DeliveryRow.created_at), type_=Instant())
_ACTIVE = tuple(state for state in RunState if state.active)
_EXCHANGING = tuple(state.value for state in exchange.ACTIVE_STATES)


def deliveries(session: Session, before: datetime, now: datetime, *, but: Collection[str]) -> list[Expected]:
    """Return the messages that have waited since before that instant and are still worth sending."""
    statement = (
        select(DeliveryRow.id, DeliveryRow.organization_id, _SINCE)
        .where(
            col(DeliveryRow.state).in_((*_WAITING, DeliveryState.HELD)),
            before >= _SINCE,
            col(DeliveryRow.expires_at) > now,
            col(DeliveryRow.kind).not_in(but),
        )
        .order_by(_SINCE)
        .limit(200)
    )
    return [
        Expected(ExpectationKind.DELIVERY, row_id, "", since, now, organization_id)
        for row_id, organization_id, since in session.exec(statement)
    ]


def runs(session: Session, still_since: datetime, now: datetime) -> list[Expected]:
    """Return the clock's runs that have neither ended nor moved since before that instant."""
    statement = (
        select(RunRow.id, RunRow.organization_id, RunRow.source_id, RunRow.requested_at)
        .where(
            col(RunRow.state).in_(_ACTIVE),
            col(RunRow.trigger) == Trigger.SCHEDULE,
            col(RunRow.requested_at) <= still_since,
            func.coalesce(RunRow.moved_at, RunRow.requested_at) <= still_since,
        )
        .limit(200)
    )
    return [
        Expected(ExpectationKind.COLLECTION, run_id, "", requested_at, now, organization_id, source_id)
        for run_id, organization_id, source_id, requested_at in session.exec(statement)
    ]


def exchange_pairs(session: Session, before: datetime, now: datetime) -> list[Expected]:
    """Return the pairs that should have begun before that instant, and were not begun or planned anew."""
    row = ExchangePairRow
    statement = (
        select(row.id, row.organization_id, row.source_id, row.due_at)
        .where(
            col(row.due_at) <= before,
            col(row.on).is_(True),
            col(row.paused_at).is_(None),
            col(row.id).not_in(select(ExchangeRunRow.pair_id).where(col(ExchangeRunRow.state).in_(_EXCHANGING))),
        )
        .order_by(col(row.due_at))
        .limit(200)
    )
    return [
        Expected(ExpectationKind.EXCHANGE, pair_id, due_at.isoformat(), due_at, now, organization_id, source_id)
        for pair_id, organization_id, source_id, due_at in session.exec(statement)
        if due_at is not None
    ]


def exchange_runs(session: Session, before: datetime, now: datetime) -> list[Expected]:
    """Return the runs of the exchange that should have ended before that instant, one way or another."""
    row = ExchangeRunRow
    statement = (
        select(row)
        .where(col(row.state).in_(_EXCHANGING), col(row.deadline) <= before)
        .order_by(col(row.deadline))
        .limit(200)
    )
    return [
        Expected(ExpectationKind.EXCHANGE, one.pair_id, one.id, one.deadline, now, one.organization_id, one.source_id)
        for one in session.exec(statement)
    ]


def is_exchanging(session: Session, run_id: str) -> bool:
    """Whether the run of the exchange has not ended."""
    state = session.exec(select(ExchangeRunRow.state).where(ExchangeRunRow.id == run_id)).first()
    return state in _EXCHANGING


def is_due(session: Session, pair_id: str, at: datetime) -> bool:
    """Whether the pair still stands where it was due then: not begun, planned anew, paused or switched off since."""
    row = session.get(ExchangePairRow, pair_id, populate_existing=True)
    waits = row is not None and row.on and row.paused_at is None and row.due_at is not None
    return row is not None and waits and row.due_at is not None and row.due_at <= at


def is_waiting(session: Session, delivery_id: str) -> bool:
    """Whether the message is neither sent nor given up."""
    state = session.exec(select(DeliveryRow.state).where(DeliveryRow.id == delivery_id)).first()
    return state in (*_WAITING, DeliveryState.HELD)


def is_confirmed(session: Session, delivery_id: str) -> bool:
    """Whether the other side confirmed the message and named it: Slack's ts, the mail server's answer to the text."""
    row = session.get(DeliveryRow, delivery_id, populate_existing=True)
    return row is not None and row.state == DeliveryState.SENT and bool(row.external_id)


def is_still(session: Session, run_id: str, still_since: datetime) -> bool:
    """Whether the run has neither ended nor moved since before that instant."""
    row = session.get(RunRow, run_id, populate_existing=True)
    return row is not None and row.state in _ACTIVE and (row.moved_at or row.requested_at) <= still_since


def held_source(session: Session, source_id: str, asked_by: datetime, ended_after: datetime) -> bool:
    """Whether a run that was asked for by the one instant held the source until after the other."""
    statement = select(RunRow.id).where(
        RunRow.source_id == source_id,
        col(RunRow.requested_at) <= asked_by,
        col(RunRow.finished_at) > ended_after,
    )
    return session.exec(statement.limit(1)).first() is not None


def pulse(session: Session, dead_seconds: float) -> Pulse:
    """Return what can be seen of a Tidings from its database, in a handful of looks by index."""
    waiting = select(func.count(), func.min(_SINCE), func.max(DeliveryRow.intent_at)).where(
        col(DeliveryRow.state).in_(_WAITING)
    )
    unsent, since, tried = session.exec(waiting).one()
    return Pulse(
        clock_due_at=expectations.clock_beat(session),
        workers=len(workers.alive(session, dead_seconds)),
        next_alarm_at=expectations.oldest_alarm(session),
        unsent=unsent,
        unsent_since=since,
        tried_at=tried,
        has_sources=session.exec(select(SourceRow.id).limit(1)).first() is not None,
    )


def page_of_sources(session: Session, after: str, limit: int) -> list[Source]:
    """Return the next sources by id, for a look at all of them that holds nobody up."""
    statement = (
        select(SourceRow, ConnectionRow, OrganizationRow.timezone)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(SourceRow.organization_id))
        .where(col(SourceRow.id) > after, col(SourceRow.mode) != CollectMode.EXCHANGE)
        .order_by(col(SourceRow.id))
        .limit(limit)
    )
    return [as_source(*row) for row in session.exec(statement)]


def standing_still(session: Session, source_ids: Collection[str]) -> set[str]:
    """Return those of these sources whose schedule is frozen."""
    statement = select(FrozenRow.dependent).where(
        FrozenRow.kind == DependentKind.SCHEDULE, col(FrozenRow.dependent).in_(source_ids)
    )
    return set(session.exec(statement))


def first_organization(session: Session) -> str | None:
    """Return an organization that messages of the operator may belong to; None where there is none at all."""
    return session.exec(select(OrganizationRow.id).order_by(OrganizationRow.id).limit(1)).first()


def missing_by_kind(session: Session) -> dict[str, int]:
    """Return how much of each kind did not happen and has not come since."""
    states = (ExpectationState.MISSED, ExpectationState.REPORTED)
    statement = (
        select(ExpectationRow.kind, func.count())
        .where(col(ExpectationRow.state).in_(states), col(ExpectationRow.settled_at).is_(None))
        .group_by(ExpectationRow.kind)
    )
    return dict(session.exec(statement).all())


def active_by_state(session: Session) -> dict[str, int]:
    """Return how many runs wait or work, by state."""
    statement = select(RunRow.state, func.count()).where(col(RunRow.state).in_(_ACTIVE)).group_by(RunRow.state)
    return dict(session.exec(statement).all())
