"""The door to one shop: its name, its client, and the question whose it is. Kept apart from Arrow."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping

import msgspec

from connectors.base import Access, Company, ProviderSettings, Session
from connectors.errors import Broken
from connectors.http import Http
from connectors.oauth import TokenEndpoint, TokenKeeper, TokenStyle
from connectors.shopify.documents.app import SHOP
from connectors.shopify.graph import Graph
from connectors.shopify.judge import judge
from connectors.wire import Wire
from storage.facts.secret import Secret

#: A shop's permanent domain, in full.
DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com", re.ASCII)


def endpoint(settings: ProviderSettings, shop: str) -> TokenEndpoint:
    """Return where a shop's tokens are asked for."""
    return TokenEndpoint(
        settings.address(settings.token_url, shop), settings.client_id, settings.client_secret, TokenStyle.JSON_BODY,
        settings.previous_secret,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def session(access: Access) -> AsyncIterator[Session]:
    """Open a connection to one shop.

    The host is the shop, and no shop takes another one's token: so a renewal that brings somebody else's token stops
    the connection and never brings somebody else's sales.
    """
    shop, settings = access.account, access.settings
    if not DOMAIN.fullmatch(shop):
        raise Broken("this is no name of a Shopify shop", code="account_malformed")
    keeper = TokenKeeper(access.tokens, endpoint(settings, shop), clock=access.clock, limits=settings.limits)
    async with Wire(settings.address(settings.api_url, shop), limits=settings.limits) as wire:
        http = Http(
            wire, keeper, clock=access.clock, limiter=access.limiter, key=f"shopify:{shop}", rates=(),
            headers=headers, judge=judge, writes=access.writes,
        )  # fmt: skip
        yield Session(access, http, keeper)


async def probe(opened: Session) -> Company:
    """Ask for the shop's name and its own word of its domain."""
    data = await Graph(opened.http).ask("Shop", SHOP, {})
    try:
        shop = msgspec.json.decode(data, type=dict[str, dict[str, str]])["shop"]
        return Company(shop["myshopifyDomain"], shop["name"])
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify did not tell the shop's name", code="page_unreadable") from error


def headers(token: Secret) -> Mapping[str, str]:
    """Return what each call carries."""
    return {"X-Shopify-Access-Token": token.reveal(), "Accept": "application/json"}
