"""Sources that no deadline looks after: they are looked for by a slow pass."""

from sqlalchemy import exists
from sqlmodel import Session, col, select

from storage.facts.incidents import IncidentKind
from storage.facts.runs import RunState
from storage.facts.sources import CollectMode, ConnectionState
from storage.tables import ConnectionRow, DeadlineRow, IncidentRow, RunRow, SourceRow


def sources_without(session: Session, kind: str, after: str, limit: int = 200) -> list[tuple[str, str]]:
    """Return source and organization of what is connected, was ready once and has no open deadline, in order of ids.

    Not those with an open incident that they are late: the next run looks after them. Nor those that nobody collects.
    """
    statement = (
        select(SourceRow.id, SourceRow.organization_id)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .where(
            col(SourceRow.id) > after,
            SourceRow.mode != CollectMode.EXCHANGE,
            ConnectionRow.state != ConnectionState.DISCONNECTED,
            (col(SourceRow.schedule_rule).is_(None)) | (col(SourceRow.schedule_rule) != "off"),
            ~exists().where(
                col(DeadlineRow.kind) == kind,
                col(DeadlineRow.subject) == col(SourceRow.id),
                col(DeadlineRow.state) == "open",
            ),
            ~exists().where(
                col(IncidentRow.source_id) == col(SourceRow.id),
                col(IncidentRow.kind) == IncidentKind.LATE,
                col(IncidentRow.resolved_at).is_(None),
            ),
            exists().where(col(RunRow.source_id) == col(SourceRow.id), col(RunRow.state) == RunState.READY),
        )
        .order_by(col(SourceRow.id))
        .limit(limit)
    )
    return list(session.exec(statement))
