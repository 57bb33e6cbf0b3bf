"""Every place where something sealed lies in the database, so that a rotation walks through all of them.

A test compares this list with the tables: a new sealed column that is not here is found.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from storage import bindings
from storage.bindings import Binding
from storage.credentials import Place
from storage.facts.deliveries import SEALED_KINDS
from storage.records import organizations
from storage.tables import (
    AskRow,
    ConnectionRow,
    DeliveryRow,
    DisconnectRow,
    EndpointRow,
    FeedbackRow,
    FlowRow,
    InstallationRow,
    RenewalBegunRow,
    SourceRow,
    WebhookRow,
    WorkspaceRow,
)

Row = Any
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealedPlace:
    """One column that holds sealed texts."""

    table: type[SQLModel]
    column: str
    binding: Callable[[Session, Row], Binding]
    #: its binding has a version: whoever changes it holds a lease, and rotating has a way of its own
    versioned: bool = False
    #: it is needed for minutes or days: one that cannot be opened any more does not stop a rotation
    passing: bool = True
    #: the text is one entry of a JSON, in base64
    within: str | None = None

    @property
    def name(self) -> str:
        """Name of table and column."""
        return f"{self.table.__tablename__}.{self.column}"


def _connection(session: Session, row: Row) -> Binding:
    source = session.get_one(SourceRow, row.source_id)
    return Place(row.organization_id, source.provider, source.account, row.version).binding


def _installation(_: Session, row: Row) -> Binding:
    return bindings.of_installation(row.enterprise_id, row.team_id, row.version)


def _of_flow(what: str) -> Callable[[Session, Row], Binding]:
    return lambda _, row: bindings.of_flow(row.id, what)


PLACES: tuple[SealedPlace, ...] = (
    SealedPlace(ConnectionRow, "credentials", _connection, versioned=True, passing=False),
    SealedPlace(InstallationRow, "tokens", _installation, versioned=True, passing=False),
    SealedPlace(WorkspaceRow, "bot_token", lambda _, row: bindings.of_bot_token(row.team_id), passing=False),
    SealedPlace(EndpointRow, "secret", lambda _, row: bindings.of_endpoint(row.id), passing=False),
    SealedPlace(EndpointRow, "old_secret", lambda _, row: bindings.of_endpoint(row.id)),
    SealedPlace(DisconnectRow, "grant", lambda _, row: bindings.of_disconnect(row.id)),
    SealedPlace(FlowRow, "grant", _of_flow("grant")),
    SealedPlace(FlowRow, "verifier", _of_flow("verifier")),
    SealedPlace(FlowRow, "login", _of_flow("login")),
    SealedPlace(RenewalBegunRow, "login", lambda _, row: bindings.of_renewal(row.state_hash)),
    SealedPlace(WebhookRow, "body", lambda _, row: bindings.of_webhook(row.provider, row.event_id)),
    SealedPlace(AskRow, "payload", lambda _, row: bindings.of_ask(row.team_id, row.id)),
    # What cannot be opened any more is not shown; the verdict beside it stays.
    SealedPlace(FeedbackRow, "words", lambda _, row: bindings.of_feedback(row.id)),
    SealedPlace(
        DeliveryRow, "facts", lambda _, row: bindings.of_code(row.kind, row.subject), within="sealed",
    ),
)  # fmt: skip


def keys(session: Session, place: SealedPlace) -> list[Key]:
    """Return the primary keys of the rows that hold something there."""
    columns = _primary(place)
    statement = select(*columns).where(getattr(place.table, place.column).is_not(None)).order_by(*columns)
    if place.within:
        statement = statement.where(col(DeliveryRow.kind).in_(SEALED_KINDS))
    return [tuple(row) for row in session.connection().execute(statement)]


def held(session: Session, place: SealedPlace, key: Key) -> tuple[bytes, Binding] | None:
    """Return the sealed text of that row and what it is bound to; None when it is gone."""
    row = session.get(place.table, key, populate_existing=True)
    sealed = _text(place, row) if row is not None else None
    return (sealed, place.binding(session, row)) if sealed else None


def replace(session: Session, place: SealedPlace, key: Key, before: bytes, sealed: bytes) -> bool:
    """Put the text sealed anew in the place of the one before; False when it is another one, or gone, by now."""
    row: Row = session.get(place.table, key, populate_existing=True)
    if row is not None and hasattr(row, "organization_id") and row.organization_id:
        # Flows and disconnects read and write under this lock.
        organizations.lock(session, row.organization_id)
    row = session.get(place.table, key, populate_existing=True, with_for_update=True)
    if row is None or _text(place, row) != before:
        return False
    value = {**row.facts, place.within: base64.b64encode(sealed).decode()} if place.within else sealed
    setattr(row, place.column, value)
    session.add(row)
    session.flush()
    return True


def _text(place: SealedPlace, row: Row) -> bytes | None:
    value = getattr(row, place.column)
    if place.within is None or not value:
        return value or None
    text = value.get(place.within)
    return base64.b64decode(str(text)) if text else None


def _primary(place: SealedPlace) -> Sequence[Any]:
    return [getattr(place.table, column.name) for column in place.table.__table__.primary_key]  # type: ignore[attr-defined]  # every table has one
