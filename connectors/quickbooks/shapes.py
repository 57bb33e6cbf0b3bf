"""QuickBooks' streams and their columns: everything of a record that an accountant reads, typed.

References are two columns (id and name); amounts in the transaction's currency are MONEY, amounts that QuickBooks
converts (home currency) keep all their decimals. Ids stay text, as QuickBooks sends them.
"""

from connectors.shapes import Field, Lines, Shape, ref
from storage.facts.streams import ColumnType

_M = ColumnType.MONEY
_N = ColumnType.NUMBER
_I = ColumnType.INTEGER
_B = ColumnType.BOOLEAN
_D = ColumnType.DATE
_T = ColumnType.TIMESTAMP

_UPDATED = "MetaData.LastUpdatedTime"
_VERSION = "SyncToken"

_RECORD = (
    Field("id", "Id"),
    Field("sync_token", "SyncToken", _I),
    Field("created_at", "MetaData.CreateTime", _T),
    Field("updated_at", _UPDATED, _T),
)
_CURRENCY = (Field("currency", "CurrencyRef.value"), Field("currency_name", "CurrencyRef.name"))

_TRANSACTION = (
    *_RECORD,
    Field("doc_number", "DocNumber"),
    Field("txn_date", "TxnDate", _D),
    Field("txn_status", "TxnStatus"),
    Field("txn_source", "TxnSource"),
    Field("location_type", "TransactionLocationType"),
    *_CURRENCY,
    Field("exchange_rate", "ExchangeRate", _N),
    Field("total_amount", "TotalAmt", _M),
    Field("home_total_amount", "HomeTotalAmt", _N),
    Field("private_note", "PrivateNote"),
    *ref("department", "DepartmentRef"),
    *ref("project", "ProjectRef"),
    *ref("recurring", "RecurDataRef"),
)
_TAX = (
    Field("tax_code_id", "TxnTaxDetail.TxnTaxCodeRef.value"),
    Field("total_tax", "TxnTaxDetail.TotalTax", _M),
    Field("tax_calculation", "GlobalTaxCalculation"),
)


def _address(name: str, path: str) -> tuple[Field, ...]:
    parts = (
        ("line1", "Line1"),
        ("line2", "Line2"),
        ("line3", "Line3"),
        ("line4", "Line4"),
        ("line5", "Line5"),
        ("city", "City"),
        ("region", "CountrySubDivisionCode"),
        ("postal_code", "PostalCode"),
        ("country", "Country"),
    )
    return tuple(Field(f"{name}_{column}", f"{path}.{part}") for column, part in parts)


def _links(name: str) -> Lines:
    return Lines(
        name, "LinkedTxn", (Field("txn_id", "TxnId"), Field("txn_type", "TxnType"), Field("txn_line_id", "TxnLineId"))
    )


def _tax_lines(name: str) -> Lines:
    detail = "TaxLineDetail"
    return Lines(
        name,
        "TxnTaxDetail.TaxLine",
        (
            Field("amount", "Amount", _M),
            Field("tax_rate_id", f"{detail}.TaxRateRef.value"),
            Field("percent_based", f"{detail}.PercentBased", _B),
            Field("tax_percent", f"{detail}.TaxPercent", _N),
            Field("net_amount_taxable", f"{detail}.NetAmountTaxable", _M),
        ),
    )


_LINE = (
    Field("line_id", "Id"),
    Field("line_number", "LineNum", _I),
    Field("description", "Description"),
    Field("amount", "Amount", _M),
    Field("detail_type", "DetailType"),
)
_LINE_LINK = (Field("linked_txn_id", "LinkedTxn[].TxnId"), Field("linked_txn_type", "LinkedTxn[].TxnType"))


def _either(name: str, path: str, details: tuple[str, ...], kind: ColumnType = ColumnType.TEXT) -> Field:
    """One column for a value that each kind of line detail has under its own name."""
    return Field(name, "|".join(f"{detail}.{path}" for detail in details), kind)


def _either_ref(name: str, path: str, details: tuple[str, ...]) -> tuple[Field, Field]:
    return _either(f"{name}_id", f"{path}.value", details), _either(f"{name}_name", f"{path}.name", details)


