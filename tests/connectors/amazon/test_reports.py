"""Orders by way of reports: equal to the seller's row by row, whatever happens on the way, and nobody's address kept."""

import asyncio
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from connectors.amazon import orders
from connectors.amazon.calls import Calls, Pace
from connectors.amazon.document import Text, text_of
from connectors.amazon.download import download, storage_address
from connectors.amazon.flat import Amounts, personal, sheet, stamp
from connectors.amazon.orders import ORDERS, TYPE
from connectors.amazon.parcels import PARCEL, Row, parcels
from connectors.amazon.part import Errand, without
from connectors.amazon.reading import read_orders
from connectors.amazon.reports import Report, Reports, Waiting, Wanted, _serves
from connectors.amazon.spans import SPAN, plan
from connectors.base import mark, open_session
from connectors.errors import Broken, ConnectorError, Retry
from connectors.limits import MemoryLimiter, Rate
from connectors.wire import Answer
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from sandbox.providers.amazon.trade import PERSONAL
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.amazon.seller import EUROPEAN, SELLER, amazon_world, text
from tests.connectors.consents import PATIENT
from tests.connectors.equality import assert_same
from tests.connectors.worlds import World, with_limits

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock(), orders=40)


def same(world: World, app: Amazon, seller: str = SELLER) -> None:
    assert_same(world.kept, ORDERS, msgspec.json.decode(app.truth(seller, "orders")))


def asked(app: Amazon, operation: str) -> int:
    return sum(entry.operation == operation for entry in app.journal.entries)


@pytest.mark.parametrize("charset, seller, region", [("Cp1252", EUROPEAN, "eu"), ("UTF-8-SIG", SELLER, "na")])
async def test_orders_equal_the_sellers_first_and_after_changes(
    app: Amazon, charset: str, seller: str, region: str
) -> None:
    app.shops[seller].charset = charset
    async with amazon_world(app, seller, region) as world:
        began = world.clock.now()
        first = await world.collect()
        same(world, app, seller)
        assert first.source_as_of <= began
        world.clock.advance(timedelta(hours=6))
        app.mutate(seller, orders=5, changes=7)
        world.clock.advance(timedelta(minutes=2))
        second = await world.collect()
        same(world, app, seller)
        assert second.source_as_of > first.source_as_of
        assert not app.journal.mutating()


async def test_nobodys_address_is_kept(app: Amazon) -> None:
    async with amazon_world(app) as world:
        await world.collect()
    kept = json.dumps([row["_raw"] for row in world.kept.rows["orders"].values()])
    assert not [value for value in PERSONAL.values() if value in kept]
    made = next(one for one in app.shops[SELLER].desk.made.values() if one.type == TYPE and one.paper)
    assert made.paper
    assert "BAYSHORE" in made.paper.text
    for name in (
        "buyer-name",
        "recipient-name",
        "ship-address-1",
        "buyer-phone-number",
        "customer-comments",
        "ship_postal_code",
    ):
        assert personal(name)
    assert not [name for name in orders._KNOWN if personal(name)]


async def test_the_past_is_read_back_span_by_span(app: Amazon) -> None:
    trade, now = app.shops[SELLER].trade, app.clock.now()
    for days in (100, 200, 400, 729):
        trade.sell(now - timedelta(days=days))
    async with amazon_world(app) as world:
        done = await world.collect()
        assert len(world.kept.rows["orders"]) == 40
        # 22 spans of orders with 8 runs, as many of returns with 11, and with each run a report of what is new.
        told = {one.stream: (one.back_to, one.seconds) for one in done.older}
        assert {seconds for _, seconds in told.values()} == {(22 + 8 + 22 + 11) / 0.0167}
        assert set(told) == {"orders", "returns"}
        # The newest two to three months are in first, whatever lies before.
        oldest = min(row["updated_at"] for row in world.kept.rows["orders"].values())
        assert oldest > now - timedelta(days=91)
        assert all(
            timedelta(59) < now - datetime(*day.timetuple()[:3], tzinfo=UTC) < timedelta(91) for day, _ in told.values()
        )
        rounds = 1
        while done.older:
            before = {one.stream: one.back_to for one in done.older}
            # At once, and not only with the next collection: each run brings some of it.
            world.clock.advance(timedelta(minutes=1))
            done, rounds = await world.collect(), rounds + 1
            assert all(one.back_to < before[one.stream] for one in done.older)
        assert rounds <= 13
        same(world, app)


