"""Exchange rates of a company with several currencies: without ids, the newest of each where no day is named."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.query import Query
from sandbox.providers.quickbooks.values import Record, encode, now_text, stamp

if TYPE_CHECKING:
    from sandbox.providers.quickbooks.books import Books

ENTITY = "ExchangeRate"


def several_currencies(books: "Books") -> None:
    """Turn on several currencies in a company's preferences; that cannot be turned off again."""
    with books.lock:
        (preferences,) = books.truth("Preferences")
        settings = preferences["CurrencyPrefs"] | {"MultiCurrencyEnabled": True}
        books.tables["Preferences"].put(preferences | {"CurrencyPrefs": settings})


def quote(books: "Books", worth: Mapping[str, str], day: date, at: datetime) -> None:
    """Set rates of a day, by currency: so many dollars is one of it. A rate that the day has already is replaced."""
    with books.lock:
        for currency, rate in worth.items():
            former = [said for said in books.rates if _of(said) == (currency, day.isoformat())]
            books.rates = [said for said in books.rates if said not in former]
            books.rates.append(
                {
                    "SyncToken": str(1 + int(former[0]["SyncToken"]) if former else 0),
                    "domain": "QBO",
                    "AsOfDate": day.isoformat(),
                    "SourceCurrencyCode": currency,
                    "TargetCurrencyCode": "USD",
                    "Rate": Decimal(rate),
                    "sparse": False,
                    "MetaData": {"LastUpdatedTime": stamp(int(at.timestamp()), books.zone)},
                }
            )


def answer(books: "Books", query: Query) -> bytes:
    """Answer a query for rates; raises Refusal where the company has one currency, or for what cannot be asked."""
    with books.lock:
        (preferences,) = books.truth("Preferences")
        if not preferences["CurrencyPrefs"]["MultiCurrencyEnabled"]:
            raise Refusal.query("Multi-currency is not enabled")
        if query.count or query.conditions:
            raise Refusal.query("only the newest rates can be asked for here")
        newest = {said["SourceCurrencyCode"]: said for said in sorted(books.rates, key=lambda said: said["AsOfDate"])}
    page = list(newest.values())[query.start - 1 : query.start - 1 + query.size]
    found = {ENTITY: page, "startPosition": query.start, "maxResults": len(page)} if page else {}
    return encode({"QueryResponse": found, "time": now_text(books.clock.now(), books.zone)})


def _of(said: Record) -> tuple[str, str]:
    return said["SourceCurrencyCode"], said["AsOfDate"]
