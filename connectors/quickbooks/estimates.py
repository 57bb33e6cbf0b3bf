"""Orders as Estimates: QuickBooks Online has no sales orders, and an estimate is what becomes an invoice there.

What is written once must not be written twice though an answer may be lost. So each write carries a request id, by
which QuickBooks tells a repetition; and nothing is tried a second time before it was looked for, by its number and by
the note that names the order. Only a connection that may write (`Access.writes`) sends any of this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from connectors.base import Session
from connectors.errors import Broken, ConnectorError, Refused, Retry
from connectors.limits import Rate, tidy_wait
from connectors.quickbooks.company import Company, QueryAnswer
from connectors.quickbooks.entry import MINOR_VERSION, RATES
from connectors.quickbooks.faults import Fault, fault, judge_json
from connectors.reads import Call
from connectors.wire import Answer
from storage.facts.exchange_orders import Order, OrderLine, Trace, Written

#: characters of a document's number, and of a custom field
LONGEST_NUMBER, LONGEST_FIELD = 21, 31
#: 40 batches a minute for each company and app, counted over any minute; 30 of anything in one. Twenty go at once, for
#: orders come in heaps: what the bucket holds and what it gains in a minute stay below 40 together.
BATCH, BATCH_RATE = 30, Rate(per_second=0.32, burst=20)
_ENTITY = "Estimate"
_CENT = Decimal("0.01")
#: An estimate that somebody else changes at the same time is read again, so often.
_ROUNDS = 3
STALE = "stale"
#: estimates of one page of a look at all that changed, and how many pages are looked at
_PAGE, _MOST_PAGES = 1000, 100
#: how far the company's clock may be behind ours
_CLOCKS = timedelta(hours=1)
#: states in which an estimate can still be made another
_OPEN = frozenset({"", "Pending", "Accepted", "Rejected"})
#: faults that are not about the order: the account, the token, the pace
_OF_THE_CONNECTION = frozenset({"120", "3001", "3100", "3200", "3201", "6190"})
_UNKNOWN = (
    "QuickBooks does not know its customer, an item or a tax code: it was deleted or made inactive there. Make it"
    " active again, or change the order."
)
_CLOSED = "The books are closed for its date in QuickBooks: give it a later date, or open the books."
#: what the provider's codes mean for whoever entered the order
_REFUSALS: Mapping[str, str] = {
    "610": _UNKNOWN,
    "2500": _UNKNOWN,
    "2050": "A text in it is longer than QuickBooks takes: shorten it in PocketAdvantage.",
    "6070": "QuickBooks finds that its amounts do not add up: check quantities, prices and the discount of its lines.",
    "6140": "Another document in QuickBooks has its number: give one of the two another number.",
    "6200": _CLOSED,
    "6210": _CLOSED,
    "6240": "QuickBooks has something else of that name: give one of the two another name.",
    "5010": "Somebody changed it in QuickBooks at the same moment: replay the order.",
}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class _Reference(msgspec.Struct):
    value: str = ""


class _Linked(msgspec.Struct, rename="pascal"):
    txn_id: str = ""
    txn_type: str = ""


class _Estimate(msgspec.Struct, rename="pascal"):
    id: str
    sync_token: str
    doc_number: str = ""
    private_note: str = ""
    txn_status: str = ""
    linked_txn: list[_Linked] = []
    customer_ref: _Reference = msgspec.field(default_factory=_Reference)


class _One(msgspec.Struct, rename="pascal"):
    estimate: _Estimate


class _Item(msgspec.Struct):
    id: str = msgspec.field(name="bId", default="")
    estimate: _Estimate | None = msgspec.field(name="Estimate", default=None)
    fault: msgspec.Raw = msgspec.field(name="Fault", default=msgspec.Raw())


class _Several(msgspec.Struct, rename="pascal"):
    batch_item_response: list[_Item]


@dataclass
class _Judged:
    """Judges an answer to a write and keeps the estimate that is in it."""

    order: Order
    found: _Estimate | None = None

    def judge(self, answer: Answer) -> ConnectorError | None:
        problem = judge_write(answer)
        if problem is not None:
            return problem
        try:
            self.found = msgspec.json.decode(answer.body, type=_One).estimate
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _unclear(answer)
        return None if _is_of(self.found, self.order) else _unclear(answer)


class Estimates:
    """Writes orders as estimates of one company, over an open connection that may write."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._company = Company(session.http, session.access.account)
        self._base = f"/v3/company/{session.access.account}"
        #: numbers that other estimates have, as the last look found them
        self._others: frozenset[str] = frozenset()
        #: order numbers -> the number of what the order became, which nothing but its id tells any more
        self._nameless: dict[str, str] = {}

    @property
    def target(self) -> str:
        """What orders become."""
        return "estimate"

    @property
    def most(self) -> int:
        """How many orders one call takes."""
        return BATCH

    async def find(self, order: Order, request_id: str) -> Written | None:
        """Return the estimate that an earlier try made."""
        return (await self.find_many([(order, request_id)]))[0]

    async def find_many(
        self, wanted: Sequence[tuple[Order, str]], traces: Sequence[Trace] = ()
    ) -> list[Written | None]:
        """Return for each order the estimate that an earlier try made, by one question.

        With traces, one for each, it is asked once or twice more for what people gave another number since: by the id
        that is known, else by the note among all that changed since the order was read.
        """
        numbers = ", ".join(f"'{_quoted(order.order_no)}'" for order, _ in wanted)
        statement = f"SELECT * FROM {_ENTITY} WHERE DocNumber IN ({numbers}) MAXRESULTS 1000"  # noqa: S608 - quoted
        answer = await self._company.query(_ENTITY, statement)
        listed = _estimates(answer)
        ours = {order.order_no for order, _ in wanted if any(_is_of(one, order) for one in listed)}
        asked = {order.order_no for order, _ in wanted}
        self._others = (self._others - asked) | (frozenset(one.doc_number for one in listed) - ours)
        self._nameless = {number: now for number, now in self._nameless.items() if number not in asked}
        # Of several the oldest: it is the one that was told to PocketAdvantage first.
        found = [next((_written(one) for one in listed if _is_of(one, order)), None) for order, _ in wanted]
        left = [n for n, there in enumerate(found) if there is None and traces]
        for n, there in (await self._renamed([(wanted[n][0], traces[n]) for n in left], left)).items():
            found[n] = there
        return found

    async def _renamed(self, wanted: Sequence[tuple[Order, Trace]], places: Sequence[int]) -> dict[int, Written]:
        """Return, by their places, the estimates of these that have another number than we gave them."""
        found: dict[int, Written] = {}
        known = sorted({trace.target_id for _, trace in wanted if trace.target_id})
        if known:
            ids = ", ".join(f"'{_quoted(one)}'" for one in known)
            there = {one.id: one for one in await self._listed(f"Id IN ({ids})")}
            for n, (order, trace) in zip(places, wanted, strict=True):
                one = there.get(trace.target_id)
                if one is None:
                    continue
                if one.private_note == note_of(order) or one.doc_number == order.order_no:
                    found[n] = _written(one)
                else:
                    self._nameless[order.order_no] = one.doc_number
        unknown = [(n, order, trace) for n, (order, trace) in zip(places, wanted, strict=True) if not trace.target_id]
        if unknown:
            since = min(trace.since for _, _, trace in unknown) - _CLOCKS
            noted = await self._listed(f"MetaData.LastUpdatedTime >= '{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}'")
            for n, order, _ in unknown:
                ours = next((one for one in noted if one.private_note == note_of(order)), None)
                if ours is not None:
                    found[n] = _written(ours)
        return found

    async def _listed(self, which: str) -> list[_Estimate]:
        """Return all estimates of which a condition holds, the oldest first."""
        found: list[_Estimate] = []
        for page in range(_MOST_PAGES):
            paging = f"ORDERBY Id STARTPOSITION {page * _PAGE + 1} MAXRESULTS {_PAGE}"
            answer = await self._company.query(_ENTITY, f"SELECT * FROM {_ENTITY} WHERE {which} {paging}")  # noqa: S608 - quoted
            found += _estimates(answer)
            if len(answer.records) < _PAGE:
                return sorted(found, key=lambda one: (len(one.id), one.id))
        raise Broken("too many estimates changed in QuickBooks to look through them for an order", code="too_many")

    def is_taken(self, order: Order) -> bool:
        """Whether the last look found another estimate with the order's number, and none of its own."""
        return order.order_no in self._others

    def renamed(self, order: Order) -> str | None:
        """Return which number that has now which the order became, where nothing but its id tells it any more."""
        return self._nameless.get(order.order_no)

    async def create(self, order: Order, request_id: str) -> Written:
        """Write a new estimate; the same again returns the one that is there."""
        return await self._send(order, body_of(order), request_id, "create estimate")

    async def create_many(self, wanted: Sequence[tuple[Order, str]], batch: str) -> list[Written | ConnectorError]:
        """Write new estimates with one call; each has an answer of its own."""
        items = [{"bId": str(n), "operation": "create", _ENTITY: body_of(order)} for n, (order, _) in enumerate(wanted)]
        params = {"minorversion": MINOR_VERSION, "requestid": batch}
        body = _ENCODER.encode({"BatchItemRequest": items})
        call = Call("POST", f"{self._base}/batch", "batch of estimates", params, body, "application/json",
                    bucket="batch", rates=(BATCH_RATE,))  # fmt: skip
        await self._turn()
        answer = await self._session.http.send(call, judge_write)
        try:
            said = msgspec.json.decode(answer.body, type=_Several).batch_item_response
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _unclear(answer) from None
        by_id = {item.id: item for item in said}
        return [_outcome(order, by_id.get(str(n)), answer) for n, (order, _) in enumerate(wanted)]

    async def change(self, order: Order, request_id: str, before: Written) -> Written:
        """Make the estimate what this revision says: the whole of it, so that once more changes nothing.

        Refused where it became an invoice, was closed or is gone.
        """
        for round_ in range(_ROUNDS):
            now = await self._open(before, order, "changed")
            status = {"TxnStatus": "Pending"} if now.txn_status == "Rejected" else {}
            body = {**body_of(order), **status, "Id": now.id, "SyncToken": now.sync_token, "sparse": False}
            try:
                return await self._send(order, body, f"{request_id}-{now.sync_token}", "change estimate")
            except Refused as refused:
                if refused.code != STALE or round_ == _ROUNDS - 1:
                    raise
        raise AssertionError

    async def cancel(self, order: Order, request_id: str, before: Written) -> None:
        """Let the estimate be rejected: it stays to be seen, and becomes no invoice."""
        for round_ in range(_ROUNDS):
            now = await self._open(before, order, "cancelled")
            if now.txn_status == "Rejected":
                return
            body = {"Id": now.id, "SyncToken": now.sync_token, "sparse": True, "TxnStatus": "Rejected"}
            body |= {"CustomerRef": {"value": now.customer_ref.value}}
            try:
                await self._send(order, body, f"{request_id}-{now.sync_token}", "cancel estimate")
            except Refused as refused:
                if refused.code != STALE or round_ == _ROUNDS - 1:
                    raise
            else:
                return

    async def _open(self, before: Written, order: Order, what: str) -> _Estimate:
        """Return the estimate as it is now, if it may still be changed."""
        statement = f"SELECT * FROM {_ENTITY} WHERE Id = '{_quoted(before.target_id)}'"  # noqa: S608 - quoted
        found = _estimates(await self._company.query(_ENTITY, statement))
        if not found:
            words = f"Estimate {before.number} is no longer in QuickBooks: replay the order to create it again."
            raise Refused(words, code="gone")
        now = found[0]
        if not _is_of(now, order):
            words = f"Estimate {before.number} was given another number or note in QuickBooks, so it is left as it is."
            raise Refused(f"{words} Give it back {order.order_no} and the note {note_of(order)}.", code="renamed")
        linked = next((one for one in now.linked_txn if one.txn_type), None)
        if linked is not None:
            words = f"Estimate {before.number} became an invoice in QuickBooks already and cannot be {what}"
            raise Refused(f"{words}: change that invoice there.", code="invoiced")
        if now.txn_status not in _OPEN:
            raise Refused(f"Estimate {before.number} is closed in QuickBooks and cannot be {what}.", code="closed")
        return now

    async def _send(self, order: Order, body: Mapping[str, Any], request_id: str, name: str) -> Written:
        params = {"minorversion": MINOR_VERSION, "requestid": request_id}
        call = Call("POST", f"{self._base}/estimate", name, params, _ENCODER.encode(body), "application/json")
        judged = _Judged(order)
        await self._session.http.send(call, judged.judge)
        assert judged.found is not None
        return _written(judged.found)

    async def _turn(self) -> None:
        """A batch is one of the company's calls, too."""
        http = self._session.http
        wait = max([await http.limiter.reserve(http.key, rate) for rate in RATES], default=0.0)
        if wait > 0:
            await http.clock.sleep(tidy_wait(wait))


