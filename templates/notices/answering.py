"""Short answers to questions in plain words: the fact first, then the facts and times behind it, then one next step."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Strong,
    Table,
    When,
)
from storage.facts.runs import RunState
from storage.facts.sources import CollectMode, ConnectionState, Source
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.notices.partly import as_of, lacks
from templates.notices.pieces import Words, doing, instant, next_collection, reconnect_button, touched, usual
from templates.text import counted, label, listed, shorten
from templates.words import provider_name, short_names, who

Cells = Callable[[SourceStatus], tuple[Words, ...]]
#: rows of an answer; how many more there are is said
_MOST = 50


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
        summary = f"{_all(statuses)}: no data has been loaded yet."
    else:
        at, oldest = min(known, key=lambda one: one[0])
        name = _name(oldest, statuses)
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

    return _answer(summary, _listing(statuses, columns, cells), now, _refresh(statuses, value))


def when_next(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return when each source is collected next, and in what rhythm."""
    coming = [(entry.next_run_at, entry) for entry in statuses if _collected(entry) and entry.next_run_at is not None]
    if coming:
        at, first = min(coming, key=lambda one: one[0])
        summary = f"Next collection: {_name(first, statuses)}, {times.absolute(at, zone)}."
    else:
        summary = f"{_all(statuses)}: no collection is planned at a set time."
    columns = ("Next collection", "Running now")
    parts = _listing(statuses, columns, lambda entry: (next_collection(entry, now), doing(entry.active, now)))
    return _answer(summary, parts, now, note=("Change it: ", Code("/data schedule"), " (managers)."))


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
        summary = f"{_name(last, statuses)}: {told}, as its last refreshes went."
        if by is not None:
            likely = "Likely yes" if end <= by else "Likely not"
            summary = f"{likely}: {_name(last, statuses)} is {told}, and you asked for {times.absolute(by, zone)}."
    elif running:
        known = running[0].duration is not None and running[0].active is not None and running[0].active.started_at
        told = "it takes longer than usual" if known else "how long it takes is not known yet"
        summary = f"{_name(running[0], statuses)} is being refreshed now; {told}."
    elif slowest is not None and slowest.duration is not None:
        longest = times.span(slowest.duration.p50)
        summary = f"A refresh of {_name(slowest, statuses)} usually takes about {longest}; nothing is running now."
    else:
        summary = f"{_all(statuses)}: how long it takes is not known before five good runs; nothing is running now."
    columns = ("Running now", "A refresh usually takes")
    parts = _listing(
        statuses, columns, lambda entry: (doing(entry.active, now), usual(entry.duration) or ("not known yet",))
    )
    return _answer(summary, parts, now, () if running else _refresh(statuses, value))


