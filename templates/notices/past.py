"""A source whose older periods are still being read: back to which day its records are in, and how long it takes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from storage.facts.messages import Paragraph, Part, Strong
from storage.facts.past import Older
from storage.facts.runs import Run, RunState
from storage.facts.sources import Source
from templates import times
from templates.notices.pieces import waits
from templates.text import label, listed
from templates.words import short_names

#: Sources whose past is told in one message.
_TOLD = 3


def unread(run: Run | None) -> tuple[Older, ...]:
    """Return the streams whose older records are not in after a run that became ready; none where all is in."""
    return run.older if run is not None and run.state is RunState.READY else ()


def back_to(older: Sequence[Older]) -> str:
    """Return what is in: ``Bills and Invoices from Jan 1, 2024 on``."""
    days: dict[date, list[str]] = {}
    for one in sorted(older, key=lambda one: (one.back_to, one.label), reverse=True):
        days.setdefault(one.back_to, []).insert(0, label(one.label or one.stream))
    return ", and ".join(f"{listed(names)} from {times.day(day)} on" for day, names in days.items())


def past_told(run: Run, active: Run | None, now: datetime) -> str:
    """Return what is in, and that the rest is not: for how long still where it is being read and the pace is known."""
    said = f"{back_to(unread(run))} are in. Older ones are"
    if active is None:
        return f"{said} not in yet; the next collections bring them."
    left = None if waits(active, now) else _seconds_left(run, now)
    return f"{said} still being read" + (f", about {times.span(left)} left." if left else ".")


def past_parts(
    runs: Sequence[tuple[Source, Run]], now: datetime | None = None, *, active: Mapping[str, Run] | None = None
) -> list[Part]:
    """Return a paragraph for each of the first sources that are not all in; without `now` it was true at their end."""
    names = short_names([source for source, _ in runs])
    found = [(source, run) for source, run in runs if unread(run)]
    parts: list[Part] = []
    for source, run in found[:_TOLD]:
        who = f"{names[source.id]}: " if len(runs) > 1 else ""
        if now is None:
            told = f"{back_to(unread(run))} are in. Older ones are not in yet; the next collections bring them."
        else:
            told = past_told(run, (active or {}).get(source.id), now)
        parts.append(Paragraph((Strong(f"{who}Not everything is in yet."), f" {told}")))
    return parts


def _seconds_left(run: Run, now: datetime) -> float | None:
    """Return how long the rest takes at the provider's rate, where that decides, or else at the pace of the run before.

    None where that is not known, or proved wrong.
    """
    if run.started_at is None or run.finished_at is None:
        return None
    allowed = [one.seconds for one in unread(run) if one.seconds is not None]
    if not allowed and not run.rows:
        return None
    took = (run.finished_at - run.started_at).total_seconds()
    rest = max(allowed) if allowed else sum(one.left for one in unread(run)) * took / run.rows
    left = rest - (now - run.finished_at).total_seconds()
    return left if left > 0 else None
