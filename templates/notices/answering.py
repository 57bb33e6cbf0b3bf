"""Short answers to questions in plain words: the fact first, then the facts and times behind it, then one next step."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from storage.facts.messages import (
    Buttons,
    Code,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Strong,
    When,
)
from storage.facts.runs import RunState
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.notices.partly import as_of, lacks
from templates.notices.pieces import Words, doing, instant, next_collection, touched, usual
from templates.notices.short import every, is_collected, listing, name_of, names_listed, refresh_button, short_answer
from templates.text import counted, label, listed, shorten


def when_last(
    statuses: Sequence[SourceStatus],
    now: datetime,
    zone: str,
    *,
    since: datetime | None = None,
    value: str | None = None,
) -> Message:
    """Return up to when the data goes; with `since`, first whether any of it is newer than that."""
    known = [(entry.last_data_refresh, entry) for entry in statuses if entry.last_data_refresh is not None]
    if not known:
        summary = f"{every(statuses)}: no data has been loaded yet."
    else:
        at, oldest = min(known, key=lambda one: one[0])
        name = name_of(oldest, statuses)
        first = f"{name}: data" if len(statuses) == 1 else f"Oldest data: {name},"
        summary = f"{first} as of {times.absolute(at, zone)}."
        if since is not None and len(statuses) == 1:
            newer, side = ("Yes", "after") if at >= since else ("No", "before")
            data = f"{name} data is as of {times.absolute(at, zone)}"
            summary = f"{newer}: {data}, {side} {times.absolute(since, zone)}."
    columns = ("Data as of", "Ready to import")

    def cells(entry: SourceStatus) -> tuple[Words, ...]:
        ready = entry.last_ready.clocks.ready_at if entry.last_ready else None
        return as_of(entry.last_data_refresh, lacks(entry.last_ready), "never", now=now), instant(ready, "never")

    return short_answer(summary, listing(statuses, columns, cells), now, refresh_button(statuses, value))


def when_next(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return when each source is collected next, and in what rhythm."""
    coming = [(entry.next_run_at, entry) for entry in statuses if is_collected(entry) and entry.next_run_at is not None]
    if coming:
        at, first = min(coming, key=lambda one: one[0])
        summary = f"Next collection: {name_of(first, statuses)}, {times.absolute(at, zone)}."
    else:
        summary = f"{every(statuses)}: no collection is planned at a set time."
    columns = ("Next collection", "Running now")
    parts = listing(statuses, columns, lambda entry: (next_collection(entry, now), doing(entry.active, now)))
    return short_answer(summary, parts, now, note=("Change it: ", Code("/data schedule"), " (managers)."))


def how_long(
    statuses: Sequence[SourceStatus], now: datetime, zone: str, *, by: datetime | None = None, value: str | None = None
) -> Message:
    """Return how long a refresh takes, and for what runs, by when it is likely done; `by`: whether it is by then."""
    running = [entry for entry in statuses if entry.active is not None]
    ends = [(end, entry) for entry in running if (end := _likely_end(entry, now)) is not None]
    slowest = max((entry for entry in statuses if entry.duration), key=_usual_seconds, default=None)
    if ends:
        end, last = max(ends, key=lambda one: one[0])
        told = f"likely done by {times.absolute(end, zone)}"
        summary = f"{name_of(last, statuses)}: {told}, as its last refreshes went."
        if by is not None:
            likely = "Likely yes" if end <= by else "Likely not"
            summary = f"{likely}: {name_of(last, statuses)} is {told}, and you asked for {times.absolute(by, zone)}."
    elif running:
        known = running[0].duration is not None and running[0].active is not None and running[0].active.started_at
        told = "it takes longer than usual" if known else "how long it takes is not known yet"
        summary = f"{name_of(running[0], statuses)} is being refreshed now; {told}."
    elif slowest is not None and slowest.duration is not None:
        longest = times.span(slowest.duration.p50)
        summary = f"A refresh of {name_of(slowest, statuses)} usually takes about {longest}; nothing is running now."
    else:
        summary = f"{every(statuses)}: how long it takes is not known before five good runs; nothing is running now."
    columns = ("Running now", "A refresh usually takes")
    parts = listing(
        statuses, columns, lambda entry: (doing(entry.active, now), usual(entry.duration) or ("not known yet",))
    )
    return short_answer(summary, parts, now, () if running else refresh_button(statuses, value))


