"""Reading again what is there already: the card that asks, and why it is not possible."""

from datetime import date

from storage.facts.messages import Button, Buttons, ButtonStyle, Code, Heading, Message, Note, Paragraph, Part, Strong
from storage.facts.sources import Provider, Source
from templates import actions, times
from templates.notices.answers import refused, say
from templates.notices.pieces import Words
from templates.text import label
from templates.words import source_title

_USAGE: Words = (
    "Write ",
    Code("/data reread shopify"),
    " for everything, ",
    Code("/data reread shopify orders"),
    " for one kind of record, with ",
    Code("from 2026-10-01"),
    " behind it for what changed since that day. You are asked before anything is read.",
)
_MEANWHILE: Words = (
    "What is there now stays readable until the new read is complete; then it takes its place at once. ",
    "If the read fails, nothing is changed. If far fewer records come than there are, it is held and you are asked.",
)
_REFUSED = {
    "stream": ("That source has no such kind of record.", "name one as the source's page does, such as orders."),
    "future": ("That day has not come yet.", "name a day in the past, as in from 2026-10-01."),
}


def confirm_reread(source: Source, stream: str, since: date | None, seconds: float | None, *, value: str) -> Message:
    """Return the card that asks; `stream` is '' for all of them, `seconds` what the newest read of everything took."""
    what = f"{label(stream)} of {source_title(source)}" if stream else source_title(source)
    asked = f"Read {what} again{_since(since)}?"
    summary = f"Read {what} again? What is there now stays readable meanwhile."
    parts: tuple[Part, ...] = (
        Heading(asked),
        Paragraph(_MEANWHILE),
        Paragraph((Strong("How long: "), _how_long(seconds, part=bool(stream or since)))),
        Buttons(
            (
                Button("Read it again", actions.REREAD_START, value, ButtonStyle.PRIMARY),
                Button("Leave it", actions.REFRESH_DISMISS),
            )
        ),
        *_counted(source),
        Note((*_days(since), "The audit will show that it was you.")),
    )
    return Message(summary, parts, kind="confirm_reread")


def _since(since: date | None) -> str:
    return f", only what changed since {times.day(since)}" if since else ""


def _counted(source: Source) -> list[Part]:
    """Return that it costs something, where the provider counts what is read."""
    if source.provider is not Provider.QUICKBOOKS:
        return []
    return [Note(("QuickBooks counts how much is read in a month; this counts too.",))]


def _days(since: date | None) -> Words:
    return ("That day begins at midnight in your company's time zone. ",) if since else ()


def _how_long(seconds: float | None, *, part: bool) -> str:
    if seconds is None:
        return "not known yet, for no read of everything is on record. Its card shows how far it is."
    took = f"the last read of everything took {times.span(seconds)}."
    return f"{took} This reads less." if part else took


def reread_started(organization: str, source: Source) -> Message:
    """Return the words that replace the card once it is accepted."""
    said = f"{label(organization)}: {source_title(source)} is read again."
    told = " What is there stays readable until that is complete. Its card shows how far it is, and you are told."
    return Message(said, (Paragraph((f"{said}{told}",)),), kind="reread_started")


def reread_refused(reason: str) -> Message:
    """Return why that cannot be read again."""
    return refused(_REFUSED[reason], kind="reread", kept="Nothing was started.")


def reread_usage() -> Message:
    """Return how the command is written."""
    summary = "Name one source. Nothing was started."
    return say(summary, (summary,), _USAGE, kind="reread")
