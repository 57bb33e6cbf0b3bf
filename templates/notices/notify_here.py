"""What a channel is told, and how an admin changes it."""

from collections.abc import Mapping

from storage.facts.messages import Code, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table
from storage.facts.subscriptions import ChannelChoices, Topic
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.text import label, shorten

_TOPICS: Mapping[Topic, str] = {
    Topic.READY: "Data is ready",
    Topic.FAILED: "Refreshes fail",
    Topic.LATE: "Data is late",
    Topic.DISCONNECTED: "A source is disconnected",
    Topic.EXCHANGE: "The exchange: held, failed, missing",
    Topic.SENT: "The exchange: last night's files",
}
#: What the channel that was allowed first is told without a choice; the others are told nothing.
_FIRST = frozenset({Topic.FAILED, Topic.LATE, Topic.DISCONNECTED})
_USAGE: Words = (
    "An admin changes it by typing here: ",
    Code("/data notify late here"),
    ", ",
    Code("/data notify ready shopify here"),
    ", ",
    Code("/data notify failed off here"),
    " or ",
    Code("… late default here"),
    ". Topics: ready, failed, late, disconnected, exchange, sent, all.",
)
_SAID = (
    "Everybody in the channel reads it; it names no person who asked. A refresh that somebody asks for here is "
    "answered here whatever is chosen. People are told as they chose themselves: "
)
_NOT_HERE = "Tidings says nothing in this channel: no admin has allowed it."


def channel_preferences(choices: ChannelChoices, *, changed: bool = False) -> Message:
    """Return what the channel is told."""
    if not choices.allowed:
        return channel_not_allowed()
    own = {(one.topic, one.source_id): one.told for one in choices.choices}
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    for topic, words in _TOPICS.items():
        general = own.get((topic, None))
        usual = "told (the first channel that was allowed)" if choices.first and topic in _FIRST else "not told"
        rows.append(((words,), ("every source",), (usual if general is None else _told(told=general),)))
        rows += [
            ((words,), (label(choices.sources[one.source_id]),), (_told(told=one.told),))
            for one in choices.choices
            if one.topic is topic and one.source_id is not None
        ]
    summary = (
        "Saved: this is what this channel is told from now on." if changed else "This is what this channel is told."
    )
    parts: list[Part] = [Heading("What this channel is told"), Paragraph((Strong(summary),) if changed else (summary,))]
    parts += [Table("Messages to this channel", ("When", "About", "Here"), tuple(rows)), Paragraph(_USAGE)]
    parts.append(
        Note(
            (
                _SAID,
                Code("/data notify"),
                ". Once a day, in one message: ",
                Code("/data notify digest here at 08:30"),
                ".",
            )
        )
    )
    return Message(summary, tuple(parts), kind="notify_here")


def _told(*, told: bool) -> str:
    return "told" if told else "off"


def channel_not_allowed() -> Message:
    """Return the answer where Tidings may not speak."""
    allow: Words = ("An admin allows it by typing here: ", Code("/data channel allow"), ".")
    return say(_NOT_HERE, (_NOT_HERE,), allow, kind="notify_here")


def channel_notify_refused(said: str) -> Message:
    """Return the answer to words that choose nothing for a channel."""
    summary = f"“{shorten(label(said), 60)}” is nothing that a channel can be told. Nothing was changed."
    return say(summary, (summary,), _USAGE, kind="notify_here")
