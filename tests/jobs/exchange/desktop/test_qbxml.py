"""Sales orders in qbXML: the order of elements, the lengths, the characters, and answers that are none."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from xml.parsers import expat

import pytest

from jobs.exchange.desktop import answers, qbxml
from jobs.exchange.desktop.answers import AnswerError, Found
from jobs.exchange.desktop.qbxml import CannotKeepError
from jobs.exchange.desktop.safe_xml import MOST_ADDRESS, MOST_DEPTH, MOST_ELEMENTS, Element, XmlRefusedError, parse
from storage.facts.exchange_orders import ShipTo
from tests.jobs.exchange.desktop.orders import LINE, ORDER, order

#: as the schema of qbXML has them; what we do not send is in it, too
HEADER = [
    "CustomerRef", "ClassRef", "TemplateRef", "TxnDate", "RefNumber", "BillAddress", "ShipAddress",
    "PONumber", "TermsRef", "DueDate", "SalesRepRef", "FOB", "ShipDate", "ShipMethodRef",
    "ItemSalesTaxRef", "IsManuallyClosed", "Memo", "CustomerMsgRef", "IsToBePrinted", "IsToBeEmailed", "IsTaxIncluded",
    "CustomerSalesTaxCodeRef", "Other", "SalesOrderLineAdd", "SalesOrderLineGroupAdd",
]  # fmt: skip
LINES = [
    "ItemRef", "Desc", "Quantity", "UnitOfMeasure", "Rate", "RatePercent", "PriceLevelRef",
    "ClassRef", "Amount", "InventorySiteRef", "SalesTaxCodeRef", "IsManuallyClosed", "Other1", "Other2",
    "DataExt",
]  # fmt: skip
ADDRESS = [
    "Addr1", "Addr2", "Addr3", "Addr4", "Addr5", "City", "State", "PostalCode", "Country", "Note",
]  # fmt: skip
FULL = replace(
    ORDER,
    ship_to=ShipTo(("a", "b", "c", "d", "e"), "Bayshore", "CA", "94326", "US"),
    lines=(replace(LINE, uom="each"),),
)


def body(document: str) -> Element:
    """Return the one request in a message."""
    inside = parse(document).child("QBXMLMsgsRq")
    assert inside is not None
    assert inside.attributes == {"onError": "stopOnError"}
    return inside.children[0]


def added(document: str) -> Element:
    found = body(document).child("SalesOrderAdd")
    assert found is not None
    return found


def sorted_as(names: list[str], wanted: list[str]) -> bool:
    places = [wanted.index(name) for name in names]
    return places == sorted(places)


def test_the_elements_come_in_the_order_of_the_schema() -> None:
    found = added(qbxml.message("16.0", qbxml.add("7", FULL)))
    names = [one.name for one in found.children]
    assert sorted_as(names, HEADER)
    line, address = found.child("SalesOrderLineAdd"), found.child("ShipAddress")
    assert line is not None
    assert address is not None
    assert sorted_as([one.name for one in line.children], LINES)
    assert [one.name for one in address.children] == ADDRESS[:9]
    assert set(names) >= {"CustomerRef", "TxnDate", "RefNumber", "PONumber", "TermsRef", "SalesRepRef", "Memo", "Other"}
    assert body(qbxml.message("16.0", qbxml.add("7", FULL))).attributes == {"requestID": "7"}


def test_a_change_names_what_it_changes_first_and_brings_all_lines_anew() -> None:
    before = Found("1A2B-17", "1795165502", "100231", "100231", 1)
    found = body(qbxml.message("16.0", qbxml.change("7", FULL, before))).children[0]
    names = [one.name for one in found.children]
    assert names[:3] == ["TxnID", "EditSequence", "CustomerRef"]
    assert sorted_as(names[2:-1], HEADER)
    assert [one.said("TxnLineID") for one in found.children if one.name == "SalesOrderLineMod"] == ["-1"]
    closed = body(qbxml.message("16.0", qbxml.close("7", FULL, before))).children[0]
    assert [one.name for one in closed.children] == ["TxnID", "EditSequence", "IsManuallyClosed", "Other"]


def test_a_look_asks_by_id_where_there_is_one_else_by_number() -> None:
    assert [one.name for one in body(qbxml.message("16.0", qbxml.query("1", ORDER))).children] == [
        "RefNumber",
        "IncludeLineItems",
    ]
    assert body(qbxml.message("16.0", qbxml.query("1", ORDER, "1A-2"))).said("TxnID") == "1A-2"


TOO_LONG: list[tuple[dict[str, Any], str]] = [
    ({"order_no": "1" * 12}, "the order number has 12 characters; QuickBooks Desktop keeps 11"),
    ({"po_no": "P" * 26}, "the PO number has 26 characters; QuickBooks Desktop keeps 25"),
    ({"ship_to": ShipTo(("x" * 42,))}, "line 1 of the address has 42 characters; QuickBooks Desktop keeps 41"),
    ({"ship_to": ShipTo(tuple("abcdef"))}, "the address has 6 lines; QuickBooks Desktop keeps 5"),
    ({"ship_to": ShipTo(city="x" * 32)}, "the city has 32 characters"),
    ({"ship_to": ShipTo(state="x" * 22)}, "the state has 22"),
    ({"ship_to": ShipTo(postal_code="x" * 14)}, "the postal code has 14"),
    ({"memo": "x" * 4095}, "the memo has"),
    ({"customer_no": "x" * 210}, "the customer has 210"),
    ({"customer_no": " "}, "the order names no customer"),
    ({"customer_no": "Zażółć \N{SNOWMAN}"}, "the customer has a character"),
    ({"lines": ()}, "no lines"),
    ({"discount": Decimal(5)}, "no discount for a whole sales order"),
    ({"lines": (replace(LINE, item_no=""),)}, "line 1 names no item"),
    ({"lines": (replace(LINE, uom="x" * 32),)}, "the unit of a line has 32"),
    ({"lines": (replace(LINE, note="x" * 4096),)}, "the note of a line has 4096"),
    ({"lines": (replace(LINE, quantity=Decimal("1.000001")),)}, "the quantity of a line is 1.000001"),
    ({"lines": (replace(LINE, unit_price=Decimal("NaN")),)}, "the price of a line is NaN"),
    ({"lines": (replace(LINE, unit_price=Decimal("1E+30")),)}, "the price of a line is 1E+30"),
]


@pytest.mark.parametrize("changed, words", TOO_LONG)
def test_what_does_not_fit_is_refused_with_its_field_and_never_cut(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(CannotKeepError, match=re.escape(words)):
        qbxml.check(replace(ORDER, **changed))


def test_what_just_fits_is_sent_whole() -> None:
    fits = replace(FULL, order_no="1" * 11, po_no="P" * 25, ship_to=ShipTo(("x" * 41,)), revision=10**6)
    found = added(qbxml.message("16.0", qbxml.add("1", fits)))
    assert (found.said("RefNumber"), found.said("PONumber")) == ("1" * 11, "P" * 25)
    assert len(found.said("Other")) <= 29
    numbers = replace(LINE, quantity=Decimal("1E+3"), unit_price=Decimal("0.12345"))
    line = added(qbxml.message("16.0", qbxml.add("1", replace(FULL, lines=(numbers,))))).child("SalesOrderLineAdd")
    assert line is not None
    assert (line.said("Quantity"), line.said("Rate")) == ("1000", "0.12345")


def test_an_entry_of_a_list_is_named_by_its_id_in_quickbooks_desktop_else_by_name() -> None:
    known = replace(ORDER, customer_id="80000001-1795000000", lines=(replace(LINE, item_id="17"),))
    document = qbxml.message("16.0", qbxml.add("1", known))
    assert "<CustomerRef><ListID>80000001-1795000000</ListID></CustomerRef>" in document
    # An id of QuickBooks Online says nothing to QuickBooks Desktop.
    assert "<ItemRef><FullName>OIL-100</FullName></ItemRef>" in document


def test_text_stays_text_in_characters_that_everybody_reads_alike() -> None:
    nasty = "<Memo>&\"' \N{EURO SIGN}Zażółć \N{LINE SEPARATOR}\x00\x1b ]]> \U0001f600"
    document = qbxml.message("16.0", qbxml.add("1", replace(ORDER, memo=nasty)))
    assert document.isascii()
    assert "&#8364;" in document
    assert added(document).said("Memo") == "PA 100231 r1 <Memo>&\"' \N{EURO SIGN}Zazó?c ]]> ?"


def test_it_speaks_the_version_that_quickbooks_speaks() -> None:
    assert [qbxml.version(*one) for one in (("13", "0"), ("16", "0"), ("99", "9"), ("1", "1"), ("", "x"))] == [
        "13.0", "16.0", "16.0", "8.0", "16.0",
    ]  # fmt: skip


RET = ("<SalesOrderRet><TxnID>1A-2</TxnID><EditSequence>17</EditSequence><RefNumber>100231</RefNumber>{}"
       "</SalesOrderRet>")  # fmt: skip


def answered(inside: str = "", code: object = 0, message: str = "Status OK", kind: str = "SalesOrderAddRs") -> str:
    said = message.replace('"', "&quot;")
    return (
        f'<?xml version="1.0" ?><QBXML><QBXMLMsgsRs><{kind} requestID="7" statusCode="{code}" statusSeverity="Info" '
        f'statusMessage="{said}">{inside}</{kind}></QBXMLMsgsRs></QBXML>'
    )


def test_an_answer_says_what_stands_in_quickbooks() -> None:
    read = answers.read(answered(RET.format("<Memo>PA 100231 r1 PA 7 r9</Memo>")))
    assert (read.message_id, read.code, read.orders) == ("7", 0, (Found("1A-2", "17", "100231", "100231", 1),))
    marked = answers.read(answered(RET.format("<Memo>x</Memo><Other>PA A r5 r12</Other>"))).orders[0]
    assert (marked.order_no, marked.revision) == ("A r5", 12)
    theirs = answers.read(answered(RET.format("<Memo>my PA 1 r1</Memo>"))).orders[0]
    assert (theirs.order_no, theirs.revision) == ("", -1)
    invoiced = "<SalesOrderLineRet><Invoiced>{}</Invoiced></SalesOrderLineRet>"
    states = [answers.read(answered(RET.format(invoiced.format(n)))).orders[0].invoiced for n in ("0", "0.00", "1")]
    assert states == [False, False, True]


@pytest.mark.parametrize("code", [3100, 3120, 3140, 3170, 3175, 3180, 3200, 9999])
def test_every_code_has_plain_words(code: int) -> None:
    read = answers.read(answered(code=code, message="QuickBooks error message: Invalid argument. C:\\secret"))
    assert read.reason
    assert "secret" not in read.reason
    assert "invalid" not in read.reason.casefold()


def test_a_bad_reference_is_named() -> None:
    message = 'There is an invalid reference to QuickBooks Item "NO-SUCH" in the SalesOrder line. QuickBooks error'
    assert answers.read(answered(code=3140, message=message)).reason == "QuickBooks has no item called NO-SUCH"


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{}]><QBXML>&i;</QBXML>'.format(
    "".join(f'<!ENTITY {one} "{f"&{before};" * 10}">' for before, one in zip("abcdefgh", "bcdefghi", strict=True))
)


def _stretched(address: int, names: int) -> str:
    """Return a document of a few bytes for each name, each of which is told with the whole address of its namespace."""
    return f'<a xmlns:x="{"u" * address}">{"<x:b/>" * names}</a>'


HOSTILE = {
    "billion laughs": BOMB,
    "quadratic": '<!DOCTYPE a [<!ENTITY a "{}">]><QBXML>{}</QBXML>'.format("a" * 10_000, "&a;" * 10_000),
    "external entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><QBXML>&x;</QBXML>',
    "external document type": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><QBXML/>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/"> %x;]><QBXML/>',
    "empty document type": "<!DOCTYPE QBXML><QBXML/>",
    "unknown entity": "<QBXML>&nbsp;</QBXML>",
    "deep": "<a>" * (MOST_DEPTH + 1) + "</a>" * (MOST_DEPTH + 1),
    "wide": "<a>" + "<b/>" * MOST_ELEMENTS + "</a>",
    "many attributes": "<a " + " ".join(f'a{n}="1"' for n in range(100)) + "/>",
    "long namespace": _stretched(MOST_ADDRESS + 1, 1),
    "large": "<a>" + "x" * 1_000_001 + "</a>",
    "cut": "<QBXML><QBXMLMsgsRs>",
    "two roots": "<a/><b/>",
    "nothing": "",
    "junk": "\x00\x01\x02",
    "surrogate": "<a>\ud800</a>",
    "null character": "<a>&#0;</a>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused(name: str) -> None:
    with pytest.raises(XmlRefusedError):
        parse(HOSTILE[name])
    with pytest.raises(AnswerError):
        answers.read(HOSTILE[name])
    assert answers.company_of(HOSTILE[name]) == ""


@pytest.mark.parametrize("loses", [False, True])
def test_a_short_document_becomes_no_long_one(*, loses: bool) -> None:
    """The address of a namespace is told with each name: a million bytes could be sixteen billion."""
    most = 1_000_000 if loses else MOST_ADDRESS
    try:
        told = sum(len(one.namespace) for one in parse(_stretched(20_000, 500), most_address=most).children)
    except XmlRefusedError:
        told = 0
    assert told == (10_000_000 if loses else 0)


def test_a_document_in_another_encoding_is_refused() -> None:
    for raw in ("<a>\xe9</a>".encode("latin-1"), "<a/>".encode("utf-16"), b'<?xml version="1.0"?><a>\xff</a>'):
        with pytest.raises(XmlRefusedError):
            parse(raw)


def _as_it_comes(document: str) -> str:
    """A twin: the parser as the library gives it."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = seen.append
    parser.Parse(document, True)
    return "".join(seen)


