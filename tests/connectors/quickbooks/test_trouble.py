"""Every misbehaviour at every stage of a QuickBooks collection ends in the right class, and the next one heals."""

import contextlib
import dataclasses
import re
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.intake import ODD, Intake
from connectors.quickbooks.known import needed, usual
from connectors.quickbooks.statements import ENTITIES
from connectors.strangers import strangers
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from storage.facts.streams import Batch
from tests.connectors.quickbooks.test_collect import assert_true
from tests.connectors.worlds import QUICK, QUIET, REALM, hearing, in_the_morning, quickbooks_world

BILLS = next(entity.shape for entity in ENTITIES if entity.shape.name == "bills")
STAGES = [
    ("query", "Account"),
    ("query", "Customer"),
    ("query", "Invoice"),
    ("report", "ProfitAndLoss"),
    ("cdc", ""),
]
#: kind, more fields of the rule, what it must end in when it stays
LASTING = [
    (Kind.RATE_LIMIT, {}, Retry, "throttled"),
    (Kind.SERVER_ERROR, {"status": 500}, Retry, "server_error"),
    (Kind.SERVER_ERROR, {"status": 504}, Retry, "server_error"),
    (Kind.RESET, {}, Retry, "connection"),
    (Kind.TRUNCATE, {"fraction": 0.5}, Retry, "connection"),
    (Kind.UNAUTHORIZED, {}, Reconnect, "token_rejected"),
    (Kind.REVOKE, {}, Reconnect, "invalid_grant"),
    (Kind.HANG, {}, Retry, "timeout"),
    (Kind.HTML, {}, Retry, "not_json"),
    (Kind.REDIRECT, {"location": "http://127.0.0.2:1/elsewhere"}, Broken, "redirected"),
    (Kind.OVERSIZE, {"size": 9 << 20}, Broken, "body_too_large"),
]


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> QuickBooks:
    return QuickBooks.generated(seed=5, invoices=12, clock=clock)


@pytest.mark.parametrize("kind, more, expected, code", LASTING, ids=[f"{row[0]}-{row[3]}" for row in LASTING])
@pytest.mark.parametrize("operation, entity", STAGES, ids=str)
async def test_lasting_trouble_has_its_class(
    app: QuickBooks, clock: OffsetClock, operation: str, entity: str, kind: Kind, more: dict[str, Any],
    expected: type[ConnectorError], code: str,
) -> None:  # fmt: skip
    async with quickbooks_world(app, clock, limits=hearing(kind, QUIET)) as world:
        if operation == "cdc":
            await world.collect()
        app.script.add(Rule(kind, operation=operation, entity=entity, times=None, **more))
        with pytest.raises(expected) as caught:
            await world.collect()
        assert caught.value.code == code
        assert not app.journal.mutating()
        secret = world.tokens.tokens.access.reveal()
        assert secret not in f"{caught.value!r} {caught.value} {caught.value.detail}"


PASSING = [
    (Kind.SERVER_ERROR, {"status": 503, "retry_after": "0"}),
    (Kind.RESET, {}),
    (Kind.TRUNCATE, {"fraction": 0.3}),
    (Kind.HANG, {}),
    (Kind.HTML, {}),
    (Kind.UNAUTHORIZED, {}),
]


@pytest.mark.parametrize("kind, more", PASSING, ids=[str(row[0]) for row in PASSING])
async def test_passing_trouble_is_waited_out(
    app: QuickBooks, clock: OffsetClock, kind: Kind, more: dict[str, Any]
) -> None:
    async with quickbooks_world(app, clock, limits=hearing(kind, QUICK)) as world:
        for entity in ("Customer", "Invoice"):
            app.script.add(Rule(kind, operation="query", entity=entity, **more))
        await world.collect()
        assert_true(world, app)


