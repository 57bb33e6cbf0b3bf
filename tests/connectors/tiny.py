"""A tiny HTTP server that says exactly what a test tells it to, well-formed or not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Tiny:
    """The running server."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)


Handler = Callable[[Asked], Awaitable[bytes | None]]


def said(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return a well-formed answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def tiny(handler: Handler) -> AsyncIterator[Tiny]:
    """Serve; a handler that returns None closes the connection without a word."""
    server_facts = Tiny()
    open_writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            while True:
                asked = await _read(reader)
                server_facts.asked.append(asked)
                answer = await handler(asked)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    server_facts.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield server_facts
    finally:
        for writer in list(open_writers):
            writer.close()
        server.close()
        await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)
