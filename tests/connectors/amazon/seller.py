"""One Amazon seller, served and connected; reports are looked at without waiting."""

import contextlib
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from connectors.amazon.connector import AmazonConnector
from connectors.amazon.document import Text, text_of
from connectors.amazon.reports import Waiting
from connectors.base import Access
from connectors.limits import Limiter, Unlimited
from connectors.oauth import MemoryTokens, Tokens
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.consents import served_amazon, settings_of
from tests.connectors.worlds import Kept, World

SELLER = "A2TEMERITYUS01"
OTHER = "A3HARBOURPINE1"
EUROPEAN = "A1TEMERITYEU01"
QUICK = Waiting(steps=(0.01,), patience=2.0)


def text(body: str) -> Text:
    """A report's text on disk; to be closed."""
    return text_of(io.BytesIO(body.encode()), None, "text/plain;charset=UTF-8")


@contextlib.asynccontextmanager
async def amazon_world(
    app: Amazon,
    seller: str = SELLER,
    region: str = "na",
    *,
    waiting: Waiting = QUICK,
    limiter: Limiter | None = None,
    **more: Any,
) -> AsyncIterator[World]:
    """Serve Amazon and connect to one seller."""
    assert isinstance(app.clock, OffsetClock)
    async with served_amazon(app) as urls:
        grant = app.oauth.grant(seller)
        ends = app.clock.now() + timedelta(hours=1)
        store = MemoryTokens(Tokens(Secret(grant.access_token), Secret(grant.refresh_token), ends))
        kept = Kept()
        settings = settings_of(app.environment(urls), "AMAZON", **more)
        access = Access(seller, settings, store, app.clock, limiter or Unlimited(), kept, region=region)
        yield World(AmazonConnector(waiting), access, app.clock, kept)
