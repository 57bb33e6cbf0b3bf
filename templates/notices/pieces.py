"""Phrases that several notices share: times with their labels, rows, durations, the QuickBooks sentence."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import Button, ButtonStyle, Inline, When
from storage.facts.runs import Duration, Run, RunState, Stage
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.rhythm import rhythm
from templates.text import counted, label, number
from templates.words import failure_words, provider_name, run_words

Words = tuple[Inline, ...]
#: seconds after which a reading's pace is known, of no rows after which it stands still, and that are worth telling
_PACE_KNOWN, _STANDS, _WORTH = 20, 60, 10


def instant(at: datetime | None, empty: str = "not yet", *, now: datetime | None = None) -> Words:
    """Return an instant, with its age where `now` is given; `empty` where there is none."""
    return (When(at, now),) if at else (empty,)


def rows_so_far(run: Run) -> str:
    """Return the rows read: ``1,204 of about 3,000 rows, at least 4 min left``; empty before the first one."""
    if not run.rows:
        return ""
    if run.rows_expected and run.rows_expected >= run.rows:
        left = _seconds_left(run, run.rows_expected)
        # At least: how much there is of what was not begun is not known yet.
        rest = f", at least {times.span(left)} left" if left is not None else ""
        return f"{number(run.rows)} of about {counted(run.rows_expected, 'row')}{rest}"
    return f"{counted(run.rows, 'row')} so far"


def _seconds_left(run: Run, expected: int) -> float | None:
    """Return how long a reading takes still at its own pace; None before that is known, and once it stands still."""
    if run.stage is not Stage.COLLECTING or run.started_at is None or run.progress_at is None or run.moved_at is None:
        return None
    took = (run.progress_at - run.started_at).total_seconds()
    stands = (run.progress_at - run.moved_at).total_seconds()
    if took < _PACE_KNOWN or stands > _STANDS or run.rows * 100 < expected:
        return None
    left = took * (expected - run.rows) / run.rows
    return left if left >= _WORTH else None


def doing(run: Run | None, now: datetime) -> Words:
    """Return what a source's run does now, with rows; or when and why, where it waits for its next attempt."""
    if run is None:
        return ("nothing running",)
    if waits(run, now):
        assert run.next_attempt_at is not None
        return ("waiting, next attempt ", When(run.next_attempt_at, now), *because(run))
    rows = rows_so_far(run)
    return (run_words(run) + (f", {rows}" if rows else ""),)


def at_work(run: Run | None, now: datetime) -> Words:
    """As `doing`, in words that stay true while the run goes on: no stage, no rows. For pages that stay open."""
    if run is None or waits(run, now) or run.state is RunState.CANCELLING:
        return doing(run, now)
    if run.state is RunState.QUEUED:
        return ("waiting to start since ", When(run.clocks.requested_at))
    return ("running since ", When(run.started_at or run.clocks.requested_at))


def waits(run: Run, now: datetime) -> bool:
    """Whether the run has an attempt behind it and the next one is still ahead."""
    return run.next_attempt_at is not None and run.next_attempt_at > now and run.state.active


#: failures of which the detail is a name out of the program
_OURS = {
    "storage_failed": "Tidings could not write to its own storage",
    "warehouse_refused": "what was read could not be stored",
    "unexpected": "something went wrong in Tidings itself",
}


def because(run: Run) -> Words:
    """Return why the last attempt did not succeed, in the safe words of the failure."""
    seen = _OURS.get(run.failure.code) or label(run.failure.detail, empty="").rstrip(".") if run.failure else ""
    return (f", because {_lower(seen)}",) if seen else ()


def _lower(text: str) -> str:
    """Return a sentence fit for the middle of another one; names in capitals stay."""
    return (
        text[:1].lower() + text[1:]
        if text[1:2].islower() and not text.startswith(("QuickBooks", "Shopify", "Amazon", "Tidings"))
        else text
    )


def usual(duration: Duration | None) -> Words:
    """Return how long it usually takes; nothing below five runs, when nobody can know."""
    if duration is None or duration.runs < 5:
        return ()
    low, high = times.span(duration.p50), times.span(duration.p90)
    short = low.removesuffix(" min") if high.endswith(" min") and high.count(" ") == 1 else low
    words = f"about {low}" if low == high else f"{short} to {high}"
    return (f"{words} (last {counted(duration.runs, 'good run')})",)


