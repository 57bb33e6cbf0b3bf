"""The gate: only genuine, timely, first, well-formed requests come through, and nothing makes it stumble."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_bolt.response import BoltResponse
from structlog.testing import capture_logs

from bot.app import Intake
from bot.guard import PARSED, Guard, Limits, Refused, Verifier
from bot.interaction import Reader
from bot.payloads import Json
from bot.web import SlackEndpoint
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.bot.requests import (
    BAD_TIMES,
    COMMAND,
    JUNK_FORMS,
    JUNK_JSON,
    SECRET,
    click,
    event,
    form,
    mutations,
    payload_form,
    signed,
)
from tests.virtual import in_virtual_time

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
AT = int(NOW.timestamp())
GENUINE = form(COMMAND)
MENTION = {"type": "app_mention", "user": "U0MAYA", "channel": "C0FINANCE", "ts": "1.2", "text": "hi"}
Sent = list[dict[str, Any]]


class CountingIntake(Intake):
    """Reads like the real one, and stops before bolt."""

    def __init__(self) -> None:
        self._reader = Reader("http://127.0.0.1:1/api/")
        self.taken: list[object] = []

    async def take(self, body: Json) -> BoltResponse:
        if body.get("type") == "url_verification":
            return BoltResponse(status=200, body={"challenge": str(body.get("challenge"))})
        try:
            self.taken.append(self._reader.read(body))
        except ValueError:
            return BoltResponse(status=400)
        return BoltResponse(status=200)


def guarded(
    verifier: type[Verifier] = Verifier, *, limits: Limits | None = None
) -> tuple[Guard, CountingIntake, OffsetClock]:
    clock = OffsetClock(base=lambda: NOW)
    intake = CountingIntake()
    return Guard(SlackEndpoint(intake.take), verifier(Secret(SECRET), clock), limits=limits), intake, clock


async def ask(
    guard: Guard,
    body: bytes,
    headers: dict[str, str] | Iterable[tuple[bytes, bytes]],
    *,
    method: str = "POST",
    chunks: int = 1,
    wait: Callable[[], Awaitable[None]] | None = None,
) -> tuple[int, bytes]:
    """Bring one request to the guard, as a server would; give status and body."""
    listed = (
        [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
        if isinstance(headers, dict)
        else list(headers)
    )
    size = max(1, -(-len(body) // chunks))
    pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    sent: Sent = []

    async def receive() -> dict[str, Any]:
        if wait is not None:
            await wait()
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    await guard({"type": "http", "method": method, "path": "/slack/events", "headers": listed}, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


async def test_a_genuine_request_comes_through_once() -> None:
    guard, intake, _ = guarded()
    assert await ask(guard, GENUINE, signed(GENUINE, AT)) == (200, b"")
    assert len(intake.taken) == 1
    assert await ask(guard, GENUINE, signed(GENUINE, AT)) == (401, b"")
    assert len(intake.taken) == 1


async def test_a_hundred_copies_at_once_count_once() -> None:
    guard, intake, _ = guarded()
    answers = await asyncio.gather(*(ask(guard, GENUINE, signed(GENUINE, AT)) for _ in range(100)))
    assert Counter(status for status, _ in answers) == {200: 1, 401: 99}
    assert len(intake.taken) == 1


@pytest.mark.parametrize("position", range(67))
async def test_every_byte_of_the_signature_counts(position: int) -> None:
    guard, intake, _ = guarded()
    headers = signed(GENUINE, AT)
    genuine = headers["X-Slack-Signature"]
    for other in ("0", "f", "A", "é", " "):
        if genuine[position] != other:
            headers["X-Slack-Signature"] = genuine[:position] + other + genuine[position + 1 :]
            assert await ask(guard, GENUINE, headers) == (401, b"")
    assert intake.taken == []


@pytest.mark.parametrize(
    "change", [str.upper, lambda s: s[:-1], lambda s: s + "0", lambda s: " " + s, lambda _: "", lambda s: "v1" + s[2:]]
)
async def test_a_signature_of_another_shape_is_refused(change: Callable[[str], str]) -> None:
    guard, intake, _ = guarded()
    headers = signed(GENUINE, AT)
    headers["X-Slack-Signature"] = change(headers["X-Slack-Signature"])
    assert (await ask(guard, GENUINE, headers))[0] == 401
    assert intake.taken == []


async def test_missing_and_repeated_headers_are_refused() -> None:
    guard, intake, _ = guarded()
    whole = [(name.lower().encode(), value.encode()) for name, value in signed(GENUINE, AT).items()]
    for index in range(2):
        assert (await ask(guard, GENUINE, whole[:index] + whole[index + 1 :]))[0] == 401
    for header in whole[:2]:
        assert (await ask(guard, GENUINE, [*whole, header]))[0] == 401
    assert (await ask(guard, GENUINE, {"Content-Type": "application/x-www-form-urlencoded"}))[0] == 401
    assert intake.taken == []


async def test_the_wrong_secret_and_the_legacy_token_prove_nothing() -> None:
    guard, intake, _ = guarded()
    assert (await ask(guard, GENUINE, signed(GENUINE, AT, secret="another-apps-secret")))[0] == 401
    assert (await ask(guard, GENUINE + b"&token=legacy", {"X-Slack-Request-Timestamp": str(AT)}))[0] == 401
    assert intake.taken == []


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="secret"):
        Verifier(Secret(""), OffsetClock())


@pytest.mark.parametrize(
    "age, status", [(0, 200), (299, 200), (300, 200), (301, 401), (3600, 401), (-59, 200), (-61, 401), (-290, 401)]
)
async def test_only_the_present_counts(age: int, status: int) -> None:
    guard, _, _ = guarded()
    assert (await ask(guard, GENUINE, signed(GENUINE, AT - age)))[0] == status


@pytest.mark.parametrize("timestamp", BAD_TIMES)
async def test_a_timestamp_has_ascii_digits_only(timestamp: bytes) -> None:
    """Even a signature over the odd spelling does not help."""
    guard, intake, _ = guarded()
    mac = hmac.new(SECRET.encode(), b"v0:" + timestamp + b":" + GENUINE, hashlib.sha256).hexdigest()
    headers = [(b"x-slack-request-timestamp", timestamp), (b"x-slack-signature", f"v0={mac}".encode())]
    assert await ask(guard, GENUINE, headers) == (401, b"")
    assert intake.taken == []


async def test_a_request_is_remembered_for_longer_than_it_is_valid() -> None:
    guard, _, clock = guarded()
    headers = signed(GENUINE, AT + 59)
    assert (await ask(guard, GENUINE, headers))[0] == 200
    for _ in range(6):
        clock.advance(timedelta(seconds=59))
        assert (await ask(guard, GENUINE, headers))[0] == 401


async def test_large_bodies_are_refused_whether_announced_or_not() -> None:
    guard, intake, _ = guarded(limits=Limits(most_bytes=1000))
    large = b"x" * 1001
    assert (await ask(guard, large, signed(large, AT)))[0] == 413
    assert (await ask(guard, large, signed(large, AT), chunks=50))[0] == 413
    assert (await ask(guard, b"x", {**signed(b"x", AT), "Content-Length": "1001"}))[0] == 413
    assert (await ask(guard, b"x", {**signed(b"x", AT), "Content-Length": "9" * 4000}))[0] == 413
    assert (await ask(guard, b"x", {**signed(b"x", AT), "Content-Length": "-1"}))[0] == 413
    assert intake.taken == []


@in_virtual_time
async def test_a_body_that_trickles_is_cut() -> None:
    guard, intake, _ = guarded(limits=Limits(seconds=0.05))

    async def slowly() -> None:
        await asyncio.sleep(0.03)

    assert (await ask(guard, GENUINE, signed(GENUINE, AT), chunks=20, wait=slowly))[0] == 400
    assert intake.taken == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_only_post_exists(method: str) -> None:
    guard, intake, _ = guarded()
    assert await ask(guard, GENUINE, signed(GENUINE, AT), method=method) == (401, b"")
    assert intake.taken == []


@pytest.mark.parametrize("body", JUNK_FORMS)
async def test_signed_junk_in_a_form_is_400_and_unsigned_401(body: bytes) -> None:
    guard, intake, _ = guarded()
    assert (await ask(guard, body, signed(body, AT)))[0] in (400, 200)
    assert (await ask(guard, body, {**signed(body, AT), "X-Slack-Signature": "v0=" + "0" * 64}))[0] == 401
    assert [taken for taken in intake.taken if taken is not None] == []


@pytest.mark.parametrize("body", JUNK_JSON)
async def test_signed_junk_in_json_is_400_and_unsigned_401(body: bytes) -> None:
    guard, intake, _ = guarded()
    assert (await ask(guard, body, signed(body, AT, content_type="application/json")))[0] == 400
    assert (await ask(guard, body, {"Content-Type": "application/json"}))[0] == 401
    assert intake.taken == []


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/xml",
        "application/json; x=y",
    ],
)
async def test_other_content_types_are_refused(content_type: str) -> None:
    guard, intake, _ = guarded()
    assert (await ask(guard, b"{}", signed(b"{}", AT, content_type=content_type)))[0] == 400
    assert intake.taken == []


async def test_the_url_is_verified_by_a_signed_challenge() -> None:
    guard, _, _ = guarded()
    body = b'{"type":"url_verification","challenge":"abc"}'
    assert await ask(guard, body, signed(body, AT, content_type="application/json")) == (200, b'{"challenge": "abc"}')


async def fuzz(verifier: type[Verifier], rounds: int, seed: int = 20261121) -> tuple[Counter[int], int]:
    """Break genuine requests in seeded ways; give the statuses that came out, and how many came through."""
    guard, intake, _ = guarded(verifier)
    bodies = [
        (GENUINE, "application/x-www-form-urlencoded"),
        (payload_form(click()), "application/x-www-form-urlencoded"),
        (json.dumps(event(MENTION)).encode(), "application/json"),
    ]  # fmt: skip
    sources = [
        mutations(seed + number, body, signed(body, AT, content_type=kind))
        for number, (body, kind) in enumerate(bodies)
    ]
    statuses: Counter[int] = Counter()
    for number in range(rounds):
        method, body, headers = sources[number % len(sources)]()
        statuses[(await ask(guard, body, headers, method=method))[0]] += 1
    return statuses, len(intake.taken)


async def test_broken_requests_get_a_refusal_and_never_an_error() -> None:
    """20,000 of them: a flipped bit in the content type alone leaves the signature whole, so a few are 400 or genuine."""
    statuses, through = await fuzz(Verifier, 20_000)
    assert set(statuses) <= {200, 400, 401, 413}, statuses
    assert statuses[401] > 19_000
    assert through <= len({"command", "click", "event"})


async def test_broken_payloads_behind_a_genuine_signature_get_400_or_nothing() -> None:
    """What only somebody with the secret could send: still no error, and nothing that is not what Slack sends."""
    guard, _, _ = guarded()
    statuses: Counter[int] = Counter()
    for seed, (body, kind) in enumerate([
        (GENUINE, "application/x-www-form-urlencoded"),
        (payload_form(click()), "application/x-www-form-urlencoded"),
        (json.dumps(event(MENTION)).encode(), "application/json"),
    ]):  # fmt: skip
        broken = mutations(seed, body, {"X": "y"})
        for _ in range(2_000):
            changed = broken()[1]
            statuses[(await ask(guard, changed, signed(changed, AT, content_type=kind)))[0]] += 1
    assert set(statuses) <= {200, 400, 401}, statuses
    assert statuses[400] > 1_000


class Credulous(Verifier):
    def signed(self, body: bytes, timestamp: bytes, signature: bytes) -> bool:
        return True


class Timeless(Verifier):
    def in_time(self, timestamp: bytes) -> bool:
        return True


class Forgetful(Verifier):
    def fresh(self, signature: bytes) -> bool:
        return True


class Parsing(Guard):
    """Parses before it verifies, and lets the parser's error out."""

    async def _admit(self, scope: Any, receive: Any) -> dict[str, Any]:
        return dict(json.loads((await receive())["body"]))


