"""What QuickBooks Desktop answers, read with suspicion, and what its codes mean in plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.exchange.desktop.safe_xml import Element, XmlRefusedError, parse

DONE = 0
#: nothing was found, or not all of it
NONE_FOUND = frozenset({1, 500})
STALE = 3200
#: somebody or something holds it for a moment
LATER = frozenset({3175, 3176, 3180})

_MARKER = re.compile(r"PA (?P<order_no>.{1,40}?) r(?P<revision>[0-9]{1,9})(?= |$)")
_NAMED = re.compile(r'reference to QuickBooks (?P<what>[A-Za-z ]{1,40}) "(?P<name>[^"]{1,209})"')
_KINDS = frozenset({"SalesOrderQueryRs", "SalesOrderAddRs", "SalesOrderModRs"})
_LONGEST = 300
_MEANS: Mapping[int, str] = {
    3100: "the name is used by another entry of a list in QuickBooks",
    3120: "it is not in QuickBooks any more, or something that it names is not",
    3140: "it names something that QuickBooks does not have",
    3170: "QuickBooks does not let it be changed",
    3175: "somebody has it open in QuickBooks",
    3176: "somebody has something that it needs open in QuickBooks",
    3180: "QuickBooks could not save it",
    3200: "it was changed in QuickBooks meanwhile",
    3250: "this QuickBooks Desktop has no sales orders: they come with Premier and Enterprise, and are turned on there",
    3260: "the user of QuickBooks that the Web Connector works as may not do that",
}
_CALLS: Mapping[str, str] = {
    "0x80040400": "QuickBooks could not read what it was sent",
    "0x80040401": "the Web Connector cannot reach QuickBooks",
    "0x80040402": "QuickBooks met an unexpected error",
    "0x80040403": "QuickBooks could not open the company file",
    "0x80040408": "QuickBooks could not start",
    "0x8004040A": "another company file is open in QuickBooks",
    "0x80040410": "the company file is open in single-user mode",
    "0x80040414": "a window of QuickBooks waits for an answer",
    "0x80040418": "this program is not allowed in QuickBooks yet",
    "0x8004041A": "this program is not allowed in QuickBooks yet",
    "0x80040420": "QuickBooks did not let this program in",
}
#: what it sent could not be read: sending it again does not help
UNREADABLE = "0x80040400"


class AnswerError(Exception):
    """The answer is none that we understand; the text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sales order as it stands in QuickBooks."""

    txn_id: str
    edit_sequence: str
    number: str
    #: what we wrote on it: its order number with PocketAdvantage, and which revision; empty and -1 for anybody else's
    order_no: str = ""
    revision: int = -1
    closed: bool = False
    #: wholly or in part
    invoiced: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one message."""

    message_id: str
    code: int
    #: QuickBooks' own words: never shown as they are
    said: str
    orders: tuple[Found, ...]

    @property
    def reason(self) -> str:
        """What it means, in words for whoever entered the order."""
        named = _NAMED.search(self.said) if self.code == 3140 else None
        if named is not None:
            what = " ".join(named["what"].split()).casefold()
            return f"QuickBooks has no {what} called {named['name']}"
        return _MEANS.get(self.code, f"QuickBooks refused it with code {self.code}")


def read(document: str) -> Answer:
    """Return the one answer in it; AnswerError for anything else."""
    try:
        root = parse(document)
    except XmlRefusedError as error:
        raise AnswerError(f"QuickBooks' answer cannot be read: {error}") from None
    inside = root.child("QBXMLMsgsRs") if root.name == "QBXML" else None
    answers = [one for one in inside.children if one.name in _KINDS] if inside is not None else []
    if len(answers) != 1:
        raise AnswerError("QuickBooks' answer is not about a sales order")
    one = answers[0].attributes
    code = one.get("statusCode", "")
    if not re.fullmatch(r"-?[0-9]{1,6}", code, re.ASCII):
        raise AnswerError("QuickBooks' answer has no status")
    orders = tuple(_found(order) for order in answers[0].children if order.name == "SalesOrderRet")
    return Answer(one.get("requestID", ""), int(code), one.get("statusMessage", "")[:_LONGEST], orders)


def called_with(hresult: str) -> str:
    """Return what an error of the Web Connector's own call means."""
    code = hresult.strip()[:12]
    return _CALLS.get(f"0x{code[2:].upper()}", "the Web Connector could not work with QuickBooks")


def company_of(host_answer: str) -> str:
    """Return the company's name in what QuickBooks says of itself at the begin of a session; empty: it does not say."""
    if not host_answer.strip():
        return ""
    try:
        return _first(parse(host_answer), "CompanyName")[:_LONGEST]
    except XmlRefusedError:
        return ""


def _first(element: Element, name: str) -> str:
    if element.name == name:
        return element.text.strip()
    return next((said for one in element.children if (said := _first(one, name))), "")


def _found(order: Element) -> Found:
    txn_id, edit_sequence = order.said("TxnID"), order.said("EditSequence")
    if not txn_id or len(txn_id) > 64 or len(edit_sequence) > 64:
        raise AnswerError("QuickBooks' answer has a sales order without an id")
    marked = _MARKER.fullmatch(order.said("Other")) or _MARKER.match(order.said("Memo"))
    lines = [one for one in order.children if one.name in {"SalesOrderLineRet", "SalesOrderLineGroupRet"}]
    invoiced = order.said("IsFullyInvoiced") == "true" or any(_is_more(one.said("Invoiced")) for one in lines)
    return Found(
        txn_id,
        edit_sequence,
        order.said("RefNumber")[:32],
        marked["order_no"] if marked else "",
        int(marked["revision"]) if marked else -1,
        closed=order.said("IsManuallyClosed") == "true",
        invoiced=invoiced,
    )


def _is_more(number: str) -> bool:
    """Whether a quantity is there and is not nought."""
    return bool(number.strip("0. "))
