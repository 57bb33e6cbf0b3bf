"""The sheet that a person reads before saying yes: facts in, one page out, styled without any other file."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to choose: a company, a shop, a person."""

    value: str
    title: str
    detail: str = ""
    #: a word that sets it apart: "asked for", "admin"
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A question to a person."""

    #: whose page it stands in for: Intuit, Shopify …
    house: str
    #: quickbooks, shopify, amazon or slack: its colour and letter
    brand: str
    title: str
    lead: str
    #: where the form goes
    action: str
    #: the open question's name
    ask: str
    #: where the browser goes afterwards
    back: str
    signed_in: str = ""
    question: str = ""
    cards: tuple[Card, ...] = ()
    #: more to choose, folded away under these words
    others: tuple[Card, ...] = ()
    others_title: str = ""
    #: value of the card that is chosen at first; empty: the first one
    chosen: str = ""
    #: what yes allows, in words
    allows: tuple[str, ...] = ()
    yes: str = "Connect"
    no: str = "Cancel"
    #: "get" for a page that only leads somewhere: it has no Cancel
    method: str = "post"

    @property
    def preselected(self) -> str:
        """Value of the card that is chosen at first: there is always one, so that yes always means something."""
        return self.chosen or (self.cards[0].value if self.cards else "")

    @property
    def opens_others(self) -> bool:
        """Whether the choice is among those that are folded away."""
        return self.chosen in {card.value for card in self.others}

    @property
    def back_host(self) -> str:
        """Where the browser goes afterwards, as people read it."""
        return urlsplit(self.back).netloc


def draw(sheet: Sheet) -> HTMLResponse:
    """Return the page that asks."""
    return _page("sheet.html.j2", 200, sheet=sheet, house=sheet.house, brand=sheet.brand)


def sorry(house: str, brand: str, title: str, words: str, *, code: str = "", status: int = 400) -> HTMLResponse:
    """Return the page that a wrong request gets: never a redirect, since the address to go back to is not trusted."""
    return _page("told.html.j2", status, house=house, brand=brand, title=title, words=words, code=code)


def told(house: str, brand: str, title: str, words: str) -> HTMLResponse:
    """Return a page that only says something."""
    return _page("told.html.j2", 200, house=house, brand=brand, title=title, words=words, code="")


def _page(name: str, status: int, **facts: object) -> HTMLResponse:
    style = (_TEMPLATES / "consent.css").read_text()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # A form's answer may lead anywhere: browsers hold form-action against every redirect that follows.
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' http: https:; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    body = _environment().get_template(name).render(style=style, **facts)
    return HTMLResponse(body, status, headers)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
