"""Pages that stand at one address for good: help per provider, and where providers send people who start over there."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.draw import said
from bot.pages.edge import in_words
from connectors.grants import Pairs
from storage.facts.sources import Provider

_MOST_FIELDS = 20
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
    Provider.AMAZON: (
        "Amazon",
        "You need to be the primary user of the seller account, or to have the right to authorise apps there.",
        "Choose the region in which the account sells; accounts in several regions are connected one by one.",
        "Amazon asks you to renew the consent every 365 days. Tidings reminds you in time.",
    ),
    Provider.NETSUITE: (
        "NetSuite",
        "A script or a job of yours puts the files of saved searches into a bucket, or NetSuite mails them.",
        "Have at hand: the bucket, its prefix, and a key that may list and get there and nothing else.",
        "Or a mailbox for the reports alone, its password, and the address that NetSuite sends them from.",
        "Have a file of each saved search at hand: the form is filled in from it and shows how it would be read.",
    ),
    Provider.POCKETADVANTAGE: (
        "PocketAdvantage",
        "Have at hand: your customer id at Inventiv, and the account sheet of the file server (SFTP, FTPS or FTP).",
        "For SFTP you also need the fingerprint of the server's key, from its owner: you compare it in the form.",
        "For orders: a database user that may read one view of orders and nothing else.",
        "Nothing is sent before somebody switches a pair on in /data exchange.",
        "Orders are created in QuickBooks only after an admin has allowed that in a step of its own.",
    ),
}


def fixed_pages(launched_from: Callable[[Pairs], str | None]) -> list[Route]:
    """Return the pages; `launched_from` names the shop of an app launch that Shopify signed, None for any other."""

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
        pairs = request.query_params.multi_items()
        shop = launched_from(pairs) if len(pairs) <= _MOST_FIELDS else None
        if shop is None:
            return said("This did not come from Shopify", "Nothing was changed.", status=401, step=_CONNECT)
        return said(f"Connect {shop} in Slack", "Tidings works in Slack, so connecting starts there.", step=_CONNECT)

    return [
        Route("/connect/help/{provider}", in_words(help_)),
        Route("/connect/reconnect", in_words(reconnect)),
        Route("/connect/shopify/install", in_words(install)),
    ]
