"""Receipts: immutable, hash-chained per organization."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.facts.runs import Clocks, Receipt, Run
from storage.facts.streams import StreamCounts
from storage.records.runs import older_json, partly_from, partly_json
from storage.tables import ReceiptRow

FIRST_HASH = "0" * 64


def add(session: Session, run: Run, outcome: dict[str, Any], now: datetime) -> Receipt:
    """Write the receipt of a run that became ready, at the end of its organization's chain."""
    last = session.exec(
        select(ReceiptRow)
        .where(ReceiptRow.organization_id == run.organization_id)
        .order_by(col(ReceiptRow.sequence).desc())
        .limit(1)
    ).first()
    body = _body(run, outcome)
    previous = last.hash if last else FIRST_HASH
    sequence = last.sequence + 1 if last else 1
    row = ReceiptRow(
        id=derived_id("rcp", run.id),
        run_id=run.id,
        organization_id=run.organization_id,
        source_id=run.source_id,
        sequence=sequence,
        body=body,
        previous_hash=previous,
        hash=chained_hash(previous, sequence, body),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return as_receipt(row)


def of_run(session: Session, run_id: str) -> Receipt | None:
    """Return the receipt of a run."""
    row = session.exec(select(ReceiptRow).where(ReceiptRow.run_id == run_id)).first()
    return as_receipt(row) if row else None


def broken(session: Session, organization_id: str) -> list[int]:
    """Return the sequence numbers whose hash or link is wrong."""
    wrong = []
    previous = FIRST_HASH
    statement = (
        select(ReceiptRow).where(ReceiptRow.organization_id == organization_id).order_by(col(ReceiptRow.sequence))
    )
    for position, row in enumerate(session.exec(statement), 1):
        expected = chained_hash(previous, position, row.body)
        if row.sequence != position or row.previous_hash != previous or row.hash != expected:
            wrong.append(row.sequence)
        previous = row.hash
    return wrong


def chained_hash(previous: str, sequence: int, body: str) -> str:
    """Hash a receipt's body with its place in the chain."""
    return hashlib.sha256(f"{previous}\n{sequence}\n{body}".encode()).hexdigest()


def as_receipt(row: ReceiptRow) -> Receipt:
    """Turn a row into a fact."""
    body = json.loads(row.body)
    clocks = {name: datetime.fromisoformat(value) if value else None for name, value in body["clocks"].items()}
    requested_at = datetime.fromisoformat(body["clocks"]["requested_at"])
    return Receipt(
        id=row.id,
        run_id=row.run_id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        sequence=row.sequence,
        clocks=Clocks(requested_at, clocks["source_as_of"], clocks["loaded_at"], clocks["ready_at"]),
        counts={name: StreamCounts(**values) for name, values in body["counts"].items()},
        stage_seconds=body["stage_seconds"],
        snapshot_before=body["snapshot_before"],
        snapshot_after=body["snapshot_after"],
        fingerprint=body["fingerprint"],
        previous_hash=row.previous_hash,
        hash=row.hash,
        partly=partly_from(body),
    )


def _body(run: Run, outcome: dict[str, Any]) -> str:
    clocks = {name: value.isoformat() if value else None for name, value in asdict(run.clocks).items()}
    facts = {
        "run": run.id,
        "source": run.source_id,
        "clocks": clocks,
        "counts": {name: asdict(counts) for name, counts in run.counts.items()},
        "stage_seconds": outcome.get("stage_seconds", {}),
        "snapshot_before": outcome.get("snapshot_before"),
        "snapshot_after": outcome.get("snapshot_after"),
        "fingerprint": outcome.get("fingerprint", ""),
    }
    if run.partly is not None:
        # Receipts of before know of no such runs; theirs stay as they are.
        facts["partly"] = partly_json(run.partly)
    if run.older:
        facts["older"] = older_json(run.older)
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def ids_of(session: Session, run_ids: list[str]) -> dict[str, str]:
    """Return the receipt id of each of these runs that has one."""
    statement = select(ReceiptRow.run_id, ReceiptRow.id).where(col(ReceiptRow.run_id).in_(run_ids))
    return dict(session.exec(statement).all())
