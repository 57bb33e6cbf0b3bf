"""Webhooks that Tidings sends, in their states."""

from datetime import UTC, datetime, timedelta

from storage.facts.messages import Message
from storage.facts.outgoing import TOLD_OF, Endpoint, EventType, Send, SendState
from templates.notices import hooks

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
URL = "https://hooks.temeritygoods.example/tidings?model=2027"


def hook_messages() -> dict[str, Message]:
    """Return every message about them."""
    works = Endpoint("hook_7f3k2m9q4r", "org_1", URL, TOLD_OF, NOW - timedelta(days=9), None, None, "")
    fails = Endpoint("hook_2b8c5d1x6z", "org_1", "https://sheets.example.com/a/<b>&c", TOLD_OF, NOW,
                     NOW - timedelta(hours=3), None, "")  # fmt: skip
    stopped = Endpoint(
        "hook_9w4v7t3n5p",
        "org_1",
        "https://old.example.com/in",
        TOLD_OF,
        NOW,
        NOW - timedelta(days=5),
        NOW - timedelta(hours=1),
        "it accepted nothing for five days",
    )
    sent = [
        _send(1, EventType.TEST, SendState.PENDING, 0),
        _send(2, EventType.SOURCE_READY, SendState.SENT, 1, answer="204"),
        _send(3, EventType.SOURCE_READY, SendState.PENDING, 3, answer="503"),
        _send(4, EventType.SOURCE_DISCONNECTED, SendState.FAILED, 8, answer="nobody answers there"),
    ]
    secret = "whsec_" + "EXAMPLEexample0123" * 2
    return {
        "hooks_none": hooks.endpoints("Temerity Goods", [], NOW),
        "hooks": hooks.endpoints("Temerity Goods", [works, fails, stopped], NOW),
        "hook_made": hooks.endpoint_made(works, secret, renewed=False),
        "hook_new_secret": hooks.endpoint_made(works, secret, renewed=True),
        "hook_shown": hooks.endpoint_shown(fails, sent, NOW),
        "hook_shown_nothing": hooks.endpoint_shown(works, [], NOW),
        "hook_tested": hooks.endpoint_changed(works, "A test is on its way to"),
        "hook_removed": hooks.endpoint_removed(works),
        "hook_refused": hooks.webhooks_refused(
            "the address cannot be used: it must begin with https:// (port 443 or 8443)"
        ),
        "hook_usage": hooks.webhooks_usage("send <everything>"),
        "hook_stopped": hooks.endpoint_stopped("Temerity Goods", stopped.id, stopped.url, stopped.stopped_because, NOW),
    }


def _send(number: int, type_: EventType, state: SendState, attempts: int, *, answer: str = "") -> Send:
    at = NOW - timedelta(minutes=20 * number)
    due = NOW + timedelta(minutes=30) if state is SendState.PENDING else None
    sent = at + timedelta(seconds=2) if state is SendState.SENT else None
    message_id = f"msg_{number}k5gzc58t4b1sk7984k7"
    return Send(f"snd_{number}", "hook_2b8c5d1x6z", message_id, type_, state, attempts, due, sent, answer, at)