async def test_little_history_is_read_at_once_where_amazon_allows_it(app: Amazon) -> None:
    app.generous, now = True, app.clock.now()
    for days in (100, 400, 729):
        app.shops[SELLER].trade.sell(now - timedelta(days=days))
    async with amazon_world(app) as world:
        first = await world.collect()
        assert first.older == ()
        same(world, app)
    rest = plan(orders.KIND, None, NOW, ("A",)).rest()
    assert (rest.complete, rest.wanted[-1].end) == (True, plan(orders.KIND, None, NOW, ("A",)).back_to)
    assert without([b'{"id":"1"}', b'{"id":"2"}'], "id", {"1"}) == [b'{"id":"2"}']


async def test_a_second_run_waits_for_the_report_that_the_first_one_asked_for(app: Amazon) -> None:
    app.shops[SELLER].desk.make_seconds = 300
    async with amazon_world(app, waiting=Waiting((0.05,), 0.6)) as world:
        with pytest.raises(Retry) as caught:
            await world.collect()
        assert caught.value.code == "report_pending"
        made = asked(app, "create report")
        world.clock.advance(timedelta(minutes=6))
        done = await world.collect()
        same(world, app)
        # The newest report is six minutes old, and the run says so.
        assert asked(app, "create report") == made
        assert world.clock.now() - done.source_as_of > timedelta(minutes=5)


@pytest.mark.parametrize(
    "fate, code", [("FATAL", "report_fatal"), ("CANCELLED", "report_cancelled"), ("EMPTY", None)]
)  # fmt: skip
async def test_reports_that_are_not_made(app: Amazon, fate: str, code: str | None) -> None:
    desk = app.shops[SELLER].desk
    async with amazon_world(app) as world:
        await world.collect()
        before = dict(world.kept.rows["orders"])
        world.clock.advance(timedelta(hours=1))
        app.mutate(SELLER, orders=2)
        world.clock.advance(timedelta(hours=1))
        desk.fates[TYPE] = [fate] * 10
        if code is None:
            await world.collect()
        else:
            with pytest.raises(Retry) as caught:
                await world.collect()
            assert caught.value.code == code
        assert world.kept.rows["orders"] == before


async def test_a_request_that_amazon_takes_for_a_repetition_uses_the_other_one(app: Amazon) -> None:
    """The answer to the first request was lost; its repetition is cancelled, which does not mean that there is no data."""
    async with amazon_world(app) as world:
        app.script.add(Rule(Kind.RESET, operation="create report", accept=True))
        await world.collect()
        same(world, app)
        assert [one.fate for one in app.shops[SELLER].desk.made.values()].count("CANCELLED") == 1


class Believing(Reports):
    """The twin: takes every cancelled report for one without data."""

    async def made(self, wanted: Wanted) -> Report:
        report = await self._finished(await self._create(wanted), wanted.label)
        return msgspec.structs.replace(report, processing_start_time=report.created_time)


async def test_the_twin_would_lose_the_orders_of_a_repeated_request(app: Amazon) -> None:
    async with amazon_world(app) as world, open_session(world.connector, world.access) as session:
        app.script.add(Rule(Kind.RESET, operation="create report", accept=True, skip=2))
        calls, markets = Calls(session.http, Pace()), app.shops[SELLER].markets
        reports = Believing(session, calls, Waiting((0.01,), 2.0))
        errand = Errand(session, calls, reports, markets, {}, world.clock.now(), world.kept.sink, lambda *_: None)
        await read_orders(errand)
        with pytest.raises(AssertionError):
            same(world, app)


async def test_passing_trouble_on_the_way_costs_no_report(app: Amazon) -> None:
    async with amazon_world(app) as world:
        with_limits(world, replace(PATIENT, attempts=8))
        app.script.add(
            Rule(Kind.SERVER_ERROR, operation="look at report"), Rule(Kind.RESET, operation="open document"),
            Rule(Kind.HTML, operation="download", nth=1), Rule(Kind.TRUNCATE, operation="download", nth=2),
            Rule(Kind.SERVER_ERROR, operation="download", nth=3), Rule(Kind.UNAUTHORIZED, operation="create report"),
        )  # fmt: skip
        app.shops[SELLER].desk.spoils = ["cut", "html"]
        await world.collect()
        assert app.script.struck == 6
        assert app.shops[SELLER].desk.spoils == []
        same(world, app)


