"""Transactions (finances 2024-06-19): every sale, refund, fee and transfer as Amazon books it, with its breakdown.

They are listed by the time of posting, which never changes; what does change is a deferred transaction that is
released, and what Amazon posts late. So each collection goes back some days, and once a day far enough
for deferred ones. Amazon answers up to two minutes before the question and says that the orders of the last 48 hours
may be missing.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec

from connectors.amazon.calls import Calls, unreadable
from connectors.amazon.reports import written
from connectors.base import Mark
from connectors.errors import Broken
from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType

LABEL = "Transactions"
_PATH = "/finances/2024-06-19/transactions"
#: How far back the first read goes; Amazon answers at most 180 days at once.
HISTORY, SPAN = timedelta(days=730), timedelta(days=179)
#: Amazon gives nothing of the last two minutes.
LATEST = timedelta(minutes=2)
#: How far each collection goes back behind the last one, and how far once a day, for what was deferred.
OVERLAP, DEFERRED = timedelta(days=3), timedelta(days=45)
#: The first window of the past in a run, and the transactions after which the rest is left to the next run: what is
#: posted on a busy day comes at Amazon's two seconds a page.
FIRST, MOST = timedelta(days=7), 5_000
#: Transactions on one page.
PAGE = 100
_PAGES = 10_000

_TEXTS = ("transactionId", "transactionType", "transactionStatus", "description")
TRANSACTIONS = Shape(
    "transactions",
    LABEL,
    (
        Field("id", "transactionId"),
        Field("type", "transactionType"),
        Field("status", "transactionStatus"),
        Field("description", "description"),
        Field("posted_at", "postedDate", ColumnType.TIMESTAMP),
        Field("total_amount", "totalAmount.currencyAmount", ColumnType.MONEY),
        Field("currency", "totalAmount.currencyCode"),
        Field("marketplace_id", "marketplaceDetails.marketplaceId"),
        Field("marketplace_name", "marketplaceDetails.marketplaceName"),
        Field("account_type", "sellingPartnerMetadata.accountType"),
        Field("order_id", "order"),
        Field("financial_event_group_id", "group"),
        Field("deferral_reason", "deferralReason"),
        Field("matures_at", "maturityDate", ColumnType.TIMESTAMP),
    ),
    (
        Lines(
            "transaction_breakdowns",
            "lines",
            (
                Field("item_number", "item", ColumnType.INTEGER),
                Field("sku", "sku"),
                Field("asin", "asin"),
                Field("quantity_shipped", "quantity", ColumnType.INTEGER),
                Field("level", "level", ColumnType.INTEGER),
                Field("path", "path"),
                Field("type", "type"),
                Field("is_leaf", "leaf", ColumnType.BOOLEAN),
                Field("amount", "amount", ColumnType.MONEY),
                Field("currency", "currency"),
            ),
        ),
    ),
    updated="postedDate",
)

#: What Amazon's published model says a transaction has.
KNOWN = frozenset(
    {
        "breakdowns", "contexts", "description", "items", "marketplaceDetails", "postedDate", "relatedIdentifiers",
        "sellingPartnerMetadata", "totalAmount", "transactionId", "transactionStatus", "transactionType",
    }
)  # fmt: skip


class _Money(msgspec.Struct, rename="camel"):
    currency_code: str | None = None
    #: as Amazon wrote it: an amount is never a float
    currency_amount: msgspec.Raw = msgspec.Raw(b"null")


class _Breakdown(msgspec.Struct, rename="camel"):
    breakdown_type: str | None = None
    breakdown_amount: _Money | None = None
    breakdowns: list["_Breakdown"] | None = None


class _Context(msgspec.Struct, rename="camel"):
    asin: str | None = None
    sku: str | None = None
    quantity_shipped: int | None = None
    deferral_reason: str | None = None
    maturity_date: str | None = None


class _Item(msgspec.Struct, rename="camel"):
    contexts: list[_Context] | None = None
    breakdowns: list[_Breakdown] | None = None


class _Related(msgspec.Struct, rename="camel"):
    related_identifier_name: str | None = None
    related_identifier_value: str | None = None


class _Transaction(msgspec.Struct, rename="camel"):
    transaction_id: str
    transaction_type: str | None = None
    transaction_status: str | None = None
    description: str | None = None
    posted_date: str | None = None
    total_amount: _Money | None = None
    marketplace_details: msgspec.Raw = msgspec.Raw(b"null")
    selling_partner_metadata: msgspec.Raw = msgspec.Raw(b"null")
    related_identifiers: list[_Related] | None = None
    items: list[_Item] | None = None
    contexts: list[_Context] | None = None
    breakdowns: list[_Breakdown] | None = None


class _Listed(msgspec.Struct, rename="camel"):
    next_token: str | None = None
    transactions: list[msgspec.Raw] | None = None


class _Answer(msgspec.Struct):
    payload: _Listed


_DECODER = msgspec.json.Decoder(_Transaction)


def windows(since: Mark | None, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return the times of what is new, the oldest first: none before the first read, whose past begins today."""
    if since is None:
        return [(_midnight(until), until)]
    start = since.read_to - (OVERLAP if since.newest == _day(until) else DEFERRED)
    found = []
    while until - start > SPAN:
        found.append((start, start + SPAN))
        start += SPAN
    return [*found, (start, until)]


