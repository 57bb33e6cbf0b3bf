"""Shopify: by pages, in bulk and by periods, of a shop that sells, refunds, counts and pays out."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from random import Random

from bot.cli.stories import truths
from bot.cli.stories.truths import Records, Rows
from connectors.base import Connector
from connectors.past import Slicing
from connectors.shopify import inventory, payments
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.past import SLICING
from sandbox.misbehave import Rule
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.offers import move_on, used
from storage.credentials import Credentials
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.worlds import SCOPES, SHOP
from tests.sequences.frame import Deployment, play
from tests.sequences.plans import LIVELY, Plan, played
from tests.sequences.sides import FAULTS, Connection, Side

ENTITIES = ("orders", "products", "customers", "ordersCount", "draftOrders", "discountNodes", "inventoryItems",
            "shopifyPaymentsAccount", "bulkOperation", "abandonedCheckouts")  # fmt: skip
ALL = (*SCOPES, inventory.SCOPE, *payments.SCOPES, "read_draft_orders", "read_discounts")
BY_DAYS = Slicing(above=15, most=40, first=15, by_days=True)


class Shop(Side):
    """A shop of which pages hold twenty records; `way` says how its first reads are made."""

    provider = Provider.SHOPIFY

    def __init__(self, way: int) -> None:
        super().__init__()
        self.app = Shopify.generated(seed=1, orders=45, clock=self.clock, as_of=self.clock.now())
        self.shop = self.app.shops[SHOP]
        self._way = way

    @contextlib.asynccontextmanager
    async def served(self, organization_id: str) -> AsyncIterator[Connection]:
        _ = organization_id
        async with serve(self.app.app) as served:
            refresh = self.app.oauth.grant(SHOP, scopes=ALL).refresh_token
            grant = Credentials(Secret(""), Secret(refresh or ""), expires_at=self.clock.now(), scopes=ALL)
            yield Connection(SHOP, grant, self.app.environment(served.url))
        assert not self.app.journal.mutating()

    def connector(self) -> Connector:
        slicing = BY_DAYS if self._way % 4 in {1, 2} else SLICING
        return ShopifyConnector(bulk_from=1 if self._way % 2 else 10**6, slicing=slicing, paged=20)

    def happens(self, chance: Random) -> None:
        self.shop.mutate(
            chance.randrange(10**6),
            new=chance.randrange(3),
            changed=chance.randrange(4),
            deleted=chance.randrange(2),
            voided=chance.randrange(2),
        )
        if chance.random() < 0.3:
            move_on(self.shop, chance.randrange(10**6), self.clock.now())
        if chance.random() < 0.2:
            used(self.shop, 1)

    def fails(self, chance: Random) -> None:
        for _ in range(1 + chance.randrange(2)):
            kind, entity = chance.choice(FAULTS), chance.choice(ENTITIES)
            self.app.script.add(Rule(kind, operation="query", entity=entity, skip=chance.randrange(3), times=4))
        bulk = self.app.bulks[SHOP]
        bulk.fates.extend(chance.choices(["COMPLETED", "FAILED", "CANCELED"], k=chance.randrange(3)))
        bulk.cut, bulk.packed = chance.randrange(3), chance.random() < 0.5

    def heals(self) -> None:
        self.app.script.clear()

    def truth(self, until: datetime) -> Iterable[Records | Rows]:
        _ = until
        return truths.shopify(self.shop)


@played(LIVELY)
async def test_any_sequence_ends_in_what_the_shop_has(deployment: Deployment, plan: Plan) -> None:
    await play(deployment, Shop(plan[0][0].seed), plan)
