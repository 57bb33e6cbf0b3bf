"""Alarms about a source that a person does not want for a while, by kind; a mute always ends."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.incidents import IncidentKind

#: What can be muted. A lost connection cannot: nothing comes any more until a person acts.
MUTABLE = (IncidentKind.LATE, IncidentKind.FAILING)
#: No mute lasts longer, whatever is stored.
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Mute:
    """Who wants to hear no new alarms of a kind, and until when."""

    kind: IncidentKind
    member_id: str
    #: of that member, as it was then
    name: str
    since: datetime
    until: datetime


def mutes_text(mutes: Iterable[Mute]) -> str | None:
    """Return the mutes as they are stored; None where there is none."""
    rows = [
        {
            "kind": mute.kind,
            "member": mute.member_id,
            "name": mute.name,
            "since": mute.since.isoformat(),
            "until": mute.until.isoformat(),
        }
        for mute in sorted(mutes, key=lambda one: one.kind)
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False) if rows else None


def read_mutes(text: str | None) -> tuple[Mute, ...]:
    """Return the mutes that are stored, also those whose time is over; none lasts longer than the longest."""
    return tuple(_mute(row) for row in json.loads(text)) if text else ()


def _mute(row: dict[str, str]) -> Mute:
    since = datetime.fromisoformat(row["since"])
    until = min(datetime.fromisoformat(row["until"]), since + LONGEST)
    return Mute(IncidentKind(row["kind"]), row["member"], row["name"], since, until)


def holding(mutes: Iterable[Mute], now: datetime) -> tuple[Mute, ...]:
    """Return the mutes that hold now."""
    return tuple(mute for mute in mutes if mute.until > now)


def muted(mutes: Iterable[Mute], kind: IncidentKind, now: datetime) -> Mute | None:
    """Return the mute that holds alarms of that kind now."""
    return next((mute for mute in holding(mutes, now) if mute.kind is kind), None)
