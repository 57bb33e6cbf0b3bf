"""Estimates as QuickBooks takes them: references that are there, amounts that add up, numbers of a length."""

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.values import Record, amount, cents, ref, referred

if TYPE_CHECKING:
    from sandbox.providers.quickbooks.books import Books

_LONGEST_NUMBER, _LONGEST_FIELD = 21, 31
_SALE = "SalesItemLineDetail"


def completed(books: "Books", record: Record) -> Record:
    """Return the estimate as it is kept; raises Refusal for one that QuickBooks does not take."""
    if len(str(record.get("DocNumber", ""))) > _LONGEST_NUMBER:
        raise _too_long("DocNumber")
    for field in record.get("CustomField", ()):
        if len(str(field.get("StringValue", ""))) > _LONGEST_FIELD:
            raise _too_long("CustomField")
    customer = _referred(books, "Customer", record, "CustomerRef")
    lines = [line for line in record.get("Line", ()) if line.get("DetailType") != "SubTotalLineDetail"]
    if not lines:
        raise Refusal.required("Line")
    total = 0
    kept: list[Record] = []
    for place, line in enumerate(lines, 1):
        worth = cents(line.get("Amount"))
        total += -worth if line.get("DetailType") == "DiscountLineDetail" else worth
        if line.get("DetailType") == _SALE:
            _check(books, line)
        kept.append({**line, "Id": str(place)})
    kept.append({"Amount": amount(total), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
    return {
        "TxnStatus": "Pending",
        "LinkedTxn": [],
        **record,
        "CustomerRef": ref(customer["Id"], customer["DisplayName"]),
        "CurrencyRef": record.get("CurrencyRef", customer.get("CurrencyRef", ref("USD"))),
        "Line": kept,
        "TotalAmt": amount(total),
    }


def _check(books: "Books", line: Record) -> None:
    detail: dict[str, Any] = line.get(_SALE, {})
    _referred(books, "Item", detail, "ItemRef")
    tax = referred(detail, "TaxCodeRef")
    if tax and tax not in ("TAX", "NON") and tax not in books.tables["TaxCode"]:
        raise _unknown("TaxCodeRef")
    if detail.get("UnitPrice") is not None and detail.get("Qty") is not None:
        worth = (Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
        if worth != Decimal(line.get("Amount") or 0):
            detail_text = f"Amount is not equal to UnitPrice * Qty. Supplied value:{line.get('Amount')}"
            raise Refusal("6070", "Business Validation Error", detail_text)


def _referred(books: "Books", entity: str, record: Record, field: str) -> Record:
    found = books.tables[entity].get(referred(record, field))
    if found is None or found.get("Active") is False:
        raise _unknown(field)
    return found


def _unknown(field: str) -> Refusal:
    detail = f"Invalid Reference Id : {field} element id is not valid or was made inactive"
    return Refusal("2500", "Invalid Reference Id", detail, element=field)


def _too_long(field: str) -> Refusal:
    detail = f"String length specified does not match the supported length: {field}"
    return Refusal("2050", "String length is either shorter or longer than supported by specification", detail)
