"""One seller's business and its reports, behind the API."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.providers.amazon.counting import BEHIND, SALES_AND_TRAFFIC, counted, paper
from sandbox.providers.amazon.ledger import Ledger
from sandbox.providers.amazon.reports import Desk, InvalidInputError, Paper, flat
from sandbox.providers.amazon.sellers import Seller, markets_of
from sandbox.providers.amazon.settling import SETTLEMENT, Settlements
from sandbox.providers.amazon.stock import RETURN_COLUMNS, RETURNS, Returned, Stock
from sandbox.providers.amazon.trade import ORDER_COLUMNS, Trade
from storage.facts.clock import Clock

ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
_MARKETS = {
    "na": ("US", "Amazon.com", "USD"),
    "eu": ("DE", "Amazon.de", "EUR"),
    "fe": ("JP", "Amazon.co.jp", "JPY"),
}
_LONGEST_BACK = timedelta(days=90)


class Shop:
    """What the API of one seller answers from."""

    def __init__(self, seller: Seller, clock: Clock, *, orders: int) -> None:
        self.clock = clock
        self.trade = Trade.generated(seller.id, _MARKETS[seller.region], orders, clock.now())
        #: encoding of the flat files
        self.charset = "UTF-8"
        #: how many reports a page of their list holds
        self.page = 10
        self.desk = Desk(clock, {ALL_ORDERS: self._orders, RETURNS: self._returns, SALES_AND_TRAFFIC: self._counted})
        _, channel, currency = _MARKETS[seller.region]
        self.settlements = Settlements(channel, currency, european=seller.region == "eu")
        self.markets = markets_of(seller)
        self.stock = Stock(self.markets, clock)
        self.returned = Returned()
        for _ in range(orders // 4):
            self.give_back(clock.now() - timedelta(hours=self.trade.random.randrange(1, 24 * 40)))
        self.ledger = Ledger(seller.id, (self.markets[0], channel), currency, clock)
        for days in (30, 16, 2):
            self.settle(clock.now() - timedelta(days=days))
        self._lists: dict[str, tuple[Mapping[str, str], int]] = {}

    def truth(self, entity: str) -> list[dict[str, Any]]:
        """Return all live records (KeyError)."""
        if entity == "sales_and_traffic":
            return self._all_counted()
        known = {"orders": self.trade.truth(), "settlements": self.settlements.heads}
        self.ledger.book(self.trade.truth())
        known |= {
            "transactions": self.ledger.truth(),
            "inventory": self.stock.truth(),
            "returns": self.returned.truth(),
        }
        return (known | {"settlement_lines": self.settlements.lines})[entity]

    def give_back(self, at: datetime) -> None:
        """Let a customer send something back; the stock grows by it."""
        shipped = [one for one in self.trade.truth() if one["order-status"] == "Shipped"]
        if shipped:
            self.returned.take(self.trade.random.choice(shipped), at)
            self.stock.move(self.trade.random)

    def settle(self, end: datetime) -> str:
        """Let Amazon close a period and file its report."""
        paper = self.settlements.settle(self.trade.truth(), end)
        return self.desk.file(SETTLEMENT, self.markets, end - timedelta(days=14), end, paper, end + timedelta(hours=3))

    def listed(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the list of reports; a token stands alone (InvalidInputError)."""
        start = 0
        if "nextToken" in query:
            if len(query) > 1 or query["nextToken"] not in self._lists:
                raise InvalidInputError("nextToken is invalid, or was not sent alone.")
            query, start = self._lists[query["nextToken"]]
        since = datetime.fromisoformat(query["createdSince"]) if "createdSince" in query else None
        earliest = self.clock.now() - _LONGEST_BACK
        if since is not None and since < earliest:
            raise InvalidInputError("createdSince is more than 90 days ago.")
        if "reportTypes" not in query:
            raise InvalidInputError("reportTypes is missing.")
        states = query["processingStatuses"].split(",") if "processingStatuses" in query else ()
        found = self.desk.listed(query["reportTypes"].split(","), states, since or earliest)
        told: dict[str, Any] = {"reports": [one.told() for one in found[start : start + self.page]]}
        if len(found) > start + self.page:
            token = f"next-{len(self._lists)}"
            self._lists[token] = (dict(query), start + self.page)
            told["nextToken"] = token
        return told

    def _orders(
        self, markets: tuple[str, ...], start: datetime, end: datetime, options: Mapping[str, str]
    ) -> Paper | None:
        _ = markets, options
        text = flat(ORDER_COLUMNS, self.trade.rows(start, end))
        return Paper(text, self.charset) if text else None

    def _returns(
        self, markets: tuple[str, ...], start: datetime, end: datetime, options: Mapping[str, str]
    ) -> Paper | None:
        _ = markets, options
        text = flat(RETURN_COLUMNS, self.returned.rows(start, end))
        return Paper(text, self.charset) if text else None

    def _counted(
        self, markets: tuple[str, ...], start: datetime, end: datetime, options: Mapping[str, str]
    ) -> Paper | None:
        if len(markets) > 1:
            raise InvalidInputError("One marketplace at a time.")
        return paper(self._days(markets[0], start, end), markets[0], start, end, options)

    def _days(self, market: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        # All that is sold is sold in the first marketplace.
        orders = self.trade.truth() if market == self.markets[0] else []
        last = min(end, self.clock.now() - BEHIND).date()
        return counted(orders, self.settlements.currency, market, start.date(), max(last, start.date()))

    def _all_counted(self) -> list[dict[str, Any]]:
        today = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return [
            {**one, "marketplaceId": market, "id": f"{market}|{one['date']}"}
            for market in self.markets
            for one in self._days(market, today - timedelta(days=180), today)
        ]
