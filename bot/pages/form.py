"""Forms: small, of our own pages, and drawn for the browser that sends them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bot.pages.browser import Browsers
from bot.pages.edge import ForeignFormError, TooLargeError
from connectors.grants import Sample
from storage.facts.secret import Secret

#: A form with the longest list of feeds and a service account's key file is about 12 KB.
_MOST_FORM = 32 * 1024
_MOST_FIELDS = 40
#: Of a form with blocks: browsers send every field that is drawn, also those that are empty or out of sight. NetSuite's
#: has 22 and 38 for each of 20 feeds.
_MOST_LONG, _MOST_LONG_FIELDS = 256 * 1024, 900
#: Of one with a file: NetSuite's takes samples of 4 MB.
_MOST_WITH_FILE = (4 << 20) + _MOST_LONG
#: Every block has a place for one; empty ones are sent, too.
_MOST_FILES = 30


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a browser sent."""

    browser: Secret
    #: what was typed; nothing where a name came twice
    typed: dict[str, str]
    #: files by the name of their field
    files: dict[str, Sample]


async def posted(browsers: Browsers, request: Request) -> tuple[Secret, dict[str, str]]:
    """Return the browser and its form; a form that was drawn for another one, or by nobody, is refused."""
    form = await _plain(request, _MOST_FORM, _MOST_FIELDS)
    return _own(browsers, request, form), form


async def posted_long(browsers: Browsers, request: Request) -> Form:
    """Return a form with blocks, and its files; only for a browser whose flow is known to have such a form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await _plain(request, _MOST_LONG, _MOST_LONG_FIELDS)
        return Form(_own(browsers, request, form), form, {})
    try:
        sent = await _InMemory(
            request.headers, _bounded(request, _MOST_WITH_FILE), max_files=_MOST_FILES, max_fields=_MOST_LONG_FIELDS,
            max_part_size=_MOST_LONG,
        ).parse()  # fmt: skip
    except (MultiPartException, UnicodeError):
        # Also of a charset that reads nothing: no browser of ours names one.
        raise ForeignFormError from None
    pairs = sent.multi_items()
    typed = {name: value for name, value in pairs if isinstance(value, str)}
    browser = _own(browsers, request, typed)
    files = {
        name: Sample(value.filename or "", await value.read())
        for name, value in pairs
        if isinstance(value, UploadFile) and value.filename
    }
    await sent.close()
    return Form(browser, typed if len({name for name, _ in pairs}) == len(pairs) else {}, files)


class _InMemory(MultiPartParser):
    """A customer's file is never written to this machine's disk."""

    spool_max_size = _MOST_WITH_FILE


def _own(browsers: Browsers, request: Request, form: dict[str, str]) -> Secret:
    browser = browsers.of(request)
    if browser is None or not browsers.drew(browser, form.get("csrf", "")):
        raise ForeignFormError
    return browser


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooLargeError
        yield chunk


async def _plain(request: Request, most: int, fields: int) -> dict[str, str]:
    body = b"".join([chunk async for chunk in _bounded(request, most)])
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=fields)
    except ValueError:
        return {}
    form = dict(pairs)
    return form if len(form) == len(pairs) else {}
