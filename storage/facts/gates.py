"""The ready gate: ready means loaded, processed and importable; what is not says which of its streams is blocked."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from storage.facts.runs import FailureKind, Run, RunState
from storage.facts.status import SourceStatus


class Barrier(StrEnum):
    """What keeps a stream from being imported as it is at the provider."""

    #: the newest run that became ready could not read it
    UNREAD = "unread"
    #: far fewer records came: a person decides
    HELD = "held"
    #: what was collected was not made ready
    UNPROCESSED = "unprocessed"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A stream, or the whole source, that does not get through."""

    #: what people call it; empty: the whole source
    label: str
    barrier: Barrier


def blocked(status: SourceStatus) -> tuple[Blocked, ...]:
    """Return what does not get through of a source, whatever its age; nothing where all of it is importable."""
    return tuple(one for barrier in BARRIERS for one in barrier(status))


def _unread(status: SourceStatus) -> list[Blocked]:
    run = status.last_ready
    if run is None or run.state is not RunState.READY or run.partly is None:
        return []
    return [Blocked(one.label, Barrier.UNREAD) for one in run.partly.missing]


def _held(status: SourceStatus) -> list[Blocked]:
    run = _failed(status)
    if run is None or run.failure is None or run.failure.kind is not FailureKind.HELD:
        return []
    return [Blocked(run.held.stream.replace("_", " ") if run.held else "", Barrier.HELD)]


def _unprocessed(status: SourceStatus) -> list[Blocked]:
    run = _failed(status)
    loaded = run is not None and run.failure is not None and run.clocks.loaded_at is not None
    return [Blocked("", Barrier.UNPROCESSED)] if loaded and status.active is None and not _held(status) else []


def _failed(status: SourceStatus) -> Run | None:
    """Return the newest run where it failed; a later good one has let everything through."""
    run = status.last_finished
    return run if run is not None and run.state is RunState.FAILED else None


#: One line for each; what is unmapped joins them once there are mappings.
BARRIERS: tuple[Callable[[SourceStatus], list[Blocked]], ...] = (_unread, _held, _unprocessed)