@pytest.mark.parametrize("spoil, code", [("charset", "report_encoding"), ("ragged", "report_ragged")])
async def test_spoiled_documents_end_the_run(app: Amazon, spoil: str, code: str) -> None:
    app.shops[SELLER].desk.spoils = [spoil] * 9
    async with amazon_world(app) as world:
        with pytest.raises(Broken) as caught:
            await world.collect()
        assert caught.value.code == code
        assert not world.kept.rows.get("orders")


async def test_the_link_brings_no_token_and_ends(app: Amazon) -> None:
    async with amazon_world(app) as world:
        await world.collect()
        desk = app.shops[SELLER].desk
        document = next(one.document for one in desk.made.values() if one.paper)
        link = desk.open(document, str(app.journal and world.access.settings.at("na").api_url))["url"]
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(link)).status_code == 200
            assert (await client.get(link, headers={"x-amz-access-token": "t"})).status_code == 400
            settings = world.access.settings.at("na")
            with io.BytesIO() as file, pytest.raises(Broken, match="was refused"):
                await download(Secret(link), file, home=settings.api_url, limits=settings.limits, most=100)
            world.clock.advance(timedelta(minutes=6))
            assert (await client.get(link)).status_code == 403
    downloads = [entry for entry in app.journal.entries if entry.operation == "download"]
    assert downloads
    assert not downloads[0].token


HOME = "https://sellingpartnerapi-na.amazon.com"


def test_documents_come_from_amazons_storage_only() -> None:
    fine = "https://tortuga-prod-na.s3.amazonaws.com/sample?X-Amz-Signature=a%2Bb"
    assert storage_address(fine, HOME).host.endswith(".amazonaws.com")
    assert storage_address("http://127.0.0.1:9/x?y=1", "http://127.0.0.1:8")
    for wrong in (
        "http://127.0.0.1:9/x", "https://evil.example/x", "https://amazonaws.com.evil.example/x", "https://u:p@s3.amazonaws.com/x",
        "ftp://s3.amazonaws.com/x", "https://evilamazonaws.com/x", "file:///etc/passwd", "", "https://127.0.0.1/x", "http://s3.amazonaws.com/x",
    ):  # fmt: skip
        with pytest.raises(Broken):
            storage_address(wrong, HOME)


def test_what_is_unpacked_is_bounded_and_whole() -> None:
    packed = gzip.compress(b"a" * 10_000) + gzip.compress(b"b")
    assert read(packed, "GZIP") == "a" * 10_000 + "b"
    assert read(b"plain", None) == "plain"
    # More than is unpacked at once, of which nothing is left to be read when the last of it comes out.
    assert len(read(gzip.compress(b"a" * (3 << 20)), "GZIP")) == 3 << 20
    wrong = packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]
    for body, compression, kind in (
        (packed[:-3], "GZIP", Retry), (wrong, "GZIP", Retry), (b"", "GZIP", Retry), (b"no gzip", "GZIP", Retry),
        (b" <!DOCTYPE html>", None, Retry), (b"x", "ZSTD", Broken),
    ):  # fmt: skip
        with pytest.raises(kind):
            read(body, compression)
    for body, compression in ((packed, "GZIP"), (b"a" * 10_001, None)):
        with pytest.raises(Broken) as caught:
            read(body, compression, most=10_000)
        assert caught.value.code == "report_too_large"


def test_text_is_decoded_as_declared_or_not_at_all() -> None:
    for body, kind, said in (
        ("é–".encode("cp1252"), "text/plain;charset=Cp1252", "é–"), ("é–".encode("cp1252"), "", "é–"),
        ("\ufeffé".encode(), "text/plain; charset=UTF-8", "é"), ("傘".encode("cp932"), "text/plain; charset=Shift_JIS", "傘"),
        ("é".encode("utf-16"), "text/plain; charset=UTF-16", "é"), (b"a" * ((1 << 20) - 1) + "é".encode(), "", "a" * ((1 << 20) - 1) + "é"),
    ):  # fmt: skip
        assert read(body, None, kind) == said
    assert read("傘".encode("cp932"), None, "text/plain", japanese=True) == "傘"
    for body, kind in (
        (b"\xe9\x96", "text/plain;charset=UTF-8"),
        (b"x", "text/plain;charset=rot13"),
        (b"\x81\x8d", ""),
    ):
        with pytest.raises(Broken):
            read(body, None, kind)


def read(body: bytes, compression: str | None, kind: str = "", **more: Any) -> str:
    with text_of(io.BytesIO(body), compression, kind, **more) as found:
        found.file.seek(0)
        return found.file.read().decode()


