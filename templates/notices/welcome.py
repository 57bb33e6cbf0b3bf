"""The first words to whoever installed Tidings: what to do first, in order."""

from storage.facts.messages import Button, Buttons, ButtonStyle, Code, Heading, Message, Note, Paragraph, Strong
from templates import actions
from templates.text import label


def welcome(organization: str) -> Message:
    """Return what the installer is told, once: connect, invite, and who is admin."""
    name = label(organization)
    return Message(
        f"Tidings is installed for {name}, and you are its admin: connect an account first.",
        (
            Heading(f"Tidings is installed for {name}"),
            Paragraph(("You installed it, so you are its admin. Three things to do, in this order:",)),
            Paragraph(
                (
                    Strong("1. Connect an account."),
                    " Press the button or type ",
                    Code("/data connect"),
                    ". You get a link for you alone; Tidings only reads there.",
                )
            ),
            Paragraph(
                (
                    Strong("2. Say who may do what."),
                    " Nobody sees anything before they have a role: ",
                    Code("/data members grant @person refresher"),
                    ". Admins of this Slack workspace are the exception: they are admins once they write to it.",
                )
            ),
            Paragraph(
                (
                    Strong("3. Choose where Tidings may speak."),
                    " Invite it to a channel and type ",
                    Code("/data channel allow"),
                    " there. Until then it answers in private and writes directly.",
                )
            ),
            Buttons(
                (
                    Button("Connect a source", actions.CONNECT_ASK, style=ButtonStyle.PRIMARY),
                    Button("What I can ask", actions.HELP),
                )
            ),
            Note(("Then ask: ", Code("/data"), ", or in plain words: “is shopify fresh?” This message comes once.")),
        ),
        kind="welcome",
    )
