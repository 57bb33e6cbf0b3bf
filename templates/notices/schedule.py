"""Schedules: how they stand, what another one would mean, and what was set."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    Table,
    When,
)
from storage.facts.sources import CollectMode, ConnectionState, Source
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.notices.answers import refused, say
from templates.notices.pieces import Words
from templates.notices.standstill import at_data
from templates.rhythm import rhythm, zone_name
from templates.text import label
from templates.words import long_names, provider_name, source_title

_USAGE: Words = (
    "Managers change one with ",
    Code("/data schedule shopify every 6 hours"),
    ", ",
    Code("… at 07:30"),
    ", ",
    Code("… weekdays at 07:30"),
    ", ",
    Code("… off"),
    " or ",
    Code("… default"),
    ". It is shown before it is saved.",
)
#: Why a source cannot have a schedule, and what to do.
_REFUSED = {
    "short": ("That is too often.", "choose 5 minutes or more."),
    "long": ("That is longer than a day.", "choose a time of day, as in /data schedule shopify at 07:30."),
    "time": ("That is no time of day.", "write it as 07:30, or 7:30 pm."),
    "push": ("Its files are delivered to Tidings, so nothing is scheduled here.", "change it where they are sent."),
    "zone": (
        "Tidings does not know the time zone of your company, so a time of day means nothing.",
        "choose an interval, or ask support to set the zone.",
    ),
    "timer": (
        "It is collected by the clock alone, so without a schedule nothing new would ever come.",
        "choose a time of day, or disconnect it.",
    ),
}  # fmt: skip


def schedules(organization: str, statuses: Sequence[SourceStatus], now: datetime) -> Message:
    """Return when each source is collected."""
    names = long_names([entry.source for entry in statuses])
    rows = tuple((names[entry.source.id], _stands(entry, now)) for entry in statuses)
    parts: tuple[Part, ...] = (Heading("When data is collected"), Facts(rows), Note(_USAGE))
    return Message(f"{label(organization)}: when each source is collected.", parts, kind="schedule")


def _stands(status: SourceStatus, now: datetime) -> Words:
    if status.frozen:
        first = status.frozen[0]
        when: Words = ("frozen since ", When(first.since), *at_data(first, status, now))
        words = "new files are not looked for" if status.source.mode is CollectMode.PUSH else rhythm(status.source)
        return (f"{words}, ", *when, f": {label(first.reason).rstrip('.')}. It goes on once it is reconnected.")
    if status.source.mode is CollectMode.PUSH:
        return ("when its next file comes; Tidings looks by itself",)
    words = rhythm(status.source, status.stretched_minutes)
    if status.source.connection is ConnectionState.DISCONNECTED:
        return (f"{words}, once it is reconnected",)
    return (words, ", next ", When(status.next_run_at, now)) if status.next_run_at else (words,)


def schedule_preview(
    source: Source, before: Source, upcoming: Sequence[datetime], *, zone: str, value: str
) -> Message:  # fmt: skip
    """Return the card that shows what a schedule would mean; `value` is for its button."""
    title = source_title(source)
    words = rhythm(source)
    buttons = (
        Button("Use this schedule", actions.SCHEDULE_SET, value, ButtonStyle.PRIMARY),
        Button("Leave it", actions.REFRESH_DISMISS),
    )
    parts: tuple[Part, ...] = (
        Heading(f"{title}: collect {words}?"),
        Paragraph((Strong("Now: "), f"{rhythm(before)}. Nothing is changed yet.")),
        *_times(source, upcoming, zone),
        Buttons(buttons),
        Note(("The audit will show that it was you.",)),
    )
    return Message(f"{title}: collect {words}? Nothing is changed yet.", parts, kind="schedule_preview")


def schedule_set(source: Source, upcoming: Sequence[datetime], *, zone: str) -> Message:
    """Return what was saved."""
    words = f"{source_title(source)} is now collected {rhythm(source)}."
    parts: tuple[Part, ...] = (Paragraph((Strong(words),)), *_times(source, upcoming, zone))
    return Message(words, parts, kind="schedule_set")


def _times(source: Source, upcoming: Sequence[datetime], zone: str) -> tuple[Part, ...]:
    if not upcoming:
        name = provider_name(source.provider)
        told = f"The clock collects it no more. A refresh does, and so do changes that {name} tells of by itself."
        return (Paragraph((told, " Data older than a day counts as late.")),)
    rows = tuple(
        ((f"{at.astimezone(times.zone_of(zone)):%a} {times.absolute(at, zone)}",), (When(at),)) for at in upcoming
    )
    parts: list[Part] = [Table("The next collections", (zone_name(zone), "For you"), rows)]
    if source.connection is ConnectionState.DISCONNECTED:
        parts.append(Paragraph((Strong("It is disconnected:"), " nothing is collected until it is reconnected.")))
    if source.rule is not None:
        spread = "Sources start up to 10 minutes after the time, each at its own moment."
        nights = " When clocks skip that time, it comes as much later; when they show it twice, the first counts."
        parts.append(Note((spread + nights,)))
    return tuple(parts)


def schedule_refused(reason: str) -> Message:
    """Return why that schedule is not possible."""
    return refused(_REFUSED[reason], kind="schedule")


def schedule_usage(words: str = "") -> Message:
    """Return how the command is written; `words` is what was not understood."""
    summary = (
        f"“{label(words)}” is no schedule that I know. Nothing was changed." if words else "Name the source first."
    )
    return say(summary, (summary,), _USAGE, kind="schedule")
