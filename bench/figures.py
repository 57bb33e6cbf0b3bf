"""What a part measured, and how it stands against its target."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    part: str
    what: str
    value: float
    unit: str
    #: what it must reach, in words; empty for what is only told
    target: str = ""
    met: bool | None = None
    #: the same measured on the floor or on the peer, in the same run
    floor: float | None = None
    ratio: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """Everything one part has to say."""

    figures: list[Figure]
    #: what was measured and how, in a sentence each
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)


def at_most(part: str, what: str, value: float, unit: str, limit: float, **more: Any) -> Figure:
    """Return a figure that must not be above a limit."""
    return Figure(part, what, value, unit, target=f"<= {limit:g} {unit}", met=value <= limit, **more)


def at_most_times(part: str, what: str, value: float, floor: float, unit: str, times: float, **more: Any) -> Figure:
    """Return a figure that must not be above so many times its floor."""
    ratio = value / floor
    return Figure(
        part, what, value, unit, target=f"<= {times:g} x", met=ratio <= times, floor=floor, ratio=ratio, **more
    )


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the middle and the ends of repeated measurements."""
    return {"median": median(values), "min": min(values), "max": max(values), "n": len(values)}


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> dict[str, Any]:
    """Describe the machine by what matters, not by its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table(title="Tidings bench")
    for name, side in (
        ("part", "left"), ("what", "left"), ("figure", "right"), ("floor", "right"),
        ("ratio", "right"), ("target", "left"), ("met", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for one in figures:
        met = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[one.met]
        table.add_row(
            one.part,
            one.what,
            f"{one.value:,.4g} {one.unit}",
            "" if one.floor is None else f"{one.floor:,.4g} {one.unit}",
            "" if one.ratio is None else f"{one.ratio:.2f}",
            one.target,
            met,
        )
    # A pipe has no width of its own; the table must not lose its columns there.
    console = Console(width=None if Console().is_terminal else 150)
    console.print(table)


def write(outcomes: dict[str, Outcome], before: dict[str, Any]) -> Path:
    """Write everything as JSON and return where."""
    now = datetime.now(UTC)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    said = {
        "at": now.isoformat(),
        "machine": before,
        "load_after": round(os.getloadavg()[0], 2),
        "parts": {
            name: {"figures": [asdict(one) for one in outcome.figures], "notes": outcome.notes, "raw": outcome.raw}
            for name, outcome in outcomes.items()
        },
    }
    path.write_text(json.dumps(said, indent=2, default=str))
    return path
