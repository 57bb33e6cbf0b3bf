"""The form of one's own messages: for every source or for one, what is told and how; quiet hours; the digest."""

import json
from collections.abc import Mapping

from storage.facts.deliveries import Channel
from storage.facts.messages import Choice, Code, Form, Inline, Note, Paragraph, Part, Strong, TextInput
from storage.facts.own import Own
from storage.facts.subscriptions import BOTH, OFF, Topic, Ways
from storage.facts.subscriptions import Choice as Chosen
from templates import actions
from templates.rhythm import zone_name
from templates.text import label, shorten

#: Names of the inputs; each topic has one of its own for each source, so that nothing typed for another is kept in it.
QUIET, DIGEST, DIGEST_BY = "quiet", "digest", "digest_by"
EVERY = "all"
#: What a topic can be set to.
HOW: Mapping[str, Ways | None] = {
    "default": None,
    "slack": frozenset({Channel.SLACK}),
    "mail": frozenset({Channel.EMAIL}),
    "both": BOTH,
    "off": OFF,
}
DIGEST_ALONE, NO_MAIL = "digest", "no_mail"
_WORDS = {
    "slack": "By Slack",
    "mail": "By mail",
    "both": "By Slack and by mail",
    DIGEST_ALONE: "Only in my digest, once a day",
    "off": "Not at all",
}
_TOPICS: Mapping[Topic, tuple[str, str]] = {
    Topic.READY: ("Data is ready to import", "when I asked for it, by Slack and mail"),
    Topic.FAILED: ("A refresh failed", "when I asked or look after it, by Slack and mail"),
    Topic.LATE: ("Data is late", "when I look after the source, by Slack and mail"),
    Topic.DISCONNECTED: ("A source is disconnected", "when I look after it, by Slack and mail"),
    Topic.EXCHANGE: ("The exchange: held, failed, missing", "managers and admins, by Slack and mail"),
    Topic.SENT: ("The exchange: last night's files", "not at all"),
}
_MOST_SOURCES = 90
_TITLE = "My notifications"
_ALWAYS = "What you press yourself is always answered, and the call after three hours always comes."


_QUIET_HINT = "Such as 20:00-07:30, or 20:00-07:30 weekends for all Saturday and Sunday too. Empty: none."
_DIGEST_HINT = "Such as 08:30, or 08:30 weekdays. Empty: no digest."


def waiting_form() -> Form:
    """Return the form as it opens, at once; a moment later it is filled."""
    return Form(actions.NOTIFY_FORM, _TITLE, "", (Paragraph(("One moment, your choices are being looked up.",)),),
                close="Close")  # fmt: skip


def notifications_form(own: Own, source_id: str | None) -> Form:
    """Return the form for every source, or for one; it remembers what it shows."""
    shown = shown_for(own, source_id)
    inputs: list[TextInput | Choice] = [
        Choice(field_of(topic, source_id), words, _options(usual, shown[topic], one=source_id is not None),
               shown[topic], menu=True)
        for topic, (words, usual) in _TOPICS.items()
    ]  # fmt: skip
    zone = zone_name(own.quiet.zone)
    inputs += [
        TextInput(QUIET, "Quiet hours, for all messages", f"{_QUIET_HINT} {zone}.", quiet_words(own), optional=True),
        TextInput(DIGEST, "My digest, once a day at", f"{_DIGEST_HINT} {zone}.", digest_words(own), optional=True),
        Choice(DIGEST_BY, "The digest comes", tuple((key, _WORDS[key]) for key in ("both", "slack", "mail")),
               digest_by(own), menu=True),
    ]  # fmt: skip
    private = {"s": source_id or "", "w": {topic.value: how for topic, how in shown.items()}}
    private |= {"q": quiet_words(own), "d": digest_words(own), "b": digest_by(own)}
    return Form(
        actions.NOTIFY_FORM,
        _TITLE,
        "Save",
        _said(own, source_id),
        inputs,
        json.dumps(private, separators=(",", ":")),
        switch=_switch(own, source_id),
    )


def field_of(topic: Topic, source_id: str | None) -> str:
    """Return the name of the input for a topic of a source."""
    return f"{topic.value}.{source_id or EVERY}"


def shown_for(own: Own, source_id: str | None) -> dict[Topic, str]:
    """Return what is chosen for each topic, for every source or for one."""
    chosen = {one.topic: one for one in own.choices.choices if one.source_id == source_id}
    return {topic: _how(chosen[topic]) if topic in chosen else "default" for topic in Topic}


def quiet_words(own: Own) -> str:
    """Return the quiet hours as they are typed."""
    return own.quiet.quiet.words if own.quiet.quiet else ""


def digest_words(own: Own) -> str:
    """Return the time of the digest as it is typed."""
    if own.digest is None:
        return ""
    return f"{own.digest.rhythm.at:%H:%M}" + (" weekdays" if own.digest.rhythm.weekdays else "")


def digest_by(own: Own) -> str:
    """Return by which ways the digest comes."""
    return _named(own.digest.ways) if own.digest and own.digest.ways else "both"


def _how(chosen: Chosen) -> str:
    if chosen.digest:
        return DIGEST_ALONE
    return NO_MAIL if chosen.no_mail else _named(chosen.ways)


def _named(ways: Ways) -> str:
    return next(name for name, these in HOW.items() if these == ways)


def _options(usual: str, shown: str, *, one: bool) -> tuple[tuple[str, str], ...]:
    first = "As for every source" if one else f"As usual: {usual}"
    kept = ((NO_MAIL, "As usual, but not by mail"),) if shown == NO_MAIL else ()
    return (("default", first), *kept, *_WORDS.items())


def _switch(own: Own, source_id: str | None) -> Choice | None:
    named = list(own.choices.sources.items())[:_MOST_SOURCES]
    if not named:
        return None
    options = ((EVERY, "Every source"), *((known, shorten(label(name), 70)) for known, name in named))
    return Choice(actions.NOTIFY_ABOUT, "Choose for", options, source_id or EVERY, menu=True)


def _said(own: Own, source_id: str | None) -> tuple[Part, ...]:
    if source_id is not None:
        name = label(own.choices.sources.get(source_id, "this source"))
        words: tuple[Inline, ...] = (
            "For ",
            Strong(name),
            " alone. What you choose here goes before what you choose for every source.",
        )
        return (Paragraph(words), Note((_address(own),)))
    single = dict.fromkeys(one.source_id for one in own.choices.choices if one.source_id is not None)
    parts: list[Part] = [Note((_address(own),))]
    if single:
        names = ", ".join(label(own.choices.sources[one]) for one in single if one)
        parts.insert(0, Paragraph((f"You chose something else for: {shorten(names, 200)}. That stays as it is.",)))
    if len(own.choices.sources) > _MOST_SOURCES:
        first = f"Only the first {_MOST_SOURCES} sources are in the list above; for another one type "
        parts.append(Note((first, Code("/data notify late <source> mail"), ".")))
    return tuple(parts)


def _address(own: Own) -> str:
    if own.choices.address is None:
        return f"No mail goes to you: you confirmed no address. {_ALWAYS}"
    return f"Mail goes to {label(own.choices.address)}. {_ALWAYS}"
