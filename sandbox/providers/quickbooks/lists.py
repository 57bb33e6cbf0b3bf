"""Makes the small lists of a company, and the work that its people note down."""

from sandbox.providers.quickbooks.make import TERMS, Maker
from sandbox.providers.quickbooks.values import Record, amount, day, ref, stamp

#: those that change data capture tells of
FOLLOWED = ("Class", "Department", "Employee", "PaymentMethod", "Term", "Budget")
LISTS = (*FOLLOWED, "TimeActivity", "CustomerType", "TaxAgency", "TaxCode", "TaxRate", "Preferences")


def small_lists(maker: Maker, created: int) -> dict[str, list[Record]]:
    """Return the records of each list but the work that was noted."""

    def named(id_: int, name: str, **more: object) -> Record:
        return {**maker.base(str(id_), created, created), "Name": name, "Active": True, **more}

    def tree(id_: int, name: str, **more: object) -> Record:
        return named(id_, name, FullyQualifiedName=name, **more)

    return {
        "Class": [tree(1, "Wholesale", SubClass=False), tree(2, "Retail", SubClass=False)],
        "Department": [tree(1, "Oakland studio", SubDepartment=False)],
        "Employee": [_employee(maker, "1", created, "Marisol Vega"), _employee(maker, "2", created, "Theo Lindqvist")],
        "PaymentMethod": [named(1, "Cash", Type="NON_CREDIT_CARD"), named(2, "Check", Type="NON_CREDIT_CARD")],
        "Term": [named(int(id_), name, Type="STANDARD", DueDays=days) for id_, name, days in TERMS],
        "Budget": [_budget(maker, created)],
        "CustomerType": [named(1, "Wholesale"), named(2, "Retail")],
        "TaxAgency": [
            {
                **maker.base("1", created, created),
                "DisplayName": "California Department of Tax and Fee Administration",
                "TaxTrackedOnSales": True,
                "TaxTrackedOnPurchases": False,
            }
        ],
        "TaxCode": [_tax_code(maker, created)],
        "TaxRate": [_tax_rate(maker, created)],
        "Preferences": [_preferences(maker, created)],
    }  # fmt: skip


def time_activity(maker: Maker, id_: str, created: int) -> Record:
    """Return some hours of work."""
    return {
        **maker.base(id_, created, created),
        "TxnDate": day(created, maker.zone),
        "NameOf": "Employee",
        "EmployeeRef": ref("1", "Marisol Vega"),
        "CustomerRef": ref(maker.customers[0]["Id"], maker.customers[0]["DisplayName"]),
        "BillableStatus": "NotBillable",
        "Taxable": False,
        "HourlyRate": amount(4500),
        "Hours": 1 + int(id_) % 7,
        "Minutes": 30,
        "Description": "Fitting and styling",
    }


def _employee(maker: Maker, id_: str, created: int, name: str) -> Record:
    first, last = name.split()
    return {
        **maker.base(id_, created, created),
        "GivenName": first,
        "FamilyName": last,
        "DisplayName": name,
        "PrintOnCheckName": name,
        "Active": True,
        "BillableTime": False,
        "HiredDate": day(created, maker.zone),
        "PrimaryEmailAddr": {"Address": f"{first.lower()}@temeritygoods.example"},
    }


def _budget(maker: Maker, created: int) -> Record:
    year = day(created, maker.zone)[:4]
    detail = [
        {"BudgetDate": f"{year}-{month:02d}-01", "Amount": amount(worth), "AccountRef": maker.account(name)}
        for name, worth in (("Rent", 845_000), ("Social Ads", 1_200_000))
        for month in range(1, 13)
    ]
    return {
        **maker.base("1", created, created),
        "Name": f"Plan {year}",
        "StartDate": f"{year}-01-01",
        "EndDate": f"{year}-12-31",
        "BudgetType": "ProfitAndLoss",
        "BudgetEntryType": "Monthly",
        "Active": True,
        "BudgetDetail": detail,
    }


def _tax_code(maker: Maker, created: int) -> Record:
    rates = [{"TaxRateRef": ref("3", "California"), "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}]
    return {
        **maker.base("2", created, created),
        "Name": "California",
        "Description": "California",
        "Active": True,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": rates},
        "PurchaseTaxRateList": {"TaxRateDetail": []},
    }


def _tax_rate(maker: Maker, created: int) -> Record:
    return {
        **maker.base("3", created, created),
        "Name": "California",
        "Description": "Sales tax",
        "Active": True,
        "RateValue": amount(725),
        "AgencyRef": ref("1"),
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
        "EffectiveTaxRate": [{"RateValue": amount(725), "EffectiveDate": stamp(created - 86_400 * 1000, maker.zone)}],
    }


def _preferences(maker: Maker, created: int) -> Record:
    return {
        **maker.base("1", created, created),
        "AccountingInfoPrefs": {
            "UseAccountNumbers": False,
            "TrackDepartments": True,
            "DepartmentTerminology": "Location",
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": True,
            "FirstMonthOfFiscalYear": "January",
            "TaxYearMonth": "January",
            "CustomerTerminology": "Customers",
        },
        "TaxPrefs": {"UsingSalesTax": True},
        "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": ref("USD")},
        "ReportPrefs": {"ReportBasis": "Accrual"},
        "TimeTrackingPrefs": {"TimeTrackingEnabled": True},
    }
