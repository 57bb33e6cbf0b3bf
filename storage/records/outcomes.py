"""What a run's outcome keeps, as JSON: how many records came, which streams it lacks, what it said of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from storage.facts.past import Older
from storage.facts.runs import FailureKind, Held, Missing, Partly
from storage.facts.streams import StreamCounts
from storage.tables import RunRow


def counts_from(outcome_: Mapping[str, Any] | None) -> dict[str, StreamCounts]:
    """Read the counts of an outcome."""
    stored = (outcome_ or {}).get("counts", {})
    return {name: StreamCounts(**values) for name, values in stored.items()}


def partly_from(outcome_: Mapping[str, Any] | None) -> Partly | None:
    """Read which streams an outcome lacks."""
    stored = (outcome_ or {}).get("partly")
    if not stored:
        return None
    missing = tuple(
        Missing(
            streams=tuple(one["streams"]),
            label=one["label"],
            kind=FailureKind(one["kind"]),
            code=one["code"],
            detail=one["detail"],
            as_of=_instant(one["as_of"]),
        )
        for one in stored["missing"]
    )
    rest, again = _instant(stored["rest_as_of"]), _instant(stored.get("again_at"))
    return Partly(missing, rest, tuple(stored["rest"]), again_at=again, times=stored["times"])


def partly_json(partly: Partly) -> dict[str, Any]:
    """Return what an outcome keeps of it."""
    missing = [
        {
            "streams": list(one.streams),
            "label": one.label,
            "kind": one.kind.value,
            "code": one.code,
            "detail": one.detail,
            "as_of": _text(one.as_of),
        }
        for one in partly.missing
    ]
    return {
        "missing": missing,
        "rest_as_of": _text(partly.rest_as_of),
        "rest": list(partly.rest),
        "again_at": _text(partly.again_at),
        "times": partly.times,
    }


def older_from(outcome_: Mapping[str, Any] | None) -> tuple[Older, ...]:
    """Read of which streams an outcome lacks older records."""
    stored = (outcome_ or {}).get("older") or ()
    return tuple(
        Older(one["stream"], date.fromisoformat(one["back_to"]), one["left"], one["label"], one.get("seconds"))
        for one in stored
    )


def older_json(older: Sequence[Older]) -> list[dict[str, Any]]:
    """Return what an outcome keeps of it."""
    return [{**asdict(one), "back_to": one.back_to.isoformat()} for one in older]


def notes_from(outcome_: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Read what the connector said about the run in plain sentences, and what could not be made ready of it."""
    found = outcome_ or {}
    return (*(found.get("plan") or {}).get("notes", ()), *found.get("unfit", ()))


def held_from(outcome_: Mapping[str, Any] | None) -> Held | None:
    """Read what a held read found."""
    stored = (outcome_ or {}).get("held")
    return Held(**stored) if stored else None


def put_off(session: Session, run_id: str, again_at: datetime) -> None:
    """Note when the streams that a run lacks are read alone, since the time that was told has passed."""
    row = session.get_one(RunRow, run_id)
    found = row.outcome or {}
    partly = found.get("partly")
    if isinstance(partly, dict):
        row.outcome = {**found, "partly": {**partly, "again_at": again_at.isoformat()}}
        session.add(row)
        session.flush()


def _instant(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