def test_the_parser_as_it_comes_would_read_entities() -> None:
    small = '<!DOCTYPE a [<!ENTITY a "bomb">]><QBXML>&a;&a;</QBXML>'
    assert _as_it_comes(small) == "bombbomb"
    with pytest.raises(XmlRefusedError):
        parse(small)


NO_ANSWERS: list[Callable[[], str]] = [
    lambda: "<QBXML><QBXMLMsgsRs/></QBXML>",
    lambda: "<QBXML/>",
    lambda: "<other/>",
    lambda: answered(kind="CustomerAddRs"),
    lambda: answered(code="x"),
    lambda: answered(code=""),
    lambda: answered("<SalesOrderRet/>"),
    lambda: answered(RET.format("").replace("1A-2", "x" * 65)),
]


@pytest.mark.parametrize("document", NO_ANSWERS)
def test_what_is_no_answer_is_refused_in_plain_words(document: Callable[[], str]) -> None:
    with pytest.raises(AnswerError, match="answer"):
        answers.read(document())


def test_calls_that_failed_have_plain_words() -> None:
    assert answers.called_with("0x80040400") == "QuickBooks could not read what it was sent"
    assert answers.called_with("0X80040408") == "QuickBooks could not start"
    assert "could not work" in answers.called_with("<script>" * 1000)


def test_the_order_of_another_day_is_another_order() -> None:
    assert qbxml.marker(order(7, revision=3, order_date=date(2026, 1, 1))) == "PA 7 r3"
