"""Every message on one HTML page, beside each other: as Slack shows it, and as a mail program does."""

import base64
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup

import sandbox.web
from sandbox.web.draw import DrawContext, draw
from storage.facts.messages import Message
from templates import mail, slack

_CSS = Path(sandbox.web.__file__).parent / "static" / "page.css"
#: Each mail stands in a frame of its own that can do nothing: its styles are its own.
_PAGE = Path(__file__).with_name("gallery.html.j2")


def page(messages: Mapping[str, Message], zone: str, now: datetime) -> str:
    """Return the page; whatever could not be drawn would stand on it in red."""
    context = DrawContext(zone=ZoneInfo(zone), now=now)
    shown = [_one(name, message, zone, context) for name, message in sorted(messages.items())]
    template = Environment(autoescape=True).from_string(_PAGE.read_text(encoding="utf-8"))
    return template.render(css=Markup(_CSS.read_text(encoding="utf-8")), shown=shown)  # noqa: S704 - our own stylesheet


def _one(name: str, message: Message, zone: str, context: DrawContext) -> dict[str, object]:
    letter = mail.with_pictures(mail.render(message, zone=zone))
    blocks = slack.render(message).get("blocks") or []
    return {
        "name": name,
        "summary": message.summary,
        "slack": draw(list(blocks), context),
        "subject": letter.subject,
        "mail": _with_pictures(letter),
    }


def _with_pictures(letter: mail.Mail) -> str:
    """Return the HTML with its pictures inside, as a mail program shows it."""
    page = letter.html
    for number, picture in enumerate(letter.pictures):
        content = base64.b64encode(picture).decode()
        page = page.replace(f'"cid:{mail.picture_id(number)}"', f'"data:image/svg+xml;base64,{content}"')
    return page
