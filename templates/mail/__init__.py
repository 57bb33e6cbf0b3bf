"""The neutral message as an e-mail: subject, text part, HTML part; nothing is loaded from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from storage.facts.charts import Chart
from storage.facts.messages import Message, Part, Thumbs
from templates.charts import as_table
from templates.mail.headers import UnsafeHeader, safe_header
from templates.mail.inline import address, html, words
from templates.mail.plain import text_part
from templates.mail.shape import MOST_ROWS, SIGNS, more_rows, picture_id, spoken
from templates.text import clean, shorten

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Choice", "Mail", "UnsafeHeader", "picture_id", "render", "safe_header", "with_pictures"]

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
    #: what the HTML shows as pictures, see `with_pictures`
    charts: tuple[Chart, ...] = ()
    #: SVG documents, one per chart
    pictures: tuple[bytes, ...] = ()


def with_pictures(mail: Mail) -> Mail:
    """Return the mail with its charts drawn. Call it in a thread: drawing takes up to a second."""
    from templates.pictures import svg

    return replace(mail, pictures=tuple(map(svg, mail.charts)))


def _told(parts: Sequence[Part]) -> tuple[list[Part], tuple[Chart, ...]]:
    """Return the parts with a table below each chart whose values stand nowhere else, and the charts."""
    shown: list[Part] = []
    for part in parts:
        shown += [part, as_table(part)] if isinstance(part, Chart) and not part.told else [part]
    return shown, tuple(part for part in parts if isinstance(part, Chart))


def render(message: Message, *, zone: str = "UTC", choice: Choice | None = None) -> Mail:
    """Return the message as a mail, its times in the reader's IANA zone; outside text becomes no header and no HTML."""
    footer = FOOTERS.get(message.kind, FOOTER)
    if choice is not None:
        footer = f"You get this because {choice.because}. Choose what you get: /data notify in Slack."
    subject = clean(message.subject or message.summary).strip().rstrip(".").replace("=?", "= ?") or "Tidings"
    parts, charts = _told([part for part in message.parts if not isinstance(part, Thumbs)])
    page = (
        _environment()
        .get_template("message.html.j2")
        .render(
            parts=parts,
            charts=charts,
            preheader=words(message.summary),
            inline=partial(html, zone=zone),
            footer=footer,
            off=choice.link if choice else "",
            kinds=[type(part).__name__ for part in parts],
        )
    )
    foot = f"{footer}\nNo more of these mails: {choice.link}" if choice else footer
    written = f"{text_part(message, zone)}\n-- \n{foot}\n"
    return Mail(safe_header(shorten(subject, _SUBJECT)), written, page, choice, charts)


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
    environment.globals["picture_id"] = picture_id
    return environment
