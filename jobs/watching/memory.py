"""What the watcher remembers over its own restarts: which troubles it saw, since when, and which it told of."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from jobs.watching.troubles import TroubleCode


@dataclass(frozen=True, slots=True)
class Seen:
    """One trouble that was there at the last look."""

    code: TroubleCode
    first_seen: datetime
    #: since when it is wrong, where the database says it
    since: datetime
    #: when a mail about it was accepted; None: not yet
    told_at: datetime | None


def remembered(path: Path) -> dict[TroubleCode, Seen]:
    """Return what was seen last; nothing where there is no file, or one that cannot be read."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {TroubleCode(code): _seen(TroubleCode(code), one) for code, one in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Half a file would have to be told anew: once too often is better than never.
        return {}


def remember(path: Path, seen: dict[TroubleCode, Seen]) -> None:
    """Write it down, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps({code.value: _json(one) for code, one in seen.items()}, indent=1)
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def _json(one: Seen) -> dict[str, str | None]:
    told_at = one.told_at.isoformat() if one.told_at else None
    return {"first_seen": one.first_seen.isoformat(), "since": one.since.isoformat(), "told_at": told_at}


def _seen(code: TroubleCode, stored: dict[str, str | None]) -> Seen:
    first, since, told = (stored[name] for name in ("first_seen", "since", "told_at"))
    return Seen(
        code,
        datetime.fromisoformat(first or ""),
        datetime.fromisoformat(since or ""),
        datetime.fromisoformat(told) if told else None,
    )
