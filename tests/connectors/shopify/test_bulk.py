"""Bulk operations bring what pages bring, row by row; whatever goes wrong with one, nothing is lost or made up."""

import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.base import OVERLAP, open_session
from connectors.errors import Broken, Retry
from connectors.intake import Intake
from connectors.past import ALWAYS, Span
from connectors.reads import BULK_RUN
from connectors.shopify.bulk import BulkReader, BulkSettings, Operation
from connectors.shopify.bulk_documents import ORDERS, Bulk
from connectors.shopify.bulk_file import BulkUnusable, Promised, Sorting, records, storage_address
from connectors.shopify.connection import Pager
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reader
from connectors.shopify.roots import ROOTS
from sandbox.misbehave import Kind, Rule
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.streams import Batch
from tests.connectors.shopify.test_collect import assert_true
from tests.connectors.worlds import SHOP, World, shopify_world

STREAMS = ("orders", "products", "customers")


class Quick(OffsetClock):
    """Time goes by without waiting for it."""

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))


@pytest.fixture
def clock() -> OffsetClock:
    return Quick()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=60, clock=clock)


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    """A connection whose first reads are all made in bulk."""
    async with shopify_world(app, clock) as world:
        world.connector = ShopifyConnector(bulk_from=1)
        yield world


def begun(app: Shopify) -> int:
    return sum(entry.entity == "bulkOperationRunQuery" for entry in app.journal.entries)


def pages(app: Shopify) -> int:
    """Count the pages of orders that were read without a window: a whole read by pages."""
    return sum(entry.entity == "orders" and '"query"' in str(entry.detail) and "updated_at:<" in str(entry.detail)
               for entry in app.journal.entries)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