_SALE = "SalesItemLineDetail"
_DISCOUNT = "DiscountLineDetail"
_GROUP = "GroupLineDetail"
_TEXT = "DescriptionLineDetail"
_EXPENSE = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")
_ITEM = _EXPENSE[1:]
_JOURNAL = "JournalEntryLineDetail"

_SALES_LINE = (
    *_LINE,
    *_LINE_LINK,
    *ref("item", f"{_SALE}.ItemRef"),
    *ref("item_account", f"{_SALE}.ItemAccountRef"),
    *_either_ref("class", "ClassRef", (_SALE, _DISCOUNT)),
    Field("quantity", f"{_SALE}.Qty", _N),
    Field("unit_price", f"{_SALE}.UnitPrice", _N),
    _either("tax_code_id", "TaxCodeRef.value", (_SALE, _DISCOUNT, _TEXT)),
    Field("tax_inclusive_amount", f"{_SALE}.TaxInclusiveAmt", _N),
    _either("service_date", "ServiceDate", (_SALE, _DISCOUNT, _TEXT), _D),
    Field("line_discount_rate", f"{_SALE}.DiscountRate", _N),
    Field("line_discount_amount", f"{_SALE}.DiscountAmt", _N),
    Field("discount_percent", f"{_DISCOUNT}.DiscountPercent", _N),
    Field("discount_percent_based", f"{_DISCOUNT}.PercentBased", _B),
    *ref("discount_account", f"{_DISCOUNT}.DiscountAccountRef"),
    *ref("group_item", f"{_GROUP}.GroupItemRef"),
    Field("group_quantity", f"{_GROUP}.Quantity", _N),
)

ACCOUNTS = Shape(
    name="accounts",
    label="Accounts",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_RECORD,
        Field("name", "Name"),
        Field("full_name", "FullyQualifiedName"),
        Field("number", "AcctNum"),
        Field("active", "Active", _B),
        Field("classification", "Classification"),
        Field("type", "AccountType"),
        Field("subtype", "AccountSubType"),
        Field("sub_account", "SubAccount", _B),
        *ref("parent", "ParentRef"),
        Field("description", "Description"),
        *_CURRENCY,
        Field("current_balance", "CurrentBalance", _M),
        Field("current_balance_with_sub_accounts", "CurrentBalanceWithSubAccounts", _M),
        Field("opening_balance", "OpeningBalance", _M),
        Field("opening_balance_date", "OpeningBalanceDate", _D),
        Field("tax_code_id", "TaxCodeRef.value"),
        Field("bank_number", "BankNum"),
    ),
)

_CONTACT = (
    Field("display_name", "DisplayName"),
    Field("company_name", "CompanyName"),
    Field("title", "Title"),
    Field("given_name", "GivenName"),
    Field("middle_name", "MiddleName"),
    Field("family_name", "FamilyName"),
    Field("suffix", "Suffix"),
    Field("print_on_check_name", "PrintOnCheckName"),
    Field("active", "Active", _B),
    Field("email", "PrimaryEmailAddr.Address"),
    Field("phone", "PrimaryPhone.FreeFormNumber"),
    Field("mobile", "Mobile.FreeFormNumber"),
    Field("fax", "Fax.FreeFormNumber"),
    Field("website", "WebAddr.URI"),
    Field("notes", "Notes"),
    Field("account_number", "AcctNum"),
    *_CURRENCY,
    Field("balance", "Balance", _M),
    *_address("bill", "BillAddr"),
)

CUSTOMERS = Shape(
    name="customers",
    label="Customers",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_RECORD,
        *_CONTACT,
        *_address("ship", "ShipAddr"),
        Field("full_name", "FullyQualifiedName"),
        Field("balance_with_jobs", "BalanceWithJobs", _M),
        Field("credit_limit", "CreditLimit", _M),
        Field("open_balance_date", "OpenBalanceDate", _D),
        Field("job", "Job", _B),
        Field("is_project", "IsProject", _B),
        Field("bill_with_parent", "BillWithParent", _B),
        Field("level", "Level", _I),
        *ref("parent", "ParentRef"),
        *ref("customer_type", "CustomerTypeRef"),
        *ref("sales_term", "SalesTermRef"),
        *ref("payment_method", "PaymentMethodRef"),
        *ref("default_tax_code", "DefaultTaxCodeRef"),
        *ref("ar_account", "ARAccountRef"),
        Field("taxable", "Taxable", _B),
        Field("resale_number", "ResaleNum"),
        Field("delivery_method", "PreferredDeliveryMethod"),
    ),
)

