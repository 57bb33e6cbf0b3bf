"""A browser for stories: cookies, forms and redirects over real HTTP, one address after the other."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin

import httpx

_FORM = re.compile(r'<form method="post" action="(?P<action>[^"]*)"[^>]*>(?P<inside>.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="(?P<name>[^"]*)" value="(?P<value>[^"]*)">')
_DRAWN = re.compile(r'<(?:input|textarea|select) id="[^"]*" name="(?P<name>[^"]*)"')
_FIRST = re.compile(r'<select id="[^"]*" name="(?P<name>[^"]*)"[^>]*>\s*<option value="(?P<value>[^"]*)"')
_ONWARD = re.compile(r'<a class="button" href="(?P<url>[^"]*)"')
_MOST_HOPS = 10
#: the page of a busy machine that could not write down in time what was pressed, and how often a person presses again
_TOO_LONG, _MOST_PRESSES = "That took too long", 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A page."""

    url: str
    status: int
    html: str

    @property
    def text(self) -> str:
        """The words of it."""
        body = re.sub(r"<(style|title)>.*?</\1>", " ", self.html, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())

    def form(self, ending: str) -> tuple[str, dict[str, str]]:
        """Return address and fields of the form that goes to an address of that ending, as a browser would send it.

        That is hidden ones with their values, choices with their first one, and every other one empty.
        """
        for found in _FORM.finditer(self.html):
            if found["action"].endswith(ending):
                told = [*_FIRST.finditer(found["inside"]), *_HIDDEN.finditer(found["inside"])]
                fields = {entry["name"]: "" for entry in _DRAWN.finditer(found["inside"])}
                fields |= {entry["name"]: unescape(entry["value"]) for entry in told}
                return urljoin(self.url, unescape(found["action"])), fields
        raise LookupError(f"the page at {self.url} has no form to {ending}: {self.text[:300]}")


class StoryBrowser:
    """One person's browser. It asks for no HTML, so that consent pages of stand-ins answer as their script says."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(follow_redirects=False, timeout=30, trust_env=False)
        #: the addresses that were opened by themselves
        self.opened: set[str] = set()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def open(self, url: str) -> Shown:
        """Open an address and follow where it leads."""
        self.opened.add(url)
        return await self._pressed(lambda: self._client.get(url))

    async def send(self, page: Shown, ending: str, fields: Mapping[str, str] | None = None) -> Shown:
        """Send the page's form that goes to an address of that ending, and follow where it leads."""
        action, drawn = page.form(ending)
        return await self._pressed(lambda: self._client.post(action, data={**drawn, **(fields or {})}))

    async def _pressed(self, ask: Callable[[], Awaitable[httpx.Response]]) -> Shown:
        """Ask, and again where that took too long, as a person does."""
        shown = await self._followed(await ask())
        for _ in range(_MOST_PRESSES):
            if shown.status != httpx.codes.SERVICE_UNAVAILABLE or _TOO_LONG not in shown.text:
                break
            shown = await self._followed(await ask())
        return shown

    async def _followed(self, answer: httpx.Response) -> Shown:
        for _ in range(_MOST_HOPS):
            shown = Shown(str(answer.url), answer.status_code, answer.text)
            onward = _ONWARD.search(shown.html)
            if answer.next_request is not None:
                answer = await self._client.send(answer.next_request)
            elif onward is not None:
                answer = await self._client.get(unescape(onward["url"]))
            else:
                return shown
        raise LookupError("the pages lead in a circle")
