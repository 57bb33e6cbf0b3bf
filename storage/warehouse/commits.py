"""Each commit carries its run, so that after a crash one can see whether the run is already in the lake."""

# ruff: noqa: S608 - the names are ours, the values bound
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from storage.facts.streams import StreamCounts
from storage.warehouse.names import text
from storage.warehouse.results import Written
from storage.warehouse.session import Session

Kind = Literal["collect", "process"]

#: where DuckLake keeps the messages of its commits
_CHANGES = "ducklake_snapshot_changes"


def commit_message(kind: Kind, run_id: str, source_id: str) -> str:
    """Return the message of a run's commit: the same bytes for the same run, so that it is found by equality."""
    return json.dumps({"kind": kind, "run": run_id, "source": source_id}, sort_keys=True)


def sign(session: Session, message: str, author: str, written: Written) -> None:
    """Put the message and what was written into the open transaction."""
    counts = {name: asdict(value) for name, value in written.counts.items()}
    at = written.extracted_at.astimezone(UTC).isoformat() if written.extracted_at else None
    extra = json.dumps(
        {
            "before": written.before,
            "counts": counts,
            "extracted_at": at,
            "fingerprint": written.fingerprint,
            "aside": written.aside,
            **({"unfit": written.unfit} if written.unfit else {}),
        }
    )
    session.run(
        f"CALL ducklake_set_commit_message('lake', {text(author)}, {text(message)}, extra_info => {text(extra)})"
    )


def find(session: Session, kind: Kind, run_id: str) -> tuple[int, Written] | None:
    """Return the snapshot and the notes of a run's commit, or None when the run is not in the lake."""
    sql = (
        f"SELECT snapshot_id, commit_extra_info FROM {session.catalog(_CHANGES)} WHERE commit_message IS NOT NULL"
        " AND json_extract_string(commit_message, '$.run') = ? AND json_extract_string(commit_message, '$.kind') = ?"
        " ORDER BY snapshot_id DESC LIMIT 1"
    )
    found = session.rows(sql, (run_id, kind))
    return (int(found[0][0]), _read(json.loads(found[0][1]))) if found else None


def loads_since(session: Session, source_id: str, snapshot: int) -> list[str]:
    """Return the runs that loaded raw rows of a source after a snapshot; all of them must still be there."""
    sql = (
        f"SELECT json_extract_string(commit_message, '$.run') FROM {session.catalog(_CHANGES)} WHERE snapshot_id > ?"
        " AND commit_message IS NOT NULL AND json_extract_string(commit_message, '$.kind') = 'collect'"
        " AND json_extract_string(commit_message, '$.source') = ? ORDER BY snapshot_id"
    )
    return [row[0] for row in session.rows(sql, (snapshot, source_id))]


def oldest(session: Session) -> int:
    """Return the oldest snapshot that was not expired."""
    return int(session.row(f"SELECT min(snapshot_id) FROM {session.catalog('ducklake_snapshot')}")[0])


def _read(extra: Mapping[str, Any]) -> Written:
    counts = {name: StreamCounts(**values) for name, values in extra["counts"].items()}
    at = extra["extracted_at"]
    return Written(
        before=int(extra["before"]),
        counts=counts,
        extracted_at=datetime.fromisoformat(at) if at else None,
        fingerprint=extra["fingerprint"],
        aside=tuple(extra.get("aside", ())),
        unfit=extra.get("unfit", {}),
    )
