"""Amazon: orders, settlements, transactions, stock, returns, sales and traffic of a European seller."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from random import Random

from bot.cli.stories import truths
from bot.cli.stories.truths import Records, Rows
from connectors.amazon.connector import AmazonConnector
from connectors.amazon.orders import TYPE
from connectors.base import Connector
from sandbox.misbehave import Rule
from sandbox.providers.amazon import Amazon
from storage.credentials import Credentials
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.amazon.seller import EUROPEAN
from tests.connectors.consents import served_amazon
from tests.sequences.frame import Deployment, play
from tests.sequences.plans import LIVELY, Plan, played
from tests.sequences.sides import FAULTS, Connection, Side

OPERATIONS = ("create report", "look at report", "open document", "download", "transactions", "inventory",
              "participations")  # fmt: skip


class Seller(Side):
    """A seller who sells, ships, takes back and is paid."""

    provider = Provider.AMAZON

    def __init__(self) -> None:
        super().__init__()
        self.app = Amazon(clock=self.clock, orders=15, generous=True)
        self.shop = self.app.shops[EUROPEAN]

    @contextlib.asynccontextmanager
    async def served(self, organization_id: str) -> AsyncIterator[Connection]:
        _ = organization_id
        async with served_amazon(self.app) as urls:
            refresh = self.app.oauth.grant(EUROPEAN).refresh_token
            grant = Credentials(Secret(""), Secret(refresh), expires_at=self.clock.now())
            yield Connection(EUROPEAN, grant, self.app.environment(urls), region="eu")
        assert not self.app.journal.mutating()

    def connector(self) -> Connector:
        return AmazonConnector()

    def happens(self, chance: Random) -> None:
        now = self.clock.now()
        self.app.mutate(EUROPEAN, orders=chance.randrange(4), changes=chance.randrange(4))
        for _ in range(chance.randrange(3)):
            self.shop.give_back(now - timedelta(days=chance.randrange(4)))
        if chance.random() < 0.4:
            self.shop.settle(now - timedelta(hours=4))
        if chance.random() < 0.4:
            self.shop.ledger.release()
        if chance.random() < 0.3:
            self.shop.stock.drop(chance.choice(["OIL-100", "BELL-1", "MUG-2"]))

    def fails(self, chance: Random) -> None:
        for _ in range(1 + chance.randrange(2)):
            rule = Rule(chance.choice(FAULTS), operation=chance.choice(OPERATIONS), skip=chance.randrange(4), times=2)
            self.app.script.add(rule)
        if chance.random() < 0.3:
            self.shop.desk.fates.setdefault(TYPE, []).append(chance.choice(["FATAL", "CANCELLED"]))

    def heals(self) -> None:
        self.app.script.clear()
        self.shop.desk.fates.clear()

    def truth(self, until: datetime) -> Iterable[Records | Rows]:
        return truths.amazon(self.app, EUROPEAN, until, again=True)


@played((LIVELY[0][:1],))
async def test_any_sequence_ends_in_what_amazon_has(deployment: Deployment, plan: Plan) -> None:
    await play(deployment, Seller(), plan)
