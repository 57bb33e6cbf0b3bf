"""What receivers are told, in the transaction in which it happens."""

from datetime import datetime
from typing import Any

from storage.facts.outgoing import EventType
from storage.facts.runs import Receipt, Run
from storage.facts.sources import Source
from storage.records import outgoing, sources
from storage.sessions import Session


def source_ready(session: Session, run: Run, receipt: Receipt, now: datetime) -> None:
    """Tell that a run became ready: what can be imported, as of when, and what is missing in it."""
    if not outgoing.endpoints(session, run.organization_id):
        return
    source = sources.source(session, run.source_id)
    clocks = run.clocks
    data: dict[str, Any] = {
        **_source(source),
        "run": run.id,
        "receipt": receipt.id,
        "source_as_of": _instant(clocks.source_as_of),
        "loaded_at": _instant(clocks.loaded_at),
        "ready_at": _instant(clocks.ready_at),
        "result": run.result.value if run.result else None,
        "rows_changed": run.changed,
        "missing": [one.label for one in run.partly.missing] if run.partly else [],
    }
    outgoing.tell(session, source.organization_id, EventType.SOURCE_READY, run.id, data, now)


def source_disconnected(session: Session, source: Source, subject: str, reason: str, now: datetime) -> None:
    """Tell that nothing new comes until somebody reconnects; `subject` is the incident, or the disconnecting."""
    data = {**_source(source), "reason": reason, "since": _instant(now)}
    outgoing.tell(session, source.organization_id, EventType.SOURCE_DISCONNECTED, subject, data, now)


def refresh_overdue(session: Session, organization_id: str, subject: str, asked_at: datetime, now: datetime) -> None:
    """Tell that support was called about a refresh, or a first read."""
    data = {"refresh": subject, "requested_at": _instant(asked_at), "escalated_at": _instant(now)}
    outgoing.tell(session, organization_id, EventType.REFRESH_OVERDUE, subject, data, now)


def _source(source: Source) -> dict[str, Any]:
    return {
        "source": source.id,
        "provider": source.provider.value,
        "account": source.label,
        "company": source.company,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
