"""Shopify Payments: payouts and what they are made of, read once an hour.

Neither has a time of change. A payout's state moves for some days after it was issued, so those of the last weeks are
read again. A balance transaction changes once, when it is paid out: the transactions of new payouts are read by payout.
A shop that does not use Shopify Payments has no account there, and no rows.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.base import Mark
from connectors.errors import Broken
from connectors.intake import Intake
from connectors.shopify import documents, shapes
from connectors.shopify.connection import Pager, Root
from connectors.shopify.graph import Graph
from connectors.shopify.reading import SLICE, Reading, stamp

#: So often payouts are looked at, however often the shop is refreshed.
EVERY = timedelta(minutes=55)
SCOPES = ("read_shopify_payments_accounts", "read_shopify_payments_payouts")
#: How long after its issue a payout may still change.
UNSETTLED = timedelta(days=30)
#: How far behind the last read new payouts and transactions are looked for: both appear late.
LATE = timedelta(days=3)

_ACCOUNT = "shopifyPaymentsAccount"
PAYOUTS = Root(
    shape=shapes.PAYOUTS, field="payouts", name="Payouts", document=documents.PAYOUTS, first=30, owner=_ACCOUNT
)
TRANSACTIONS = Root(
    shape=shapes.BALANCE_TRANSACTIONS,
    field="balanceTransactions",
    name="BalanceTransactions",
    document=documents.BALANCE_TRANSACTIONS,
    first=100,
    owner=_ACCOUNT,
)


class Payments:
    """Reads a shop's payouts and balance transactions."""

    def __init__(self, graph: Graph, sizes: dict[str, int], intake: Callable[[Root], Intake]) -> None:
        self._graph = graph
        self._sizes = sizes
        self._payouts = intake(PAYOUTS)
        self._transactions = intake(TRANSACTIONS)

    async def read(self, since: Mark | None, until: datetime) -> list[Reading]:
        """Read what may have changed since the mark, all of it without one; nothing before its hour has come."""
        if since is not None and until - since.read_to < EVERY:
            return []
        behind = None if since is None else since.read_to - LATE
        issued = await self._issued(None if since is None else since.read_to - UNSETTLED)
        await self._dated("processed_at", behind)
        if behind is not None:
            for number in (key.rpartition("/")[2] for key, at in issued.items() if at is None or at >= behind):
                await self._all(f"payments_transfer_id:{number}")
        whole = since is None
        return [Reading(root.shape.name, Mark(until), whole, keep=True) for root in (PAYOUTS, TRANSACTIONS)]

    async def _issued(self, since: datetime | None) -> dict[str, datetime | None]:
        """Read payouts; return when each was issued."""
        found: dict[str, datetime | None] = {}
        query = None if since is None else f"issued_at:>='{stamp(since)}'"
        async for page in Pager(self._graph, PAYOUTS, self._sizes).pages(query):
            await self._payouts.take([page.records])
            found |= zip(page.ids, page.moments, strict=True)
        return found

    async def _dated(self, field: str, since: datetime | None) -> None:
        """Read transactions in order of their time; a new query begins before Shopify stops paging."""
        while True:
            read, newest = 0, None
            query = None if since is None else f"{field}:>='{stamp(since)}'"
            async for page in Pager(self._graph, TRANSACTIONS, self._sizes).pages(query):
                await self._transactions.take([page.records])
                read, newest = read + len(page.records), page.newest or newest
                if read >= SLICE and newest is not None:
                    break
            else:
                return
            if newest == since:
                raise Broken("more transactions in one second than Shopify lets us page through", code="paging_stuck")
            since = newest

    async def _all(self, query: str) -> None:
        async for page in Pager(self._graph, TRANSACTIONS, self._sizes).pages(query):
            await self._transactions.take([page.records])
