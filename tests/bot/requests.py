"""Signed requests, made by hand: genuine ones to start from, and ways to break them."""

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlencode

SECRET = "sandbox-signing-secret"
Headers = dict[str, str]

COMMAND = {
    "token": "legacy",
    "team_id": "T0TEMERITY",
    "team_domain": "temerity-goods",
    "channel_id": "C0FINANCE",
    "channel_name": "finance",
    "user_id": "U0MAYA",
    "user_name": "maya",
    "command": "/data",
    "text": "status",
    "api_app_id": "A0TIDINGS",
    "is_enterprise_install": "false",
    "response_url": "http://127.0.0.1:1/response/x",
    "trigger_id": "1.2.abc",
}


def click(action: str = "refresh_confirm", value: str = "{}", **changes: Any) -> dict[str, Any]:
    """Return the payload of a click."""
    return {
        "type": "block_actions",
        "user": {"id": "U0MAYA", "username": "maya", "name": "maya", "team_id": "T0TEMERITY"},
        "api_app_id": "A0TIDINGS",
        "token": "legacy",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0FINANCE", "is_ephemeral": True},
        "trigger_id": "1.2.def",
        "team": {"id": "T0TEMERITY", "domain": "temerity-goods"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": "C0FINANCE", "name": "finance"},
        "state": {"values": {}},
        "response_url": "http://127.0.0.1:1/response/x",
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1.2"}],
    } | changes


def event(inner: dict[str, Any], event_id: str = "Ev1", team: str = "T0TEMERITY") -> dict[str, Any]:
    """Return the envelope of an event."""
    return {"token": "legacy", "team_id": team, "api_app_id": "A0TIDINGS", "event": inner, "type": "event_callback",
            "event_id": event_id, "event_time": 1, "authorizations": []}  # fmt: skip


def form(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def payload_form(payload: Any) -> bytes:
    return f"payload={quote_plus(json.dumps(payload))}".encode()


def signed(
    body: bytes, at: int, *, secret: str = SECRET, content_type: str = "application/x-www-form-urlencoded"
) -> Headers:
    mac = hmac.new(secret.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={mac}", "Content-Type": content_type}


#: Bodies that break the libraries; each one must be refused with 400 when it is genuinely signed.
JUNK_FORMS: list[bytes] = [
    b"payload=null",
    b"payload=%5B1%2C2%5D",
    b"payload=",
    b"payload=%7Bnot-json",
    b"payload=1",
    b"payload=%22text%22",
    b"payload=true",
    b"payload=" + quote_plus("[" * 3000).encode(),
    b"payload=" + quote_plus('{"a":' * 3000 + "1" + "}" * 3000).encode(),
    b"payload=%7B%7D&payload=%7B%7D",
    b"payload=%7B%7D&other=1",
    b"payload=" + quote_plus('{"type":"block_actions","type":"block_actions"}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions","a":NaN}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions","a":1e999}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions","a":"\\ud800"}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions"}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions","actions":[],"team":{"id":"T0TEMERITY"}}').encode(),
    b"payload=" + quote_plus('{"type":"block_actions","actions":[null],"team":[]}').encode(),
    b"payload=%ff%fe",
    b"payload=%7B%22a%22%3A1" + b"0" * 5000 + b"%7D",
    b"command=%2Fdata",
    b"command=%2Fdata&command=%2Fdata",
    b"command=%2Fdata&team_id=T1&user_id=lower&channel_id=C1&trigger_id=1",
    b"command=%2Fdata&team_id=T0TEMERITY&user_id=U0MAYA%00&channel_id=C0FINANCE&trigger_id=1",
    b"&&&",
    b"a=b;c=d%",
    b"\xff\xfe\x00",
    b"=" * 100,
    b"&".join(b"f%d=1" % number for number in range(200)),
]
JUNK_JSON: list[bytes] = [
    b"null",
    b"[1]",
    b'{"a":',
    b"",
    b"1",
    b'"text"',
    b"[" * 5000,
    b'{"type":"event_callback"}',
    b'{"type":"event_callback","event":null}',
    b'{"type":"event_callback","event":[],"team_id":"T0TEMERITY"}',
    b'{"type":"event_callback","event":{"type":5},"team_id":"T0TEMERITY"}',
    b'{"type":"event_callback","event":{"type":"app_mention"},"team_id":5}',
    b'{"type":"event_callback","event":{"type":"app_mention","user":"U1"},"team_id":"T0TEMERITY"}',
    b'{"type":"event_callback","team_id":"T0TEMERITY","event":{"type":"user_change","user":"U1"},"event_id":"Ev1"}',
    b'{"type":"event_callback","type":"event_callback","event":{"type":"x"}}',
    '{"a":"\ud83d"}'.encode("utf-8", "surrogatepass"),
    b'{"a":Infinity}',
    b"\xef\xbb\xbf{}",
]

#: Timestamps that are no timestamps, or not now.
BAD_TIMES: list[bytes] = [b"", b"abc", b"1e9", b"+1700000000", b" 1700000000", b"1700000000 ", b"-1", b"0", b"0x10", b"17e8",
                          b"1700000000.0", b"1_700_000_000", "١٧٠٠٠٠٠٠٠٠".encode(), "１７０００".encode(), b"99999999999999999999",
                          b"\xff\xff", b"1700000000\x00", b"nan", b"inf", b"null"]  # fmt: skip


def mutations(seed: int, body: bytes, headers: Headers) -> Callable[[], tuple[str, bytes, list[tuple[bytes, bytes]]]]:
    """Return an endless, seeded source of broken requests: method, body, headers."""
    chance = random.Random(seed)

    def broken() -> tuple[str, bytes, list[tuple[bytes, bytes]]]:
        made = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        changed, method = bytearray(body), "POST"
        for _ in range(chance.randint(1, 3)):
            match chance.randrange(8):
                case 0 if changed:
                    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
                case 1:
                    at = chance.randrange(len(changed) + 1)
                    changed[at:at] = chance.randbytes(chance.randint(1, 9))
                case 2 if changed:
                    del changed[chance.randrange(len(changed)) :]
                case 3 | 4:
                    at = chance.randrange(len(made))
                    name, value = made[at]
                    flipped = bytearray(value or b"x")
                    flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
                    made[at] = (name, bytes(flipped))
                case 5:
                    at = chance.randrange(len(made))
                    made[at] = (made[at][0], chance.choice([*BAD_TIMES, b"v0=", b"v0=" + b"A" * 64, "v0=é".encode()]))
                case 6:
                    made.append(chance.choice(made))
                case 7:
                    method = chance.choice(["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "post"])
        return method, bytes(changed), made

    return broken
