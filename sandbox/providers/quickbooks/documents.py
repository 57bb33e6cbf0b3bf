"""Makes the other documents of a company: receipts, refunds, credits, purchases, deposits, transfers and orders."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from sandbox.providers.quickbooks.make import USD, Maker
from sandbox.providers.quickbooks.values import Record, amount, cents, day, ref

#: what `Documents` makes, by QuickBooks' names
DOCUMENTS = (
    "SalesReceipt", "RefundReceipt", "CreditMemo", "Purchase", "Deposit", "VendorCredit", "Transfer", "Estimate",
    "PurchaseOrder",
)  # fmt: skip
#: those without postings; they cannot be voided
UNPOSTED = ("Estimate", "PurchaseOrder")
_OF_A_SALE = (
    "domain", "sparse", "Id", "SyncToken", "MetaData", "CustomField", "TxnDate", "CurrencyRef", "LinkedTxn", "Line",
    "TxnTaxDetail", "CustomerRef", "CustomerMemo", "BillAddr", "ShipAddr", "FreeFormAddress", "DepartmentRef",
    "TotalAmt", "ApplyTaxAfterDiscount", "PrintStatus", "EmailStatus", "BillEmail",
)  # fmt: skip


@dataclass
class Documents:
    """Draws documents with a maker's random source."""

    maker: Maker
    #: payments that lie in undeposited funds; each is deposited once
    payments: list[Record] = field(default_factory=list)

    def make(self, kind: str, id_: str, created: int) -> Record:
        """Return a new document of a kind (KeyError for another one)."""
        made: dict[str, Callable[[str, int], Record]] = {
            "SalesReceipt": self._receipt,
            "RefundReceipt": self._refund,
            "CreditMemo": self._credit_memo,
            "Purchase": self._purchase,
            "Deposit": self._deposit,
            "VendorCredit": self._vendor_credit,
            "Transfer": self._transfer,
            "Estimate": self._estimate,
            "PurchaseOrder": self._order,
        }
        return made[kind](id_, created)

    def _sale(self, prefix: str, id_: str, created: int) -> Record:
        customer = self.maker.random.choice(self.maker.customers)
        invoice = self.maker.invoice(id_, int(id_), created, customer)
        return {"DocNumber": f"{prefix}-{id_}", **{name: invoice[name] for name in _OF_A_SALE}}

    def _receipt(self, id_: str, created: int) -> Record:
        account = self.maker.random.choice(("Checking", "Undeposited Funds"))
        paid = {"PaymentMethodRef": ref("1", "Cash"), "PaymentRefNum": f"R{id_}", "Balance": amount(0)}
        return self._sale("SR", id_, created) | paid | {"DepositToAccountRef": self.maker.account(account)}

    def _refund(self, id_: str, created: int) -> Record:
        paid = {"PaymentMethodRef": ref("2", "Check"), "PaymentRefNum": f"C{id_}", "Balance": amount(0)}
        return self._sale("RR", id_, created) | paid | {"DepositToAccountRef": self.maker.account("Checking")}

    def _credit_memo(self, id_: str, created: int) -> Record:
        record = self._sale("CM", id_, created)
        return record | {"Balance": record["TotalAmt"], "RemainingCredit": record["TotalAmt"]}

    def _estimate(self, id_: str, created: int) -> Record:
        until = date.fromisoformat(day(created, self.maker.zone)) + timedelta(days=30)
        return self._sale("ES", id_, created) | {"TxnStatus": "Pending", "ExpirationDate": until.isoformat()}

    def _vendors_bill(self, id_: str, created: int) -> Record:
        bill = self.maker.bill(id_, created, self.maker.random.randrange(len(self.maker.vendors)))
        for name in ("DueDate", "SalesTermRef", "Balance"):
            del bill[name]
        return bill

    def _vendor_credit(self, id_: str, created: int) -> Record:
        record = self._vendors_bill(id_, created)
        return record | {"DocNumber": f"VC-{id_}", "Balance": record["TotalAmt"]}

    def _purchase(self, id_: str, created: int) -> Record:
        record = self._vendors_bill(id_, created)
        vendor = record.pop("VendorRef")
        del record["APAccountRef"]
        kind, account = self.maker.random.choice((("CreditCard", "Company Card"), ("Check", "Checking")))
        paid = {
            "AccountRef": self.maker.account(account),
            "PaymentType": kind,
            "EntityRef": {**vendor, "type": "Vendor"},
        }
        # Money back on the card now and then.
        return record | paid | {"DocNumber": f"PU-{id_}", "Credit": kind == "CreditCard" and int(id_) % 5 == 0}

    def _deposit(self, id_: str, created: int) -> Record:
        interest = self.maker.random.randrange(100, 9000)
        detail = {"AccountRef": self.maker.account("Interest Earned"), "PaymentMethodRef": ref("1", "Cash")}
        lines: list[Record] = [
            {
                "Id": "1",
                "LineNum": 1,
                "Description": "Interest",
                "Amount": amount(interest),
                "DetailType": "DepositLineDetail",
                "DepositLineDetail": detail,
            }
        ]
        total = interest
        if self.payments:
            payment = self.payments.pop()
            total += cents(payment["TotalAmt"])
            linked = [{"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}]
            lines.append({"Amount": payment["TotalAmt"], "LinkedTxn": linked})
        return {
            **self._money(id_, created),
            "DepositToAccountRef": self.maker.account("Checking"),
            "TotalAmt": amount(total),
            "Line": lines,
        }

    def _transfer(self, id_: str, created: int) -> Record:
        return {
            **self._money(id_, created),
            "FromAccountRef": self.maker.account("Checking"),
            "ToAccountRef": self.maker.account("Savings"),
            "Amount": amount(self.maker.random.randrange(10_000, 500_000)),
        }

    def _money(self, id_: str, created: int) -> Record:
        issued = day(created, self.maker.zone)
        return {**self.maker.base(id_, created, created), "TxnDate": issued, "CurrencyRef": USD, "LinkedTxn": []}

    def _order(self, id_: str, created: int) -> Record:
        lines, total = [], 0
        for position in (1, 2):
            item, quantity = self.maker.random.choice(self.maker.items), self.maker.random.randrange(20, 200)
            worth = cents(item["PurchaseCost"]) * quantity
            total += worth
            detail = {
                "ItemRef": ref(item["Id"], item["Name"]),
                "UnitPrice": item["PurchaseCost"],
                "Qty": quantity,
                "TaxCodeRef": {"value": "NON"},
                "BillableStatus": "NotBillable",
            }
            line = {"Id": str(position), "LineNum": position, "Amount": amount(worth)}
            lines.append(line | {"DetailType": "ItemBasedExpenseLineDetail", "ItemBasedExpenseLineDetail": detail})
        vendor = self.maker.random.choice(self.maker.vendors)
        return {
            **self._money(id_, created),
            "DocNumber": f"PO-{id_}",
            "VendorRef": ref(vendor["Id"], vendor["DisplayName"]),
            "APAccountRef": self.maker.account("Accounts Payable (A/P)"),
            "POStatus": "Open",
            "Line": lines,
            "TotalAmt": amount(total),
        }


def voided(record: Record) -> Record:
    """Return a document without amounts, as QuickBooks leaves a voided one; it stays under its number."""
    for line in record.get("Line", ()):
        line["Amount"] = amount(0)
        for detail in ("SalesItemLineDetail", "ItemBasedExpenseLineDetail"):
            if detail in line:
                line[detail]["Qty"] = 0
    if "TxnTaxDetail" in record:
        record["TxnTaxDetail"] = {"TotalTax": amount(0)}
    nothing = {name: amount(0) for name in ("TotalAmt", "Balance", "RemainingCredit", "Amount") if name in record}
    return record | nothing | {"PrivateNote": "Voided"}
