"""The word in the thread while a refresh goes on: how it stands, how long such ones take, and who knows when."""

from datetime import datetime

from storage.facts.beats import Beat, BeatKind
from storage.facts.messages import Code, Message, Note, Paragraph, Part, Steps, Strong, When
from storage.facts.status import RefreshStatus
from templates import times
from templates.notices.card import what
from templates.notices.escalation import brief
from templates.notices.pieces import Words
from templates.text import label


def refresh_beat(refresh: RefreshStatus, beat: Beat, support_at: datetime, now: datetime) -> Message:
    """Return the word for a refresh that goes on; what ended meanwhile is said to have."""
    name, waited = what(refresh), times.span((now - refresh.requested_at).total_seconds())
    if refresh.finished_at is not None:
        over = f"The refresh of {name} ended a moment ago; its result stands in this thread."
        return Message(over, (Paragraph((over,)),), kind="refresh_beat")
    summary = f"{label(refresh.organization)}: still refreshing {name} after {waited}."
    parts: tuple[Part, ...] = (
        Paragraph((Strong(f"Still refreshing {name}, after {waited}."), f" {_usual(beat)}")),
        Steps(tuple(brief(source, run, now) for source, run in refresh.runs)),
        Paragraph(_support(refresh, support_at, now)),
        Note(("Until then the data stays as it was before. Refresh ", Code(refresh.id))),
    )
    return Message(summary, parts, kind="refresh_beat")


def _usual(beat: Beat) -> str:
    took = times.span(beat.after.total_seconds())
    if beat.kind is BeatKind.HALF:
        return f"That is nothing unusual: half of the last ones took longer than {took}."
    if beat.kind is BeatKind.LONG:
        return f"That is longer than usual: nine in ten took no longer than {took}."
    return "The next word comes in an hour, or when it ends."


def _support(refresh: RefreshStatus, support_at: datetime, now: datetime) -> Words:
    if refresh.escalated_at is not None:
        return ("Support was told, ", When(refresh.escalated_at), ". You need not do anything.")
    if support_at <= now:
        return ("Support is being told. You need not do anything.",)
    return ("You need not do anything. If it is not over by then, support is told: ", When(support_at), ".")
