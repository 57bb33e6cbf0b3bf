"""What QuickBooks' records have in common: fields, lines and links that several kinds of record share.

References are two columns (id and name); amounts in the transaction's currency are MONEY, amounts that QuickBooks
converts (home currency) keep all their decimals. Ids stay text, as QuickBooks sends them.
"""

from connectors.shapes import Field, Lines, ref
from storage.facts.streams import ColumnType

#: how the types are called here
MONEY = ColumnType.MONEY
NUMBER = ColumnType.NUMBER
INTEGER = ColumnType.INTEGER
BOOLEAN = ColumnType.BOOLEAN
DATE = ColumnType.DATE
INSTANT = ColumnType.TIMESTAMP

UPDATED = "MetaData.LastUpdatedTime"
VERSION = "SyncToken"

RECORD = (
    Field("id", "Id"),
    Field("sync_token", "SyncToken", INTEGER),
    Field("created_at", "MetaData.CreateTime", INSTANT),
    Field("updated_at", UPDATED, INSTANT),
)
CURRENCY = (Field("currency", "CurrencyRef.value"), Field("currency_name", "CurrencyRef.name"))

TRANSACTION = (
    *RECORD,
    Field("doc_number", "DocNumber"),
    Field("txn_date", "TxnDate", DATE),
    Field("txn_status", "TxnStatus"),
    Field("txn_source", "TxnSource"),
    Field("location_type", "TransactionLocationType"),
    *CURRENCY,
    Field("exchange_rate", "ExchangeRate", NUMBER),
    Field("total_amount", "TotalAmt", MONEY),
    Field("home_total_amount", "HomeTotalAmt", NUMBER),
    Field("private_note", "PrivateNote"),
    *ref("department", "DepartmentRef"),
    *ref("project", "ProjectRef"),
    *ref("recurring", "RecurDataRef"),
)
#: a transaction that has no total of lines
ENTRY = tuple(field for field in TRANSACTION if field.name not in {"total_amount", "home_total_amount"})
TAX = (
    Field("tax_code_id", "TxnTaxDetail.TxnTaxCodeRef.value"),
    Field("total_tax", "TxnTaxDetail.TotalTax", MONEY),
    Field("tax_calculation", "GlobalTaxCalculation"),
)


def address(name: str, path: str) -> tuple[Field, ...]:
    """Return the columns of a postal address: ``<name>_line1`` and so on."""
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


def links(name: str) -> Lines:
    """Return the child table of the transactions that a transaction is linked to."""
    return Lines(
        name, "LinkedTxn", (Field("txn_id", "TxnId"), Field("txn_type", "TxnType"), Field("txn_line_id", "TxnLineId"))
    )


def tax_lines(name: str) -> Lines:
    """Return the child table of the taxes of a transaction."""
    detail = "TaxLineDetail"
    return Lines(
        name,
        "TxnTaxDetail.TaxLine",
        (
            Field("amount", "Amount", MONEY),
            Field("tax_rate_id", f"{detail}.TaxRateRef.value"),
            Field("percent_based", f"{detail}.PercentBased", BOOLEAN),
            Field("tax_percent", f"{detail}.TaxPercent", NUMBER),
            Field("net_amount_taxable", f"{detail}.NetAmountTaxable", MONEY),
        ),
    )


LINE = (
    Field("line_id", "Id"),
    Field("line_number", "LineNum", INTEGER),
    Field("description", "Description"),
    Field("amount", "Amount", MONEY),
    Field("detail_type", "DetailType"),
)
LINE_LINK = (Field("linked_txn_id", "LinkedTxn[].TxnId"), Field("linked_txn_type", "LinkedTxn[].TxnType"))


def either(name: str, path: str, details: tuple[str, ...], kind: ColumnType = ColumnType.TEXT) -> Field:
    """One column for a value that each kind of line detail has under its own name."""
    return Field(name, "|".join(f"{detail}.{path}" for detail in details), kind)


