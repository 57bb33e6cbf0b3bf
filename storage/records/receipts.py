"""Receipts: immutable, hash-chained per organization."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.facts.receipts import ChainCheck
from storage.facts.runs import Clocks, Receipt, Run, Trigger
from storage.facts.streams import StreamCounts
from storage.records.outcomes import older_json, partly_from, partly_json
from storage.tables import ReceiptRow, RefreshPersonRow, RefreshRunRow

FIRST_HASH = "0" * 64


def add(session: Session, run: Run, outcome: dict[str, Any], now: datetime) -> Receipt:
    """Write the receipt of a run that became ready, at the end of its organization's chain."""
    last = session.exec(
        select(ReceiptRow)
        .where(ReceiptRow.organization_id == run.organization_id)
        .order_by(col(ReceiptRow.sequence).desc())
        .limit(1)
    ).first()
    body = _body(run, outcome, _asked_by(session, run.id))
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


@dataclass(frozen=True, slots=True)
class Link:
    """One receipt as it stands in its chain, with all that its hash covers."""

    id: str
    sequence: int
    body: str
    previous_hash: str
    hash: str


def links(session: Session, organization_id: str) -> list[Link]:
    """Return the organization's whole chain, the oldest first."""
    statement = (
        select(ReceiptRow).where(ReceiptRow.organization_id == organization_id).order_by(col(ReceiptRow.sequence))
    )
    return [_link(row) for row in session.exec(statement)]


def checked(chain: Iterable[Link]) -> ChainCheck:
    """Look at every link: its place, its content, and the one before it. Needs nothing but the chain itself."""
    wrong = []
    previous, position = FIRST_HASH, 0
    for position, link in enumerate(chain, 1):
        if not _follows(link, previous) or link.sequence != position:
            wrong.append(link.sequence)
        previous = link.hash
    return ChainCheck(position, tuple(wrong), previous if position else "")


def broken(session: Session, organization_id: str) -> list[int]:
    """Return the sequence numbers whose hash or link is wrong."""
    return list(checked(links(session, organization_id)).broken)


def found(session: Session, organization_id: str, receipt_id: str) -> tuple[Receipt, bool] | None:
    """Return a receipt of that organization, and whether it is as it was written and follows the one before it."""
    row = session.get(ReceiptRow, receipt_id)
    if row is None or row.organization_id != organization_id:
        return None
    before = session.exec(
        select(ReceiptRow.hash).where(
            ReceiptRow.organization_id == organization_id, ReceiptRow.sequence == row.sequence - 1
        )
    ).first()
    previous = before if row.sequence > 1 else FIRST_HASH
    return as_receipt(row), previous is not None and _follows(_link(row), previous)


def _link(row: ReceiptRow) -> Link:
    return Link(row.id, row.sequence, row.body, row.previous_hash, row.hash)


def _follows(link: Link, previous: str) -> bool:
    return link.previous_hash == previous and link.hash == chained_hash(previous, link.sequence, link.body)


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
        trigger=Trigger(body["trigger"]) if "trigger" in body else None,
        asked_by=tuple(body.get("asked_by", ())),
        release=body.get("release", ""),
        configuration=body.get("configuration", ""),
    )


def _body(run: Run, outcome: dict[str, Any], asked_by: list[str]) -> str:
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
        "trigger": run.trigger.value,
        "asked_by": asked_by,
        "release": _release(),
        "configuration": outcome.get("configuration", ""),
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


def _asked_by(session: Session, run_id: str) -> list[str]:
    """Return the members who waited for the run, in the order in which they asked."""
    statement = (
        select(RefreshPersonRow.member_id)
        .join(RefreshRunRow, col(RefreshRunRow.refresh_id) == col(RefreshPersonRow.refresh_id))
        .where(RefreshRunRow.run_id == run_id, col(RefreshRunRow.left_at).is_(None))
        .order_by(col(RefreshPersonRow.joined_at), col(RefreshPersonRow.member_id))
    )
    return list(dict.fromkeys(session.exec(statement)))


@cache
def _release() -> str:
    try:
        return version("tidings")
    except PackageNotFoundError:  # run from its sources, without an installation
        return ""
