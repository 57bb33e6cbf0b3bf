"""What is asked of the servers whose acks are measured: signed requests, and the sink of their response_urls."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote_plus, urlencode

SECRET = "sandbox-signing-secret"
ORGANIZATIONS = 300
SOURCES = 4
CONCURRENCY = 50
Request = bytes


def people(organization: int) -> list[str]:
    """Return the members of an organization: fifty in the first one, one in each other."""
    return [f"U{organization}X{number}" for number in range(CONCURRENCY if organization == 0 else 1)]


def wire(port: int, body: bytes, content_type: str) -> Request:
    """Return one signed request, ready to be written to a connection."""
    at = int(time.time())
    mac = hmac.new(SECRET.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nX-Slack-Request-Timestamp: {at}\r\nX-Slack-Signature: v0={mac}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Makes the requests of one run; no two are equal."""

    def __init__(self, sink: int) -> None:
        self._sink = sink
        self._number = 0
        self._source = 0

    def response_url(self) -> str:
        return f"http://127.0.0.1:{self._sink}/response/{self._number}"

    def company(self, port: int, count: int) -> Iterator[Request]:
        """Make commands of fifty members of one organization."""
        for _ in range(count):
            yield self._command(port, 0, people(0)[self._number % CONCURRENCY])

    def everybody(self, port: int, count: int) -> Iterator[Request]:
        """Make commands of one member of each organization."""
        for _ in range(count):
            org = self._number % ORGANIZATIONS
            yield self._command(port, org, people(org)[0])

    def _command(self, port: int, org: int, user: str) -> Request:
        self._number += 1
        fields = {
            "token": "x", "team_id": f"T{org}X", "team_domain": "d", "channel_id": "C1", "channel_name": "c",
            "user_id": user, "user_name": "u", "command": "/data", "text": "", "api_app_id": "A1",
            "is_enterprise_install": "false", "response_url": self.response_url(), "trigger_id": f"1.{self._number}",
        }  # fmt: skip
        return wire(port, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def confirmations(self, port: int, count: int) -> Iterator[Request]:
        for _ in range(count):
            self._number += 1
            org, index = self._source % ORGANIZATIONS, self._source // ORGANIZATIONS % SOURCES
            self._source += 1
            value = json.dumps({"c": f"card_{self._number}", "s": [f"src_{org}_{index}"]}, separators=(",", ":"))
            button = {
                "type": "button",
                "action_id": "refresh_confirm",
                "block_id": "b",
                "value": value,
                "action_ts": "1.2",
            }
            payload: dict[str, Any] = {
                "type": "block_actions",
                "user": {"id": people(org)[0], "username": "u", "name": "u", "team_id": f"T{org}X"},
                "api_app_id": "A1",
                "token": "x",
                "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1", "is_ephemeral": True},
                "trigger_id": f"1.{self._number}",
                "team": {"id": f"T{org}X", "domain": "d"},
                "enterprise": None,
                "is_enterprise_install": False,
                "channel": {"id": "C1", "name": "c"},
                "state": {"values": {}},
                "response_url": self.response_url(),
                "actions": [button],
            }
            body = f"payload={quote_plus(json.dumps(payload))}".encode()
            yield wire(port, body, "application/x-www-form-urlencoded")

    def profiles(self, port: int) -> Iterator[Request]:
        """Tell who everybody is, as Slack does when an account changes."""
        for org, person in ((number, person) for number in range(ORGANIZATIONS) for person in people(number)):
            self._number += 1
            user = {"id": person, "team_id": f"T{org}X", "name": "maya", "tz": "UTC", "profile": {"real_name": "Maya"}}
            payload = {"type": "event_callback", "team_id": f"T{org}X", "event_id": f"Ev{self._number}",
                       "event": {"type": "user_change", "user": user}}  # fmt: skip
            yield wire(port, json.dumps(payload).encode(), "application/json")


async def fire(port: int, requests: list[Request], concurrency: int = CONCURRENCY) -> list[float]:
    """Send the requests over that many connections; give the seconds until each answer, refusing anything but 200."""
    waiting, seconds = list(reversed(requests)), []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            request = waiting.pop()
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            seconds.append(time.perf_counter() - started)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{head!r} {body!r}")
            if b"nothing was started" in body or b"One moment" in body:
                raise RuntimeError(f"not the answer that is measured: {body[:300]!r}")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(concurrency)))
    return seconds


@asynccontextmanager
async def response_sink() -> AsyncIterator[tuple[int, list[int]]]:
    """Take posts to response_urls; give the port and a count."""
    taken = [0]

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(length)
                taken[0] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], taken