def either_ref(name: str, path: str, details: tuple[str, ...]) -> tuple[Field, Field]:
    """Two columns for a reference that each kind of line detail has under its own name."""
    return either(f"{name}_id", f"{path}.value", details), either(f"{name}_name", f"{path}.name", details)


SALE = "SalesItemLineDetail"
DISCOUNT = "DiscountLineDetail"
GROUP = "GroupLineDetail"
TEXT = "DescriptionLineDetail"
EXPENSE = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")
ITEM = EXPENSE[1:]
JOURNAL = "JournalEntryLineDetail"

SALES_LINE = (
    *LINE,
    *LINE_LINK,
    *ref("item", f"{SALE}.ItemRef"),
    *ref("item_account", f"{SALE}.ItemAccountRef"),
    *either_ref("class", "ClassRef", (SALE, DISCOUNT)),
    Field("quantity", f"{SALE}.Qty", NUMBER),
    Field("unit_price", f"{SALE}.UnitPrice", NUMBER),
    either("tax_code_id", "TaxCodeRef.value", (SALE, DISCOUNT, TEXT)),
    Field("tax_inclusive_amount", f"{SALE}.TaxInclusiveAmt", NUMBER),
    either("service_date", "ServiceDate", (SALE, DISCOUNT, TEXT), DATE),
    Field("line_discount_rate", f"{SALE}.DiscountRate", NUMBER),
    Field("line_discount_amount", f"{SALE}.DiscountAmt", NUMBER),
    Field("discount_percent", f"{DISCOUNT}.DiscountPercent", NUMBER),
    Field("discount_percent_based", f"{DISCOUNT}.PercentBased", BOOLEAN),
    *ref("discount_account", f"{DISCOUNT}.DiscountAccountRef"),
    *ref("group_item", f"{GROUP}.GroupItemRef"),
    Field("group_quantity", f"{GROUP}.Quantity", NUMBER),
)

#: a line of a purchase: by account or by item
EXPENSE_LINE = (
    *LINE,
    *LINE_LINK,
    *ref("account", "AccountBasedExpenseLineDetail.AccountRef"),
    *either_ref("item", "ItemRef", ITEM),
    *either_ref("item_account", "ItemAccountRef", ITEM),
    *either_ref("customer", "CustomerRef", EXPENSE),
    *either_ref("class", "ClassRef", EXPENSE),
    either("billable_status", "BillableStatus", EXPENSE),
    either("quantity", "Qty", ITEM, NUMBER),
    either("unit_price", "UnitPrice", ITEM, NUMBER),
    either("tax_code_id", "TaxCodeRef.value", EXPENSE),
    Field("tax_amount", "AccountBasedExpenseLineDetail.TaxAmount", NUMBER),
    either("tax_inclusive_amount", "TaxInclusiveAmt", EXPENSE, NUMBER),
)

CONTACT = (
    Field("display_name", "DisplayName"),
    Field("company_name", "CompanyName"),
    Field("title", "Title"),
    Field("given_name", "GivenName"),
    Field("middle_name", "MiddleName"),
    Field("family_name", "FamilyName"),
    Field("suffix", "Suffix"),
    Field("print_on_check_name", "PrintOnCheckName"),
    Field("active", "Active", BOOLEAN),
    Field("email", "PrimaryEmailAddr.Address"),
    Field("phone", "PrimaryPhone.FreeFormNumber"),
    Field("mobile", "Mobile.FreeFormNumber"),
    Field("fax", "Fax.FreeFormNumber"),
    Field("website", "WebAddr.URI"),
    Field("notes", "Notes"),
    Field("account_number", "AcctNum"),
    *CURRENCY,
    Field("balance", "Balance", MONEY),
    *address("bill", "BillAddr"),
)


def custom_fields(name: str) -> Lines:
    """Fields that the company made up itself."""
    return Lines(
        name,
        "CustomField",
        (
            Field("definition_id", "DefinitionId"),
            Field("name", "Name"),
            Field("type", "Type"),
            Field("value", "StringValue"),
        ),
    )
