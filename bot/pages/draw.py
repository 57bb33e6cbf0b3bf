"""Pages: Jinja2 with every text escaped, one style of our own allowed by its hash, kept by nobody."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

#: Said under pages that nobody opened from a message.
PLAIN_FOOTER = "Tidings keeps your finance data fresh and says so in Slack."


def page(name: str, *, status: int = 200, pictures: bool = False, **shown: object) -> HTMLResponse:
    """Return the page of that template. `shown` is escaped wherever it is put; `pictures` stand in the page itself."""
    text = _environment().get_template(f"{name}.html.j2").render(style=Markup(_style()), **shown)  # noqa: S704 - our own file
    return HTMLResponse(text, status, headers={"Content-Security-Policy": _policy(pictures=pictures)})


def said(
    title: str,
    *lines: str,
    status: int = 200,
    step: str = "",
    reference: str = "",
    footer: str = PLAIN_FOOTER,
) -> HTMLResponse:
    """Return a page of words: what happened, and the one next step."""
    return page("said", status=status, title=title, lines=lines, next=step, reference=reference, footer=footer)


@cache
def _environment() -> "Environment":
    # Here, since most processes show no page for hours.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bot.pages", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return (files("bot.pages") / "html" / "style.css").read_text("utf-8")


@cache
def _policy(*, pictures: bool) -> str:
    """Return what a browser may do with a page: our one style, our own forms, no frame around it.

    A page to look at has images that come with it and no form.
    """
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    may = "img-src data:; form-action 'none'" if pictures else "form-action 'self'"
    return f"default-src 'none'; style-src 'sha256-{digest}'; {may}; base-uri 'none'; frame-ancestors 'none'"
