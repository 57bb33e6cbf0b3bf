"""Both provider stand-ins, served on loopback, with clients that hold a grant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.providers.quickbooks import Books, QuickBooks
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify, Store
from storage.facts.clock import OffsetClock

REALM = "9341450000000001"
SHOP = "temeritygoods.myshopify.com"


@dataclass
class QuickBooksBench:
    """The stand-in, its address and a client with a fresh access token."""

    app: QuickBooks
    url: str
    client: httpx.AsyncClient
    clock: OffsetClock
    access: str
    refresh: str

    @property
    def books(self) -> Books:
        return self.app.books[REALM]

    async def query(self, statement: str, **headers: str) -> httpx.Response:
        path = f"/v3/company/{REALM}/query"
        return await self.client.get(path, params={"query": statement, "minorversion": "75"}, headers=headers)

    async def found(self, statement: str) -> list[dict[str, Any]]:
        answer = (await self.query(statement)).json()["QueryResponse"]
        return next((value for value in answer.values() if isinstance(value, list)), [])

    async def token(self, **form: str) -> httpx.Response:
        keys = (self.app.oauth.client_id, self.app.oauth.client_secret)
        return await self.client.post("/oauth2/v1/tokens/bearer", data=form, auth=keys)

    async def renew(self, token: str) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)


@dataclass
class ShopifyBench:
    """The stand-in, its address and a client with a fresh access token."""

    app: Shopify
    url: str
    client: httpx.AsyncClient
    clock: OffsetClock
    access: str
    refresh: str

    @property
    def store(self) -> Store:
        return self.app.shops[SHOP]

    async def post(self, query: str, **variables: Any) -> httpx.Response:
        path = f"/{SHOP}/admin/api/2026-10/graphql.json"
        return await self.client.post(path, json={"query": query, "variables": variables})

    async def ask(self, query: str, **variables: Any) -> Any:
        return (await self.post(query, **variables)).json()

    async def token(self, **body: str) -> httpx.Response:
        keys = {"client_id": self.app.oauth.client_id, "client_secret": self.app.oauth.client_secret}
        return await self.client.post(f"/{SHOP}/admin/oauth/access_token", json={**keys, **body})

    async def renew(self, token: str) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
async def quickbooks() -> AsyncIterator[QuickBooksBench]:
    clock = OffsetClock()
    app = QuickBooks.generated(invoices=60, clock=clock)
    grant = app.oauth.grant(REALM)
    headers = {"Authorization": f"Bearer {grant.access_token}", "Accept": "application/json"}
    async with (
        serve(app.app) as served,
        httpx.AsyncClient(base_url=served.url, headers=headers, verify=False) as client,
    ):
        yield QuickBooksBench(app, served.url, client, clock, grant.access_token, grant.refresh_token)


@pytest.fixture
async def shopify() -> AsyncIterator[ShopifyBench]:
    clock = OffsetClock()
    app = Shopify.generated(orders=80, clock=clock)
    grant = app.oauth.grant(SHOP)
    headers = {"X-Shopify-Access-Token": grant.access_token}
    async with (
        serve(app.app) as served,
        httpx.AsyncClient(base_url=served.url, headers=headers, verify=False) as client,
    ):
        yield ShopifyBench(app, served.url, client, clock, grant.access_token, str(grant.refresh_token))


def hours(count: float) -> timedelta:
    return timedelta(hours=count)