def records(body: str, parcel: int = PARCEL) -> list[dict[str, Any]]:
    with text(body) as said:
        return [json.loads(record) for part in orders.orders(said, parcel).parts for record in part]


HEAD = "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsku\tquantity\tcurrency\titem-price"
ROW = "1\t2026-11-18T20:11:05+00:00\t2026-11-18T20:11:05+00:00\tShipped\tA\t{}\tUSD\t{}"


@pytest.mark.parametrize(
    "body, code",
    [
        (HEAD.replace("\tsku", ""), "report_columns"), (f"{HEAD}\tsku", "report_columns"), (f"{HEAD}\n1\t2", "report_ragged"),
        (f"{HEAD}\n{ROW}\textra", "report_ragged"), (f"{HEAD}\n{ROW.format('1', 'NaN')}", "value_unreadable"),
        (f"{HEAD}\n{ROW.format('１', '1')}", "value_unreadable"), (f"{HEAD}\n{ROW.format('1.5', '1')}", "value_unreadable"),
        (f"{HEAD}\n{ROW.format('1', '1,234.50')}", "value_unreadable"), (f"{HEAD}\n{ROW.format('1', '1e5')}", "value_unreadable"),
        (f"{HEAD}\n{ROW.replace('20:11:05+00:00', '20:11:05')}", "value_unreadable"), (f"{HEAD}\n{ROW[1:]}", "record_unreadable"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(body: str, code: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        records(body)
    assert caught.value.code == code


def report(items: int) -> str:
    """Items of orders whose rows lie far apart."""
    rows = [ROW.format("1", f"{number}.50").replace("1\t", f"{number % 400}\t", 1) for number in range(items)]
    return "\n".join([HEAD, *rows])


def test_a_report_larger_than_its_parcels_gives_the_same_records() -> None:
    body = report(2_000)
    at_once, by_parcels = records(body), records(body, 4_096)
    assert len(at_once) == 400
    assert {len(one["items"]) for one in at_once} == {5}
    key = "amazon-order-id"
    assert sorted(by_parcels, key=lambda one: one[key]) == sorted(at_once, key=lambda one: one[key])
    rows: list[tuple[str, Row]] = [("a", {"n": str(number)}) for number in range(9)]
    assert [len(part) for part in parcels(rows, 9_000, 4_096) if part] == [9]


def _peak(body: str, read: Callable[[Text], None]) -> int:
    """Bytes of memory that reading takes at most."""
    with text(body) as said:
        tracemalloc.start()
        try:
            read(said)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_a_report_is_never_whole_in_memory() -> None:
    """The twin, whose parcel is the whole report, is found out."""

    def by_parcels(said: Text, parcel: int = 16_384) -> None:
        for part in orders.orders(said, parcel).parts:
            assert part

    body = report(6_000)
    assert _peak(body, by_parcels) * 6 < _peak(body, lambda said: by_parcels(said, PARCEL))


def test_amounts_are_exact_in_both_ways_of_writing() -> None:
    point, comma = Amounts("x", comma=False), Amounts("x", comma=True)
    assert [point.read(said) for said in ("20.0", "-1.60", "+3", "0")] == ["20.0", "-1.60", "3", "0"]
    assert [comma.read(said) for said in ("20,00", "-1,60", "1.234,56", "7")] == ["20.00", "-1.60", "1234.56", "7"]
    for amount, wrong in (
        (point, "1,5"),
        (comma, "1.5"),
        (comma, "1.234"),
        (comma, "1,2,3"),
        (point, "1_0"),
        (point, "٣"),
    ):
        with pytest.raises(Broken):
            amount.read(wrong)
    assert stamp("06.11.2026 08:52:26 UTC", "x") == stamp("2026-11-06 08:52:26 UTC", "x")
    for wrong in ("11/06/2026", "2026-13-01", "06.11.2026 08:52:26", "2026-11-06T08:52:26"):
        with pytest.raises(Broken):
            stamp(wrong, "x")


def test_a_report_serves_only_for_what_it_holds() -> None:
    hour = timedelta(hours=1)
    wanted = Wanted(TYPE, "Orders", ("A", "B"), NOW - 5 * hour, NOW, least_end=NOW - hour / 2, made_since=NOW - hour)
    fine = Report("1", TYPE, "DONE", NOW - hour / 4, ("B", "A"), NOW - 6 * hour, NOW - hour / 4)
    assert _serves(fine, wanted)
    for change in (
        {"report_type": "X"}, {"marketplace_ids": ("A",)}, {"data_start_time": NOW - 4 * hour}, {"data_end_time": NOW - hour},
        {"created_time": NOW - 2 * hour}, {"data_end_time": None},
    ):  # fmt: skip
        assert not _serves(msgspec.structs.replace(fine, **change), wanted)


def test_the_plan_goes_back_behind_the_cursor_and_never_beyond_thirty_days() -> None:
    first = plan(orders.KIND, None, NOW, ("A",))
    assert [one.end - one.start for one in first.wanted[:-1]] == [SPAN] * 2
    assert plan(orders.KIND, None, NOW + timedelta(hours=1), ("A",)).wanted[:-1] == first.wanted[:-1]
    assert first.wanted[-1].end == NOW
    cursor = f"{NOW - timedelta(days=29, hours=23, minutes=58):%Y-%m-%dT%H:%M:%S%z}|{NOW - timedelta(days=800):%Y-%m-%dT%H:%M:%S%z}|"
    later = plan(orders.KIND, mark(cursor, NOW), NOW, ("A",))
    assert later.complete
    assert len(later.wanted) == 2
    assert later.wanted[0].end == later.wanted[1].start


async def test_the_pace_is_the_one_that_the_answers_tell(app: Amazon) -> None:
    app.throttle = True
    clock = app.clock
    async with amazon_world(app, limiter=MemoryLimiter(clock)) as world:
        await world.collect()
        same(world, app)
        assert not [entry for entry in app.journal.entries if entry.status == 429]
        app.script.add(Rule(Kind.RATE_LIMIT, operation="look at report"))
        world.clock.advance(timedelta(minutes=9))
        await world.collect()
    pace = Pace()
    for said, rate in (("0.5", 0.5), ("x", 0.5), ("1e9", 0.5), ("99999", 0.5), ("5", 5.0)):
        pace.hear("create report", Answer(200, httpx.Headers({"x-amzn-RateLimit-Limit": said}), b"", None))
        assert pace.rate("create report").per_second == rate
    assert pace.rate("create report").burst == 14


class Quick(OffsetClock):
    """A clock that goes on while somebody waits."""

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


class Keeping(MemoryLimiter):
    """The twin: keeps what was booked for calls that were never sent."""

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        return await super().reserve(key, rate, max(cost, 0))


@pytest.mark.parametrize("limiter", [MemoryLimiter, Keeping])
async def test_what_must_wait_for_amazons_pace_gets_its_turn(limiter: type[MemoryLimiter]) -> None:
    clock = Quick()
    app = Amazon(clock=clock, throttle=True, orders=5)
    async with amazon_world(app, waiting=Waiting((1.0,), 480.0), limiter=limiter(clock)) as world:
        await world.collect()
        if limiter is Keeping:
            with pytest.raises(Retry, match="throttled"):
                await world.collect()
            return
        began = clock.now()
        await world.collect()
        assert clock.now() - began > timedelta(seconds=60)
        assert not [entry for entry in app.journal.entries if entry.status == 429]


@pytest.mark.contracts
@pytest.mark.parametrize("name", ["all_orders_us_cp1252.tsv", "all_orders_us_utf8.tsv.gz"])
def test_the_collected_files_can_be_read(contracts: Path, name: str) -> None:
    body = (contracts / "amazon/synthetic" / name).read_bytes()
    kind = "text/plain;charset=Cp1252" if "cp1252" in name else "text/plain"
    said = read(body, "GZIP" if name.endswith("gz") else None, kind)
    found = records(said)
    assert {one["amazon-order-id"]: len(one["items"]) for one in found} == {
        "111-0000001-0000001": 2, "111-0000002-0000002": 1, "111-0000003-0000003": 1,
    }  # fmt: skip
    assert {item["product-name"] for item in found[0]["items"]} == {'Chain "Pro" Oil 100ml', "Café mug – 2 pack"}
    with text(said) as again:
        assert sheet(again, "Orders", ()).columns[0] == "amazon-order-id"


@pytest.mark.contracts
@pytest.mark.parametrize("name", ["in_queue", "in_progress", "done", "fatal", "cancelled"])
def test_the_collected_answers_are_reports(contracts: Path, name: str) -> None:
    found = msgspec.json.decode((contracts / f"amazon/synthetic/report_{name}.json").read_bytes(), type=Report)
    assert found.processing_status == name.upper()
