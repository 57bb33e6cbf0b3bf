"""The neutral message as an e-mail: subject, text part, HTML part; nothing is loaded from anywhere."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from storage.facts.messages import Message
from templates.mail.headers import UnsafeHeader, safe_header
from templates.mail.inline import address, html, words
from templates.mail.plain import text_part
from templates.mail.shape import MOST_ROWS, SIGNS, more_rows, spoken
from templates.text import clean, shorten

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Choice", "Mail", "UnsafeHeader", "render", "safe_header"]

#: Longest subject; phones show about 40 characters, the first words say it.
_SUBJECT = 150
#: Why this mail came, by kind of message.
FOOTER = "Sent by Tidings, because you confirmed this address in Slack."
FOOTERS = {
    "escalation": "Sent by Tidings to the support address.",
    "escalation_again": "Sent by Tidings to the support address.",
    "access_request": "Sent by Tidings to the support address.",
    "missed": "Sent by Tidings to the support address.",
    "canary": "Sent by Tidings to the support address.",
    "watch": "Sent by `tidings watch`, which runs beside Tidings.",
    "connection_ticket": "Sent by Tidings to the support address and the account rep.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Why a mail came that the reader can turn off, and how."""

    #: what comes after "because"
    because: str
    #: the page that turns it off
    link: str
    #: whether a mail program may turn it off without the page
    one_click: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """The words of one mail; addresses and the other headers are the sender's."""

    subject: str
    text: str
    html: str
    #: None: nobody can turn it off
    choice: Choice | None = None


def render(message: Message, *, zone: str = "UTC", choice: Choice | None = None) -> Mail:
    """Return the message as a mail, its times in the reader's IANA zone; outside text becomes no header and no HTML."""
    footer = FOOTERS.get(message.kind, FOOTER)
    if choice is not None:
        footer = f"You get this because {choice.because}. Choose what you get: /data notify in Slack."
    subject = clean(message.subject or message.summary).strip().rstrip(".").replace("=?", "= ?") or "Tidings"
    page = (
        _environment()
        .get_template("message.html.j2")
        .render(
            message=message,
            preheader=words(message.summary),
            inline=partial(html, zone=zone),
            footer=footer,
            off=choice.link if choice else "",
            kinds=[type(part).__name__ for part in message.parts],
        )
    )
    foot = f"{footer}\nNo more of these mails: {choice.link}" if choice else footer
    return Mail(safe_header(shorten(subject, _SUBJECT)), f"{text_part(message, zone)}\n-- \n{foot}\n", page, choice)


@cache
def _environment() -> "Environment":
    """Return the one environment: everything is escaped, a missing name is an error."""
    # Here, since most processes write no mail for hours.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("templates", "mail"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, address=address, spoken=spoken, more_rows=more_rows, most_rows=MOST_ROWS)
    environment.globals["signs"] = SIGNS
    return environment
