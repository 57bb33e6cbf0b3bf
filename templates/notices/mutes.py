"""Muted alarms: what a mute would hide, who muted what until when, and that it is over."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.facts.incidents import Incident, IncidentKind
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
    When,
)
from storage.facts.mutes import holding
from storage.facts.sources import Source
from templates import actions
from templates.notices.answers import refused, say
from templates.notices.muted import MUTED_ABOUT, muted_until
from templates.notices.pieces import Words
from templates.text import counted, label, listed
from templates.words import long_names, source_title

_KEPT = (
    "Status goes on saying how things stand. Escalations of a refresh and a lost connection are never muted. "
    "What is muted is noticed all the same, and told when the mute ends if it is not over by then."
)
_USAGE: Words = (
    "Managers mute one kind of alarm about one source, to an end: ",
    Code("/data mute shopify late until friday"),
    ", ",
    Code("/data mute shopify failing 3d"),
    " or ",
    Code("/data mute shopify all 12h"),
    ". What that hides is shown before it is saved. ",
    Code("/data mute shopify all off"),
    " lifts it.",
)
_REFUSED = {
    "past": ("That time is over.", "name a later one, as in 3d or until friday."),
    "long": ("That is longer than 30 days.", "choose less; it can be muted again."),
    "date": ("That is no date.", "write it as 2026-12-24."),
}


def _kinds(kinds: Iterable[IncidentKind]) -> str:
    return listed([MUTED_ABOUT[kind] for kind in kinds])


def mutes(sources: Sequence[Source], now: datetime) -> Message:
    """Return what is muted."""
    names = long_names(sources)
    rows = tuple((names[one.id], muted_until(mute)) for one in sources for mute in holding(one.mutes, now))
    if not rows:
        return say("No alarms are muted.", ("No alarms are muted.",), _USAGE, kind="mutes")
    parts: tuple[Part, ...] = (Heading("Muted alarms"), Facts(rows), Note((_KEPT,)), Note(_USAGE))
    return Message(f"{counted(len(rows), 'kind of alarms is', 'kinds of alarms are')} muted.", parts, kind="mutes")


def mute_preview(
    source: Source, kinds: Sequence[IncidentKind], until: datetime, found: Sequence[Incident], lately: int, value: str
) -> Message:
    """Return the card that shows what a mute hides; `lately`: alarms of these kinds told in the last 30 days."""
    title = f"Mute alarms about {_kinds(kinds)} of {source_title(source)}?"
    hidden = (
        f"In the last 30 days it would have hidden {counted(lately, 'alarm')}."
        if lately
        else "In the last 30 days there was no such alarm."
    )
    open_now: Words = ("None is open now.",)
    if found:
        open_now = (
            "One is open now, since ",
            When(min(one.opened_at for one in found)),
            ". If it was told, its message stays and is edited as ever; nobody is called about it again before.",
        )
    parts: tuple[Part, ...] = (
        Heading(title),
        Paragraph((Strong("Nobody is told of new ones until "), When(until), f". {hidden}")),
        Paragraph(open_now),
        Paragraph((_KEPT,)),
        Buttons(
            (
                Button("Mute", actions.MUTE_SET, value, ButtonStyle.PRIMARY),
                Button("Leave it", actions.REFRESH_DISMISS),
            )
        ),
        Note(("Everybody sees in status answers that it was you, and the audit says so.",)),
    )
    return Message(f"{title} Nothing is changed yet.", parts, kind="mute_preview")


def mute_set(source: Source, kinds: Sequence[IncidentKind], until: datetime) -> Message:
    """Return what was muted."""
    words = f"Alarms about {_kinds(kinds)} of {source_title(source)} are muted"
    told: Words = (Strong(words), " until ", When(until), ".")
    lift: Words = ("To lift it: ", Code(f"/data mute {label(source.label)} all off"), ".")
    return Message(f"{words}.", (Paragraph(told), Note((_KEPT,)), Note(lift)), kind="mute_set")


def mute_lifted(source: Source, kinds: Sequence[IncidentKind], found: Sequence[Incident]) -> Message:
    """Return that nothing of it is muted any more."""
    words = f"Alarms about {_kinds(kinds)} of {source_title(source)} are told again."
    waits = any(one.told_at is None and one.held_by is None for one in found)
    more = ((" One is open that nobody was told of; it comes within a minute.",),) if waits else ()
    return say(words, (words,), *more, kind="mute_set")


def mute_over(source: Source, kinds: Sequence[IncidentKind], *, open_now: bool) -> Message:
    """Return the word that a mute has ended."""
    words = f"Your mute has ended: alarms about {_kinds(kinds)} of {source_title(source)} are told again."
    state = "One is open now and is told." if open_now else "None is open now."
    return say(f"{words} {state}", (words, f" {state}"), kind="mute_over")


def mute_never(what: str) -> Message:
    """Return why lost connections and escalations are never muted."""
    first = f"{what} are never muted."
    why: Words = (
        "Without a connection nothing new comes until somebody acts, and an escalation is about people who wait. ",
        Strong("Next step: "),
        "press Snooze or Acknowledge on the message about it.",
    )
    return say(f"{first} Nothing was changed.", (f"{first} Nothing was changed.",), why, kind="mutes")


def mute_refused(reason: str) -> Message:
    """Return why that end is not possible."""
    return refused(_REFUSED[reason], kind="mutes")


def mute_usage(words: str = "") -> Message:
    """Return how the command is written; `words` is what was not understood."""
    summary = (
        f"“{label(words)}” does not say what to mute until when. Nothing was changed." if words else "Name a source."
    )
    return say(summary, (summary,), _USAGE, kind="mutes")
