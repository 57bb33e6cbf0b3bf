"""A Singer tap for QuickBooks' invoices, run inside an environment of its own; imports nothing of ours.

python singer_tap.py --config FILE --catalog ... as every tap: FILE holds `url`, `realm`, `access_token`, `count`, and
`since` for a read of changes. Written with the Singer SDK as its template for REST says: one stream, its key, a
paginator, a schema. Fields that nest one level become columns in the target; lists stay one column of JSON there. With
`lines` in the configuration lines are a stream of their own, and so a table; the SDK's child streams would tell their
schema again for each invoice, so the pages are read a second time instead, which is cheaper.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

PAGE = 1000

TEXT: dict[str, Any] = {"type": ["null", "string"]}
NUMBER: dict[str, Any] = {"type": ["null", "number"]}
FLAG: dict[str, Any] = {"type": ["null", "boolean"]}
DAY: dict[str, Any] = {"type": ["null", "string"], "format": "date"}
TIME: dict[str, Any] = {"type": ["null", "string"], "format": "date-time"}
ANY: dict[str, Any] = {}
LIST: dict[str, Any] = {"type": ["null", "array"], "items": {}}


def group(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["null", "object"], "properties": fields}


REFERENCE = group(value=TEXT, name=TEXT)
ADDRESS = group(
    Id=TEXT, Line1=TEXT, Line2=TEXT, Line3=TEXT, City=TEXT, Country=TEXT, CountrySubDivisionCode=TEXT, PostalCode=TEXT
)
INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "Id": {"type": "string"},
        "MetaData": group(CreateTime=TIME, LastUpdatedTime=TIME),
        "TxnTaxDetail": group(TotalTax=NUMBER),
        "CustomerMemo": group(value=TEXT),
        "BillEmail": group(Address=TEXT),
        **dict.fromkeys(("SyncToken", "DocNumber", "domain", "TrackingNum"), TEXT),
        **dict.fromkeys(("PrintStatus", "EmailStatus", "PrivateNote"), TEXT),
        **dict.fromkeys(("TxnDate", "DueDate", "ShipDate"), DAY),
        **dict.fromkeys(("TotalAmt", "Balance"), NUMBER),
        **dict.fromkeys(
            ("AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment",
             "sparse", "FreeFormAddress", "ApplyTaxAfterDiscount"),
            FLAG,
        ),
        **dict.fromkeys(("CurrencyRef", "CustomerRef", "SalesTermRef", "ShipMethodRef", "DepartmentRef"), REFERENCE),
        **dict.fromkeys(("BillAddr", "ShipAddr", "ShipFromAddr"), ADDRESS),
        **dict.fromkeys(("Line", "LinkedTxn", "CustomField"), LIST),
    },
}  # fmt: skip
LINE: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{key: {"type": "string"} for key in ("InvoiceId", "Position")},
        **dict.fromkeys(("Id", "Description", "DetailType"), TEXT),
        **dict.fromkeys(("LineNum", "Amount"), NUMBER),
        "SalesItemLineDetail": group(
            ServiceDate=DAY, UnitPrice=NUMBER, Qty=NUMBER, ItemRef=REFERENCE, TaxCodeRef=REFERENCE, ClassRef=REFERENCE
        ),
    },
}


def lines_of(invoices: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return each line with its invoice and its position."""
    for invoice in invoices:
        for position, line in enumerate(invoice["Line"]):
            yield {**line, "InvoiceId": invoice["Id"], "Position": str(position)}


def main() -> None:
    # By name: nobody who checks this file has them.
    sdk: Any = import_module("singer_sdk")
    authenticators: Any = import_module("singer_sdk.authenticators")
    pagination: Any = import_module("singer_sdk.pagination")

    class Positions(pagination.BaseOffsetPaginator):  # type: ignore[misc] # not known here
        """Asks for page after page by STARTPOSITION until one is not full."""

        def has_more(self, response) -> bool:
            return len(response.json()["QueryResponse"].get("Invoice", ())) == PAGE

    class Invoices(sdk.RESTStream):  # type: ignore[misc] # not known here
        """The invoices."""

        name = "invoice"
        path = "/query"
        primary_keys: tuple[str, ...] = ("Id",)
        schema = INVOICE
        records_jsonpath = "$.QueryResponse.Invoice[*]"

        @property
        def url_base(self) -> str:
            return f"{self.config['url']}/v3/company/{self.config['realm']}"

        @property
        def authenticator(self):
            return authenticators.BearerTokenAuthenticator(token=self.config["access_token"])

        @property
        def http_headers(self) -> dict[str, str]:
            return {"Accept": "application/json"}

        def get_new_paginator(self):
            return Positions(start_value=1, page_size=PAGE)

        def get_url_params(self, _context, next_page_token) -> dict[str, str]:
            since = self.config.get("since")
            where = f" WHERE MetaData.LastUpdatedTime >= '{since}'" if since else ""
            order = "MetaData.LastUpdatedTime, Id" if since else "Id"
            select = f"SELECT * FROM Invoice{where} ORDERBY {order}"
            return {"query": f"{select} STARTPOSITION {next_page_token or 1} MAXRESULTS {PAGE}", "minorversion": "75"}

    class Lines(Invoices):
        """The lines of the invoices, by invoice and position."""

        name = "invoice_line"
        primary_keys = ("InvoiceId", "Position")
        schema = LINE

        def parse_response(self, response):
            return lines_of(response.json()["QueryResponse"].get("Invoice", []))

    class Tap(sdk.Tap):  # type: ignore[misc] # not known here
        """The tap."""

        name = "tap-quickbooks-bench"
        config_jsonschema: dict[str, Any] = {"type": "object", "properties": {}}  # noqa: RUF012 - as the SDK wants it

        def discover_streams(self) -> list[Any]:
            return [Invoices(tap=self), *([Lines(tap=self)] if self.config.get("lines") else [])]

    Tap.cli()


if __name__ == "__main__":
    main()
