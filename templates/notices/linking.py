"""What the bot says itself while an account is being connected: the one-time code, and that a connection changed."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.dependents import Dependent
from storage.facts.messages import Button, Buttons, Code, Facts, Message, Note, Paragraph, Part, Person, Strong, When
from templates import actions
from templates.notices.standstill import named
from templates.text import label


def connect_code(code: str, provider: str, expires_at: datetime) -> Message:
    """Return the one-time code for the page that a person opened, and what not to do with it."""
    half = len(code) // 2
    shown = f"{code[:half]} {code[half:]}"
    return Message(
        f"Your code to connect {provider}: {shown}",
        (
            Paragraph((f"Your code to connect {provider}: ", Code(shown))),
            Paragraph(
                (
                    "Type it only on the Tidings page that you opened yourself. ",
                    Strong("Never give it to anybody"),
                    ": whoever has it connects an account in your name.",
                )
            ),
            Note(
                (
                    "It works until ",
                    When(expires_at, short=True),
                    ". You did not ask for it? Then do nothing.",
                )
            ),
        ),
        kind="connect_code",
    )


def connection_changed(
    who: Person,
    *,
    provider: str,
    company: str,
    source: str,
    newly: bool,
    missing: str | None,
    at: datetime,
    source_id: str = "",
    thawed: Sequence[Dependent] = (),
) -> Message:
    """Return what every admin is told when somebody connected or reconnected an account."""
    did = "connected" if newly else "reconnected"
    summary = f"{label(who.name)} {did} {provider}: {label(company)}"
    parts: list[Part] = [
        Paragraph((who, f" {did} {provider}: ", Strong(label(company)), ".")),
        Facts((("Source", (label(source),)), ("When", (When(at),)))),
    ]
    if thawed:
        parts.append(Paragraph((f"What was frozen goes on: {named(thawed)}.",)))
    if missing:
        parts.append(Paragraph((label(missing),)))
    if source_id:
        parts.append(Buttons((Button("Disconnect …", actions.DISCONNECT, source_id),)))
    parts.append(Note(("Every admin is told. Unexpected? Disconnect it, and tell support.",)))
    return Message(summary, tuple(parts), kind="connection_changed")
