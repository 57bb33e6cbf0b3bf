"""QuickBooks' small lists and settings: what records refer to, and how the company is set up."""

from connectors.quickbooks.parts import (
    BOOLEAN,
    DATE,
    INSTANT,
    INTEGER,
    MONEY,
    NUMBER,
    RECORD,
    UPDATED,
    VERSION,
    address,
)
from connectors.shapes import Field, Lines, Shape, ref

_NAME = (*RECORD, Field("name", "Name"), Field("active", "Active", BOOLEAN))
_TREE = (*_NAME, Field("full_name", "FullyQualifiedName"), *ref("parent", "ParentRef"))
_ACCOUNTING = "AccountingInfoPrefs"


def _shape(name: str, label: str, *fields: Field, lines: tuple[Lines, ...] = ()) -> Shape:
    return Shape(name, label, fields, lines, updated=UPDATED, version=VERSION)


CLASSES = _shape("classes", "Classes", *_TREE, Field("sub_class", "SubClass", BOOLEAN))
DEPARTMENTS = _shape("departments", "Departments", *_TREE, Field("sub_department", "SubDepartment", BOOLEAN))
CUSTOMER_TYPES = _shape("customer_types", "Customer types", *_NAME)
PAYMENT_METHODS = _shape("payment_methods", "Payment methods", *_NAME, Field("type", "Type"))
TERMS = _shape(
    "terms",
    "Terms",
    *_NAME,
    Field("type", "Type"),
    Field("due_days", "DueDays", INTEGER),
    Field("discount_days", "DiscountDays", INTEGER),
    Field("discount_percent", "DiscountPercent", NUMBER),
    Field("day_of_month_due", "DayOfMonthDue", INTEGER),
    Field("due_next_month_days", "DueNextMonthDays", INTEGER),
    Field("discount_day_of_month", "DiscountDayOfMonth", INTEGER),
)
#: Birth dates and social security numbers have no column; the raw record holds what QuickBooks shows of them.
EMPLOYEES = _shape(
    "employees",
    "Employees",
    *RECORD,
    Field("display_name", "DisplayName"),
    Field("given_name", "GivenName"),
    Field("middle_name", "MiddleName"),
    Field("family_name", "FamilyName"),
    Field("active", "Active", BOOLEAN),
    Field("number", "EmployeeNumber"),
    Field("hired_date", "HiredDate", DATE),
    Field("released_date", "ReleasedDate", DATE),
    Field("billable_time", "BillableTime", BOOLEAN),
    Field("bill_rate", "BillRate", NUMBER),
    Field("cost_rate", "CostRate", NUMBER),
    Field("email", "PrimaryEmailAddr.Address"),
    Field("phone", "PrimaryPhone.FreeFormNumber"),
)
BUDGETS = _shape(
    "budgets",
    "Budgets",
    *_NAME,
    Field("start_date", "StartDate", DATE),
    Field("end_date", "EndDate", DATE),
    Field("type", "BudgetType"),
    Field("entry_type", "BudgetEntryType"),
    lines=(
        Lines(
            "budget_lines",
            "BudgetDetail",
            (
                Field("budget_date", "BudgetDate", DATE),
                Field("amount", "Amount", MONEY),
                *ref("account", "AccountRef"),
                *ref("customer", "CustomerRef"),
                *ref("class", "ClassRef"),
                *ref("department", "DepartmentRef"),
            ),
        ),
    ),
)
TIME_ACTIVITIES = _shape(
    "time_activities",
    "Time activities",
    *RECORD,
    Field("txn_date", "TxnDate", DATE),
    Field("name_of", "NameOf"),
    *ref("employee", "EmployeeRef"),
    *ref("vendor", "VendorRef"),
    *ref("customer", "CustomerRef"),
    *ref("item", "ItemRef"),
    *ref("class", "ClassRef"),
    *ref("department", "DepartmentRef"),
    *ref("project", "ProjectRef"),
    Field("billable_status", "BillableStatus"),
    Field("taxable", "Taxable", BOOLEAN),
    Field("hourly_rate", "HourlyRate", NUMBER),
    Field("cost_rate", "CostRate", NUMBER),
    Field("hours", "Hours", INTEGER),
    Field("minutes", "Minutes", INTEGER),
    Field("break_hours", "BreakHours", INTEGER),
    Field("break_minutes", "BreakMinutes", INTEGER),
    Field("start_time", "StartTime", INSTANT),
    Field("end_time", "EndTime", INSTANT),
    Field("description", "Description"),
)
TAX_AGENCIES = _shape(
    "tax_agencies",
    "Tax agencies",
    *RECORD,
    Field("display_name", "DisplayName"),
    Field("registration_number", "TaxRegistrationNumber"),
    Field("reporting_period", "ReportingPeriod"),
    Field("tracked_on_sales", "TaxTrackedOnSales", BOOLEAN),
    Field("tracked_on_purchases", "TaxTrackedOnPurchases", BOOLEAN),
    Field("last_file_date", "LastFileDate", DATE),
)
_RATES_OF_A_CODE = (
    *ref("tax_rate", "TaxRateRef"),
    Field("type_applicable", "TaxTypeApplicable"),
    Field("tax_order", "TaxOrder", INTEGER),
    Field("tax_on_tax_order", "TaxOnTaxOrder", INTEGER),
)
TAX_CODES = _shape(
    "tax_codes",
    "Tax codes",
    *_NAME,
    Field("description", "Description"),
    Field("taxable", "Taxable", BOOLEAN),
    Field("tax_group", "TaxGroup", BOOLEAN),
    Field("hidden", "Hidden", BOOLEAN),
    lines=(
        Lines("tax_code_sales_rates", "SalesTaxRateList.TaxRateDetail", _RATES_OF_A_CODE),
        Lines("tax_code_purchase_rates", "PurchaseTaxRateList.TaxRateDetail", _RATES_OF_A_CODE),
    ),
)
TAX_RATES = _shape(
    "tax_rates",
    "Tax rates",
    *_NAME,
    Field("description", "Description"),
    Field("rate", "RateValue", NUMBER),
    *ref("agency", "AgencyRef"),
    Field("special_type", "SpecialTaxType"),
    Field("display_type", "DisplayType"),
    lines=(
        Lines(
            "tax_rate_periods",
            "EffectiveTaxRate",
            (
                Field("rate", "RateValue", NUMBER),
                Field("effective_from", "EffectiveDate", INSTANT),
                Field("effective_until", "EndDate", INSTANT),
            ),
        ),
    ),
)
COMPANY_INFO = _shape(
    "company_info",
    "Company",
    *RECORD,
    Field("company_name", "CompanyName"),
    Field("legal_name", "LegalName"),
    Field("country", "Country"),
    Field("start_date", "CompanyStartDate", DATE),
    Field("fiscal_year_start_month", "FiscalYearStartMonth"),
    Field("time_zone", "DefaultTimeZone"),
    Field("languages", "SupportedLanguages"),
    Field("email", "Email.Address"),
    Field("phone", "PrimaryPhone.FreeFormNumber"),
    Field("website", "WebAddr.URI"),
    *address("address", "CompanyAddr"),
    lines=(Lines("company_settings", "NameValue", (Field("name", "Name"), Field("value", "Value"))),),
)
PREFERENCES = _shape(
    "preferences",
    "Preferences",
    *RECORD,
    Field("multi_currency", "CurrencyPrefs.MultiCurrencyEnabled", BOOLEAN),
    Field("home_currency", "CurrencyPrefs.HomeCurrency.value"),
    Field("report_basis", "ReportPrefs.ReportBasis"),
    Field("book_close_date", f"{_ACCOUNTING}.BookCloseDate", DATE),
    Field("first_month_of_fiscal_year", f"{_ACCOUNTING}.FirstMonthOfFiscalYear"),
    Field("first_month_of_tax_year", f"{_ACCOUNTING}.TaxYearMonth"),
    Field("account_numbers", f"{_ACCOUNTING}.UseAccountNumbers", BOOLEAN),
    Field("departments", f"{_ACCOUNTING}.TrackDepartments", BOOLEAN),
    Field("department_term", f"{_ACCOUNTING}.DepartmentTerminology"),
    Field("customer_term", f"{_ACCOUNTING}.CustomerTerminology"),
    Field("classes_per_transaction", f"{_ACCOUNTING}.ClassTrackingPerTxn", BOOLEAN),
    Field("classes_per_line", f"{_ACCOUNTING}.ClassTrackingPerTxnLine", BOOLEAN),
    Field("sales_tax", "TaxPrefs.UsingSalesTax", BOOLEAN),
    Field("time_tracking", "TimeTrackingPrefs.TimeTrackingEnabled", BOOLEAN),
)
