"""Short answers about connections, and about what a refresh can do."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from storage.facts.messages import Button, ButtonStyle, Code, Message, Paragraph, Part, When
from storage.facts.sources import CollectMode, ConnectionState, Source
from storage.facts.status import SourceStatus
from templates import times
from templates.notices.pieces import Words, next_collection, reconnect_button
from templates.notices.short import every, is_collected, listing, names_listed, refresh_button, short_answer
from templates.text import label
from templates.words import who


def disconnected(
    statuses: Sequence[SourceStatus], now: datetime, zone: str, *, admins: Sequence[str], may: Callable[[Source], bool]
) -> Message:
    """Return which of these sources are not connected, since when and why."""
    lost = [entry for entry in statuses if entry.source.connection is ConnectionState.DISCONNECTED]
    weak = [entry for entry in statuses if entry.source.connection is ConnectionState.ATTENTION]
    if not lost and not weak:
        count = len(statuses)
        named = every(statuses)
        return short_answer(f"{named} {'is' if count == 1 else 'are'} connected; nothing is disconnected.", [], now)
    summary = f"{names_listed(lost, statuses)} {'is' if len(lost) == 1 else 'are'} disconnected."
    if not lost:
        summary = f"Nothing is disconnected, but {names_listed(weak, statuses)} needs attention."
    elif len(lost) == 1:
        summary = f"{summary[:-1]} since {times.absolute(lost[0].source.connection_since, zone)}."
    columns = ("Connection", "Since", "Why")

    def cells(entry: SourceStatus) -> tuple[Words, ...]:
        source = entry.source
        state = "disconnected" if entry in lost else "needs attention"
        return (state,), (When(source.connection_since),), (label(source.connection_reason or ""),)

    return short_answer(summary, listing([*lost, *weak], columns, cells), now, *_mend([*lost, *weak], admins, may))


def how_reconnect(
    statuses: Sequence[SourceStatus], now: datetime, *, admins: Sequence[str], may: Callable[[Source], bool], asks: bool
) -> Message:
    """Return how sources are connected again; `asks`: they were named, so that sound ones get the way, too."""
    broken = [entry for entry in statuses if entry.source.connection is not ConnectionState.CONNECTED]
    named = names_listed(broken or statuses, statuses)
    if not broken and not (asks and statuses):
        return short_answer("Nothing has to be reconnected: every source is connected.", [], now)
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
    return short_answer(summary, [way], now, buttons)


def what_can_refresh(
    statuses: Sequence[SourceStatus], now: datetime, *, may: bool, admins: Sequence[str], value: str | None = None
) -> Message:
    """Return which sources a refresh reads, which come by themselves, and whether the reader may start one."""
    able = [entry for entry in statuses if entry.source.mode is CollectMode.ON_DEMAND and is_collected(entry)]
    if not statuses:
        summary = "No sources are connected yet."
    elif able:
        named = names_listed(able, statuses)
        summary = f"On demand can be refreshed: {named}; every other source comes by itself."
        if len(able) == len(statuses):
            summary = f"{every(statuses)} can be refreshed on demand."
    else:
        summary = f"{every(statuses)}: nothing here is read on demand."
    whose = "You may start a refresh." if may else f"Your role may not start one; {who(admins)} can give you the right."
    columns = ("Refresh on demand", "Next collection")
    parts = listing(statuses, columns, lambda entry: ((_demand(entry),), next_collection(entry, now)))
    parts = [Paragraph((whose,)), *parts]
    return short_answer(summary, parts, now, refresh_button(statuses, value) if may and able else ())


def _mend(
    broken: Sequence[SourceStatus], admins: Sequence[str], may: Callable[[Source], bool]
) -> tuple[tuple[Button, ...], Words]:
    """Return the button for the first that the reader may reconnect, else whom to ask."""
    able = [entry.source for entry in broken if may(entry.source)]
    if able:
        return (replace(reconnect_button(able[0]), style=ButtonStyle.PRIMARY),), ()
    return (), (f"Next step: {who(admins)} can reconnect it with /data reconnect.",)


def _demand(entry: SourceStatus) -> str:
    if not is_collected(entry):
        return "no, it is disconnected"
    return {
        CollectMode.ON_DEMAND: "yes",
        CollectMode.TIMER: "no, a timer collects it; a refresh makes what was collected ready",
        CollectMode.PUSH: "no, its files are read when they come",
    }[entry.source.mode]
