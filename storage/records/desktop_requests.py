"""Orders on their way into QuickBooks Desktop, in the order in which it is asked about them."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, update
from sqlmodel import Session, col, select

from storage.facts.web_connector import DesktopKind, DesktopRequest, DesktopState, DesktopStep
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DesktopRequestRow, ExchangeOrderRow, WebConnectorRow


def queue(session: Session, request: DesktopRequest) -> bool:
    """Keep an order until QuickBooks asks for it; False when it is kept already."""
    return insert_new(
        session,
        DesktopRequestRow,
        id=request.id,
        organization_id=request.organization_id,
        registration_id=request.registration_id,
        request_id=request.request_id,
        order_no=request.order_no,
        revision=request.revision,
        kind=request.kind.value,
        body=request.body,
        before=request.before,
        state=request.state.value,
        step=request.step.value,
        queued_at=request.queued_at,
        next_at=request.queued_at,
    )


def anew(session: Session, request: DesktopRequest) -> None:
    """Let an order that was refused be asked for again, as it is now."""
    won(
        session,
        update(DesktopRequestRow)
        .where(col(DesktopRequestRow.id) == request.id, col(DesktopRequestRow.refused))
        .values(
            registration_id=request.registration_id,
            body=request.body,
            before=request.before,
            state=request.state.value,
            step=request.step.value,
            asked=0,
            written=0,
            queued_at=request.queued_at,
            next_at=request.queued_at,
            answered_at=None,
            reason="",
            refused=False,
            told=False,
        ),
    )


def adopt(session: Session, source_id: str, registration_id: str, quiet: datetime) -> None:
    """Let the orders that wait for an earlier registration of the source, or a visit that was ended, wait for this one.

    What was handed over to be written, and not answered, may be written just now: it is looked for from `quiet` on.
    """
    theirs = select(WebConnectorRow.id).where(WebConnectorRow.source_id == source_id)
    row = DesktopRequestRow
    mine = (col(row.registration_id).in_(theirs), col(row.state) != DesktopState.ANSWERED.value)
    handed = (*mine, col(row.state) == DesktopState.SENT.value, col(row.step) == DesktopStep.WRITE.value)
    won(session, update(row).where(*handed).values(next_at=quiet))
    values = {"registration_id": registration_id, "state": DesktopState.QUEUED.value, "step": DesktopStep.QUERY.value}
    won(session, update(row).where(*mine).values(**values))


def one(session: Session, desktop_id: str) -> DesktopRequest | None:
    """Return the order of that id on its way."""
    row = session.get(DesktopRequestRow, desktop_id, populate_existing=True)
    return _as_request(row) if row is not None else None


def next_of(session: Session, registration_id: str, now: datetime) -> DesktopRequest | None:
    """Return what is to be asked of QuickBooks next: what was tried least first, revisions of one order in turn."""
    statement = select(DesktopRequestRow).where(*_waiting(registration_id, now))
    first = statement.order_by(
        col(DesktopRequestRow.asked), col(DesktopRequestRow.queued_at), col(DesktopRequestRow.id)
    )
    row = session.exec(first.limit(1).execution_options(populate_existing=True)).first()
    return _as_request(row) if row is not None else None


def left(session: Session, registration_id: str, now: datetime) -> int:
    """Return how many orders could be asked for now."""
    return session.exec(
        select(func.count()).select_from(DesktopRequestRow).where(*_waiting(registration_id, now))
    ).one()


def unanswered(session: Session, registration_id: str) -> int:
    """Return how many orders are not in QuickBooks yet, for whatever reason."""
    mine = (
        col(DesktopRequestRow.registration_id) == registration_id,
        col(DesktopRequestRow.state) != DesktopState.ANSWERED.value,
    )
    return session.exec(select(func.count()).select_from(DesktopRequestRow).where(*mine)).one()


def _waiting(registration_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    earlier = DesktopRequestRow.__table__.alias("earlier")  # type: ignore[attr-defined]  # SQLModel's declared table
    row = DesktopRequestRow
    before = exists().where(
        earlier.c.registration_id == registration_id,
        earlier.c.order_no == row.order_no,
        earlier.c.revision < row.revision,
        earlier.c.state != DesktopState.ANSWERED.value,
    )
    return (
        col(row.registration_id) == registration_id,
        col(row.state) == DesktopState.QUEUED.value,
        col(row.next_at) <= now,
        ~before,
    )


def sent(session: Session, request: DesktopRequest) -> None:
    """Note that it was handed over, before it is."""
    _move(
        session,
        request,
        state=DesktopState.SENT.value,
        step=request.step.value,
        asked=request.asked,
        written=request.written,
    )


def to_write(session: Session, request: DesktopRequest) -> None:
    """Note that it was looked up, and what was found."""
    _move(
        session,
        request,
        state=DesktopState.SENT.value,
        step=DesktopStep.WRITE.value,
        found_id=request.found_id,
        found_edit=request.found_edit,
    )


def again(session: Session, request: DesktopRequest, step: DesktopStep, at: datetime, reason: str = "") -> None:
    """Let it be asked for again, not before that time, from that step on."""
    _move(session, request, state=DesktopState.QUEUED.value, step=step.value, next_at=at, reason=reason)


def answered(session: Session, request: DesktopRequest) -> bool:
    """Keep what became of it, without what was in it; False when that is known already."""
    return _move(
        session,
        request,
        state=DesktopState.ANSWERED.value,
        answered_at=request.answered_at,
        target_id=request.target_id,
        number=request.number,
        reason=request.reason,
        refused=request.refused,
        body="",
    )


def told(session: Session, request: DesktopRequest) -> None:
    """Note that whoever wanted it knows what became of it."""
    won(session, update(DesktopRequestRow).where(col(DesktopRequestRow.id) == request.id).values(told=True))


def untold(session: Session, registration_id: str, since: datetime) -> list[DesktopRequest]:
    """Return orders that were answered since then, and nobody took the answer."""
    row = DesktopRequestRow
    mine = (col(row.registration_id) == registration_id, col(row.state) == DesktopState.ANSWERED.value)
    statement = select(row).where(*mine, ~col(row.told), col(row.answered_at) > since).order_by(col(row.answered_at))
    return [_as_request(one) for one in session.exec(statement.execution_options(populate_existing=True))]


def forget(session: Session, source_id: str) -> None:
    """Delete every order of a connection that went, or was to go, into QuickBooks Desktop."""
    theirs = select(WebConnectorRow.id).where(WebConnectorRow.source_id == source_id)
    session.connection().execute(delete(DesktopRequestRow).where(col(DesktopRequestRow.registration_id).in_(theirs)))
    session.expire_all()


def order_of(session: Session, request_id: str) -> str | None:
    """Return the id of the order that was to be written under that request; None: there is none any more."""
    return session.exec(select(ExchangeOrderRow.id).where(ExchangeOrderRow.request_id == request_id)).first()


def _move(session: Session, request: DesktopRequest, **values: object) -> bool:
    mine = (col(DesktopRequestRow.id) == request.id, col(DesktopRequestRow.state) != DesktopState.ANSWERED.value)
    return won(session, update(DesktopRequestRow).where(*mine).values(**values))


def _as_request(row: DesktopRequestRow) -> DesktopRequest:
    return DesktopRequest(
        row.id,
        row.organization_id,
        row.registration_id,
        row.request_id,
        row.order_no,
        row.revision,
        DesktopKind(row.kind),
        row.body,
        row.before,
        DesktopState(row.state),
        DesktopStep(row.step),
        row.asked,
        row.written,
        row.queued_at,
        row.answered_at,
        row.found_id,
        row.found_edit,
        row.target_id,
        row.number,
        row.reason,
        row.refused,
    )