async def test_bulk_brings_what_pages_bring_row_by_row(
    world: World,
    app: Shopify,
    clock: OffsetClock,
    packed: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    app.bulks[SHOP].packed = packed
    done = await world.collect()
    assert begun(app) == len(STREAMS)
    assert not app.journal.mutating()
    assert set(STREAMS) <= set(done.full)
    assert_true(world, app)
    async with shopify_world(app, clock) as paged:
        await paged.collect()
    assert begun(app) == len(STREAMS)
    for name in STREAMS:
        assert world.kept.rows[name] == paged.kept.rows[name]
    assert world.kept.lines == paged.kept.lines
    assert world.kept.lines["order_lines"]


async def test_a_shop_that_changes_meanwhile_is_whole_afterwards(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    app.bulks[SHOP].polls = 3

    async def sink(batch: Batch) -> None:
        if not world.kept.batches:
            app.shops[SHOP].mutate(seed=5, new=5, changed=8, deleted=3, voided=1)
        await world.kept.sink(batch)

    async with open_session(world.connector, world.access) as session:
        world.kept.commit(await world.connector.collect(session, {}, clock.now(), sink, lambda *_: None))
    assert_true(world, app)


class Stopped(BaseException):
    """The process ends."""


@pytest.mark.parametrize("moment", ["while it is written", "while it is read"])
async def test_an_operation_outlives_us_and_is_gone_on_with(
    world: World, app: Shopify, clock: OffsetClock, moment: str
) -> None:
    def progress(*_: object) -> None:
        if moment == "while it is written":
            raise Stopped

    async def sink(_batch: Batch) -> None:
        raise Stopped

    app.bulks[SHOP].polls = 2
    async with open_session(world.connector, world.access) as session:
        with pytest.raises((Stopped, BaseExceptionGroup)):
            await world.connector.collect(session, {}, clock.now(), sink, progress)
    before = begun(app)
    assert before
    clock.advance(timedelta(minutes=12))
    app.shops[SHOP].mutate(seed=5, new=5, changed=8, deleted=3, voided=1)
    clock.advance(timedelta(minutes=15))
    await world.collect()
    assert begun(app) == len(STREAMS)
    assert_true(world, app)


class Forgets(BulkReader):
    """The twin that takes an old file for the shop of now."""

    async def read(self, intake: Intake, span: Span = ALWAYS) -> Any:
        began = await super().read(intake, span)
        return None if began is None else self._graph.clock.now() + OVERLAP


@pytest.mark.parametrize("reader, seen", [(BulkReader, "seen"), (Forgets, "lost")])
async def test_what_changed_since_the_operation_began_is_read_by_pages(
    world: World, app: Shopify, clock: OffsetClock, reader: type[BulkReader], seen: str
) -> None:
    await world.collect()
    clock.advance(timedelta(minutes=20))
    app.shops[SHOP].mutate(seed=5, new=0, changed=9, deleted=0)
    clock.advance(timedelta(minutes=20))
    async with open_session(world.connector, world.access) as session:
        graph, until = Graph(session.http), clock.now()
        settings = world.access.settings
        given = BulkSettings(settings.address(settings.api_url, SHOP), settings.limits, 1)
        for root in ROOTS:
            assert root.bulk is not None
            pager = Pager(graph, root, whole=reader(graph, root, root.bulk, given))

            def intake(shape: Any = root.shape) -> Intake:
                return Intake(shape, world.kept.sink, lambda *_: None)

            await Reader(pager, root, world.kept, intake, sees_all=True).read(None, until)
    assert begun(app) == len(STREAMS)  # all three went on with the files that were there
    with contextlib.nullcontext() if seen == "seen" else pytest.raises(AssertionError):
        assert_true(world, app)


async def test_a_cut_file_is_fetched_again(world: World, app: Shopify) -> None:
    app.bulks[SHOP].cut = 2
    await world.collect()
    assert_true(world, app)
    assert pages(app) == 0


@pytest.mark.parametrize(
    "trouble", ["always cut", "not allowed", "FAILED", "CANCELED", "EXPIRED", "too many", "endless", "broken storage"]
)
async def test_without_a_usable_operation_the_pages_are_read(
    world: World, app: Shopify, clock: OffsetClock, trouble: str
) -> None:
    bulk = app.bulks[SHOP]
    match trouble:
        case "always cut":
            bulk.cut = 99
        case "not allowed":
            bulk.allowed = False
        case "too many":
            bulk.polls = 10_000
            bulk.fates.extend(["COMPLETED"] * 9)
            await _busy(world, app)
        case "endless":
            bulk.polls = 10_000
        case "broken storage":
            app.script.add(Rule(Kind.SERVER_ERROR, operation="file", times=None, status=503))
        case fate:
            bulk.fates.extend([fate] * len(STREAMS))
    if trouble == "endless":
        with pytest.raises(Retry, match="bulk_pending"):
            await world.collect()
        clock.advance(timedelta(minutes=27))
    await world.collect()
    assert_true(world, app)
    assert pages(app) > 0
    assert not app.journal.mutating()


async def _busy(world: World, app: Shopify) -> None:
    """Let other programs of the app use up all operations."""
    async with open_session(world.connector, world.access) as session:
        for _ in range(5):
            await Graph(session.http).ask("BulkRun", BULK_RUN, {"query": "{ orders { edges { node { id } } } }"})
    assert app.bulks[SHOP].running() == 5


async def test_small_streams_are_read_by_pages(app: Shopify, clock: OffsetClock) -> None:
    async with shopify_world(app, clock) as world:
        await world.collect()
    assert begun(app) == 0


def sorted_file(body: bytes, objects: int, roots: int, *, kind: type[Sorting] = Sorting, size: int = 0) -> list[Any]:
    """Sort a file in small pieces and return its records."""
    with contextlib.ExitStack() as stack:
        sorting = kind(Promised(Secret("https://x"), objects, roots, size), stack)
        for start in range(0, len(body), 97):
            sorting.take(body[start : start + 97])
        sorting.finish()
        return [record for part in sorting.parts for record in records(part, ORDERS)]


def lines(orders: int) -> list[bytes]:
    """Return a file of orders with two lines and a discount each, children first."""
    found: list[dict[str, Any]] = []
    for order in range(orders):
        parent: dict[str, Any] = {"__parentId": f"gid://shopify/Order/{order}"}
        found += [{"__typename": "LineItem", "id": f"gid://shopify/LineItem/{order * 2 + n}"} | parent for n in (0, 1)]
        found.append({"__typename": "DiscountCodeApplication", "index": 0, "code": "A"} | parent)
    return [msgspec.json.encode(line) for line in found] + [
        msgspec.json.encode({"id": f"gid://shopify/Order/{order}"}) for order in range(orders)
    ]


@pytest.mark.parametrize("size", [0, 100 << 20], ids=["one part", "many parts"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_lines_in_any_order_become_whole_records(
    size: int,
    packed: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    body = b"\n".join(lines(40))
    found = sorted_file(gzip.compress(body) if packed else body, 160, 40, size=size)
    said = {json.loads(msgspec.json.encode(record))["id"]: json.loads(msgspec.json.encode(record)) for record in found}
    assert len(said) == len(found) == 40
    assert said["gid://shopify/Order/7"] == {
        "id": "gid://shopify/Order/7",
        "lineItems": {"nodes": [{"id": "gid://shopify/LineItem/14"}, {"id": "gid://shopify/LineItem/15"}]},
        "shippingLines": {"nodes": []},
        "discountApplications": {"nodes": [{"__typename": "DiscountCodeApplication", "index": 0, "code": "A"}]},
    }


class Trusting(Sorting):
    """The twin that does not count."""

    def finish(self) -> None:
        with contextlib.suppress(BulkUnusable):
            super().finish()


@pytest.mark.parametrize("cut", [1, 30, 130])
def test_a_cut_file_is_never_taken_for_whole(cut: int) -> None:
    whole = b"\n".join(lines(40))
    body = b"\n".join(lines(40)[:-cut]) + b"\n" if cut < 40 else whole[:-cut]
    with pytest.raises(BulkUnusable):
        sorted_file(body, 160, 40)
    with pytest.raises(BulkUnusable):
        sorted_file(gzip.compress(whole)[:-cut], 160, 40)
    with contextlib.suppress(BulkUnusable):
        assert len(sorted_file(body, 160, 40, kind=Trusting)) < 40


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"id":1}',
        b'{"sku":"a"}',
        b'{"__parentId":"gid://shopify/Order/1"}',
        b"\xff",
        gzip.compress(b"")[:-3],
    ],
    ids=["page", "number", "no id", "orphan", "no text", "packed"],
)
def test_what_is_no_such_file_is_not_used(body: bytes) -> None:
    with pytest.raises(BulkUnusable):
        sorted_file(body, 1, 0)


@pytest.mark.parametrize("child", [{"__typename": 5}, {}, {"__typename": "LineItem", "__parentId": "x"}])
def test_a_line_that_is_no_element_is_not_used(child: dict[str, Any]) -> None:
    said = {"__parentId": "gid://shopify/Order/0"} | child
    with pytest.raises(BulkUnusable):
        sorted_file(b"\n".join([*lines(1), msgspec.json.encode(said)]), 5, 1)


@pytest.mark.parametrize("said", ["", "-1", "1e9", "１", "9" * 5000], ids=range(5))
def test_a_count_that_is_none_is_no_file(said: str) -> None:
    operation = Operation("1", "COMPLETED", OffsetClock().now(), object_count=said, url="https://x")
    with pytest.raises(BulkUnusable):
        _ = operation.promised


def test_a_line_without_an_end_is_refused() -> None:
    with contextlib.ExitStack() as stack:
        sorting = Sorting(Promised(Secret("https://x"), 1, 1, 0), stack)
        with pytest.raises(Broken, match="bulk_too_large"):
            sorting.take(b'{"id":"' + b"x" * (9 << 20))


HOME = "https://temeritygoods.myshopify.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.googleapis.com/a?sig=x", "https://storage.googleapis.com.evil.example/a", "https://evil.example/a",
        "https://storage.googleapis.com:8443/a", "https://u:p@storage.googleapis.com/a", "http://127.0.0.1:1/a",
        "https://xstorage.googleapis.com/a", "file:///etc/passwd", "https://", "",
    ],
)  # fmt: skip
def test_files_are_taken_from_shopifys_storage_only(url: str) -> None:
    with pytest.raises(Broken, match="host_refused"):
        storage_address(url, HOME)
    assert storage_address("https://storage.googleapis.com/a/b.jsonl?sig=x", HOME).host == "storage.googleapis.com"