def is_running(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return what runs now, and what the last run of each came to."""
    running = [entry for entry in statuses if entry.active is not None]
    if running:
        named = _listed(running, statuses)
        summary = f"{named} {'is' if len(running) == 1 else 'are'} being refreshed now."
    else:
        summary = f"{_all(statuses)}: nothing is running now."
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
    return _answer(summary, _listing(statuses, columns, lambda entry: (doing(entry.active, now), ended(entry))), now)


def what_changed(statuses: Sequence[SourceStatus], now: datetime, zone: str) -> Message:
    """Return what the newest run of each source that became ready did to the rows."""
    ready = [(entry.last_ready, entry) for entry in statuses if entry.last_ready is not None]
    if not ready:
        summary = f"{_all(statuses)}: no data has been loaded yet."
    elif len(ready) == 1:
        run, entry = ready[0]
        at = run.clocks.ready_at
        when = f", ready {times.absolute(at, zone)}" if at else ""
        summary = f"{_name(entry, statuses)}, newest refresh{when}: {touched(run)}."
    else:
        rows = sum(run.changed for run, _ in ready)
        summary = f"The newest refreshes of {counted(len(ready), 'source')} touched {counted(rows, 'row')}."
    columns = ("Newest refresh ready", "Rows")

    def cells(entry: SourceStatus) -> tuple[Words, ...]:
        run = entry.last_ready
        return ("never",) if run is None else instant(run.clocks.ready_at), (touched(run) if run else "–",)

    parts = _listing(statuses, columns, cells)
    return _answer(summary, parts, now, note=("All of them: ", Code("/data history"), "."))


def disconnected(
    statuses: Sequence[SourceStatus], now: datetime, zone: str, *, admins: Sequence[str], may: Callable[[Source], bool]
) -> Message:
    """Return which of these sources are not connected, since when and why."""
    lost = [entry for entry in statuses if entry.source.connection is ConnectionState.DISCONNECTED]
    weak = [entry for entry in statuses if entry.source.connection is ConnectionState.ATTENTION]
    if not lost and not weak:
        count = len(statuses)
        named = _all(statuses)
        return _answer(f"{named} {'is' if count == 1 else 'are'} connected; nothing is disconnected.", [], now)
    summary = f"{_listed(lost, statuses)} {'is' if len(lost) == 1 else 'are'} disconnected."
    if not lost:
        summary = f"Nothing is disconnected, but {_listed(weak, statuses)} needs attention."
    elif len(lost) == 1:
        summary = f"{summary[:-1]} since {times.absolute(lost[0].source.connection_since, zone)}."
    columns = ("Connection", "Since", "Why")

    def cells(entry: SourceStatus) -> tuple[Words, ...]:
        source = entry.source
        state = "disconnected" if entry in lost else "needs attention"
        return (state,), (When(source.connection_since),), (label(source.connection_reason or ""),)

    return _answer(summary, _listing([*lost, *weak], columns, cells), now, *_mend([*lost, *weak], admins, may))


def how_reconnect(
    statuses: Sequence[SourceStatus], now: datetime, *, admins: Sequence[str], may: Callable[[Source], bool], asks: bool
) -> Message:
    """Return how sources are connected again; `asks`: they were named, so that sound ones get the way, too."""
    broken = [entry for entry in statuses if entry.source.connection is not ConnectionState.CONNECTED]
    named = _listed(broken or statuses, statuses)
    if not broken and not (asks and statuses):
        return _answer("Nothing has to be reconnected: every source is connected.", [], now)
    well = "" if broken else f"{named} {'is' if len(statuses) == 1 else 'are'} connected, so nothing has to be done. "
    can = any(may(entry.source) for entry in broken or statuses)
    how = "press the button, and log in on the page that opens" if can else f"ask {who(admins)}; it takes one link"
    summary = f"{well}To reconnect {named}: {how}."
    way: Part = Paragraph(
        (
            "The link is for one person, works once and for 15 minutes. By command: ",
            Code("/data reconnect"),
            " (admins).",
        )
    )
    buttons, _ = _mend(broken or statuses[:1], admins, may)
    return _answer(summary, [way], now, buttons)


def what_can_refresh(
    statuses: Sequence[SourceStatus], now: datetime, *, may: bool, admins: Sequence[str], value: str | None = None
) -> Message:
    """Return which sources a refresh reads, which come by themselves, and whether the reader may start one."""
    able = [entry for entry in statuses if entry.source.mode is CollectMode.ON_DEMAND and _collected(entry)]
    if not statuses:
        summary = "No sources are connected yet."
    elif able:
        named = _listed(able, statuses)
        summary = f"On demand can be refreshed: {named}; every other source comes by itself."
        if len(able) == len(statuses):
            summary = f"{_all(statuses)} can be refreshed on demand."
    else:
        summary = f"{_all(statuses)}: nothing here is read on demand."
    whose = "You may start a refresh." if may else f"Your role may not start one; {who(admins)} can give you the right."
    columns = ("Refresh on demand", "Next collection")
    parts = _listing(statuses, columns, lambda entry: ((_demand(entry),), next_collection(entry, now)))
    parts = [Paragraph((whose,)), *parts]
    return _answer(summary, parts, now, _refresh(statuses, value) if may and able else ())


def which_source(question: str, known: Sequence[str]) -> Message:
    """Return that it is not clear which source is meant, with those that there are."""
    summary = "Which source do you mean?"
    asked: Words = (Strong(summary), f" I do not know what “{shorten(label(question), 80)}” is about. Name it, please.")
    have: Words = (f"Sources here: {listed(list(known), most=10)}." if known else "No sources are connected yet.",)
    return Message(summary, (Paragraph(asked), Paragraph(have)), kind="which_source")


def not_understood(question: str, nearest: Sequence[str], *, declined: bool = False) -> Message:
    """Return that the words were not understood, or that nothing was started, and the nearest things to ask."""
    asked = shorten(label(question), 80)
    summary = "Nothing was started." if declined else f"I did not understand “{asked}”. Nothing was done."
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


def _answer(
    summary: str, parts: Sequence[Part], now: datetime, buttons: Sequence[Button] = (), note: Words = ()
) -> Message:
    small: Words = ("Checked ", When(now), ".", *((" ", *note) if note else ()))
    row = [Buttons(tuple(buttons))] if buttons else []
    return Message(summary, (Paragraph((Strong(summary),)), *parts, Note(small), *row), kind="answer")


def _listing(statuses: Sequence[SourceStatus], columns: tuple[str, ...], cells: Cells) -> list[Part]:
    if len(statuses) == 1:
        return [Facts(tuple(zip(columns, cells(statuses[0]), strict=True)))]
    names = short_names([entry.source for entry in statuses])
    rows = tuple(((names[entry.source.id],), *cells(entry)) for entry in statuses[:_MOST])
    parts: list[Part] = [Table(counted(len(statuses), "source"), ("Source", *columns), rows)] if rows else []
    more = len(statuses) - _MOST
    return [*parts, Note((f"{counted(more, 'more source')}: /data status shows all.",))] if more > 0 else parts


def _name(entry: SourceStatus, statuses: Sequence[SourceStatus]) -> str:
    return short_names([one.source for one in statuses])[entry.source.id]


def _listed(some: Sequence[SourceStatus], statuses: Sequence[SourceStatus]) -> str:
    names = short_names([one.source for one in statuses])
    return listed([names[entry.source.id] for entry in some])


def _all(statuses: Sequence[SourceStatus]) -> str:
    if len(statuses) == 1:
        return _name(statuses[0], statuses)
    if len(statuses) == 2:
        return "Both sources"
    return f"All {counted(len(statuses), 'source')}" if statuses else "No sources are connected yet"


def _collected(entry: SourceStatus) -> bool:
    return entry.source.connection is not ConnectionState.DISCONNECTED


def _demand(entry: SourceStatus) -> str:
    if not _collected(entry):
        return "no, it is disconnected"
    return {
        CollectMode.ON_DEMAND: "yes",
        CollectMode.TIMER: "no, a timer collects it; a refresh makes what was collected ready",
        CollectMode.PUSH: "no, its files are read when they come",
    }[entry.source.mode]


def _usual_seconds(entry: SourceStatus) -> float:
    return entry.duration.p50 if entry.duration else 0.0


def _likely_end(entry: SourceStatus, now: datetime) -> datetime | None:
    """Return by when nine of ten such runs were done; None where that is past or nobody can know."""
    run, duration = entry.active, entry.duration
    if run is None or duration is None or run.started_at is None:
        return None
    end = datetime.fromtimestamp(run.started_at.timestamp() + duration.p90, tz=now.tzinfo)
    return end if end > now else None


def _refresh(statuses: Sequence[SourceStatus], value: str | None) -> tuple[Button, ...]:
    able = [entry for entry in statuses if _collected(entry) and entry.active is None]
    if value is None or not able:
        return ()
    text = f"Refresh {provider_name(able[0].source.provider)}" if len(statuses) == 1 else "Refresh"
    return (Button(text, actions.REFRESH_ASK, value),)


def _mend(
    broken: Sequence[SourceStatus], admins: Sequence[str], may: Callable[[Source], bool]
) -> tuple[tuple[Button, ...], Words]:
    """Return the button for the first that the reader may reconnect, else whom to ask."""
    able = [entry.source for entry in broken if may(entry.source)]
    if able:
        return (replace(reconnect_button(able[0]), style=ButtonStyle.PRIMARY),), ()
    return (), (f"Next step: {who(admins)} can reconnect it with /data reconnect.",)