VENDORS = Shape(
    name="vendors",
    label="Vendors",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_RECORD,
        *_CONTACT,
        Field("bill_rate", "BillRate", _N),
        Field("cost_rate", "CostRate", _N),
        Field("credit_limit", "CreditLimit", _M),
        Field("open_balance_date", "OpenBalanceDate", _D),
        Field("vendor_1099", "Vendor1099", _B),
        *ref("term", "TermRef"),
        *ref("vendor_type", "VendorTypeRef"),
        *ref("ap_account", "APAccountRef"),
    ),
)

ITEMS = Shape(
    name="items",
    label="Items",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_RECORD,
        Field("name", "Name"),
        Field("full_name", "FullyQualifiedName"),
        Field("sku", "Sku"),
        Field("type", "Type"),
        Field("category_type", "ItemCategoryType"),
        Field("active", "Active", _B),
        Field("description", "Description"),
        Field("purchase_description", "PurchaseDesc"),
        Field("sub_item", "SubItem", _B),
        Field("level", "Level", _I),
        *ref("parent", "ParentRef"),
        *ref("class", "ClassRef"),
        Field("unit_price", "UnitPrice", _N),
        Field("purchase_cost", "PurchaseCost", _N),
        Field("average_cost", "AvgCost", _N),
        Field("quantity_on_hand", "QtyOnHand", _N),
        Field("reorder_point", "ReorderPoint", _N),
        Field("track_quantity", "TrackQtyOnHand", _B),
        Field("inventory_start_date", "InvStartDate", _D),
        Field("taxable", "Taxable", _B),
        Field("sales_tax_included", "SalesTaxIncluded", _B),
        Field("purchase_tax_included", "PurchaseTaxIncluded", _B),
        *ref("income_account", "IncomeAccountRef"),
        *ref("expense_account", "ExpenseAccountRef"),
        *ref("asset_account", "AssetAccountRef"),
        *ref("preferred_vendor", "PrefVendorRef"),
        *ref("sales_tax_code", "SalesTaxCodeRef"),
        *ref("purchase_tax_code", "PurchaseTaxCodeRef"),
    ),
)

INVOICES = Shape(
    name="invoices",
    label="Invoices",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_TRANSACTION,
        *_TAX,
        *ref("customer", "CustomerRef"),
        Field("customer_memo", "CustomerMemo.value"),
        Field("due_date", "DueDate", _D),
        Field("balance", "Balance", _M),
        Field("home_balance", "HomeBalance", _N),
        Field("deposit", "Deposit", _M),
        *ref("sales_term", "SalesTermRef"),
        *ref("class", "ClassRef"),
        *ref("ar_account", "ARAccountRef"),
        *ref("deposit_to_account", "DepositToAccountRef"),
        *ref("ship_method", "ShipMethodRef"),
        Field("ship_date", "ShipDate", _D),
        Field("tracking_number", "TrackingNum"),
        Field("po_number", "PONumber"),
        Field("discount_rate", "DiscountRate", _N),
        Field("discount_amount", "DiscountAmt", _M),
        Field("tax_after_discount", "ApplyTaxAfterDiscount", _B),
        Field("print_status", "PrintStatus"),
        Field("email_status", "EmailStatus"),
        Field("bill_email", "BillEmail.Address"),
        Field("bill_email_cc", "BillEmailCc.Address"),
        Field("delivery_type", "DeliveryInfo.DeliveryType"),
        Field("delivery_time", "DeliveryInfo.DeliveryTime", _T),
        Field("allow_online_payment", "AllowOnlinePayment", _B),
        Field("allow_ipn_payment", "AllowIPNPayment", _B),
        Field("allow_online_card", "AllowOnlineCreditCardPayment", _B),
        Field("allow_online_ach", "AllowOnlineACHPayment", _B),
        *_address("bill", "BillAddr"),
        *_address("ship", "ShipAddr"),
    ),
    lines=(
        Lines("invoice_lines", "Line", _SALES_LINE, nested="GroupLineDetail.Line"),
        _tax_lines("invoice_tax_lines"),
        _links("invoice_links"),
        Lines(
            "invoice_custom_fields",
            "CustomField",
            (
                Field("definition_id", "DefinitionId"),
                Field("name", "Name"),
                Field("type", "Type"),
                Field("value", "StringValue"),
            ),
        ),
    ),
)