class Past:
    """What was posted before, the newest first: windows that become longer until a run has read enough."""

    def __init__(self, since: Mark | None, until: datetime) -> None:
        self._floor = _midnight(until - HISTORY)
        self._begins = _midnight(until)
        if since is not None:
            # One that is all in says no day.
            self._begins = _start(since.back_to) if since.back_to else self._floor
        self._at = self._begins
        self._width = FIRST
        self._records = 0

    @property
    def complete(self) -> bool:
        """Whether all of it is in."""
        return self._at <= self._floor

    @property
    def back_to(self) -> date:
        """The first day that is in."""
        return self._at.date()

    @property
    def left(self) -> int:
        """How many transactions are still to be read, if there are as many on each day as on those of this run."""
        return round(self._records * ((self._at - self._floor) / max(self._begins - self._at, FIRST)))

    def window(self) -> tuple[datetime, datetime] | None:
        """Return what to read next; None when all is in, or when the rest is left to the next run."""
        if self.complete or self._records >= MOST:
            return None
        return max(self._floor, self._at - self._width), self._at

    def read(self, window: tuple[datetime, datetime], records: int) -> None:
        """Note that a window is in."""
        self._at = window[0]
        self._width = min(3 * self._width, SPAN)
        self._records += records


def mark_after(until: datetime, behind: timedelta, past: Past) -> Mark:
    """Return the cursor: read up to there, the day of the last look at deferred ones, and how far the past is in."""
    return Mark(until - behind, _day(until), back_to="" if past.complete else past.back_to.isoformat())


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _start(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


async def pages(calls: Calls, start: datetime, end: datetime) -> AsyncIterator[list[msgspec.Raw]]:
    """Yield what was posted in a time, page by page; empty pages may come, a token goes with the same question."""
    params = {"postedAfter": written(start), "postedBefore": written(end)}
    token: str | None = None
    asked: set[str] = set()
    while True:
        answer = await calls.send("transactions", _PATH, params | ({"nextToken": token} if token else {}))
        try:
            page = msgspec.json.decode(answer.body, type=_Answer).payload
        except msgspec.MsgspecError as error:
            raise unreadable("transactions", answer) from error
        yield page.transactions or []
        token = page.next_token
        if not token:
            return
        if token in asked or len(asked) > _PAGES:
            raise Broken("Amazon's list of transactions does not end", code="paging_stuck")
        asked.add(token)


def flattened(record: bytes) -> bytes:
    """Return a transaction with its breakdowns as one list: those of the whole, then those of its items."""
    try:
        said = _DECODER.decode(record)
    except msgspec.MsgspecError as error:
        raise Broken(f"{LABEL}: a transaction cannot be read", code="record_unreadable") from error
    related = {one.related_identifier_name: one.related_identifier_value for one in said.related_identifiers or ()}
    made: dict[str, object] = {
        "transactionId": said.transaction_id, "transactionType": said.transaction_type,
        "transactionStatus": said.transaction_status, "description": said.description, "postedDate": said.posted_date,
        "totalAmount": said.total_amount, "marketplaceDetails": said.marketplace_details,
        "sellingPartnerMetadata": said.selling_partner_metadata, "order": related.get("ORDER_ID"),
        "group": related.get("FINANCIAL_EVENT_GROUP_ID"),
    }  # fmt: skip
    for context in said.contexts or ():
        made["deferralReason"] = context.deferral_reason or made.get("deferralReason")
        made["maturityDate"] = context.maturity_date or made.get("maturityDate")
    lines = list(_lines(said.breakdowns, {}, ""))
    for number, item in enumerate(said.items or ()):
        of: dict[str, object] = {"item": number}
        for context in item.contexts or ():
            of |= {"sku": context.sku or of.get("sku"), "asin": context.asin or of.get("asin")}
            of["quantity"] = of.get("quantity") if context.quantity_shipped is None else context.quantity_shipped
        lines += _lines(item.breakdowns, of, "")
    return msgspec.json.encode({**made, "lines": lines})


def _lines(found: list[_Breakdown] | None, of: dict[str, object], path: str) -> Iterator[dict[str, object]]:
    for one in found or ():
        amount = one.breakdown_amount or _Money()
        here = f"{path}/{one.breakdown_type or ''}".lstrip("/")
        yield {
            **of, "level": here.count("/"), "path": here, "type": one.breakdown_type, "leaf": not one.breakdowns,
            "amount": amount.currency_amount, "currency": amount.currency_code,
        }  # fmt: skip
        yield from _lines(one.breakdowns, of, here)
