"""What was asked to be read once more, in words of its own: what it is, and what becomes of what is there."""

from storage.facts.messages import Paragraph, Part
from storage.facts.runs import Run, RunState
from storage.facts.status import RefreshStatus
from templates import times
from templates.notices.partly import lacks
from templates.text import label
from templates.words import STAGES


def outcome(refresh: RefreshStatus, source: str) -> str | None:
    """Return the state of it in one line; None for what was not asked to be read again, or came only in part."""
    if refresh.again is None or lacks(refresh.runs[0][1]) is not None:
        return None
    run, what = refresh.runs[0][1], _what(refresh, source)
    were, are = _is(refresh, "were", "was"), _is(refresh, "are", "is")
    stage = f" while {STAGES[run.failure.stage]}" if run.failure else ""
    return {
        RunState.QUEUED: f"{what} will be read again",
        RunState.RUNNING: f"{what} {are} being read again",
        RunState.CANCELLING: f"reading {what} again is being stopped",
        RunState.READY: f"{what} {were} read again and {are} ready to import",
        RunState.FAILED: f"reading {what} again {'is held: far fewer records came' if run.held else f'failed{stage}'}",
        RunState.CANCELLED: f"reading {what} again was stopped",
    }[run.state]


def told(refresh: RefreshStatus) -> list[Part]:
    """Return what is read, and what holds for the data that is there; nothing for any other refresh."""
    if refresh.again is None or lacks(refresh.runs[0][1]) is not None:
        return []
    since, run = refresh.again.since, refresh.runs[0][1]
    only = f"Only what changed since {times.day(since)} {'is' if run.state.active else 'was'} read. " if since else ""
    return [Paragraph((only, *_meanwhile(run)) if only else _meanwhile(run))]


def _meanwhile(run: Run) -> tuple[str, ...]:
    if run.state is RunState.READY:
        return ("The new read took the place of the old one, all at once, when it was loaded.",)
    if run.state.active:
        return ("What is there stays readable until the new read is complete, which then takes its place at once.",)
    if run.clocks.loaded_at is not None:
        return ("The new read is in the raw tables; the tables to import were not made of it and are what they were.",)
    return ("Nothing was changed: the data is what it was before.",)


def _what(refresh: RefreshStatus, source: str) -> str:
    assert refresh.again is not None
    return f"{label(refresh.again.label)} of {source}" if refresh.again.label else source


def _is(refresh: RefreshStatus, many: str, one: str) -> str:
    # Kinds of records are named in the plural, but for a few that nobody counts.
    named = refresh.again.label if refresh.again else ""
    return many if named.endswith("s") else one