def is_running(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return what runs now, and what the last run of each came to."""
    running = [entry for entry in statuses if entry.active is not None]
    if running:
        named = names_listed(running, statuses)
        summary = f"{named} {'is' if len(running) == 1 else 'are'} being refreshed now."
    else:
        summary = f"{every(statuses)}: nothing is running now."
        ready = [entry.last_ready.clocks.ready_at for entry in statuses if entry.last_ready]
        newest = max((at for at in ready if at is not None), default=None)
        if newest is not None:
            summary = f"{summary[:-1]}; the newest data became ready {times.absolute(newest, zone)}."

    def ended(entry: SourceStatus) -> Words:
        failed = entry.last_finished
        if failed is not None and failed.state is not RunState.READY and failed.finished_at is not None:
            return (f"{failed.state.value} ", When(failed.finished_at))
        ready = entry.last_ready.clocks.ready_at if entry.last_ready else None
        return ("ready to import ", When(ready)) if ready else ("none yet",)

    columns = ("Running now", "Last run")
    return short_answer(
        summary, listing(statuses, columns, lambda entry: (doing(entry.active, now), ended(entry))), now
    )


def what_changed(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return what the newest run of each source that became ready did to the rows."""
    ready = [(entry.last_ready, entry) for entry in statuses if entry.last_ready is not None]
    if not ready:
        summary = f"{every(statuses)}: no data has been loaded yet."
    elif len(ready) == 1:
        run, entry = ready[0]
        at = run.clocks.ready_at
        when = f", ready {times.absolute(at, zone)}" if at else ""
        summary = f"{name_of(entry, statuses)}, newest refresh{when}: {touched(run)}."
    else:
        rows = sum(run.changed for run, _ in ready)
        summary = f"The newest refreshes of {counted(len(ready), 'source')} touched {counted(rows, 'row')}."
    columns = ("Newest refresh ready", "Rows")

    def cells(entry: SourceStatus) -> tuple[Words, ...]:
        run = entry.last_ready
        return ("never",) if run is None else instant(run.clocks.ready_at), (touched(run) if run else "–",)

    parts = listing(statuses, columns, cells)
    return short_answer(summary, parts, now, note=("All of them: ", Code("/data history"), "."))


def which_source(question: str, known: Sequence[str]) -> Message:
    """Return that it is not clear which source is meant, with those that there are."""
    summary = "Which source do you mean?"
    asked: Words = (Strong(summary), f" I do not know what “{shorten(label(question), 80)}” is about. Name it, please.")
    have: Words = (f"Sources here: {listed(list(known), most=10)}." if known else "No sources are connected yet.",)
    return Message(summary, (Paragraph(asked), Paragraph(have)), kind="which_source")


def not_understood(question: str, nearest: Sequence[str], *, declined: bool = False, about: str = "") -> Message:
    """Return that the words were not understood, or that nothing was started, and the nearest things to ask.

    `about`: only what they are about was, as in "and amazon?" where nobody knows the question before.
    """
    asked = shorten(label(question), 80)
    summary = "Nothing was started." if declined else f"I did not understand “{asked}”. Nothing was done."
    if about and not declined:
        summary = f"What would you like to know about {label(about)}?"
    parts: list[Part] = [Paragraph((Strong(summary),))]
    if nearest:
        parts.append(Paragraph(("You can ask, for example:",)))
        parts += [Paragraph(("• ", Code(words))) for words in nearest]
    parts.append(Note(("Everything that I can do: ", Code("/data help"))))
    return Message(summary, tuple(parts), kind="not_understood")


def together(messages: Sequence[Message]) -> Message:
    """Return one message with an answer to each question, in their order."""
    if len(messages) == 1:
        return messages[0]
    parts: list[Part] = []
    for message in messages:
        parts += [*([Rule()] if parts else []), *message.parts]
    summary = "; ".join(message.summary.rstrip(".?") for message in messages)
    return Message(shorten(summary, 280).rstrip(".") + ".", tuple(parts), kind="answers")


#: buttons that change nothing and begin nothing
HARMLESS = frozenset({actions.WHY, actions.RECEIPT_SHOW, actions.DELIVERIES})


def without_offers(message: Message) -> Message:
    """Return the message without anything to press that could lead to an action."""
    kept: list[Part] = []
    for part in message.parts:
        if isinstance(part, Buttons):
            left = tuple(button for button in part.buttons if button.action in HARMLESS)
            kept += [Buttons(left)] if left else []
        elif isinstance(part, Paragraph):
            kept.append(replace(part, menu=()))
        else:
            kept.append(part)
    return replace(message, parts=tuple(kept))


def _usual_seconds(entry: SourceStatus) -> float:
    return entry.duration.p50 if entry.duration else 0.0


def _likely_end(entry: SourceStatus, now: datetime) -> datetime | None:
    """Return by when nine of ten such runs were done; None where that is past or nobody can know."""
    run, duration = entry.active, entry.duration
    if run is None or duration is None or run.started_at is None:
        return None
    end = datetime.fromtimestamp(run.started_at.timestamp() + duration.p90, tz=now.tzinfo)
    return end if end > now else None
