"""Makes single records of a company: customers, invoices, bills … in the shape of the API, adding up to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from sandbox.providers import catalogue
from sandbox.providers.quickbooks.values import Record, amount, cents, day, ref, stamp

USD = {"value": "USD", "name": "United States Dollar"}
TERMS = (("1", "Due on receipt", 0), ("2", "Net 15", 15), ("3", "Net 30", 30), ("4", "Net 60", 60))
#: sales tax of retail customers in California, in thousandths
TAX_RATE = {"CA": Decimal("7.25")}
_MEMOS = (
    "Thank you for your business and have a great day! Questions about this invoice: billing@temeritygoods.example",
    "Wholesale order, ships complete. Please quote the invoice number with your payment. billing@temeritygoods.example",
    "We appreciate your order. Returns within 30 days, unused and in original packaging. billing@temeritygoods.example",
)
_SALES_REPS = ("Marisol Vega", "Theo Lindqvist", "House account")


@dataclass
class Maker:
    """Draws records from one random source; knows the company's accounts, items and customers."""

    random: Random
    zone: ZoneInfo
    #: account name -> id
    accounts: dict[str, str] = field(default_factory=dict)
    items: Sequence[Record] = ()
    customers: list[Record] = field(default_factory=list)
    vendors: list[Record] = field(default_factory=list)

    def base(self, id_: str, created: int, updated: int, version: int = 0) -> Record:
        """Return the fields that every record has."""
        return {
            "domain": "QBO",
            "sparse": False,
            "Id": id_,
            "SyncToken": str(version),
            "MetaData": {"CreateTime": stamp(created, self.zone), "LastUpdatedTime": stamp(updated, self.zone)},
        }

    def account(self, name: str) -> dict[str, str]:
        """Return a reference to an account by its name."""
        return ref(self.accounts[name], name)

    def address(self, id_: int) -> Record:
        """Return a postal address."""
        city, state, postal = self.random.choice(catalogue.PLACES)
        line = f"{self.random.randrange(1, 4800)} {self.random.choice(catalogue.STREETS)}"
        return {"Id": str(id_), "Line1": line, "City": city, "CountrySubDivisionCode": state, "PostalCode": postal}

    def customer(self, id_: str, created: int, taken: set[str]) -> Record:
        """Return a new customer with a display name that nobody else has."""
        draw = self.random
        first, last = draw.choice(catalogue.FIRST_NAMES), draw.choice(catalogue.LAST_NAMES)
        store = draw.random() < 0.6
        wanted = (
            f"{draw.choice(catalogue.STORE_WORDS)} {draw.choice(catalogue.STORE_KINDS)}" if store else f"{first} {last}"
        )
        name, again = wanted, 2
        while name in taken:
            name, again = f"{wanted} ({again})", again + 1
        taken.add(name)
        address = self.address(2 * int(id_))
        email = f"{'ap' if store else first.lower()}+{id_}@{'shop' if store else 'mail'}{int(id_) % 97}.example"
        record = {
            "Taxable": not store,
            "BillAddr": address,
            "ShipAddr": {**address, "Id": str(2 * int(id_) + 1)},
            "Notes": f"{'Wholesale account' if store else 'Retail customer'}, since {day(created, self.zone)}",
            "Job": False,
            "BillWithParent": False,
            "Balance": amount(0),
            "BalanceWithJobs": amount(0),
            "CurrencyRef": USD,
            "PreferredDeliveryMethod": "Email" if store else "Print",
            "IsProject": False,
            "SalesTermRef": ref("3" if store else "1"),
            **self.base(id_, created, created),
            "GivenName": first,
            "FamilyName": last,
            "FullyQualifiedName": name,
            "DisplayName": name,
            "PrintOnCheckName": name,
            "Active": True,
            "V4IDPseudonym": f"0020{int(id_):030x}",
            "PrimaryPhone": {"FreeFormNumber": f"(555) 01{draw.randrange(100):02d}-{draw.randrange(10000):04d}"},
            "PrimaryEmailAddr": {"Address": email},
        }
        if store:
            record["CompanyName"] = name
        return record

    def vendor(self, id_: str, created: int, name: str) -> Record:
        """Return a vendor."""
        return {
            "BillAddr": self.address(900000 + int(id_)),
            "Balance": amount(0),
            "AcctNum": f"V-{1000 + int(id_)}",
            "Vendor1099": False,
            "CurrencyRef": USD,
            "TermRef": ref("3"),
            **self.base(id_, created, created),
            "CompanyName": name,
            "DisplayName": name,
            "PrintOnCheckName": name,
            "Active": True,
            "PrimaryEmailAddr": {"Address": f"ar@{''.join(c for c in name.lower() if c.isalpha())}.example"},
        }

    def invoice(self, id_: str, number: int, created: int, customer: Record) -> Record:
        """Return an open invoice of one to five sales lines and a subtotal; total = lines - discount + tax."""
        lines, total = self._sales_lines()
        discount = 0
        if self.random.random() < 0.06:
            discount = round(total * 0.1)
            lines.append(self._discount_line(discount))
        state = customer["BillAddr"]["CountrySubDivisionCode"] if "BillAddr" in customer else ""
        rate = TAX_RATE.get(state) if customer.get("Taxable") else None
        tax = 0 if rate is None else int((Decimal(total) * rate / 100).quantize(Decimal(1)))
        term, term_name, days = TERMS[self.random.randrange(1, 4) if not customer.get("Taxable") else 0]
        issued = day(created, self.zone)
        due = total - discount + tax
        return {
            "AllowIPNPayment": False,
            "AllowOnlinePayment": False,
            "AllowOnlineCreditCardPayment": False,
            "AllowOnlineACHPayment": False,
            **self.base(id_, created, created),
            "CustomField": [
                {
                    "DefinitionId": "1",
                    "Name": "P.O. Number",
                    "Type": "StringType",
                    "StringValue": f"PO-{number * 7 % 90000}",
                },
                {
                    "DefinitionId": "2",
                    "Name": "Sales Rep",
                    "Type": "StringType",
                    "StringValue": self.random.choice(_SALES_REPS),
                },
            ],
            "DocNumber": str(number),
            "TxnDate": issued,
            "CurrencyRef": USD,
            "LinkedTxn": [],
            "Line": lines,
            "TxnTaxDetail": _tax_detail(rate, tax, total),
            "CustomerRef": ref(customer["Id"], customer["DisplayName"]),
            "CustomerMemo": {"value": self.random.choice(_MEMOS)},
            "BillAddr": customer.get("BillAddr", {}),
            "ShipAddr": customer.get("ShipAddr", {}),
            "ShipFromAddr": {"Id": "1", "Line1": "1180 Foundry Way", "Line2": "Oakland, CA  94607 US"},
            "FreeFormAddress": True,
            "SalesTermRef": ref(term, term_name),
            "ShipMethodRef": ref("Parcelworks", "Parcelworks"),
            "ShipDate": issued,
            "TrackingNum": f"PW{number * 7919 % 10**10:010d}US",
            "DepartmentRef": ref("1", "Oakland studio"),
            "DueDate": (date.fromisoformat(issued) + timedelta(days=days)).isoformat(),
            "TotalAmt": amount(due),
            "ApplyTaxAfterDiscount": False,
            "PrintStatus": "NeedToPrint",
            "EmailStatus": "NotSet",
            "BillEmail": customer.get("PrimaryEmailAddr", {}),
            "Balance": amount(due),
        }

    def _sales_lines(self) -> tuple[list[Record], int]:
        total = 0
        lines: list[Record] = []
        draw = self.random.random()
        count = 1 if draw < 0.35 else 2 if draw < 0.7 else 3 if draw < 0.9 else 4 if draw < 0.98 else 5
        for position in range(1, count + 1):
            item = self.items[int(self.random.random() * len(self.items))]
            quantity = 1 + int(self.random.random() * 24)
            price = cents(item["UnitPrice"])
            total += price * quantity
            lines.append(
                {
                    "Id": str(position),
                    "LineNum": position,
                    "Description": item["Description"],
                    "Amount": amount(price * quantity),
                    "DetailType": "SalesItemLineDetail",
                    "SalesItemLineDetail": {
                        "ItemRef": ref(item["Id"], item["Name"]),
                        "UnitPrice": amount(price),
                        "Qty": quantity,
                        "ItemAccountRef": item["IncomeAccountRef"],
                        "TaxCodeRef": {"value": "TAX" if item["Taxable"] else "NON"},
                    },
                }
            )
        lines.append({"Amount": amount(total), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
        return lines, total

    def _discount_line(self, discount: int) -> Record:
        detail = {"PercentBased": True, "DiscountPercent": 10, "DiscountAccountRef": self.account("Discounts given")}
        return {"Amount": amount(discount), "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}

    def payment(self, id_: str, created: int, invoice: Record, paid: int) -> Record:
        """Return a payment of so many cents for an invoice."""
        linked = [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
        deposit = "Undeposited Funds" if self.random.random() < 0.2 else "Checking"
        return {
            "CustomerRef": invoice["CustomerRef"],
            "DepositToAccountRef": self.account(deposit),
            "PaymentMethodRef": ref("2" if deposit == "Checking" else "1"),
            "PaymentRefNum": str(self.random.randrange(1000, 99999)),
            "TotalAmt": amount(paid),
            "UnappliedAmt": amount(0),
            "ProcessPayment": False,
            **self.base(id_, created, created),
            "TxnDate": day(created, self.zone),
            "CurrencyRef": USD,
            "LinkedTxn": [],
            "Line": [{"Amount": amount(paid), "LinkedTxn": linked, "LineEx": {"any": []}}],
        }

    def bill(self, id_: str, created: int, which: int) -> Record:
        """Return an open bill of the vendor at that place of the catalogue."""
        _, account, smallest, largest = catalogue.VENDORS[which % len(catalogue.VENDORS)]
        vendor = self.vendors[which % len(self.vendors)]
        lines: list[Record] = []
        total = 0
        for position in range(1, self.random.choice((1, 1, 2, 3)) + 1):
            worth = self.random.randrange(smallest, largest + 1)
            total += worth
            detail = {
                "AccountRef": self.account(account),
                "BillableStatus": "NotBillable",
                "TaxCodeRef": {"value": "NON"},
            }
            line = {
                "Id": str(position),
                "LineNum": position,
                "Description": f"{account}, {day(created, self.zone)[:7]}",
            }
            line |= {"Amount": amount(worth), "DetailType": "AccountBasedExpenseLineDetail"}
            lines.append({**line, "AccountBasedExpenseLineDetail": detail})
        issued = day(created, self.zone)
        return {
            "DueDate": (date.fromisoformat(issued) + timedelta(days=30)).isoformat(),
            "Balance": amount(total),
            **self.base(id_, created, created),
            "DocNumber": f"{vendor['AcctNum']}-{id_}",
            "TxnDate": issued,
            "CurrencyRef": USD,
            "LinkedTxn": [],
            "SalesTermRef": ref("3"),
            "Line": lines,
            "VendorRef": ref(vendor["Id"], vendor["DisplayName"]),
            "APAccountRef": self.account("Accounts Payable (A/P)"),
            "TotalAmt": amount(total),
        }

    def bill_payment(self, id_: str, created: int, bill: Record) -> Record:
        """Return the cheque that pays a bill."""
        linked = [{"TxnId": bill["Id"], "TxnType": "Bill"}]
        return {
            "VendorRef": bill["VendorRef"],
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": self.account("Checking"), "PrintStatus": "NotSet"},
            "TotalAmt": bill["TotalAmt"],
            **self.base(id_, created, created),
            "DocNumber": id_,
            "TxnDate": day(created, self.zone),
            "CurrencyRef": USD,
            "Line": [{"Amount": bill["TotalAmt"], "LinkedTxn": linked}],
        }

    def journal_entry(self, id_: str, created: int, note: str, lines: Sequence[tuple[str, int]]) -> Record:
        """Return a journal entry; a positive amount is a debit, and they add up to nothing."""
        if sum(worth for _, worth in lines) != 0:
            raise ValueError(f"the entry does not balance: {lines}")
        return {
            "Adjustment": False,
            **self.base(id_, created, created),
            "DocNumber": f"JE-{id_}",
            "TxnDate": day(created, self.zone),
            "CurrencyRef": USD,
            "PrivateNote": note,
            "Line": [
                {
                    "Id": str(position),
                    "Description": note,
                    "Amount": amount(abs(worth)),
                    "DetailType": "JournalEntryLineDetail",
                    "JournalEntryLineDetail": {
                        "PostingType": "Debit" if worth > 0 else "Credit",
                        "AccountRef": self.account(name),
                    },
                }
                for position, (name, worth) in enumerate(lines)
            ],
            "TxnTaxDetail": {},
        }

    def monthly_entry(self, id_: str, created: int, which: int) -> Record:
        """Return one of the entries that a bookkeeper makes every month."""
        draw = self.random.randrange
        wages, tax = draw(2800000, 4200000), draw(210000, 330000)
        goods, fees, wear, interest = draw(1500000, 5200000), draw(60000, 240000), draw(52000, 61000), draw(8000, 22000)
        entries = (
            (
                "Payroll",
                (("Wages", wages), ("Payroll Taxes", tax), ("Payroll Liabilities", -tax), ("Checking", -wages)),
            ),
            ("Goods sold, by count", (("Cost of Goods Sold", goods), ("Inventory Asset", -goods))),
            ("Card processing", (("Merchant Fees", fees), ("Checking", -fees))),
            ("Depreciation", (("Depreciation", wear), ("Accumulated Depreciation", -wear))),
            ("Loan interest", (("Interest Paid", interest), ("Checking", -interest))),
            ("Gift wrapping at the studio", (("Checking", fees), ("Gift Wrapping", -fees))),
            ("Styling day for a partner", (("Checking", wear), ("Services", -wear))),
            ("Savings interest", (("Savings", interest), ("Interest Earned", -interest))),
        )
        note, lines = entries[which % len(entries)]
        return self.journal_entry(id_, created, note, lines)


def _tax_detail(rate: Decimal | None, tax: int, net: int) -> Record:
    if rate is None:
        return {"TotalTax": amount(0)}
    detail = {"TaxRateRef": ref("3"), "PercentBased": True, "TaxPercent": rate, "NetAmountTaxable": amount(net)}
    line = {"Amount": amount(tax), "DetailType": "TaxLineDetail", "TaxLineDetail": detail}
    return {"TxnTaxCodeRef": ref("2"), "TotalTax": amount(tax), "TaxLine": [line]}