async def test_the_twins_are_caught() -> None:
    _, through = await fuzz(Credulous, 600)
    assert through > 10
    guard, _, _ = guarded(Timeless)
    assert (await ask(guard, GENUINE, signed(GENUINE, AT - 3600)))[0] == 200
    guard, intake, _ = guarded(Forgetful)
    for _ in range(2):
        await ask(guard, GENUINE, signed(GENUINE, AT))
    assert len(intake.taken) == 2
    clock = OffsetClock(base=lambda: NOW)
    stumbling = Parsing(SlackEndpoint(intake.take), Verifier(Secret(SECRET), clock))
    with pytest.raises((ValueError, TypeError)):
        await ask(stumbling, b"null", {})


async def test_what_the_guard_parsed_is_what_is_handed_over() -> None:
    seen: list[Json] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[PARSED])

    clock = OffsetClock(base=lambda: NOW)
    guard = Guard(inside, Verifier(Secret(SECRET), clock))
    body = payload_form(click(value="é"))
    with pytest.raises(IndexError):
        await ask(guard, body, signed(body, AT))
    assert seen[0]["actions"][0]["value"] == "é"


class Silent(Verifier):
    """Twin: refuses, and nobody learns why."""

    def told(self, body: bytes, timestamp: bytes, signature: bytes) -> None:
        """Tell nobody."""


@pytest.mark.parametrize("kind", [Verifier, Silent])
def test_a_clock_that_is_wrong_is_told_to_the_operator(kind: type[Verifier]) -> None:
    clock = OffsetClock(timedelta(0), base=lambda: NOW)
    verifier = kind(Secret(SECRET), clock)

    def refused(at: int, *, forged: bool = False) -> None:
        headers = signed(GENUINE, at)
        signature = headers["X-Slack-Signature"]
        with pytest.raises(Refused, match="time"):
            verifier.verify(GENUINE, str(at).encode(), b"v0=" + b"0" * 64 if forged else signature.encode())

    with capture_logs() as logged:
        refused(AT - 3600, forged=True)
        assert logged == []
        # This machine's clock is an hour ahead, then half an hour behind.
        for _ in range(3):
            refused(AT - 3600)
        clock.advance(timedelta(minutes=1))
        refused(AT + 1860)
    told = [each["seconds"] for each in logged if each["event"] == "slack_clock_differs"]
    assert told == ([3600, -1800] if kind is Verifier else [])
