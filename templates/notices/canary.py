"""The daily test message to support: one line a day, so that a day without one says something, too."""

from storage.facts.messages import Message, Note, Paragraph
from templates.text import number


def canary(*, by_mail: bool, missed: int) -> Message:
    """Return the test message; `missed`: how much did not happen by its time in the last 24 hours."""
    things = "1 thing was" if missed == 1 else f"{number(missed)} things were" if missed else "nothing was"
    summary = f"Daily test: messages of Tidings arrive here. In the last 24 hours {things} missed."
    other = "in Slack" if by_mail else "by mail"
    note = Note((f"When it cannot be seen here in time, you are told {other}.",))
    return Message(summary, (Paragraph((summary,)), note), kind="canary")
