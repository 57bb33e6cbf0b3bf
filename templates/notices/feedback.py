"""Thumbs below a result: the buttons, the form that asks what was wrong, the thanks, and what admins read of it."""

from collections.abc import Sequence

from storage.facts.feedback import Feedback, Verdict
from storage.facts.messages import Button, Form, Message, Note, Paragraph, Part, TextInput, Thumbs, When
from templates import actions
from templates.notices.answers import say
from templates.text import label, listed

#: Name of the input.
WORDS = "words"
#: Longer words are not taken.
MOST = 500
_SHOWN = 5


def thumbs(value: str) -> Thumbs:
    """Return the two buttons below the result of a refresh, or below an answer; `value` says of which."""
    return Thumbs(Button("Helpful", actions.FEEDBACK_UP, value), Button("Not right?", actions.FEEDBACK_DOWN, value))


def wrong_form(refresh_id: str) -> Form:
    """Return the form that asks what was wrong; that it was is noted already."""
    said = Paragraph(("Noted that this was not right. The admins of your organization read what you write here.",))
    hint = f"At most {MOST} characters. No passwords or bank details, please."
    asked = TextInput(WORDS, "What was wrong or missing?", hint, optional=True)
    return Form(actions.FEEDBACK_DOWN, "Not right?", "Send", (said,), (asked,), refresh_id)


def thanks(verdict: Verdict, *, words: bool = False, answer: bool = False) -> Message:
    """Return the thanks, with who reads it."""
    what = "your words are" if words else "it is" if verdict is Verdict.UP else "that it was not right is"
    where = "without your question" if answer else "with this refresh"
    return say(f"Thanks: {what} noted {where}, where the admins of your organization read it.", kind="thanks")


def feedback_parts(found: Sequence[Feedback]) -> tuple[Part, ...]:
    """Return what admins read below the history of a source; nothing where nobody said anything."""
    if not found:
        return ()
    up = sum(one.verdict is Verdict.UP for one in found)
    counted = Paragraph(
        (f"What people said of the newest refreshes and answers: helpful {up}, not right {len(found) - up}.",)
    )
    written = [one for one in found if one.words][:_SHOWN]
    return (
        counted,
        *(Note((f"{label(one.by)}, ", When(one.at), f"{_about(one)}: {label(one.words)}")) for one in written),
    )


def _about(one: Feedback) -> str:
    asked = [label(kind.replace("_", " ")) for kind in one.kinds]
    return f", about an answer ({listed(asked)})" if asked else ""
