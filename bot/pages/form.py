"""Forms: small, of our own pages, and drawn for the browser that sends them."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from bot.pages.browser import Browsers
from bot.pages.edge import ForeignFormError, TooLargeError
from storage.facts.secret import Secret

#: A form with the longest list of feeds and a service account's key file is about 12 KB.
_MOST_FORM = 32 * 1024
#: Browsers send every field that is drawn, also those that are empty or out of sight: NetSuite's form has 21.
_MOST_FIELDS = 40


async def posted(browsers: Browsers, request: Request) -> tuple[Secret, dict[str, str]]:
    """Return the browser and its form; a form that was drawn for another one, or by nobody, is refused."""
    browser = browsers.of(request)
    form = await _form(request)
    if browser is None or not browsers.drew(browser, form.get("csrf", "")):
        raise ForeignFormError
    return browser, form


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM:
            raise TooLargeError
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    form = dict(pairs)
    return form if len(form) == len(pairs) else {}
