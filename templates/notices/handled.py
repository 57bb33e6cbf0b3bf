"""Who has an incident in hand, or wants to hear nothing of it for a while; and the buttons for both."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.incidents import Incident
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.sources import Source
from templates import actions
from templates.notices.answers import refused, say
from templates.notices.pieces import Words
from templates.text import label, listed
from templates.words import source_title

_USAGE: Words = (
    "Managers snooze what is open about one source: ",
    Code("/data snooze shopify until tuesday 9:00"),
    ", ",
    Code("/data snooze shopify 3 hours"),
    ". What that hides is shown before.",
)
_REFUSED = {
    "past": ("That time is over.", "name a later one, as in 3 hours or until tuesday 9:00."),
    "long": ("That is longer than 7 days.", "choose less, or mute alarms of its kind: /data mute."),
    "date": ("That is no date.", "write it as 2026-12-24 9:00."),
}
#: What a snooze does not touch.
_KEPT = (
    "When the snooze ends and it is not over, it is told again. "
    "Status goes on saying how things stand, the end is told at once, and escalations are never held."
)


def handled(incident: Incident, now: datetime) -> list[Part]:
    """Return who takes care of it, and who is not told until when; none where nobody said anything."""
    parts: list[Part] = []
    if incident.acknowledged_by and incident.acknowledged_at and (incident.acknowledged_until or now) > now:
        who = Strong(f"Acknowledged by {label(incident.acknowledged_by)}")
        until: Words = (
            ("; no reminders until ", When(incident.acknowledged_until)) if incident.acknowledged_until else ()
        )
        parts.append(Paragraph((who, ", ", When(incident.acknowledged_at), *until, ".")))
    if incident.snoozed_by and incident.snoozed_until and incident.snoozed_until > now:
        who = Strong(f"Snoozed by {label(incident.snoozed_by)}")
        parts.append(
            Paragraph((who, " until ", When(incident.snoozed_until), ". Then it is told again, if it is not over."))
        )
    return parts


def handling(incident: Incident, now: datetime) -> tuple[Button, ...]:
    """Return what a person can do with it besides mending it."""
    held = incident.acknowledged_until is not None and incident.acknowledged_until > now
    acknowledge = Button("Acknowledge", actions.INCIDENT_ACKNOWLEDGE, incident.id)
    snooze = Button("Snooze", actions.INCIDENT_SNOOZE_ASK, incident.id)
    return (snooze,) if held else (acknowledge, snooze)


def snooze_preview(
    known: Sequence[Source],
    choices: Sequence[tuple[str, datetime, str]],
    reminder_at: datetime | None,
) -> Message:
    """Return the card that shows what a snooze hides; `choices`: words, end and value of each button."""
    names = listed([source_title(source) for source in known], most=3)
    hidden: Words = ("Nothing else would be sent about it by itself anyway.",)
    if reminder_at is not None:
        hidden = ("The next reminder, next due ", When(reminder_at), ", is put off until the snooze ends.")
    parts: list[Part] = [
        Heading("Snooze this alarm?"),
        Paragraph((f"{names}: ", *hidden)),
        Paragraph((_KEPT,)),
        Buttons(
            (
                *(Button(words, f"{actions.INCIDENT_SNOOZE}", value) for words, _, value in choices),
                Button("Leave it", actions.REFRESH_DISMISS, "no", ButtonStyle.PLAIN),
            )
        ),
    ]
    ends: Words = ("Ends: ",)
    for words, end, _ in choices:
        lead = "" if words.endswith("until then") else f"{words.lower()} "
        ends = (*ends, *(("; ",) if len(ends) > 1 else ()), f"{lead}until ", When(end))
    parts.append(Note(ends))
    other: Words = (Code(f"/data snooze {label(known[0].label)} until tuesday 9:00"), " or ", Code("… 3 hours"))
    parts.append(Note(("Another end, within 7 days: ", *other)))
    return Message(f"Snooze the alarm about {names}?", tuple(parts), kind="incident")


def snooze_usage(words: str = "") -> Message:
    """Return how the command is written; `words` is what was not understood."""
    summary = f"“{label(words)}” does not say until when. Nothing was changed." if words else "Name one source."
    return say(summary, (summary,), _USAGE, kind="incident")


def snooze_refused(reason: str) -> Message:
    """Return why that end is not possible."""
    return refused(_REFUSED[reason], kind="incident")


def snooze_none(source: Source) -> Message:
    """Return that there is nothing to snooze."""
    told = f"No alarm about {source_title(source)} is open. Nothing was changed."
    mute: Words = ("To hear nothing of new ones: ", Code(f"/data mute {label(source.label)} late 3d"), ".")
    return say(told, (told,), mute, kind="incident")


def handled_told(incident: Incident, now: datetime) -> Message:
    """Return the answer to a click; the message about it says so as well."""
    parts = handled(incident, now)
    if not parts:
        return Message(
            "It is over by now.", (Paragraph(("It is over by now. Nothing was changed.",)),), kind="incident"
        )
    words = "Snoozed." if incident.snoozed_until and incident.snoozed_until > now else "Acknowledged."
    return Message(words, tuple(parts), kind="incident")