def note_of(order: Order) -> str:
    """Return the note by which an estimate is known as an order's."""
    return f"PA {order.order_no}"


def amount_of(line: OrderLine) -> Decimal:
    """Return what a line costs: QuickBooks wants quantity times price, rounded to the cent."""
    return (line.quantity * (line.unit_price or Decimal(0))).quantize(_CENT, ROUND_HALF_UP)


def body_of(order: Order) -> dict[str, Any]:
    """Return an order as QuickBooks takes it."""
    body: dict[str, Any] = {
        "CustomerRef": {"value": order.customer_id},
        "TxnDate": order.order_date.isoformat(),
        "DocNumber": order.order_no,
        "PrivateNote": note_of(order),
        "Line": [_line(place, line) for place, line in enumerate(order.lines, 1)],
    }
    if order.discount:
        detail = {"PercentBased": False}
        body["Line"].append({"Amount": order.discount.quantize(_CENT, ROUND_HALF_UP),
                             "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail})  # fmt: skip
    if order.ship_date is not None:
        body["ShipDate"] = order.ship_date.isoformat()
    if order.ship_to:
        body["ShipAddr"] = _address(order)
    if order.memo:
        body["CustomerMemo"] = {"value": order.memo}
    if order.currency:
        body["CurrencyRef"] = {"value": order.currency}
    if order.sales_rep and order.sales_rep_field:
        field = {"DefinitionId": order.sales_rep_field, "Name": "Sales Rep", "Type": "StringType"}
        body["CustomField"] = [{**field, "StringValue": order.sales_rep}]
    return body


def _line(place: int, line: OrderLine) -> dict[str, Any]:
    detail: dict[str, Any] = {"ItemRef": {"value": line.item_id}, "Qty": line.quantity, "UnitPrice": line.unit_price}
    if line.tax_code:
        detail["TaxCodeRef"] = {"value": line.tax_code}
    described = {"Description": line.note} if line.note else {}
    return {"LineNum": place, "Amount": amount_of(line), **described,
            "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}  # fmt: skip


def _address(order: Order) -> dict[str, str]:
    to = order.ship_to
    lines = {f"Line{n}": line for n, line in enumerate(to.lines[:5], 1)}
    rest = {"City": to.city, "CountrySubDivisionCode": to.state, "PostalCode": to.postal_code, "Country": to.country}
    return {name: value for name, value in {**lines, **rest}.items() if value}


def judge_write(answer: Answer) -> ConnectorError | None:
    """Judge an answer to a write: what is about the order is Refused, anything else as everywhere."""
    found = fault(answer.body)
    code = "" if found is None else _about_the_order(found)
    if not code:
        return judge_json(answer)
    words = _REFUSALS.get(code, f"QuickBooks refused it (code {code}): enter it there by hand to see what it misses.")
    return Refused(words, code=STALE if code == "5010" else "refused", request_id=answer.request_id)


def _about_the_order(found: Fault) -> str:
    """Return the code of a fault that whoever entered the order can cure; empty for another one."""
    if found.type != "validationfault" or found.codes & _OF_THE_CONNECTION:
        return ""
    codes = sorted(found.codes, key=lambda code: (code not in _REFUSALS, code))
    return codes[0] if codes and len(codes[0]) < 5 else ""


def _outcome(order: Order, item: _Item | None, answer: Answer) -> Written | ConnectorError:
    if item is None:
        return _unclear(answer)
    if bytes(item.fault):
        alone = replace(answer, status=400, body=b'{"Fault":%b}' % bytes(item.fault))
        return judge_write(alone) or _unclear(answer)
    return _written(item.estimate) if item.estimate and _is_of(item.estimate, order) else _unclear(answer)


def _unclear(answer: Answer) -> Retry:
    detail = "QuickBooks did not say what became of it"
    return Retry(None, detail, code="unclear", request_id=answer.request_id)


def _estimates(answer: QueryAnswer) -> list[_Estimate]:
    try:
        found = [msgspec.json.decode(record, type=_Estimate) for record in answer.records]
    except msgspec.MsgspecError as error:
        raise Broken("QuickBooks sent an estimate that cannot be read", code="record_unreadable") from error
    return sorted(found, key=lambda one: (len(one.id), one.id))


def _is_of(one: _Estimate, order: Order) -> bool:
    return one.doc_number == order.order_no and one.private_note == note_of(order)


def _written(one: _Estimate) -> Written:
    return Written(one.id, one.doc_number, one.sync_token)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
