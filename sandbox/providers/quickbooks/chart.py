"""The chart of accounts of Temerity Goods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One account as the chart lists it; the parent is named by its name."""

    name: str
    type: str
    subtype: str
    parent: str | None = None


#: account type -> QuickBooks classification
CLASSIFICATION = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense",
    "Expense": "Expense",
    "Other Expense": "Expense",
}

#: Classifications whose balance grows with debits.
DEBIT_SIDE = ("Asset", "Expense")

CHART = (
    ChartLine("Checking", "Bank", "Checking"),
    ChartLine("Savings", "Bank", "Savings"),
    ChartLine("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ChartLine("Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ChartLine("Inventory Asset", "Other Current Asset", "Inventory"),
    ChartLine("Prepaid Expenses", "Other Current Asset", "PrepaidExpenses"),
    ChartLine("Equipment", "Fixed Asset", "FurnitureAndFixtures"),
    ChartLine("Accumulated Depreciation", "Fixed Asset", "AccumulatedDepreciation", "Equipment"),
    ChartLine("Original Cost", "Fixed Asset", "FurnitureAndFixtures", "Equipment"),
    ChartLine("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ChartLine("Company Card", "Credit Card", "CreditCard"),
    ChartLine("Sales Tax Payable", "Other Current Liability", "SalesTaxPayable"),
    ChartLine("Payroll Liabilities", "Other Current Liability", "PayrollClearing"),
    ChartLine("Term Loan", "Long Term Liability", "NotesPayable"),
    ChartLine("Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    ChartLine("Retained Earnings", "Equity", "RetainedEarnings"),
    ChartLine("Sales", "Income", "SalesOfProductIncome"),
    ChartLine("Bags", "Income", "SalesOfProductIncome", "Sales"),
    ChartLine("Kitchen", "Income", "SalesOfProductIncome", "Sales"),
    ChartLine("Apparel", "Income", "SalesOfProductIncome", "Sales"),
    ChartLine("Outdoor", "Income", "SalesOfProductIncome", "Sales"),
    ChartLine("Home and Desk", "Income", "SalesOfProductIncome", "Sales"),
    ChartLine("Services", "Income", "ServiceFeeIncome"),
    ChartLine("Gift Wrapping", "Income", "ServiceFeeIncome", "Services"),
    ChartLine("Shipping Income", "Income", "OtherPrimaryIncome"),
    ChartLine("Discounts given", "Income", "DiscountsRefundsGiven"),
    ChartLine("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ChartLine("Freight In", "Cost of Goods Sold", "ShippingFreightDeliveryCos", "Cost of Goods Sold"),
    ChartLine("Packaging", "Cost of Goods Sold", "SuppliesMaterialsCogs", "Cost of Goods Sold"),
    ChartLine("Advertising", "Expense", "AdvertisingPromotional"),
    ChartLine("Social Ads", "Expense", "AdvertisingPromotional", "Advertising"),
    ChartLine("Search Ads", "Expense", "AdvertisingPromotional", "Advertising"),
    ChartLine("Product Photography", "Expense", "AdvertisingPromotional", "Advertising"),
    ChartLine("Fulfillment and Warehousing", "Expense", "OtherBusinessExpenses"),
    ChartLine("Outbound Shipping", "Expense", "ShippingFreightDelivery"),
    ChartLine("Merchant Fees", "Expense", "BankCharges"),
    ChartLine("Payroll", "Expense", "PayrollExpenses"),
    ChartLine("Wages", "Expense", "PayrollExpenses", "Payroll"),
    ChartLine("Payroll Taxes", "Expense", "PayrollExpenses", "Payroll"),
    ChartLine("Rent", "Expense", "RentOrLeaseOfBuildings"),
    ChartLine("Utilities", "Expense", "Utilities"),
    ChartLine("Insurance", "Expense", "Insurance"),
    ChartLine("Software", "Expense", "OfficeGeneralAdministrativeExpenses"),
    ChartLine("Office Supplies", "Expense", "OfficeGeneralAdministrativeExpenses"),
    ChartLine("Accounting and Legal", "Expense", "LegalProfessionalFees"),
    ChartLine("Interest Earned", "Other Income", "InterestEarned"),
    ChartLine("Depreciation", "Other Expense", "Depreciation"),
    ChartLine("Interest Paid", "Other Expense", "OtherMiscellaneousExpense"),
)

#: product category -> income account
INCOME = {
    "Bags": "Bags",
    "Kitchen": "Kitchen",
    "Apparel": "Apparel",
    "Outdoor": "Outdoor",
    "Home": "Home and Desk",
    "Desk": "Home and Desk",
}
