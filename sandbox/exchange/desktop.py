"""A stand-in for QuickBooks Desktop: strict about qbXML as the real one, and with sales orders whose numbers repeat."""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

_TEXT, _REF, _DAY, _BOOL, _NUMBER, _ADDRESS, _LINE = "text", "ref", "day", "bool", "number", "address", "line"

#: element, what it is, and how long it may be: in the order of the schema
_ADDRESS_PARTS = (
    *((f"Addr{number}", _TEXT, 41) for number in range(1, 6)),
    ("City", _TEXT, 31), ("State", _TEXT, 21), ("PostalCode", _TEXT, 13), ("Country", _TEXT, 31), ("Note", _TEXT, 41),
)  # fmt: skip
_HEADER = (
    ("CustomerRef", _REF, 0), ("ClassRef", _REF, 0), ("TemplateRef", _REF, 0), ("TxnDate", _DAY, 0),
    ("RefNumber", _TEXT, 11), ("BillAddress", _ADDRESS, 0), ("ShipAddress", _ADDRESS, 0), ("PONumber", _TEXT, 25),
    ("TermsRef", _REF, 0), ("DueDate", _DAY, 0), ("SalesRepRef", _REF, 0), ("FOB", _TEXT, 13), ("ShipDate", _DAY, 0),
    ("ShipMethodRef", _REF, 0), ("ItemSalesTaxRef", _REF, 0), ("IsManuallyClosed", _BOOL, 0), ("Memo", _TEXT, 4095),
    ("CustomerMsgRef", _REF, 0), ("IsToBePrinted", _BOOL, 0), ("IsToBeEmailed", _BOOL, 0), ("IsTaxIncluded", _BOOL, 0),
    ("CustomerSalesTaxCodeRef", _REF, 0), ("Other", _TEXT, 29),
)  # fmt: skip
_LINE_PARTS = (
    ("ItemRef", _REF, 0), ("Desc", _TEXT, 4095), ("Quantity", _NUMBER, 0), ("UnitOfMeasure", _TEXT, 31),
    ("Rate", _NUMBER, 0), ("RatePercent", _NUMBER, 0), ("PriceLevelRef", _REF, 0), ("ClassRef", _REF, 0),
    ("Amount", _NUMBER, 0), ("InventorySiteRef", _REF, 0), ("SalesTaxCodeRef", _REF, 0),
    ("IsManuallyClosed", _BOOL, 0), ("Other1", _TEXT, 29), ("Other2", _TEXT, 29),
)  # fmt: skip
ADD = (*_HEADER, ("SalesOrderLineAdd", _LINE, 0))
MOD = (("TxnID", _TEXT, 36), ("EditSequence", _TEXT, 16), *_HEADER, ("SalesOrderLineMod", _LINE, 0))
_ADD_LINE = _LINE_PARTS
_MOD_LINE = (("TxnLineID", _TEXT, 36), *_LINE_PARTS)
_LISTS = {
    "CustomerRef": "Customer", "ItemRef": "Item", "TermsRef": "Terms", "SalesRepRef": "SalesRep",
    "SalesTaxCodeRef": "SalesTaxCode",
}  # fmt: skip

Schema = tuple[tuple[str, str, int], ...]


class UnreadableError(Exception):
    """QuickBooks found an error when parsing the provided XML text stream."""


