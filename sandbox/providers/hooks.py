"""Sends webhooks: signed bodies to an address, each attempt with its own line in the journal."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from sandbox.journal import Journal

#: A receiver that takes longer has failed; Shopify allows five seconds, Intuit three.
PATIENCE = 5.0
_HERE = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook, ready to be sent any number of times."""

    topic: str
    account: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivered:
    """How the receiver answered; status None: not at all."""

    status: int | None
    seconds: float
    error: str = ""


async def deliver(journal: Journal, url: str, hook: Hook, *, times: int = 1) -> list[Delivered]:
    """Send it as it is, so often, one after the other (ValueError for an address that is not on this machine)."""
    if urlsplit(url).hostname not in _HERE:
        raise ValueError(f"a stand-in sends to this machine only, not to {url}")
    found = []
    async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False) as client:
        for _ in range(times):
            number = journal.begin(
                method="POST", path=url, operation="webhook", entity=hook.topic, account=hook.account
            )
            answer = await _sent(client, url, hook)
            said = f"answered {answer.status}" if answer.status else answer.error
            journal.finish(
                number, outcome="sent", status=answer.status, effects=(f"delivered {hook.topic}: {said}",),
                size=len(hook.body),
            )  # fmt: skip
            found.append(answer)
    return found


async def _sent(client: httpx.AsyncClient, url: str, hook: Hook) -> Delivered:
    began = time.monotonic()
    try:
        answer = await client.post(url, content=hook.body, headers=dict(hook.headers))
    except httpx.HTTPError as error:
        return Delivered(None, time.monotonic() - began, type(error).__name__)
    return Delivered(answer.status_code, time.monotonic() - began)
