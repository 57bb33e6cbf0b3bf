"""What a person is told, and how to change it."""

from collections.abc import Mapping

from storage.facts.deliveries import Channel
from storage.facts.messages import Button, Buttons, Code, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table
from storage.facts.own import Own
from storage.facts.subscriptions import Choice, Choices, Topic, Ways
from templates import actions
from templates.notices.answers import say
from templates.notices.own import own_parts
from templates.notices.pieces import Words
from templates.text import label, shorten

_TOPICS: Mapping[Topic, str] = {
    Topic.READY: "Data is ready",
    Topic.FAILED: "A refresh failed",
    Topic.LATE: "Data is late",
    Topic.DISCONNECTED: "A source is disconnected",
    Topic.EXCHANGE: "The exchange: held, failed, missing",
    Topic.SENT: "The exchange: last night's files",
}
#: What holds where nothing was chosen.
_DEFAULTS: Mapping[Topic, str] = {
    Topic.READY: "by Slack and mail, when you asked for it",
    Topic.FAILED: "by Slack and mail, when you asked for it or look after the source",
    Topic.LATE: "by Slack and mail, when you look after the source",
    Topic.DISCONNECTED: "by Slack and mail, when you look after the source",
    Topic.EXCHANGE: "by Slack and mail, when you are a manager or an admin",
    Topic.SENT: "off",
}
_USAGE: Words = (
    "Change it: ",
    Code("/data notify ready shopify both"),
    ", ",
    Code("… late mail"),
    ", ",
    Code("… all off"),
    " or ",
    Code("… ready default"),
    ". Topics: ready, failed, late, disconnected, exchange, sent, all.",
    " Ways: slack, mail, both, digest, off, default. Quiet hours: ",
    Code("/data notify quiet 20:00-07:30"),
    ". What happened, once a day: ",
    Code("/data notify digest at 08:30"),
    ".",
)


def preferences(choices: Choices, *, changed: bool = False) -> Message:
    """Return what the person is told, by what."""
    chosen = {(one.topic, one.source_id): one for one in choices.choices}
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    for topic, words in _TOPICS.items():
        general = chosen.get((topic, None))
        rows.append(((words,), ("every source",), (_in_general(topic, general),)))
        rows += [
            ((words,), (label(choices.sources[one.source_id]),), (_one(one),))
            for one in choices.choices
            if one.topic is topic and one.source_id is not None
        ]
    summary = "Saved: this is what you are told from now on." if changed else "This is what you are told."
    parts: list[Part] = [Heading("What you are told"), Paragraph((Strong(summary),) if changed else (summary,))]
    parts += [Table("Your messages", ("When", "About", "How"), tuple(rows))]
    parts.append(Paragraph(_USAGE))
    parts.append(Buttons((Button("Send a test", actions.NOTIFY_TEST),)))
    parts.append(Note((_address(choices), _always())))
    return Message(summary, tuple(parts), kind="notify")


def own_saved(own: Own) -> Message:
    """Return the answer to the form: what is told from now on, a line for each topic, quiet hours and digest."""
    chosen = {(one.topic, one.source_id): one for one in own.choices.choices}
    summary = "Saved: this is what you are told from now on."
    lines: list[Words] = []
    for topic, words in _TOPICS.items():
        single = [
            f"{label(own.choices.sources[one.source_id])} {_one(one)}"
            for one in own.choices.choices
            if one.topic is topic and one.source_id is not None
        ]
        said = "; ".join([_in_general(topic, chosen.get((topic, None))), *single])
        lines.append((Strong(f"{words}: "), shorten(f"{said}.", _LONGEST)))
    parts = (Paragraph((Strong(summary),)), *(Paragraph(line) for line in lines), own_parts(own)[0])
    return Message(summary, (*parts, Note((_address(own.choices), _always()))), kind="notify")


#: Signs of what is said of one topic.
_LONGEST = 600


def _in_general(topic: Topic, choice: Choice | None) -> str:
    if choice is None:
        return _DEFAULTS[topic]
    return _DEFAULTS[topic].replace("Slack and mail", "Slack and not by mail") if choice.no_mail else _one(choice)


def _one(choice: Choice) -> str:
    return "once a day, in your digest" if choice.digest else _how(choice.ways)


def _how(ways: Ways) -> str:
    if not ways:
        return "off"
    names = {Channel.SLACK: "Slack", Channel.EMAIL: "mail"}
    return "by " + " and ".join(name for way, name in names.items() if way in ways)


def _address(choices: Choices) -> str:
    if choices.address is None:
        return "No mail goes to you: you confirmed no address. "
    return f"Mail goes to {label(choices.address)}. "


def _always() -> str:
    return (
        "The card of what you press yourself, and the call when something takes three hours, always come. Where nobody "
        "who looks after a source wants to hear that it is disconnected, they are told in Slack all the same."
    )


def notify_refused(said: str) -> Message:
    """Return the answer to words that say no choice."""
    summary = f"“{shorten(label(said), 60)}” is no choice that I know. Nothing was changed."
    return say(summary, (summary,), _USAGE, kind="notify")
