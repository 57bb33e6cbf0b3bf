"""Pages that stand at one address for good: help per provider, and where providers send people who start over there."""

from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.draw import said
from connectors.grants import Pairs
from storage.facts.sources import Provider
from templates.text import label

_CONNECT = "open Slack and type /data connect."
_RECONNECT = "open Slack and type /data reconnect, or press Reconnect on Tidings' message there."

_HELP = {
    Provider.QUICKBOOKS: (
        "QuickBooks Online",
        "You need to be an admin of the company in QuickBooks. Intuit asks which company you give.",
        "Tidings reads accounts, customers, vendors, items, invoices, bills, payments, journals and two reports.",
        "It collects every 60 minutes and never writes to your books. An organization has one QuickBooks company.",
    ),
    Provider.SHOPIFY: (
        "Shopify",
        "You need to own the shop, or to be staff who may install apps.",
        "Have the shop's address at hand, such as temeritygoods.myshopify.com.",
        "Tidings reads orders, products and customers. You may connect as many shops as you have.",
    ),
}


def fixed_pages(genuine_install: Callable[[Pairs], bool]) -> list[Route]:
    """Return the pages; `genuine_install` says whether Shopify signed the query of an app launch."""

    async def help_(request: Request) -> Response:
        provider = request.path_params["provider"]
        told = next((words for known, words in _HELP.items() if known.value == provider), None)
        if told is None:
            return said("There is no such page", status=404)
        name, *lines = told
        return said(f"Connecting {name}", *lines, step=_CONNECT)

    async def reconnect(_: Request) -> Response:
        return said(
            "Reconnecting starts in Slack",
            "Tidings gives each person a link of their own there, so that nobody can connect somebody else's books.",
            step=_RECONNECT,
        )

    async def install(request: Request) -> Response:
        query = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=20)
        if not genuine_install(query):
            return said("This did not come from Shopify", "Nothing was changed.", status=401, step=_CONNECT)
        shop = label(dict(query).get("shop", "your shop"))
        return said(f"Connect {shop} in Slack", "Tidings works in Slack, so connecting starts there.", step=_CONNECT)

    return [
        Route("/connect/help/{provider}", help_),
        Route("/connect/reconnect", reconnect),
        Route("/connect/shopify/install", install),
    ]


def providers_with_help() -> Sequence[Provider]:
    """Return the providers that have a help page; a test holds them against those that can be connected."""
    return tuple(_HELP)