async def test_throttling_asks_for_a_minute_and_blocks_the_account(app: QuickBooks, clock: OffsetClock) -> None:
    async with quickbooks_world(app, clock) as world:
        app.script.add(Rule(Kind.RATE_LIMIT, entity="Invoice", retry_after="7", times=None))
        with pytest.raises(Retry) as caught:
            await world.collect()
        assert caught.value.after == 60
        app.script.add(Rule(Kind.RATE_LIMIT, entity="Customer", retry_after="900", times=None))
        with pytest.raises(Retry) as longer:
            await world.collect()
        assert longer.value.after == 900


@pytest.mark.parametrize(
    "code, expected, word",
    [(None, Retry, "server_error"), ("6190", Broken, "subscription_lapsed"), ("4001", Broken, "query_refused")],
)
async def test_a_fault_with_status_200_is_a_fault(
    app: QuickBooks, clock: OffsetClock, code: str | None, expected: type[ConnectorError], word: str
) -> None:
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        app.script.add(Rule(Kind.FAULT, operation="query", entity="Bill", code=code, times=None))
        with pytest.raises(expected) as caught:
            await world.collect()
        assert caught.value.code == word
        assert caught.value.request_id


async def test_a_failed_collection_leaves_the_next_one_whole(app: QuickBooks, clock: OffsetClock) -> None:
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        app.script.add(Rule(Kind.SERVER_ERROR, operation="query", entity="Payment"))
        with pytest.raises(Retry):
            await world.collect()
        await world.collect()
        assert_true(world, app)


async def test_the_token_never_leaves_the_pinned_host(app: QuickBooks, clock: OffsetClock) -> None:
    elsewhere = QuickBooks.generated(seed=8, invoices=1, clock=clock)
    async with quickbooks_world(elsewhere, clock) as other, quickbooks_world(app, clock) as world:
        app.script.add(
            Rule(Kind.REDIRECT, operation="query", location=f"{other.access.settings.api_url}/v3/company/1/query")
        )
        with pytest.raises(Broken, match="redirected"):
            await world.collect()
    assert not elsewhere.journal.entries


async def test_a_wrong_company_is_not_the_grants(app: QuickBooks, clock: OffsetClock) -> None:
    async with quickbooks_world(app, clock) as world:
        world.access = dataclasses.replace(world.access, account="123146090000000")
        with pytest.raises(Broken) as caught:
            await world.collect()
    assert caught.value.code == "wrong_environment"


async def test_a_company_that_sends_the_first_page_again_and_again_is_not_read_for_ever(
    app: QuickBooks, clock: OffsetClock
) -> None:
    old = dict.fromkeys(("CreateTime", "LastUpdatedTime"), "2026-01-01T00:00:00+00:00")
    model = {"SyncToken": "0", "Amount": 5, "TxnDate": "2026-01-01", "MetaData": old}
    app.books[REALM].fill("Transfer", [model | {"Id": str(7000 + number)} for number in range(1001)])
    inner = app.app

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        asked = re.sub(rb"STARTPOSITION(\+|%20)[0-9]+", rb"STARTPOSITION\g<1>1", scope.get("query_string", b""))
        await inner({**scope, "query_string": asked}, receive, send)

    app.app = stuck
    async with quickbooks_world(app, clock) as world:
        done = await world.collect(partly=True)
    assert [(one.streams, one.error.code) for one in done.aside] == [(("transfers",), "paging_stuck")]


