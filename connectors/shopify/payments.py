"""Shopify Payments: payouts and what they are made of, read once an hour.

Neither has a time of change. A payout's state moves for some days after it was issued, so those of the last weeks are
read again. A balance transaction changes once, when it is paid out: the transactions of new payouts are read by payout.
A shop that does not use Shopify Payments has no account there, and no rows.

Where there are very many transactions the first read takes the newest, and each further run some older ones: nothing
counts them, so a slice ends with the day on which it is long enough.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from connectors.base import Held, Mark
from connectors.errors import Broken
from connectors.intake import Intake
from connectors.shopify import shapes
from connectors.shopify.connection import Pager, Root
from connectors.shopify.documents import payments as documents
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

    def __init__(
        self,
        graph: Graph,
        sizes: dict[str, int],
        intake: Callable[[Root], Intake],
        held: Held,
        *,
        back_to: str = "",
        most: int = SLICE,
    ) -> None:
        self._graph = graph
        self._sizes = sizes
        self._payouts = intake(PAYOUTS)
        self._transactions = intake(TRANSACTIONS)
        self._held = held
        #: the first day (ISO) whose transactions are in, while older ones are still being read
        self._back_to = back_to
        #: transactions of one slice, or all of its oldest day
        self._most = min(most, SLICE)

    async def read(self, since: Mark | None, until: datetime) -> list[Reading]:
        """Read what may have changed since the mark, all of it without one; nothing before its hour has come.

        Of transactions that are too many for one run it reads the newest, and an older slice with each further run.
        """
        if since is not None and until - since.read_to < EVERY and not self._back_to:
            return []
        issued = await self._issued(None if since is None else since.read_to - UNSETTLED)
        back_to = await self._past(since, until)
        if since is not None:
            behind = since.read_to - LATE
            await self._dated("processed_at", behind)
            for number in (key.rpartition("/")[2] for key, at in issued.items() if at is None or at >= behind):
                await self._all(f"payments_transfer_id:{number}")
        whole = since is None
        return [
            Reading(PAYOUTS.shape.name, Mark(until), whole, keep=True),
            Reading(TRANSACTIONS.shape.name, Mark(until, back_to=back_to), whole and not back_to, keep=True),
        ]

    async def _past(self, since: Mark | None, until: datetime) -> str:
        """Read the slice that is due, and return back to which day all is in then; empty where everything is."""
        if since is None and await self._held.count(TRANSACTIONS.shape.name):
            # What is held already is read whole when it is read again.
            await self._dated("processed_at", None)
            return ""
        if since is not None and not self._back_to:
            return ""
        end = date.fromisoformat(self._back_to) if since is not None else until.date() + timedelta(1)
        begun = await self._before(end, bounded=since is not None)
        return begun.isoformat() if begun else ""

    async def _before(self, end: date, *, bounded: bool) -> date | None:
        """Read the transactions before a day, the newest first; return the first day that is in, None when all are.

        Not `bounded`, later ones are in it, too.
        """
        read, query = 0, f"processed_at:<'{end.isoformat()}T00:00:00Z'" if bounded else None
        while True:
            inside, oldest = 0, None
            async for page in Pager(self._graph, TRANSACTIONS, self._sizes).pages(query, newest_first=True):
                await self._transactions.take([page.records])
                read, inside = read + len(page.records), inside + len(page.records)
                oldest = min((at for at in page.moments if at), default=oldest)
                border = oldest.astimezone(UTC).date() + timedelta(1) if oldest else end
                if read >= self._most and border < end:
                    return border
                if inside >= SLICE:
                    break
            else:
                return None
            # A new query begins before Shopify stops paging.
            further = f"processed_at:<'{stamp(oldest + timedelta(seconds=1))}'" if oldest else query
            if further == query:
                raise Broken("more transactions in one second than Shopify lets us page through", code="paging_stuck")
            query = further

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
