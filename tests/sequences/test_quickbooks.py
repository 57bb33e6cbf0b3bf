"""QuickBooks: records with changes, deletes and voids, reports of both bases, exchange rates."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bot.cli.stories import truths
from bot.cli.stories.truths import Records, Rows
from connectors.base import Connector
from connectors.past import Slicing
from connectors.quickbooks import rates
from connectors.quickbooks.connector import QuickBooksConnector
from sandbox.misbehave import Rule
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.quickbooks.rates import quote, several_currencies
from sandbox.providers.serve import serve
from storage.credentials import Credentials
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.warehouse.reader import Reader
from tests.connectors.quickbooks.test_past import transfer
from tests.connectors.worlds import REALM
from tests.sequences.frame import Deployment, play
from tests.sequences.plans import LIVELY, Plan, played
from tests.sequences.sides import FAULTS, Connection, Side

#: more than a page: they are read by periods
TRANSFERS = 1010
SMALL = Slicing(above=1000, most=400)


class Company(Side):
    """A company with books in several currencies; `way` says how its first reads are made."""

    provider = Provider.QUICKBOOKS

    def __init__(self, way: int) -> None:
        super().__init__()
        self._sliced = way % 2 == 1
        self.app = QuickBooks.generated(seed=1, invoices=30, documents=3, clock=self.clock)
        self.books = self.app.books[REALM]
        several_currencies(self.books)
        first = Random(0)
        self._banks = sorted(one["Id"] for one in self.books.truth("Account") if one["AccountType"] == "Bank")[:2]
        self.books.fill("Transfer", [self._moved(first, 50_000 + number) for number in range(TRANSFERS)])
        #: all rates that were ever told, by key
        self._told: dict[str, set[Decimal]] = {}

    @contextlib.asynccontextmanager
    async def served(self, organization_id: str) -> AsyncIterator[Connection]:
        _ = organization_id
        async with serve(self.app.app) as served:
            grant = Credentials(
                Secret(""), Secret(self.app.oauth.grant(REALM).refresh_token), expires_at=self.clock.now()
            )
            yield Connection(REALM, grant, self.app.environment(served.url))
        assert not self.app.journal.mutating()

    def connector(self) -> Connector:
        return QuickBooksConnector(SMALL if self._sliced else None)

    def happens(self, chance: Random) -> None:
        now = self.clock.now()
        self.books.mutate(
            chance.randrange(10**6),
            new=chance.randrange(3),
            changed=chance.randrange(4),
            deleted=chance.randrange(2),
            voided=chance.randrange(2),
            deactivated=chance.randrange(2),
            documents=chance.randrange(9),
        )
        there = sorted(self.books.ids("Transfer"))
        self.books.fill("Transfer", [self._moved(chance, int(chance.choice(there)))])
        self.books.change(remove=[("Transfer", chance.choice(there))], at=now)
        if chance.random() < 0.5:
            currency, worth = chance.choice(["EUR", "CAD", "JPY"]), Decimal(chance.randrange(1, 10**7)).scaleb(-6)
            quote(self.books, {currency: f"{worth:f}"}, now.date(), now)
            self._told.setdefault(f"{currency} {now.date()}", set()).add(worth)

    def _moved(self, chance: Random, number: int) -> dict[str, Any]:
        """Return a transfer as it is now: of another amount, perhaps on another day."""
        on: date = self.clock.now().date() - timedelta(days=chance.randrange(700))
        accounts = {f"{way}AccountRef": {"value": one} for way, one in zip(("From", "To"), self._banks, strict=True)}
        return transfer(number, on, self.clock, amount=chance.randrange(1, 10**8)) | accounts

    def fails(self, chance: Random) -> None:
        for _ in range(1 + chance.randrange(2)):
            operation = chance.choice(["query", "cdc", "report"])
            self.app.script.add(Rule(chance.choice(FAULTS), operation=operation, skip=chance.randrange(9), times=4))

    def heals(self) -> None:
        self.app.script.clear()

    def truth(self, until: datetime) -> Iterable[Records | Rows]:
        for one in truths.quickbooks(self.books, until, daily=True):
            yield one if isinstance(one, Rows) or one.shape is not rates.SHAPE else _newest(one)

    def wrong(self, reader: Reader, source_id: str) -> list[str]:
        """Return rates that were never told: of the past there are those that were the newest when they were read."""
        sql = "SELECT id, rate FROM raw_quickbooks_exchange_rates WHERE _source = ? AND NOT _deleted"
        found = reader.query(sql, (source_id,))
        return [f"never told: {one}" for one in found if one["rate"] not in self._told.get(one["id"], ())]


def _newest(known: Records) -> Records:
    newest = {one["SourceCurrencyCode"]: one for one in sorted(known.truth, key=lambda one: one["AsOfDate"])}
    keys = ", ".join(["''", *(f"'{one['Id']}'" for one in newest.values())])
    return replace(known, truth=list(newest.values()), where=f"id IN ({keys})")


@played((LIVELY[0][-1:],))
async def test_any_sequence_ends_in_what_the_company_has(deployment: Deployment, plan: Plan) -> None:
    await play(deployment, Company(plan[0][0].seed), plan)