async def test_a_new_field_is_told_and_kept_and_a_missing_or_retyped_one_stops_its_stream(
    app: QuickBooks, clock: OffsetClock
) -> None:
    books = app.books[REALM]
    # What is read once a day would be read a second time, and be spoilt as well, if midnight fell into the test.
    in_the_morning(clock)
    async with quickbooks_world(app, clock, limits=QUICK) as world:
        assert not (await world.collect()).unknown  # whatever of Intuit's own schema comes is nothing new
        bill = next(iter(books.tables["Bill"].records()))
        held = dict(world.kept.rows["bills"])
        spoilt: list[tuple[dict[str, Any], str]] = [
            ({"TxnDate": 20261122}, "TxnDate is not a date"),
            ({"TotalAmt": {"value": 5}}, "TotalAmt is not an amount"),
            ({"TotalAmt": 10**17}, "TotalAmt is not an amount"),
            ({"TotalAmt": "１２３"}, "TotalAmt is not an amount"),
            ({"TotalAmt": "1_000"}, "TotalAmt is not an amount"),
            ({"TotalAmt": "1.234,56"}, "TotalAmt is not an amount"),
            ({"DocNumber": {"text": "a7"}}, "DocNumber is not a text"),
            ({"Line": "none"}, "is not an object"),
        ]
        for change, words in spoilt:
            clock.advance(timedelta(minutes=30))
            stamp = {**bill["MetaData"], "LastUpdatedTime": clock.now().replace(microsecond=0).isoformat()}
            books.fill("Bill", [{**bill, **change, "MetaData": stamp}])
            (lost,) = (await world.collect(partly=True)).aside
            assert (lost.streams, world.kept.rows["bills"]) == (("bills",), held)
            assert words in lost.error.detail, lost.error.detail
        books.fill("Bill", [{**bill, "Blockchain": "none", "MetaData": stamp}])
        done = await world.collect()
        assert (done.unknown, done.aside) == ({"bills": ("Blockchain",)}, ())
        assert "Blockchain" in world.kept.rows["bills"][bill["Id"]]["_raw"]


@dataclasses.dataclass
class _AllOrNothing(Intake):
    """A twin that takes one document without its day for a field that is gone."""

    def __post_init__(self) -> None:
        self.needed, self.usual = (*self.needed, *self.usual), ()


def _without_day(count: int) -> list[list[bytes]]:
    stamp = '"MetaData":{"LastUpdatedTime":"2026-11-22T08:00:00Z"}'
    return [[f'{{"Id":"{number}","SyncToken":"0",{stamp}}}'.encode() for number in range(count)]]


@pytest.mark.parametrize("kind, most", [(Intake, ODD), (_AllOrNothing, 0)])
async def test_one_document_without_its_day_alone_in_a_batch_stops_nothing(kind: type[Intake], most: int) -> None:
    came: list[Batch] = []

    async def sink(batch: Batch) -> None:
        came.append(batch)

    for count in (1, ODD, ODD + 1):
        intake = kind(BILLS, sink, lambda *_: None, needed=needed(BILLS), usual=usual(BILLS))
        with contextlib.nullcontext() if count <= most else pytest.raises(Broken, match="without TxnDate"):
            await intake.take(_without_day(count))
        assert len(intake.bare) == (count if count <= most else 0)
    days = [day for batch in came for day in batch.rows.column("txn_date").to_pylist()]
    assert days == [None] * sum(count for count in (1, ODD) if count <= most)


async def test_a_document_without_its_day_is_kept_and_named(app: QuickBooks, clock: OffsetClock) -> None:
    books = app.books[REALM]
    async with quickbooks_world(app, clock, limits=QUICK) as world:
        assert (await world.collect()).notes == ()
        bill = next(iter(books.tables["Bill"].records()))
        clock.advance(timedelta(minutes=30))
        stamp = {**bill["MetaData"], "LastUpdatedTime": clock.now().replace(microsecond=0).isoformat()}
        books.fill("Bill", [{**bill, "TxnDate": None, "MetaData": stamp}])
        done = await world.collect()
        assert done.notes == (f"Bills, record {bill['Id']} came without TxnDate: it is kept with that left empty.",)
        assert world.kept.rows["bills"][bill["Id"]]["txn_date"] is None


def test_few_records_are_looked_at_one_by_one_and_some_of_many() -> None:
    plain, strange = [b'{"Id":"1"}'] * 199, [b'{"Id":"1","New":{"Deep":1}}']
    assert strangers([plain, strange], {"Id"}) == {"New"}
    assert strangers([plain * 5, strange], {"Id"}) == {"New"}  # the first of each page is among them
