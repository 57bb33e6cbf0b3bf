"""Where providers' webhooks come in: raw bytes, a signature, a strict parser, one short transaction, an answer.

What is not signed gets 401 and is not looked at. What is signed but of no use is acknowledged and logged: a provider
sends a refused body again for hours, and may hold back what comes after it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.payloads import MalformedError, parse_value
from bot.raw import Header, Limits, Refused, answer, read_body, single
from connectors.webhooks import ForgedError, UnusableError, signed
from jobs.errors import UnavailableError
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.facts.webhooks import Event
from storage.sessions import ConflictError
from storage.settings import Settings

SHOPIFY_PATH = "/webhooks/shopify"
INTUIT_PATH = "/webhooks/intuit"

#: Providers give three to five seconds; what is not written by then is sent again.
ANSWER_SECONDS = 0.8
_MOST_HEADERS = 100
_JSON = "application/json"
_CLOUD_EVENTS = frozenset({_JSON, "application/cloudevents+json", "application/cloudevents-batch+json"})

log = structlog.get_logger("bot.webhooks")

#: Keeps events durably; UnavailableError when that was not possible.
Take = Callable[[Provider, Sequence[Event]], Awaitable[object]]
#: Says what a signed body says: headers, parsed body, its text.
Read = Callable[[Header, Any, str], list[Event]]


@dataclass(frozen=True, slots=True)
class Door:
    """How one provider's webhooks are told from everybody else's."""

    provider: Provider
    signature: bytes
    #: those in force now; during a change two
    secrets: Sequence[Secret]
    content_types: frozenset[str]
    read: Read

    def signed(self, body: bytes, signature: bytes) -> bool:
        """Whether the provider signed exactly these bytes."""
        return signed(body, signature, self.secrets)


class WebhookEndpoint:
    """One provider's address."""

    def __init__(
        self, door: Door, take: Take, *, limits: Limits | None = None, seconds: float = ANSWER_SECONDS
    ) -> None:
        self._door = door
        self._take = take
        self._limits = limits or Limits()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        provider = self._door.provider.value
        try:
            status = await self._taken(scope, receive)
        except Refused as refused:
            log.info("webhook_refused", provider=provider, status=refused.status, reason=refused.reason)
            status = refused.status
        except Exception:
            log.exception("webhook_failed", provider=provider)
            status = 503
        await answer(send, status, [(b"allow", b"POST")] if status == 405 else [])

    async def _taken(self, scope: Scope, receive: Receive) -> int:
        door = self._door
        if scope["method"] != "POST":
            raise Refused(405, "method")
        if len(scope["headers"]) > _MOST_HEADERS:
            raise Refused(431, "headers")
        body = await read_body(scope, receive, self._limits, too_slow=408)
        header = single(scope["headers"])
        if not door.signed(body, header(door.signature)):
            raise Refused(401, "signature")
        if header(b"content-encoding").lower() not in (b"", b"identity"):
            raise Refused(415, "content encoding")
        if header(b"content-type").decode("latin-1").partition(";")[0].strip().lower() not in door.content_types:
            raise Refused(415, "content type")
        return await self._kept(header, body)

    async def _kept(self, header: Header, body: bytes) -> int:
        provider = self._door.provider
        try:
            events = self._events(header, body)
        except ForgedError as error:
            raise Refused(401, str(error)) from None
        except (MalformedError, UnusableError) as error:
            log.warning("webhook_unusable", provider=provider.value, reason=str(error))
            return 200
        try:
            async with asyncio.timeout(self._seconds):
                await self._take(provider, events)
        except (UnavailableError, ConflictError, TimeoutError) as error:
            # It may be written all the same: then what is sent again has no second effect.
            log.warning("webhook_not_kept", provider=provider.value, reason=type(error).__name__)
            return 503
        return 200

    def _events(self, header: Header, body: bytes) -> list[Event]:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedError("not UTF-8") from None
        return self._door.read(header, parse_value(text), text)


def endpoints(settings: Settings, take: Take, *, seconds: float = ANSWER_SECONDS) -> Mapping[str, ASGIApp]:
    """Return what stands at each provider's address."""
    return {
        SHOPIFY_PATH: WebhookEndpoint(_shopify(settings), take, seconds=seconds),
        INTUIT_PATH: WebhookEndpoint(_intuit(settings), take, seconds=seconds),
    }


def _shopify(settings: Settings) -> Door:
    secrets = (settings.shopify_client_secret, settings.shopify_client_secret_previous)

    def read(header: Header, body: Any, text: str) -> list[Event]:
        from connectors.shopify import events

        return events.read(header, body, text)

    return Door(Provider.SHOPIFY, b"x-shopify-hmac-sha256", _known(secrets), frozenset({_JSON}), read)


def _intuit(settings: Settings) -> Door:
    secrets = (settings.quickbooks_webhook_verifier, settings.quickbooks_webhook_verifier_previous)

    def read(header: Header, body: Any, text: str) -> list[Event]:
        from connectors.quickbooks import events

        return events.read(header, body, text)

    return Door(Provider.QUICKBOOKS, b"intuit-signature", _known(secrets), _CLOUD_EVENTS, read)


def _known(secrets: Sequence[Any]) -> tuple[Secret, ...]:
    return tuple(Secret(secret.get_secret_value()) for secret in secrets if secret.get_secret_value())
