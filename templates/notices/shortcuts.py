"""Answers to "Explain this" where there is nothing to explain."""

from storage.facts.messages import Code, Form, Message, Paragraph
from templates import actions
from templates.notices.answers import say
from templates.notices.pieces import Words

_ASK: Words = ("To see why a source is as old as it is: ", Code("/data why shopify"), ".")


def connecting() -> Form:
    """Return the form as it opens, at once; a moment later it shows what can be connected."""
    said = Paragraph(("One moment, what can be connected is being looked up.",))
    return Form(actions.CONNECT_ASK, "Connect a source", "", (said,), close="Close")


def not_ours() -> Message:
    """Return the answer for a message that Tidings did not send, or of which nothing is known any more."""
    summary = "I can explain messages that I sent about your data; I know nothing of this one."
    return say(summary, (summary,), _ASK, kind="why_nothing")


def about_nothing() -> Message:
    """Return the answer for a message of ours that is about no source of the reader's organization."""
    summary = "This message is about no source of your organization, so there is nothing to explain."
    return say(summary, (summary,), _ASK, kind="why_nothing")
