"""The page of a history or a metric: pictures drawn here, the same data below as a table; for one person, to read.

Nothing on it changes anything, and nothing is loaded from anywhere: pictures stand in the page itself, as images, so
that a browser runs nothing in them and asks no styles of the page for them.
"""

import asyncio
import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.draw import page, said
from bot.pages.edge import Told, in_words, told_of
from bot.pages.port import Sheets
from jobs.pages.links import PATH
from jobs.pages.service import MetricValues, Opened
from storage.facts.charts import Chart
from storage.facts.messages import Code, Inline, Person, Strong, When
from templates import times
from templates.notices.sheets import Sheet, metric_sheet, source_sheet
from templates.text import clean, label

#: No link of ours is longer.
_MOST = 400
_LOOK = "press See this as a page in Slack again, below /data history <source> or /data metric <name>."
#: What browsers of phones call themselves; a picture for each kind of screen would take twice the time of one.
_PHONE = "Mobi"
#: Pixels of a picture, and of one for a phone, at 252 high.
_WIDTHS = (533, 324)
#: a chart, and its picture
_Drawn = tuple[Chart, str]


class SheetPages:
    """Draws the pages."""

    def __init__(self, sheets: Sheets) -> None:
        self._sheets = sheets
        # One at a time: pictures wait for each other anyway, and threads of the loop are for others.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="page-pictures")

    def routes(self) -> list[Route]:
        """Return the address."""
        return [Route(PATH, in_words(self._shown, _told), methods=["GET"])]

    async def _shown(self, request: Request) -> Response:
        tickets = request.query_params.getlist("ticket") if len(request.url.query) <= _MOST else []
        opened = await self._sheets.open(tickets[0]) if len(tickets) == 1 else None
        if opened is None:
            return said(
                "This link does nothing",
                "It is older than 15 minutes, was cut on its way, or is not for anybody here any more.",
                step=_LOOK,
                status=410,
            )
        sheet = sheet_of(opened)
        # A scanner of links that asks for the head alone costs no picture.
        charts = sheet.charts if request.method == "GET" else ()
        loop = asyncio.get_running_loop()
        small = _PHONE in request.headers.get("user-agent", "")
        drawn = await loop.run_in_executor(self._drawing, _drawn, charts, small) if charts else []
        return _page(opened, sheet, drawn, small=small)


def sheet_of(opened: Opened) -> Sheet:
    """Return what the page says."""
    about, zone = opened.about, opened.member.timezone
    if isinstance(about, MetricValues):
        return metric_sheet(about.shown, opened.at)
    return source_sheet(about.status, about.runs, opened.at, zone)


def _drawn(charts: Sequence[Chart], small: bool) -> list[_Drawn]:  # noqa: FBT001 - an executor passes no names
    """Return each chart with an address that carries the whole picture."""
    from templates.pictures import svg

    return [(chart, _address(svg(chart, narrow=small))) for chart in charts]


def _address(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode('ascii')}"


def _page(opened: Opened, sheet: Sheet, charts: Sequence[_Drawn], *, small: bool) -> Response:
    zone = opened.member.timezone

    def inline(parts: Sequence[Inline]) -> Markup:
        return Markup().join(_html(part, zone) for part in parts) or Markup("–")

    return page(
        "sheet",
        pictures=True,
        sheet=sheet,
        charts=charts,
        width=_WIDTHS[small],
        inline=inline,
        label=label,
        organization=label(opened.organization),
        reader=label(opened.member.name),
        files=opened.about.files if isinstance(opened.about, MetricValues) else (),
        at=times.absolute(opened.at, zone),
        until=times.time_of_day(opened.until, zone),
    )


def _html(part: Inline, zone: str) -> Markup:
    """Return running text; instants without their age, which is wrong as soon as the page has stood for a while."""
    if isinstance(part, Strong):
        return Markup("<strong>{}</strong>").format(clean(part.text))
    if isinstance(part, Code):
        return Markup("<code>{}</code>").format(clean(part.text))
    if isinstance(part, When):
        return Markup('<time datetime="{}">{}</time>').format(_machine(part.at), times.absolute(part.at, zone))
    if isinstance(part, Person):
        return Markup("{}").format(clean(part.name))
    return Markup("{}").format(clean(part if isinstance(part, str) else part.text))


def _machine(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _told(error: Exception) -> Told:
    return told_of(error, _LOOK)
