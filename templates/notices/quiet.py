"""Quiet hours: how they stand, and what was held for them, in one message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.facts.messages import Code, Heading, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.quiet import QuietView
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.rhythm import zone_name
from templates.text import counted, label, shorten

#: Lines of one message, and signs of each.
_MOST, _LONGEST = 20, 240
_WAITS = (
    "Direct messages and mail to you wait until then and say how things stand then; what is over by then is not sent. "
    "The call when something takes three hours, codes to connect with, and answers to what you press come at once. "
    "Channels have no quiet hours."
)
USAGE: Words = (
    "Say ",
    Code("/data notify quiet 20:00-07:30"),
    ", ",
    Code("/data notify quiet 20:00-07:30 weekends"),
    " or ",
    Code("/data notify quiet off"),
    ". At least 15 minutes and at most 16 hours a day, in the time zone of your Slack profile.",
)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One message that was held."""

    #: None: what it was about is gone
    summary: str | None
    asked_at: datetime


def held_bundle(lines: Sequence[HeldLine]) -> Message:
    """Return what was held for somebody's quiet hours, each in one sentence."""
    told = [line for line in lines if line.summary]
    summary = f"{counted(len(told), 'message', 'messages')} that waited for the end of your quiet hours."
    shown = told[:_MOST]
    rows = tuple(((shorten(label(line.summary or ""), _LONGEST),), (When(line.asked_at),)) for line in shown)
    parts: list[Part] = [
        Heading("While it was quiet"),
        Paragraph((Strong(summary), " Each says how things stand now.")),
        Table("What was held", ("What", "Since"), rows),
    ]
    if len(told) > len(shown):
        parts.append(Paragraph((f"{len(told) - len(shown)} more are not shown.",)))
    parts.append(
        Note(("What stands how now: ", Code("/data status"), ". Your quiet hours: ", Code("/data notify quiet"), "."))
    )
    return Message(summary, tuple(parts), subject=f"While it was quiet: {summary}", kind="held_bundle")


def flood_bundle(lines: Sequence[HeldLine], *, over: int, bundle_id: str) -> Message:
    """Return what was held because too many messages came within an hour; `over` more are not worth saying any more."""
    told = [line for line in lines if line.summary]
    summary = f"{counted(len(told), 'message is', 'messages are')} told in this one: too many came within an hour."
    shown = told[:_MOST]
    rows = tuple(((shorten(label(line.summary or ""), _LONGEST),), (When(line.asked_at),)) for line in shown)
    parts: list[Part] = [
        Heading("Many messages in one"),
        Paragraph((Strong(summary), " Each says how things stand now.")),
        Table("What was held back", ("What", "Since"), rows),
    ]
    rest = [f"{len(told) - len(shown)} more are not shown here"] if len(told) > len(shown) else []
    if over:
        rest.append(f"{over} that were held back too are over by now, or have a newer one")
    if rest:
        parts.append(Paragraph((f"{'; '.join(rest)}. See them: ", Code(f"/data deliveries {bundle_id}"))))
    parts.append(
        Note(
            (
                "What stands how now: ",
                Code("/data status"),
                ". What became of each message: ",
                Code(f"/data deliveries {bundle_id}"),
                ". Calls for help, and answers to what somebody presses, are never held back. Fewer messages: ",
                Code("/data notify"),
                ".",
            )
        )
    )
    return Message(summary, tuple(parts), subject=f"Tidings: {summary}", kind="held_bundle")


def quiet_shown(view: QuietView, *, changed: bool = False) -> Message:
    """Return how somebody's quiet hours stand."""
    if view.quiet is None:
        summary = "You have no quiet hours: messages come at any time."
        saved: Words = (Strong(f"Saved. {summary}"),) if changed else (summary,)
        return say(summary, saved, USAGE, kind="quiet")
    days = ", and all of Saturday and Sunday" if view.quiet.weekends else ""
    hours = f"{view.quiet.starts:%H:%M} to {view.quiet.ends:%H:%M}"
    summary = f"Quiet every day from {hours}{days}, {zone_name(view.zone)}."
    lines: list[Words] = [(Strong(f"Saved. {summary}"),) if changed else (summary,)]
    if view.until is not None:
        held = f"; {counted(view.held, 'message waits', 'messages wait')}" if view.held else ""
        lines.append(("It is quiet now, until ", When(view.until), f"{held}."))
    lines.append((_WAITS,))
    return say(summary, *lines, USAGE, kind="quiet")


def quiet_refused(said: str) -> Message:
    """Return the answer to words that are no quiet hours."""
    summary = f"“{shorten(label(said), 60)}” are no quiet hours that I know. Nothing was changed."
    return say(summary, (summary,), USAGE, kind="quiet")