def next_collection(status: SourceStatus, now: datetime) -> Words:
    """Return when the source's data is collected next, and in which rhythm."""
    if status.source.connection is ConnectionState.DISCONNECTED:
        return ("none until it is reconnected",)
    if status.source.mode is CollectMode.PUSH:
        if status.next_file_at is not None:
            return ("when its next file comes, usually by ", When(status.next_file_at, now))
        return ("when its next file comes; Tidings looks by itself",)
    if status.next_run_at is None:
        return ("none planned, its schedule is off",) if status.source.rule else ("not scheduled",)
    return (When(status.next_run_at, now), f", {rhythm(status.source, status.stretched_minutes)}")


def stretched(status: SourceStatus) -> Words:
    """Return why a source is collected less often than planned; nothing where it is not."""
    if status.stretched_minutes is None:
        return ()
    planned = times.every(status.source.planned_minutes or status.source.schedule_minutes)
    why = ""
    if status.reads and status.reads[1]:
        used = f"{number(status.reads[0])} of {number(status.reads[1])}"
        why = f": {used} reads of this month's budget are used ({status.reads[0] * 100 // status.reads[1]} %)"
    name = provider_name(status.source.provider)
    now = times.every(status.stretched_minutes)
    return (f"{name} is collected {now} instead of {planned} to stay within the read budget{why}.",)


def why_older(source: Source, run: Run, following: datetime | None, failed: Run | None = None) -> Words:
    """Return why a source's data is older than the question; nothing where it is not. `failed`: its last collection."""
    asked, as_of = run.clocks.requested_at, run.clocks.source_as_of
    if as_of is None or as_of >= asked:
        return ()
    name = provider_name(source.provider)
    older: Words = (f"{name} data is as of ", When(as_of), ", before you asked (", When(asked), "), because ")
    if source.mode is CollectMode.PUSH:
        return (*older, f"that is the newest that {name} has delivered. What comes later is read by itself.")
    if source.mode is not CollectMode.TIMER:
        return (*older, f"{_read_before(source, run, name)} Refresh again for anything newer.")
    if failed is not None and failed.failure is not None and failed.finished_at is not None:
        why = failure_words(failed.failure, source).what
        return (*older, f"the last collection of {name}, at ", When(failed.finished_at), f", failed: {why}")
    sentence: Words = (
        *older,
        f"{name} is collected by a timer {rhythm(source)}, not by a refresh.",
    )
    return (*sentence, " Next collection: ", When(following), ".") if following else sentence


def _read_before(source: Source, run: Run, name: str) -> str:
    if run.only:
        return "only what an earlier run could not read was read this time."
    if source.provider is Provider.AMAZON:
        return "Amazon gave data up to that time only."
    return f"a collection of {name} was running already and was joined."


def touched(run: Run) -> str:
    """Return what a run did to the rows: ``12 new, 3 changed, 0 deleted``."""
    new = sum(count.new for count in run.counts.values())
    changed = sum(count.changed for count in run.counts.values())
    deleted = sum(count.deleted for count in run.counts.values())
    if run.state is RunState.READY and run.partly is not None and not new + changed + deleted:
        return "nothing had changed in what could be read"
    if run.state is RunState.READY and run.only and not new + changed + deleted:
        return "read alone what was missing, nothing had changed"
    if run.state is RunState.READY and not new + changed + deleted:
        as_of = run.clocks.source_as_of
        # Data from before the question was not looked at again at the provider; saying "checked" would be a lie.
        older = as_of is not None and as_of < run.clocks.requested_at
        return "nothing new had been collected" if older else "checked, nothing had changed"
    return f"{number(new)} new, {number(changed)} changed, {number(deleted)} deleted"


def reconnect_button(source: Source, text: str = "") -> Button:
    """Return the button that gives whoever presses it a link of their own."""
    name = text or f"Reconnect {provider_name(source.provider)}"
    return Button(name, actions.RECONNECT, source.id, style=ButtonStyle.PRIMARY)


def why_buttons(sources: Sequence[Source], *, most: int = 3) -> tuple[Button, ...]:
    """Return a button for each of the first sources that explains why its data is as it is."""
    asked = sources[:most]
    same = len({source.provider for source in asked}) < len(asked)
    return tuple(Button(_why(source, named=len(asked) > 1, same=same), actions.WHY, source.id) for source in asked)


def _why(source: Source, *, named: bool, same: bool) -> str:
    if not named:
        return "Why?"
    company = f" ({label(source.company)[:24]})" if same and source.company else ""
    return f"Why {provider_name(source.provider)}{company}?"
