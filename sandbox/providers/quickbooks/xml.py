"""QuickBooks speaks XML to those who do not ask for JSON."""

from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from sandbox.providers.quickbooks.values import decode


def wanted(request: Request) -> bool:
    """Whether the caller forgot to ask for JSON."""
    return "json" not in request.headers.get("accept", "")


def translate(answer: Response) -> Response:
    """Return the same answer as XML: keys become elements."""
    if not answer.body:
        return answer
    content = decode(bytes(answer.body))
    time = escape(str(content.pop("time", "")))
    inner = "".join(_element(key, value) for key, value in content.items())
    text = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="{time}">{inner}</IntuitResponse>'  # noqa: E501 # one line on the wire too
    headers = {"intuit_tid": answer.headers["intuit_tid"]}
    return Response(text, answer.status_code, headers, media_type="application/xml")


def _element(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(key, item) for item in value)
    if isinstance(value, dict):
        return f"<{key}>{''.join(_element(name, item) for name, item in value.items())}</{key}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{key}>{escape(text)}</{key}>"
