"""What we ask and what the stand-in answers fit Amazon's published models; the check itself notices what does not."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.amazon import inventory, traffic, transactions
from connectors.amazon.part import inside
from connectors.strangers import strangers
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.models import Model
from tests.connectors.amazon.seller import SELLER, amazon_world

_MODELS = {
    "/reports/2021-06-30/": "reports_2021-06-30",
    "/finances/2024-06-19/": "finances_2024-06-19",
    "/sellers/v1/": "sellers",
    "/fba/inventory/v1/": "fbaInventory",
}


@dataclass
class Exchange:
    method: str
    path: str
    query: dict[str, str]
    asked: bytes = b""
    status: int = 0
    answered: bytes = b""


@dataclass
class Recorder:
    """Stands before the stand-in and keeps what goes in and out."""

    app: ASGIApp
    kept: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        one = Exchange(scope["method"], scope["path"], dict(parse_qsl(scope["query_string"].decode())))
        self.kept.append(one)

        async def heard() -> Message:
            message = await receive()
            one.asked += message.get("body", b"")
            return message

        async def said(message: Message) -> None:
            one.status = message.get("status", one.status)
            one.answered += message.get("body", b"")
            await send(message)

        await self.app(scope, heard, said)


def _wrong(models: dict[str, Model], one: Exchange) -> list[str]:
    model = next(model for start, model in models.items() if one.path.startswith(start))
    body: Any = msgspec.json.decode(one.asked) if one.asked else None
    found = model.wrong_request(one.method, one.path, one.query, body)
    return found + model.wrong_answer(one.method, one.path, one.status, msgspec.json.decode(one.answered))


@pytest.mark.contracts
async def test_requests_and_answers_fit_the_models(contracts: Path) -> None:
    app = Amazon(clock=OffsetClock(), orders=5)
    recorder = Recorder(app.apps["na"])
    app.apps["na"] = recorder
    async with amazon_world(app) as world:
        await world.collect()
        await world.collect()
    models = {start: Model(contracts / f"amazon/models/{name}.json") for start, name in _MODELS.items()}
    seen = [one for one in recorder.kept if one.path.startswith(tuple(models))]
    assert len({(one.method, models_path(models, one)) for one in seen}) >= 6
    assert [(one.method, one.path, wrong) for one in seen if (wrong := _wrong(models, one))] == []
    _notices(models, seen)


def models_path(models: dict[str, Model], one: Exchange) -> str:
    model = next(model for start, model in models.items() if one.path.startswith(start))
    return model.operation(one.method, one.path)[0]


def _notices(models: dict[str, Model], seen: list[Exchange]) -> None:
    """The check's twins: each of these is wrong, and is found to be."""
    made = next(one for one in seen if one.method == "POST")
    look = next(one for one in seen if one.path.startswith("/reports/2021-06-30/reports/"))
    listed = next(one for one in seen if one.path.endswith("/reports") and one.method == "GET")
    body, told = msgspec.json.decode(made.asked), msgspec.json.decode(look.answered)
    twins = [
        Exchange("POST", made.path, {}, msgspec.json.encode(body | {"colour": "red"}), 202, made.answered),
        Exchange("POST", made.path, {}, msgspec.json.encode(body | {"marketplaceIds": ["A"] * 26}), 202, made.answered),
        Exchange("GET", look.path, {}, b"", 200, msgspec.json.encode(told | {"processingStatus": "READY"})),
        Exchange("GET", look.path, {}, b"", 200, msgspec.json.encode({"reportId": SELLER})),
        Exchange("GET", listed.path, listed.query | {"types": "x"}, b"", 200, listed.answered),
        Exchange("GET", listed.path, listed.query | {"processingStatuses": "READY"}, b"", 200, listed.answered),
    ]
    assert all(_wrong(models, twin) for twin in twins)


@pytest.mark.contracts
def test_the_fields_that_are_known_are_those_of_amazons_models(contracts: Path) -> None:
    def of(name: str, kind: str) -> set[str]:
        document = Model(contracts / f"amazon/{name}.json").document
        return set(document["definitions"][kind]["properties"])

    ours, report = {"id", "marketplaceId"}, "schemas/sellerSalesAndTrafficReport"
    assert of("models/finances_2024-06-19", "Transaction") == transactions.KNOWN
    assert of("models/fbaInventory", "InventorySummary") == inventory.KNOWN - ours
    assert of("models/fbaInventory", "InventoryDetails") == inventory.INNER["inventoryDetails"]
    assert of(report, "SalesAndTrafficByDate") == traffic.KNOWN - ours
    assert of(report, "SalesByDate") == traffic.INNER["salesByDate"]
    assert of(report, "TrafficByDate") == traffic.INNER["trafficByDate"]
    # The twin that knows nothing of what is within would be silent about a new figure.
    days = [b'{"id":"1","date":"2026-11-22","salesByDate":{"unitsOrdered":1,"unitsGifted":2},"trafficByDate":null}']
    assert (strangers([days], traffic.KNOWN), inside(days, traffic.INNER)) == (set(), {"salesByDate.unitsGifted"})
