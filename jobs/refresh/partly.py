"""How far a source came when some of its streams could not be read: each has an as-of of its own.

A source's as-of is that of its oldest stream. So a run that could not read one stream never makes the source look
fresher than that stream is, wherever its as-of is shown.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.apart import Aside
from connectors.base import Collected
from jobs.refresh.outcome import kind_of
from storage.facts.runs import FailureKind, Missing, Partly, Result, Run, RunState
from storage.facts.streams import Stream
from storage.records import outcomes
from storage.warehouse import LoadResult

_SOONEST = timedelta(minutes=5)
_LATEST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class HowFar:
    """The as-of of a source after a run, and what is missing in it."""

    as_of: datetime | None
    partly: Partly | None


def how_far(run: Run, before: Run | None, collected: Collected, streams: Sequence[Stream]) -> HowFar:
    """Return how far the source comes with what was collected; `before` is the run that was loaded last.

    A run that read some streams alone leaves the others as they were, and so does one in which a stream was not due.
    """
    labels = dict(collected.parts) or {stream.name: stream.label for stream in streams}
    known = _known(before, labels.keys() if collected.parts else None)
    now = tuple(_missing(one, before, labels) for one in collected.aside)
    rest = collected.source_as_of
    if run.only:
        # Streams that were not asked for this time either are as old as they were.
        now += tuple(one for one in known if not set(one.streams) & set(run.only))
        rest = min([rest, *([before_rest] if (before_rest := _rest(before)) is not None else [])])
    else:
        # That nobody looked at a stream again does not bring what is missing of it.
        looked = {*collected.cursors, *collected.full, *collected.parts}
        looked |= {name for one in now for name in one.streams}
        now += tuple(one for one in known if looked.isdisjoint(one.streams))
    if not now:
        return HowFar(rest, None)
    gone = {name for one in now for name in one.streams}
    others = tuple(label for name, label in labels.items() if name not in gone)
    again = {name for one in known for name in one.streams} & gone
    times = 1 + (before.partly.times if again and before is not None and before.partly is not None else 0)
    partly = Partly(now, rest, others, times=times)
    return HowFar(oldest(partly), partly)


def as_loaded(plan: Mapping[str, Any], result: LoadResult) -> tuple[datetime | None, dict[str, Any] | None]:
    """Return the as-of and what is missing, of what is in the lake.

    That may have been read by an earlier execution that committed after all: then it is no newer than its extraction,
    and what that one put aside is missing, whatever this one knows of it.
    """
    partly, as_of = outcomes.partly_from(plan), _instant(plan["source_as_of"])
    told = {name for one in partly.missing for name in one.streams} if partly else set()
    if untold := sorted(set(result.aside) - told):
        named = _listed(name.replace("_", " ") for name in untold)
        stood = _instant(plan.get("before"))
        lost = Missing(tuple(untold), named, FailureKind.RETRY, "interrupted", "the run was interrupted", stood)
        rest = partly or Partly((), as_of)
        partly = replace(rest, missing=(*rest.missing, lost))
    if partly is None:
        return (min(as_of, result.extracted_at) if as_of else None), None
    if partly.rest_as_of is not None:
        partly = replace(partly, rest_as_of=min(partly.rest_as_of, result.extracted_at))
    return oldest(partly), outcomes.partly_json(partly)


def oldest(partly: Partly) -> datetime | None:
    """Return the instant that every stream has reached; None when one was never read."""
    reached = [partly.rest_as_of, *(one.as_of for one in partly.missing)]
    known = [instant for instant in reached if instant is not None]
    return min(known) if len(known) == len(reached) else None


def result_of(state: RunState, run: Run, *, collects: bool) -> Result:
    """Say what a run came to."""
    if state is RunState.READY:
        if run.partly is not None:
            return Result.PARTIAL
        if run.changed:
            return Result.CHANGED
        return Result.VERIFIED if collects else Result.NOTHING_WAITED
    return Result.CANCELLED if state is RunState.CANCELLED else Result.FAILED


def retry_delay(times: int, after: float | None) -> timedelta:
    """Return how long missing streams wait until they are read alone; `times` runs in a row could not read them.

    Never sooner than the provider asked for (`after`, seconds).
    """
    doublings: int = 2 ** (min(times, 20) - 1)
    return max(min(_LATEST, _SOONEST * doublings), timedelta(seconds=after or 0))


def to_retry(partly: Partly) -> tuple[str, ...]:
    """Return the streams that are read alone the next time."""
    return tuple(sorted({name for one in partly.missing for name in one.streams}))


def _known(before: Run | None, parts: Collection[str] | None) -> tuple[Missing, ...]:
    """Return what was missing before; of a source of parts those that are still declared."""
    known = before.partly.missing if before is not None and before.partly is not None else ()
    return tuple(one for one in known if parts is None or not set(parts).isdisjoint(one.streams))


def _missing(one: Aside, before: Run | None, labels: Mapping[str, str]) -> Missing:
    named = one.label or _listed(labels.get(name, name) for name in one.streams)
    return Missing(
        streams=one.streams,
        label=named,
        kind=kind_of(one.error),
        code=one.error.code,
        detail=one.error.detail,
        as_of=one.as_of or _stood(one.streams, before),
    )


def _listed(labels: Iterable[str]) -> str:
    found = list(labels)
    return " and ".join(found) if len(found) < 3 else f"{', '.join(found[:-1])} and {found[-1]}"


def _stood(streams: Sequence[str], before: Run | None) -> datetime | None:
    """Return up to when streams were complete before this run."""
    if before is None or before.partly is None:
        return before.clocks.source_as_of if before else None
    for one in before.partly.missing:
        if set(one.streams) & set(streams):
            return one.as_of
    return before.partly.rest_as_of


def _rest(before: Run | None) -> datetime | None:
    if before is None:
        return None
    return before.partly.rest_as_of if before.partly else before.clocks.source_as_of


def _instant(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
