"""The ledger: what the far side was given last of each record of a pair."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from sys import intern
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlmodel import Session, col

from storage.records.inserts import insert_all
from storage.tables import ExchangeGivenRow

#: keys of one statement
_AT_ONCE = 500
#: rows of one statement: each is a dictionary for a moment
_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Given:
    """What the far side was given of one record."""

    revision: str
    #: A, V or D
    status: str
    #: of its rows as they were written
    digest: str
    #: the night in whose file it went; empty for pairs that always go whole
    night: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """What a run gives that is new, and what it no longer has."""

    added: Mapping[str, Given]
    updated: Mapping[str, Given]
    removed: Sequence[str] = ()
    #: what stood in an earlier file of the same night and stands in this one no more, though it was not taken out by
    #: anybody: it counts as not given
    withdrawn: Mapping[str, Given] = field(default_factory=dict)


def given(session: Session, pair_id: str) -> dict[str, Given]:
    """Return the whole ledger of a pair."""
    table = ExchangeGivenRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    columns = (table.c.key, table.c.revision, table.c.status, table.c.digest, table.c.night)
    rows = session.connection().execute(select(*columns).where(table.c.pair_id == pair_id))
    # Nearly all are the same few texts: a hundred thousand copies of each are megabytes.
    return {
        key: Given(intern(revision), intern(status), digest, intern(night))
        for key, revision, status, digest, night in rows
    }


def write(session: Session, pair_id: str, run_id: str, moves: Moves) -> None:
    """Write down what was given, in the transaction that settles the run."""
    table = ExchangeGivenRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    for some in _batches(moves.added):
        insert_all(session, ExchangeGivenRow, [_row(pair_id, run_id, key, one) for key, one in some])
    if moves.updated or moves.withdrawn:
        statement = (
            update(table)
            .where(table.c.pair_id == pair_id, table.c.key == bindparam("of_key"))
            .values({name: bindparam(f"new_{name}") for name in ("revision", "status", "digest", "night", "run_id")})
        )
        for some in _batches({**moves.updated, **moves.withdrawn}):
            session.connection().execute(statement, [_changed(run_id, key, one) for key, one in some])
    for start in range(0, len(moves.removed), _AT_ONCE):
        gone = moves.removed[start : start + _AT_ONCE]
        wanted = (col(ExchangeGivenRow.pair_id) == pair_id, col(ExchangeGivenRow.key).in_(gone))
        session.connection().execute(delete(ExchangeGivenRow).where(*wanted))
    session.expire_all()


def since(session: Session, pair_id: str, night: str) -> list[str]:
    """Return the keys of what was given in the file of that night, or of a later one."""
    table = ExchangeGivenRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    wanted = (table.c.pair_id == pair_id, table.c.night >= night)
    return sorted(session.connection().execute(select(table.c.key).where(*wanted)).scalars())


def take_back(session: Session, pair_id: str, run_id: str, keys: Sequence[str]) -> None:
    """Let these count as not given: whatever their revision, voided and deleted ones too, they go again."""
    write(session, pair_id, run_id, Moves({}, {}, (), {key: Given("", "A", "") for key in keys}))


def forget(session: Session, pair_id: str) -> None:
    """Forget what the far side was given: the next run gives everything as if for the first time."""
    session.connection().execute(delete(ExchangeGivenRow).where(col(ExchangeGivenRow.pair_id) == pair_id))


def _batches(found: Mapping[str, Given]) -> Iterator[list[tuple[str, Given]]]:
    rest = iter(found.items())
    while some := list(islice(rest, _ROWS)):
        yield some


def _row(pair_id: str, run_id: str, key: str, one: Given) -> dict[str, Any]:
    return {
        "pair_id": pair_id, "key": key, "revision": one.revision, "status": one.status, "digest": one.digest,
        "night": one.night, "run_id": run_id,
    }  # fmt: skip


def _changed(run_id: str, key: str, one: Given) -> dict[str, Any]:
    return {
        "of_key": key, "new_revision": one.revision, "new_status": one.status, "new_digest": one.digest,
        "new_night": one.night, "new_run_id": run_id,
    }  # fmt: skip
