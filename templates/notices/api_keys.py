"""Keys of programs: all of them, one that was made and is shown this once, and one that opens nothing any more."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.messages import Code, Facts, Heading, Message, Note, Paragraph, Part, Strong, Table, When
from templates.notices.answers import tell
from templates.notices.pieces import Words
from templates.text import counted, label

_MAY = {KeyScope.METRICS_READ: "read", KeyScope.METRICS_WRITE: "make"}


def _how(noun: str) -> Words:
    return (
        "An admin makes one: ", Code("/data api key new <name>"), f", to read {noun.lower()}s, or ",
        Code("/data api key new <name> write"), ", to make them as well.",
    )  # fmt: skip


def keys(known: Sequence[tuple[ApiKey, str]], now: datetime, noun: str = "Metric") -> Message:
    """Return the keys, what they may, who made them and when they were used last; `noun`: of what they read."""
    if not known:
        summary = "No program has a key."
        return tell(summary, _how(noun), kind="api_keys")
    rows = tuple(
        (
            (label(key.name),),
            (Code(key.id),),
            (_may(key, noun),),
            (label(maker) if maker else "nobody any more: it opens nothing",),
            (When(key.used_at, now),) if key.used_at else ("never",),
        )
        for key, maker in known
    )
    table = Table("Keys", ("Name", "Id", "May", "For", "Last used"), rows)
    how: Words = ("Take one away: ", Code(f"/data api key {known[0][0].id} remove"), ". ", *_how(noun))
    return Message(
        f"{counted(len(known), 'key')} of programs.", (Heading("Keys of programs"), table, Note(how)), kind="api_keys"
    )


def key_made(key: ApiKey, token: str, noun: str = "Metric") -> Message:
    """Return the answer with the key, which is shown this once, to this person alone."""
    summary = "The key is shown this once."
    rows: tuple[tuple[str, Words], ...] = (
        ("Name", (label(key.name),)), ("Id", (Code(key.id),)), ("May", (_may(key, noun),)), ("Key", (Code(token),)),
    )  # fmt: skip
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary), " Only you see this message.")),
        Facts(rows),
        Paragraph((Strong("Next step: "), "give it to your program as its password (it sends it as a bearer token).")),
        Note(("It can never do more than you may, and opens nothing once you are no member. Take it away: ",
              Code(f"/data api key {key.id} remove"), ".")),
    )  # fmt: skip
    return Message(summary, parts, kind="api_keys")


def key_removed(key: ApiKey, noun: str = "Metric") -> Message:
    """Return that a key opens nothing any more."""
    return tell(f"The key {label(key.name)} opens nothing any more.", _how(noun), kind="api_keys")


def key_refused(reason: str, noun: str = "Metric") -> Message:
    """Return why nothing was done."""
    return tell(f"Nothing was changed: {label(reason)}.", _how(noun), kind="api_keys")


def _may(key: ApiKey, noun: str) -> str:
    return ", ".join(f"{_MAY[scope]} {noun.lower()}s" for scope in sorted(key.scopes))