class RefusedError(Exception):
    """The request ends with a status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class SalesOrder:
    """A sales order as the company file has it."""

    txn_id: str
    edit: int
    said: dict[str, str]
    lines: list[dict[str, str]]
    fully_invoiced: bool = False

    def __getitem__(self, name: str) -> str:
        return self.said.get(name, "")


@dataclass
class Desktop:
    """A company file that is open."""

    company_file: str = r"C:\Books\Temerity.qbw"
    company: str = "Temerity Goods"
    version: tuple[int, int] = (16, 0)
    lists: dict[str, set[str]] = field(default_factory=dict)
    orders: list[SalesOrder] = field(default_factory=list)
    #: statuses that the next writes end with, whatever they say
    moods: list[int] = field(default_factory=list)
    #: every request that was processed
    processed: list[str] = field(default_factory=list)
    _count: int = 0

    def numbered(self, number: str) -> list[SalesOrder]:
        """Return the sales orders of that number."""
        return [order for order in self.orders if order["RefNumber"].casefold() == number.casefold()]

    @property
    def host_answer(self) -> str:
        """What it says of itself at the begin of a visit."""
        return (
            '<?xml version="1.0" ?><QBXML><QBXMLMsgsRs><HostQueryRs requestID="0" statusCode="0">'
            "<HostRet><ProductName>QuickBooks Enterprise Solutions 26.0</ProductName></HostRet></HostQueryRs>"
            '<CompanyQueryRs requestID="1" statusCode="0"><CompanyRet>'
            f"<CompanyName>{escape(self.company)}</CompanyName></CompanyRet></CompanyQueryRs></QBXMLMsgsRs></QBXML>"
        )

    def process(self, document: str) -> str:
        """Do what a document asks, as the request processor does; UnreadableError: nothing was done."""
        request = self._request(document)
        self.processed.append(request.tag)
        kind, named = request.tag.removesuffix("Rq"), request.get("requestID", "")
        work = {"SalesOrderQuery": self._query, "SalesOrderAdd": self._add, "SalesOrderMod": self._mod}.get(kind)
        if work is None:
            raise UnreadableError(f"unknown request {request.tag}")
        inside = request if kind == "SalesOrderQuery" else _only(request, kind)
        if kind != "SalesOrderQuery":
            _check(inside, ADD if kind == "SalesOrderAdd" else MOD, _ADD_LINE if kind == "SalesOrderAdd" else _MOD_LINE)
        try:
            found, code, message = work(inside)
        except RefusedError as error:
            found, code, message = "", error.code, error.message
        severity = "Error" if code >= 3000 else "Info"
        return (
            f'<?xml version="1.0" ?>\n<QBXML>\n<QBXMLMsgsRs>\n<{kind}Rs requestID={quoteattr(named)} '
            f'statusCode="{code}" statusSeverity="{severity}" statusMessage={quoteattr(message)}>{found}</{kind}Rs>\n'
            "</QBXMLMsgsRs>\n</QBXML>"
        )

    def type_in(self, number: str, memo: str = "") -> SalesOrder:
        """Let a person enter a sales order by hand."""
        order = SalesOrder(self._next_id(), 1, {"RefNumber": number, "Memo": memo}, [{"ItemRef": "OIL-100"}])
        self.orders.append(order)
        return order

    def _request(self, document: str) -> ET.Element:
        if not document.isascii():
            raise UnreadableError("characters that it does not know")
        try:
            root = ET.fromstring(document)  # noqa: S314 - what our own product sends
        except ET.ParseError as error:
            raise UnreadableError(str(error)) from None
        spoken = document.partition('<?qbxml version="')[2].partition('"')[0]
        major, _, minor = spoken.partition(".")
        if not (major.isdigit() and minor.isdigit() and (int(major), int(minor)) <= self.version):
            raise UnreadableError(f"qbXML version {spoken!r}")
        messages = root.find("QBXMLMsgsRq")
        if root.tag != "QBXML" or messages is None or messages.get("onError") not in {"stopOnError", "continueOnError"}:
            raise UnreadableError("no message set")
        if len(messages) != 1 or not messages[0].get("requestID"):
            raise UnreadableError("one request with an id")
        return messages[0]

    def _query(self, asked: ET.Element) -> tuple[str, int, str]:
        names = [one.tag for one in asked]
        if names not in (["RefNumber", "IncludeLineItems"], ["TxnID", "IncludeLineItems"]):
            raise UnreadableError(f"SalesOrderQueryRq: {names}")
        wanted = asked[0].text or ""
        if names[0] == "TxnID":
            found = [order for order in self.orders if order.txn_id == wanted]
        else:
            found = self.numbered(wanted)
        if not found:
            code = 500 if names[0] == "TxnID" else 1
            return "", code, "A query request did not find a matching object in QuickBooks."
        return "".join(_shown(order) for order in found), 0, "Status OK"

    def _add(self, asked: ET.Element) -> tuple[str, int, str]:
        said, lines = self._read(asked)
        if "CustomerRef" not in said or not lines:
            raise RefusedError(3030, "There was a missing element: CustomerRef or line")
        order = SalesOrder(self._next_id(), 1, said, lines)
        self.orders.append(order)
        return _shown(order), 0, "Status OK"

    def _mod(self, asked: ET.Element) -> tuple[str, int, str]:
        said, lines = self._read(asked)
        order = next((one for one in self.orders if one.txn_id == said["TxnID"]), None)
        if order is None:
            raise RefusedError(3120, f'Object "{said["TxnID"]}" specified in the request cannot be found.')
        if str(order.edit) != said["EditSequence"]:
            raise RefusedError(3200, "The provided edit sequence is out-of-date.")
        order.said |= {name: text for name, text in said.items() if name not in {"TxnID", "EditSequence"}}
        if lines:
            kept = {line.get("TxnLineID") for line in order.lines}
            if any(line.get("TxnLineID") not in {"-1", *kept} for line in lines):
                raise RefusedError(3120, "Object line specified in the request cannot be found.")
            order.lines = lines
        order.edit += 1
        return _shown(order), 0, "Status OK"

    def _read(self, asked: ET.Element) -> tuple[dict[str, str], list[dict[str, str]]]:
        if self.moods and (code := self.moods.pop(0)):
            raise RefusedError(code, "QuickBooks error message: the object is in use.")
        said: dict[str, str] = {}
        lines: list[dict[str, str]] = []
        for one in asked:
            if one.tag.startswith("SalesOrderLine"):
                lines.append({part.tag: self._value(part) for part in one})
            elif one.tag.endswith("Address"):
                said |= {f"{one.tag}.{part.tag}": part.text or "" for part in one}
            else:
                said[one.tag] = self._value(one)
        return said, lines

    def _value(self, one: ET.Element) -> str:
        if not one.tag.endswith("Ref"):
            return one.text or ""
        name = one[0].text or ""
        known = self.lists.get(_LISTS.get(one.tag, one.tag))
        if known is not None and name not in known:
            what = _LISTS.get(one.tag, one.tag)
            raise RefusedError(
                3140,
                f'There is an invalid reference to QuickBooks {what} "{name}" in the SalesOrder. '
                "QuickBooks error message: Invalid argument. The specified record does not exist in the list.",
            )
        return name

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._count:X}A2B-1795165502"


def _only(request: ET.Element, name: str) -> ET.Element:
    if [one.tag for one in request] != [name]:
        raise UnreadableError(f"{request.tag}: {[one.tag for one in request]}")
    return request[0]


def _check(element: ET.Element, schema: Schema, line: Schema) -> None:
    """Pass for what the schema knows, in its order; UnreadableError, as the request processor has no other word."""
    places = {name: at for at, (name, _, _) in enumerate(schema)}
    last = -1
    for one in element:
        at = places.get(one.tag, -1)
        kind, most = schema[at][1:] if at >= 0 else ("", 0)
        if at < last or at < 0 or (at == last and kind != _LINE):
            raise UnreadableError(f"{element.tag}: {one.tag} is not expected here")
        last = at
        _check_one(one, kind, most, line)


def _check_one(one: ET.Element, kind: str, most: int, line: Schema) -> None:
    if kind == _LINE:
        _check(one, line, ())
    elif kind == _ADDRESS:
        _check(one, _ADDRESS_PARTS, ())
    elif kind == _REF:
        if [part.tag for part in one] not in (["ListID"], ["FullName"]) or not 0 < len(one[0].text or "") <= 209:
            raise UnreadableError(f"{one.tag}: one ListID or FullName")
    elif kind == _TEXT and (len(one) or len(one.text or "") > most):
        raise UnreadableError(f"{one.tag}: at most {most} characters")
    elif kind == _BOOL and one.text not in {"true", "false"}:
        raise UnreadableError(f"{one.tag}: true or false")
    elif kind == _DAY and not (one.text or "").replace("-", "").isdigit():
        raise UnreadableError(f"{one.tag}: a day")
    elif kind == _NUMBER:
        _check_number(one)


def _check_number(one: ET.Element) -> None:
    try:
        value = Decimal(one.text or "")
    except InvalidOperation:
        raise UnreadableError(f"{one.tag}: a number") from None
    if "E" in (one.text or "").upper() or value != round(value, 5):
        raise UnreadableError(f"{one.tag}: five digits after the point")


def _shown(order: SalesOrder) -> str:
    plain = ("RefNumber", "PONumber", "Memo", "Other")
    said = "".join(f"<{name}>{escape(order[name])}</{name}>" for name in plain if order[name])
    lines = "".join(
        f"<SalesOrderLineRet><TxnLineID>{order.txn_id}-{at}</TxnLineID><Quantity>{line.get('Quantity', '')}</Quantity>"
        f"<Invoiced>{line.get('Invoiced', '0')}</Invoiced></SalesOrderLineRet>"
        for at, line in enumerate(order.lines)
    )
    closed = order["IsManuallyClosed"] or "false"
    full = "true" if order.fully_invoiced else "false"
    return (
        f"<SalesOrderRet><TxnID>{order.txn_id}</TxnID><TimeCreated>2026-11-20T09:15:02-08:00</TimeCreated>"
        f"<EditSequence>{order.edit}</EditSequence><CustomerRef><FullName>{escape(order['CustomerRef'])}</FullName>"
        f"</CustomerRef>{said}<IsManuallyClosed>{closed}</IsManuallyClosed><IsFullyInvoiced>{full}</IsFullyInvoiced>"
        f"{lines}</SalesOrderRet>"
    )