BILLS = Shape(
    name="bills",
    label="Bills",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_TRANSACTION,
        *_TAX,
        *ref("vendor", "VendorRef"),
        Field("due_date", "DueDate", _D),
        Field("balance", "Balance", _M),
        Field("home_balance", "HomeBalance", _N),
        *ref("sales_term", "SalesTermRef"),
        *ref("ap_account", "APAccountRef"),
        *_address("vendor", "VendorAddr"),
    ),
    lines=(
        Lines(
            "bill_lines",
            "Line",
            (
                *_LINE,
                *_LINE_LINK,
                *ref("account", "AccountBasedExpenseLineDetail.AccountRef"),
                *_either_ref("item", "ItemRef", _ITEM),
                *_either_ref("item_account", "ItemAccountRef", _ITEM),
                *_either_ref("customer", "CustomerRef", _EXPENSE),
                *_either_ref("class", "ClassRef", _EXPENSE),
                _either("billable_status", "BillableStatus", _EXPENSE),
                _either("quantity", "Qty", _ITEM, _N),
                _either("unit_price", "UnitPrice", _ITEM, _N),
                _either("tax_code_id", "TaxCodeRef.value", _EXPENSE),
                Field("tax_amount", "AccountBasedExpenseLineDetail.TaxAmount", _N),
                _either("tax_inclusive_amount", "TaxInclusiveAmt", _EXPENSE, _N),
            ),
        ),
        _tax_lines("bill_tax_lines"),
        _links("bill_links"),
    ),
)

PAYMENTS = Shape(
    name="payments",
    label="Payments",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_TRANSACTION,
        *ref("customer", "CustomerRef"),
        Field("unapplied_amount", "UnappliedAmt", _M),
        Field("process_payment", "ProcessPayment", _B),
        *ref("deposit_to_account", "DepositToAccountRef"),
        *ref("ar_account", "ARAccountRef"),
        *ref("payment_method", "PaymentMethodRef"),
        Field("payment_reference", "PaymentRefNum"),
        Field("payment_type", "PaymentType"),
    ),
    lines=(
        Lines("payment_lines", "Line", (*_LINE, *_LINE_LINK)),
        _links("payment_links"),
    ),
)

JOURNAL_ENTRIES = Shape(
    name="journal_entries",
    label="Journal entries",
    updated=_UPDATED,
    version=_VERSION,
    fields=(
        *_TRANSACTION,
        *_TAX,
        Field("adjustment", "Adjustment", _B),
        Field("home_currency_adjustment", "HomeCurrencyAdjustment", _B),
        Field("entered_in_home_currency", "EnteredInHomeCurrency", _B),
    ),
    lines=(
        Lines(
            "journal_lines",
            "Line",
            (
                *_LINE,
                Field("posting_type", f"{_JOURNAL}.PostingType"),
                *ref("account", f"{_JOURNAL}.AccountRef"),
                Field("entity_type", f"{_JOURNAL}.Entity.Type"),
                *ref("entity", f"{_JOURNAL}.Entity.EntityRef"),
                *ref("class", f"{_JOURNAL}.ClassRef"),
                *ref("department", f"{_JOURNAL}.DepartmentRef"),
                Field("tax_code_id", f"{_JOURNAL}.TaxCodeRef.value"),
                Field("tax_applicable_on", f"{_JOURNAL}.TaxApplicableOn"),
                Field("tax_amount", f"{_JOURNAL}.TaxAmount", _N),
                Field("billable_status", f"{_JOURNAL}.BillableStatus"),
            ),
        ),
    ),
)
