"""The one question about the e-mail address, and its outcomes."""

from storage.facts.messages import Button, Buttons, ButtonStyle, Message, Note, Paragraph, Strong
from templates import actions
from templates.notices.answers import say
from templates.text import label


def ask_address(email: str, *, yes_value: str, no_value: str) -> Message:
    """Return the question whether confirmations may go to the address of the Slack profile; asked once."""
    question = f"Send confirmations to {label(email)}?"
    return Message(
        question,
        (
            Paragraph((Strong(question), " You are told in Slack in any case.")),
            Buttons(
                (
                    Button("Yes", actions.EMAIL_YES, yes_value, ButtonStyle.PRIMARY),
                    Button("No, Slack only", actions.EMAIL_NO, no_value),
                )
            ),
            Note(("The address is the one in your Slack profile. This is asked once.",)),
        ),
        kind="email_question",
    )


def address_confirmed(email: str, *, mailed: bool = False) -> Message:
    """Return the words after Yes; `mailed`: the result that came meanwhile follows."""
    now = " What ended while you were asked is mailed now, too." if mailed else ""
    return say(f"Confirmations go to {label(email)} and to Slack.{now}", kind="email_answer")


def address_declined() -> Message:
    """Return the words after No."""
    return say("Confirmations come in Slack only; no e-mail is sent.", kind="email_answer")


def not_confirmed() -> Message:
    """Return the note for somebody who has not answered the question yet."""
    said = "You have not confirmed an e-mail address, so this confirmation comes in Slack only."
    return say(said, kind="email_answer")
