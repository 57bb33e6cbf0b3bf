"""QuickBooks' other documents: sales and refunds at once, credits, money spent, moved and paid, offers and orders."""

from connectors.quickbooks.parts import (
    BOOLEAN,
    DATE,
    ENTRY,
    EXPENSE_LINE,
    LINE,
    LINE_LINK,
    MONEY,
    NUMBER,
    SALES_LINE,
    TAX,
    TRANSACTION,
    UPDATED,
    VERSION,
    address,
    links,
    tax_lines,
)
from connectors.shapes import Field, Lines, Shape, ref

#: what every document of a sale has, beside the columns of all transactions
_SALE = (
    *TRANSACTION,
    *TAX,
    *ref("customer", "CustomerRef"),
    Field("customer_memo", "CustomerMemo.value"),
    *ref("class", "ClassRef"),
    *ref("ship_method", "ShipMethodRef"),
    Field("ship_date", "ShipDate", DATE),
    Field("tracking_number", "TrackingNum"),
    Field("po_number", "PONumber"),
    Field("tax_after_discount", "ApplyTaxAfterDiscount", BOOLEAN),
    Field("print_status", "PrintStatus"),
    Field("email_status", "EmailStatus"),
    Field("bill_email", "BillEmail.Address"),
    *address("bill", "BillAddr"),
    *address("ship", "ShipAddr"),
)
#: how money came in or went out with it
_MONEY_AT_ONCE = (
    *ref("payment_method", "PaymentMethodRef"),
    Field("payment_reference", "PaymentRefNum"),
    Field("payment_type", "PaymentType"),
    *ref("deposit_to_account", "DepositToAccountRef"),
    Field("balance", "Balance", MONEY),
    Field("home_balance", "HomeBalance", NUMBER),
)
_OPEN = (
    *ref("sales_term", "SalesTermRef"),
    Field("balance", "Balance", MONEY),
    Field("home_balance", "HomeBalance", NUMBER),
    Field("remaining_credit", "RemainingCredit", MONEY),
    *ref("ar_account", "ARAccountRef"),
    *ref("invoice", "InvoiceRef"),
)
_DEPOSIT = "DepositLineDetail"


def _sale(name: str, label: str, *more: Field, line: str, linked: bool = False) -> Shape:
    lines = (
        Lines(f"{line}_lines", "Line", SALES_LINE, nested="GroupLineDetail.Line"),
        tax_lines(f"{line}_tax_lines"),
        *((links(f"{line}_links"),) if linked else ()),
    )
    return Shape(name, label, (*_SALE, *more), lines, updated=UPDATED, version=VERSION)


def _of_vendor(name: str, label: str, *more: Field, line: str) -> Shape:
    fields = (
        *TRANSACTION,
        *TAX,
        *ref("vendor", "VendorRef"),
        *ref("ap_account", "APAccountRef"),
        Field("memo", "Memo"),
        *more,
        *address("vendor", "VendorAddr"),
    )
    lines = (Lines(f"{line}_lines", "Line", EXPENSE_LINE), links(f"{line}_links"))
    return Shape(name, label, fields, lines, updated=UPDATED, version=VERSION)


SALES_RECEIPTS = _sale("sales_receipts", "Sales receipts", *_MONEY_AT_ONCE, line="sales_receipt")
REFUND_RECEIPTS = _sale("refund_receipts", "Refund receipts", *_MONEY_AT_ONCE, line="refund_receipt")
CREDIT_MEMOS = _sale("credit_memos", "Credit memos", *_OPEN, line="credit_memo", linked=True)
ESTIMATES = _sale(
    "estimates",
    "Estimates",
    Field("due_date", "DueDate", DATE),
    Field("expiration_date", "ExpirationDate", DATE),
    Field("accepted_by", "AcceptedBy"),
    Field("accepted_date", "AcceptedDate", DATE),
    *ref("sales_term", "SalesTermRef"),
    line="estimate",
    linked=True,
)
VENDOR_CREDITS = _of_vendor(
    "vendor_credits", "Vendor credits", Field("balance", "Balance", MONEY), line="vendor_credit"
)
PURCHASE_ORDERS = _of_vendor(
    "purchase_orders",
    "Purchase orders",
    Field("status", "POStatus"),
    Field("manually_closed", "ManuallyClosed", BOOLEAN),
    Field("due_date", "DueDate", DATE),
    Field("expected_date", "ExpectedDate", DATE),
    Field("email", "POEmail.Address"),
    *ref("class", "ClassRef"),
    *ref("sales_term", "SalesTermRef"),
    *ref("ship_to", "ShipTo"),
    *ref("ship_method", "ShipMethodRef"),
    *address("ship", "ShipAddr"),
    line="purchase_order",
)
PURCHASES = Shape(
    "purchases",
    "Purchases",
    (
        *TRANSACTION,
        *TAX,
        Field("payment_type", "PaymentType"),
        Field("credit", "Credit", BOOLEAN),
        *ref("account", "AccountRef"),
        Field("entity_type", "EntityRef.type"),
        *ref("entity", "EntityRef"),
        *ref("payment_method", "PaymentMethodRef"),
        Field("payment_reference", "PaymentRefNum"),
        Field("memo", "Memo"),
        Field("print_status", "PrintStatus"),
        *address("remit_to", "RemitToAddr"),
    ),
    (Lines("purchase_lines", "Line", EXPENSE_LINE), links("purchase_links")),
    updated=UPDATED,
    version=VERSION,
)
DEPOSITS = Shape(
    "deposits",
    "Deposits",
    (
        *TRANSACTION,
        *TAX,
        *ref("deposit_to_account", "DepositToAccountRef"),
        *ref("cash_back_account", "CashBack.AccountRef"),
        Field("cash_back_amount", "CashBack.Amount", MONEY),
        Field("cash_back_memo", "CashBack.Memo"),
    ),
    (
        Lines(
            "deposit_lines",
            "Line",
            (
                *LINE,
                *LINE_LINK,
                *ref("account", f"{_DEPOSIT}.AccountRef"),
                Field("entity_type", f"{_DEPOSIT}.Entity.type"),
                *ref("entity", f"{_DEPOSIT}.Entity"),
                *ref("class", f"{_DEPOSIT}.ClassRef"),
                *ref("payment_method", f"{_DEPOSIT}.PaymentMethodRef"),
                Field("check_number", f"{_DEPOSIT}.CheckNum"),
                Field("txn_type", f"{_DEPOSIT}.TxnType"),
                Field("tax_code_id", f"{_DEPOSIT}.TaxCodeRef.value"),
            ),
        ),
    ),
    updated=UPDATED,
    version=VERSION,
)
BILL_PAYMENTS = Shape(
    "bill_payments",
    "Bill payments",
    (
        *TRANSACTION,
        *ref("vendor", "VendorRef"),
        *ref("ap_account", "APAccountRef"),
        Field("pay_type", "PayType"),
        *ref("bank_account", "CheckPayment.BankAccountRef"),
        Field("print_status", "CheckPayment.PrintStatus"),
        *ref("card_account", "CreditCardPayment.CCAccountRef"),
    ),
    (Lines("bill_payment_lines", "Line", (*LINE, *LINE_LINK)),),
    updated=UPDATED,
    version=VERSION,
)
TRANSFERS = Shape(
    "transfers",
    "Transfers",
    (
        *ENTRY,
        *ref("from_account", "FromAccountRef"),
        *ref("to_account", "ToAccountRef"),
        Field("amount", "Amount", MONEY),
        *ref("class", "ClassRef"),
    ),
    updated=UPDATED,
    version=VERSION,
)
