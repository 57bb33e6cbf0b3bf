"""Which sources a message of ours is about, by what it was sent for."""

from collections.abc import Callable, Mapping

from sqlmodel import col, select

from storage.facts.sources import CollectMode
from storage.sessions import Session
from storage.tables import DeliveryRow, IncidentRow, ReceiptRow, RefreshRow, RefreshRunRow, RunRow, SourceRow


def sources_of_message(session: Session, organization_id: str, delivery_id: str) -> list[str]:
    """Return the ids of the sources that the organization's message is about; none for everything else."""
    subject = _subject(session, organization_id, delivery_id)
    if subject.startswith("dlv_"):
        # A message that was sent again is about what the first one was about.
        subject = _subject(session, organization_id, subject)
    if subject.startswith("shr_"):
        return _of_shared(session, organization_id, delivery_id)
    found = _BY_PREFIX.get(subject.partition("_")[0])
    return found(session, organization_id, subject) if found else []


def _subject(session: Session, organization_id: str, delivery_id: str) -> str:
    row = session.get(DeliveryRow, delivery_id)
    return row.subject.partition(".")[0] if row is not None and row.organization_id == organization_id else ""


def _of_shared(session: Session, organization_id: str, delivery_id: str) -> list[str]:
    """Return what somebody shared the status of; where none is named, it was that of all."""
    row = session.get_one(DeliveryRow, delivery_id)
    named = row.facts.get("sources") if row.facts else None
    which = (SourceRow.organization_id == organization_id, SourceRow.mode != CollectMode.EXCHANGE)
    own = session.exec(select(SourceRow.id).where(*which)).all()
    return [one for one in own if not named or (isinstance(named, list) and one in named)]


def _of_refresh(session: Session, organization_id: str, refresh_id: str) -> list[str]:
    statement = (
        select(RunRow.source_id)
        .join(RefreshRunRow, col(RefreshRunRow.run_id) == col(RunRow.id))
        .join(RefreshRow, col(RefreshRow.id) == col(RefreshRunRow.refresh_id))
        .where(RefreshRow.id == refresh_id, RefreshRow.organization_id == organization_id)
        .order_by(RunRow.source_id)
    )
    return list(session.exec(statement))


def _of_run(session: Session, organization_id: str, run_id: str) -> list[str]:
    row = session.get(RunRow, run_id)
    return [row.source_id] if row is not None and row.organization_id == organization_id else []


def _of_incident(session: Session, organization_id: str, incident_id: str) -> list[str]:
    row = session.get(IncidentRow, incident_id)
    return [row.source_id] if row is not None and row.organization_id == organization_id else []


def _of_receipt(session: Session, organization_id: str, receipt_id: str) -> list[str]:
    row = session.get(ReceiptRow, receipt_id)
    return [row.source_id] if row is not None and row.organization_id == organization_id else []


def _of_source(session: Session, organization_id: str, source_id: str) -> list[str]:
    row = session.get(SourceRow, source_id)
    return [row.id] if row is not None and row.organization_id == organization_id else []


_BY_PREFIX: Mapping[str, Callable[[Session, str, str], list[str]]] = {
    "rfr": _of_refresh,
    "run": _of_run,
    "inc": _of_incident,
    "rcp": _of_receipt,
    "src": _of_source,
}
