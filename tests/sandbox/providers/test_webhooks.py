"""Webhooks as Shopify and Intuit send them: signed over the raw bytes, in every shape there is."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.backstage import Backstage
from sandbox.providers import catalogue
from sandbox.providers.quickbooks.webhooks import Format, Happened, webhook
from sandbox.providers.serve import serve
from sandbox.providers.shopify.webhooks import TOPICS
from sandbox.world import Plan, Sandbox, open_sandbox
from storage.facts.clock import SystemClock
from tests.waiting import eventually

PATH = "/hooks/in"
CONTRACTS = Path(os.environ.get("CONTRACTS_DIR", Path(__file__).parents[4] / "shared" / "contracts"))


@dataclass
class Receiver:
    """Takes webhooks and answers as the test says."""

    url: str = ""
    status: int = 200
    taken: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.taken.append((await request.body(), dict(request.headers)))
        return Response(status_code=self.status)


def digest(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    routes = [Route(path, found.take, methods=["POST"]) for path in (PATH, "/webhooks/shopify", "/webhooks/intuit")]
    async with serve(Starlette(routes=routes)) as served:
        found.url = served.url
        yield found


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(Plan(size=20)) as found:
        yield found


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as found:
        yield found


@pytest.mark.parametrize("topic", TOPICS)
async def test_every_topic_of_shopify(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver, topic: str
) -> None:
    sandbox.shopify.give(catalogue.SHOP)
    wishes = {"url": receiver.url + PATH, "topic": topic, "account": catalogue.SHOP, "times": 2}
    answer = await client.post(f"{sandbox.shopify_url}/_sandbox/webhook", json=wishes)
    assert [each["status"] for each in answer.json()] == [200, 200]
    (body, headers), again = receiver.taken
    assert again[0] == body
    assert headers["x-shopify-hmac-sha256"] == digest("sandbox-shopify-secret", body)
    assert digest("sandbox-shopify-secret", json.dumps(json.loads(body)).encode()) != headers["x-shopify-hmac-sha256"]
    assert headers["x-shopify-topic"] == topic
    assert headers["x-shopify-shop-domain"] == catalogue.SHOP
    assert headers["x-shopify-event-id"] == again[1]["x-shopify-event-id"]
    said = json.loads(body)
    named = said.get("shop_domain") or said.get("myshopify_domain")
    assert topic == "app/scopes_update" or named == catalogue.SHOP
    if topic.startswith("customers/"):
        listed = said.get("orders_requested") or said.get("orders_to_redact")
        kept = {order["id"]: order for order in sandbox.shopify.shops[catalogue.SHOP].truth("Order")}
        assert listed
        assert {kept[f"gid://shopify/Order/{number}"]["customer"] for number in listed} == {
            f"gid://shopify/Customer/{said['customer']['id']}"
        }
    entry = sandbox.shopify.journal.entries[-1]
    assert (entry.operation, entry.entity, entry.effects) == ("webhook", topic, (f"delivered {topic}: answered 200",))


async def test_shopify_signs_with_the_secret_of_before_and_repeats_an_event(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    wishes = {"url": receiver.url + PATH, "topic": "shop/redact", "account": catalogue.OUTLET_SHOP}
    address = f"{sandbox.shopify_url}/_sandbox/webhook"
    await client.post(address, json=wishes | {"secret": "former", "event_id": "e-1"})
    await client.post(address, json=wishes | {"event_id": "e-1"})
    first, second = receiver.taken
    assert first[1]["x-shopify-hmac-sha256"] == digest("former", first[0])
    assert first[1]["x-shopify-event-id"] == second[1]["x-shopify-event-id"] == "e-1"
    assert first[1]["x-shopify-webhook-id"] != second[1]["x-shopify-webhook-id"]


async def test_intuit_in_three_formats_with_several_companies(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    events = [
        {"realm": catalogue.REALM, "entity": "Invoice", "id": "145", "operation": "Update"},
        {"realm": catalogue.HARBOUR_REALM, "entity": "Customer", "id": "7", "operation": "Create"},
        {"realm": catalogue.REALM, "entity": "Payment", "id": "9", "operation": "Delete", "event_id": "ev-9"},
    ]
    for style in Format:
        wishes = {"url": receiver.url + PATH, "events": events, "format": style}
        answer = await client.post(f"{sandbox.quickbooks_url}/_sandbox/webhook", json=wishes)
        assert answer.json()[0]["status"] == 200
        body, headers = receiver.taken[-1]
        assert headers["intuit-signature"] == digest("sandbox-quickbooks-webhook-verifier", body)
        said = json.loads(body)
        if style is Format.OLD:
            assert [each["realmId"] for each in said["eventNotifications"]] == [
                catalogue.REALM,
                catalogue.HARBOUR_REALM,
            ]
            assert len(said["eventNotifications"][0]["dataChangeEvent"]["entities"]) == 2
        else:
            assert headers["content-type"] == "application/" + (
                "cloudevents+json" if style is Format.CLOUD_EVENTS else "json"
            )
            assert [(each["type"], each["intuitaccountid"]) for each in said] == [
                ("qbo.invoice.updated.v1", catalogue.REALM),
                ("qbo.customer.created.v1", catalogue.HARBOUR_REALM),
                ("qbo.payment.deleted.v1", catalogue.REALM),
            ]
            assert said[2]["id"] == "ev-9"


@pytest.mark.contracts
def test_the_shapes_are_those_of_the_collected_samples() -> None:
    folder = CONTRACTS / "qbo" / "synthetic" / "webhooks"
    if not folder.is_dir():
        pytest.skip("the collected provider contracts are absent: set CONTRACTS_DIR to their folder")
    at = SystemClock().now()
    for name, style in (("legacy", Format.OLD), ("cloudevents", Format.CLOUD_EVENTS)):
        sample = json.loads((folder / f"{name}.json").read_bytes())
        made = json.loads(webhook([Happened("1", "Invoice", "2")], "v", at, style).body)
        one, other = (sample[0], made[0]) if isinstance(sample, list) else (sample, made)
        assert one.keys() == other.keys()
    vectors = json.loads((folder / "signature_vectors.json").read_bytes())["vectors"]
    assert all(
        digest(each["verifier_token"], (folder / each["file"]).read_bytes()) == each["value"] for each in vectors
    )


@pytest.mark.parametrize(
    "wrong",
    [{"topic": "orders/explode"}, {"account": "nobody"}, {"url": "http://192.0.2.1/x"}, {"surprise": 1},
     {"topic": "customers/redact", "customer": "1"}],
)  # fmt: skip
async def test_a_mistake_of_the_operator_sends_nothing(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver, wrong: dict[str, object]
) -> None:
    wishes = {"url": receiver.url + PATH, "topic": "shop/redact", "account": catalogue.SHOP} | wrong
    answer = await client.post(f"{sandbox.shopify_url}/_sandbox/webhook", json=wishes)
    assert answer.status_code == 400
    assert not receiver.taken
    assert not sandbox.shopify.journal.select(operation="webhook")


async def test_shopify_tells_also_when_the_app_left_by_itself(
    sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    sandbox.slack.request_url = f"{receiver.url}/slack/events"
    access = str(sandbox.shopify.give(catalogue.SHOP)["access_token"])
    url = f"{sandbox.shopify_url}/{catalogue.SHOP}/admin/api_permissions/current.json"
    assert (await client.delete(url, headers={"X-Shopify-Access-Token": access})).status_code == 200
    await eventually(lambda: receiver.taken)
    assert receiver.taken[0][1]["x-shopify-topic"] == "app/uninstalled"


async def test_nobody_at_the_address(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    wishes = {"url": "http://127.0.0.1:9/x", "topic": "shop/redact", "account": catalogue.SHOP}
    (answer,) = (await client.post(f"{sandbox.shopify_url}/_sandbox/webhook", json=wishes)).json()
    assert (answer["status"], answer["error"]) == (None, "ConnectError")


async def test_the_switches_tell_the_product(sandbox: Sandbox, client: httpx.AsyncClient, receiver: Receiver) -> None:
    sandbox.slack.request_url = f"{receiver.url}/slack/events"
    token = str(sandbox.shopify.give(catalogue.OUTLET_SHOP)["access_token"])
    async with serve(Backstage(sandbox).app()) as backstage:
        for act in ({"act": "uninstall", "account": catalogue.OUTLET_SHOP}, {"act": "redact"}, {"act": "changed"}):
            assert (await client.post(f"{backstage.url}/act", json=act)).status_code == 200
        await eventually(lambda: len(receiver.taken) == 3)
        page = (await client.get(backstage.url)).text
    assert sandbox.shopify.oauth.holder(token) is None
    topics = {headers.get("x-shopify-topic", "intuit") for _, headers in receiver.taken}
    assert topics == {"app/uninstalled", "customers/redact", "intuit"}
    assert "Disconnect QuickBooks at Intuit&#x27;s side" in page
    assert "Uninstall the app in Temerity Outlet" in page