@pytest.mark.contracts
@pytest.mark.parametrize(
    "name, status, file",
    [("completed", "COMPLETED", True), ("completed_empty", "COMPLETED", False), ("running", "RUNNING", False)],
)
def test_collected_operations(contracts: Path, name: str, status: str, file: bool) -> None:  # noqa: FBT001 - a column
    said = json.loads((contracts / f"shopify/synthetic/bulk_poll_{name}.json").read_text())
    operation = msgspec.convert(said["data"]["bulkOperation"], Operation)
    assert operation.status == status
    assert "sig" not in repr(operation)
    if file:
        promised = operation.promised
        assert promised is not None
        body = (contracts / "shopify/synthetic/bulk_orders_ungrouped.jsonl").read_bytes()
        # Our own queries ask for the type of each child.
        body = body.replace(b'{"id":"gid://shopify/LineItem', b'{"__typename":"LineItem","id":"gid://shopify/LineItem')
        found = sorted_file(body, promised.objects, promised.roots)
        assert [len(json.loads(bytes(record["lineItems"]))["nodes"]) for record in found] == [1, 2]
    elif status == "COMPLETED":
        assert operation.promised is None


def test_a_file_of_something_else_is_not_used() -> None:
    with contextlib.ExitStack() as stack:
        sorting = Sorting(Promised(Secret("x"), 160, 40, 0), stack)
        sorting.take(b"\n".join(lines(40)))
        sorting.finish()
        with pytest.raises(BulkUnusable):
            list(records(sorting.parts[0], Bulk("", {})))
