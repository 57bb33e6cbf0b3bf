"""Requests as raw bytes, for whoever must know their signature before anything reads them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

MOST_BYTES = 1_000_000

Header = Callable[[bytes], bytes]


class Refused(Exception):  # noqa: N818 - an answer to a request, not an error of ours
    """The request ends here with that status; the reason is for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take."""

    most_bytes: int = MOST_BYTES
    #: for the whole body to arrive
    seconds: float = 5.0


async def read_body(scope: Scope, receive: Receive, limits: Limits, *, too_slow: int = 400) -> bytes:
    """Return the whole body; Refused before more than the limit is held, or once it takes too long (`too_slow`)."""
    announced = single(scope["headers"])(b"content-length")
    if announced and (len(announced) > 15 or not announced.isdigit() or int(announced) > limits.most_bytes):
        raise Refused(413, "announced size")
    try:
        async with asyncio.timeout(limits.seconds):
            return await _collect(receive, limits.most_bytes)
    except TimeoutError:
        raise Refused(too_slow, "slow body") from None


async def _collect(receive: Receive, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "hung up")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise Refused(413, "size")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def single(headers: Iterable[tuple[bytes, bytes]]) -> Header:
    """Return a reader of headers that refuses one that came twice: two readers could take different ones."""

    def read(name: bytes) -> bytes:
        values = [value for key, value in headers if key == name]
        if len(values) > 1:
            raise Refused(401, "repeated header")
        return values[0] if values else b""

    return read


async def answer(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """End the request with a status and no words."""
    closing = [*headers, (b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": closing})
    await send({"type": "http.response.body", "body": b""})
