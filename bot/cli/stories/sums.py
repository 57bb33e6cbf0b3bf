"""What every calculation comes to in a stand-in's own books: no table, no SQL and no arithmetic of the product.

It knows postings and documents as the stand-in holds them, adds them up as fractions by day, and cuts the days into
periods in a way of its own.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sandbox.providers.quickbooks import Books
from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Frequency,
    ItemKind,
    Period,
    Selection,
)

DEBIT = {"Asset", "Expense"}
#: a line that QuickBooks prints -> types of accounts whose credits it is
LINES = {
    "Income": {"Income"},
    "GrossProfit": {"Income", "Cost of Goods Sold"},
    "NetOperatingIncome": {"Income", "Cost of Goods Sold", "Expense"},
    "NetIncome": {"Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense"},
}
SALES = {"Invoice": 1, "SalesReceipt": 1, "CreditMemo": -1, "RefundReceipt": -1}
FILTERS = {"class_id": "ClassRef", "department_id": "DepartmentRef", "customer_id": "CustomerRef"}


class Days:
    """Amounts by day, and what stands between two of them."""

    def __init__(self, records: Iterable[tuple[date, Fraction]]) -> None:
        ordered = sorted(records, key=lambda one: one[0])
        self.days = [day for day, _ in ordered]
        self.sums = [Fraction(0)]
        for _, worth in ordered:
            self.sums.append(self.sums[-1] + worth)

    def between(self, first: date, last: date) -> tuple[Fraction, int]:
        """Return what the records of these days come to, and how many they are."""
        low, high = bisect_left(self.days, first), bisect_right(self.days, last)
        return self.sums[high] - self.sums[low], high - low


def span(day: date, frequency: Frequency, fiscal: int) -> Period:
    """Return the period of a day, by counting days."""
    if frequency is Frequency.DAILY:
        return Period(day, day)
    if frequency is Frequency.WEEKLY:
        year, week, _ = day.isocalendar()
        return Period(date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7))
    months = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.ANNUAL: 12}[frequency]
    starts = {(fiscal - 1 + n) % 12 + 1 for n in range(0, 12, months)}
    first = day
    while first.day != 1 or first.month not in starts:
        first -= timedelta(days=1)
    last = day
    while (last + timedelta(days=1)).day != 1 or (last + timedelta(days=1)).month not in starts:
        last += timedelta(days=1)
    return Period(first, last)


@dataclass(frozen=True)
class Side:
    """What one selection is of."""

    days: Days
    #: whether it is asked where it stands
    balance: bool


class Arithmetic:
    """Calculations over days, each written down as it is meant; nothing is kept from one period to the next."""

    def __init__(self) -> None:
        self._spans: dict[tuple[date, Frequency, int], Period] = {}

    def period(self, day: date, asked: Definition) -> Period:
        """Return the period of a day."""
        key = (day, asked.frequency, asked.fiscal_month)
        if key not in self._spans:
            self._spans[key] = span(*key)
        return self._spans[key]

    def value(  # noqa: C901 - each calculation as it is meant, side by side
        self, asked: Definition, sides: list[Side], period: Period, covered: Callable[[Period], bool]
    ) -> Fraction | None:
        """Return what a definition comes to in a period; None for what cannot be told."""

        def own(one: Period, side: int = 0) -> Fraction:
            return sides[side].days.between(date.min if sides[side].balance else one.start, one.end)[0]

        def earlier(one: Period) -> Period:
            return self.period(one.start - timedelta(days=1), asked)

        def growth(base: Period) -> Fraction | None:
            return (own(period) - own(base)) / abs(own(base)) if covered(base) and own(base) else None

        match asked.calculation:
            case Calculation.AVERAGE:
                total, rows = sides[0].days.between(period.start, period.end)
                found = total / rows if rows else None
            case Calculation.COUNT:
                found = Fraction(sides[0].days.between(period.start, period.end)[1])
            case Calculation.RATIO:
                found = own(period) / own(period, 1) if own(period, 1) else None
            case Calculation.GROWTH:
                found = growth(earlier(period))
            case Calculation.GROWTH_YEAR:
                found = growth(self._year_before(period, asked))
            case Calculation.CUMULATIVE:
                year = span(period.start, Frequency.ANNUAL, asked.fiscal_month)
                found = own(Period(year.start, period.end)) if covered(year) else None
            case Calculation.ROLLING:
                window = [period]
                while len(window) < asked.window:
                    window.append(earlier(window[-1]))
                found = sum(map(own, window), Fraction(0)) / asked.window if all(map(covered, window)) else None
            case _:
                found = own(period)
        return -found if found is not None and asked.reversed else found

    def _year_before(self, period: Period, asked: Definition) -> Period:
        start = period.start
        if asked.frequency is Frequency.WEEKLY:
            return self.period(start - timedelta(days=364), asked)
        if (start.month, start.day) == (2, 29):
            start = start.replace(day=28)
        return self.period(start.replace(year=start.year - 1), asked)


class Truth(Arithmetic):
    """The books, as they are now."""

    def __init__(self, books: Books, since: date, today: date) -> None:
        super().__init__()
        self._books = books
        self._since = since
        self.today = today
        self.accounts: Mapping[str, Mapping[str, Any]] = {one["Id"]: one for one in books.truth("Account")}
        self._added: dict[tuple[Selection, Basis], Days] = {}
        self._by_id: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._sales = {kind: books.truth(kind) for kind in SALES}
        sold = [date.fromisoformat(one["TxnDate"]) for many in self._sales.values() for one in many]
        self._first_sale = min(sold)

    def postings(self, basis: Basis) -> list[tuple[date, str, Fraction]]:
        """Return day, account and debit of each posting."""
        if basis is Basis.CASH:
            days = self._books.ledger("Cash").days
            found = [(day, account, cents) for account, posted in days.items() for day, cents in posted.items()]
        else:
            found = [(one.date, one.account, one.cents) for one in self._books.entries()]
        return [(date.fromisoformat(day), account, Fraction(cents, 100)) for day, account, cents in found]

    def below(self, top: str, *, whole: bool) -> set[str]:
        """Return an account with those below it."""
        found, before = {top}, 0
        while whole and len(found) > before:
            before = len(found)
            found |= {key for key, one in self.accounts.items() if one.get("ParentRef", {}).get("value") in found}
        return found

    def days(self, chosen: Selection, basis: Basis) -> Days:
        """Return the records that a selection is of, with the sign that QuickBooks prints."""
        key = (chosen, basis)
        if key not in self._added:
            self._added[key] = Days(self._records(chosen, basis))
        return self._added[key]

    def _records(self, chosen: Selection, basis: Basis) -> Iterable[tuple[date, Fraction]]:
        if chosen.dataset is Dataset.ITEMS:
            return self._lines(chosen)
        if chosen.dataset is Dataset.CUSTOMERS:
            return self._documents(chosen)
        wanted = self._accounts(chosen)
        narrowed = any(getattr(chosen, name) for name in FILTERS)
        posted = self._posted_of(chosen) if narrowed else self.postings(basis)
        return ((day, wanted[account] * debit) for day, account, debit in posted if account in wanted)

    def _posted_of(self, chosen: Selection) -> Iterator[tuple[date, str, Fraction]]:
        """Yield the postings of a class, department or customer, by what the documents themselves say of their lines.

        What is posted of no line (what is owed, paid or taxed) has no class, and all else that its document has.
        """
        rest: dict[tuple[str, str], Counter[tuple[str, Fraction]]] = defaultdict(Counter)
        for one in self._books.entries():
            rest[one.kind, one.id][one.account, Fraction(one.cents, 100)] += 1
        for (kind, id_), left in rest.items():
            document = self._documents_by_id(kind)[id_]
            day, whole = date.fromisoformat(document["TxnDate"]), kind in SALES
            for account, debit, detail in _lines_of(kind, document):
                if not debit:
                    continue
                left[account, debit] -= 1
                assert left[account, debit] >= 0, (kind, id_, account, debit)
                if _narrowed(chosen, document if whole else _without_class(document), _plainly(detail)):
                    yield day, account, debit
            if _narrowed(chosen, _without_class(document), {}):
                for account, debit in left.elements():
                    yield day, account, debit

    def _documents_by_id(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        if kind not in self._by_id:
            self._by_id[kind] = {one["Id"]: one for one in self._books.truth(kind)}
        return self._by_id[kind]

    def _accounts(self, chosen: Selection) -> dict[str, int]:
        """Return the accounts that count, and whether their debits or their credits do."""
        own = {key: 1 if one["Classification"] in DEBIT else -1 for key, one in self.accounts.items()}
        if chosen.kind is ItemKind.ACCOUNT:
            return {key: own[key] for key in self.below(chosen.item, whole=chosen.below)}
        tests: dict[ItemKind, Callable[[Mapping[str, Any]], bool]] = {
            ItemKind.CATEGORY: lambda one: one["AccountType"] == chosen.item,
            ItemKind.SECTION: lambda one: (
                one["AccountType"] in LINES.get(chosen.item, ())
                or (chosen.item == "TotalAssets" and one["Classification"] == "Asset")
                or (chosen.item == "TotalLiabilitiesAndEquity" and one["Classification"] != "Asset")
            ),
            ItemKind.ALL: lambda one: (
                one["Classification"] == {Dataset.REVENUE: "Revenue", Dataset.EXPENSES: "Expense"}[chosen.dataset]
            ),
        }
        found = {key for key, one in self.accounts.items() if tests[chosen.kind](one)}
        if chosen.kind is not ItemKind.SECTION:
            return {key: own[key] for key in found}
        # A printed result is on one side of the books, whatever the sides of its accounts are.
        return dict.fromkeys(found, 1 if chosen.item == "TotalAssets" else -1)

    def _documents(self, chosen: Selection) -> Iterable[tuple[date, Fraction]]:
        for kind, sign in SALES.items():
            for one in self._sales[kind]:
                mine = chosen.kind is ItemKind.ALL or one["CustomerRef"]["value"] == chosen.item
                if mine and _narrowed(chosen, one, {}):
                    yield date.fromisoformat(one["TxnDate"]), sign * Fraction(one["TotalAmt"])

    def _lines(self, chosen: Selection) -> Iterable[tuple[date, Fraction]]:
        for kind, sign in SALES.items():
            for one in self._sales[kind]:
                for line in one["Line"]:
                    detail = line.get("SalesItemLineDetail")
                    mine = detail and (chosen.kind is ItemKind.ALL or detail["ItemRef"]["value"] == chosen.item)
                    if mine and _narrowed(chosen, one, detail):
                        yield date.fromisoformat(one["TxnDate"]), sign * Fraction(line["Amount"])

    # -- calculations -------------------------------------------------------------------------------------------------

    def values(self, asked: Definition) -> Callable[[Period], Fraction | None]:
        """Return what the definition comes to in a period; None for what cannot be told."""
        chosen = [asked.selection, *([asked.divisor] if asked.divisor else [])]
        sides = [
            Side(
                self.days(one, asked.basis),
                one.dataset is Dataset.BALANCE_SHEET or asked.calculation is Calculation.END_BALANCE,
            )
            for one in chosen
        ]
        whole = all(one.dataset in {Dataset.ITEMS, Dataset.CUSTOMERS} for one in chosen)
        since = self.since(asked)

        def covered(one: Period) -> bool:
            return one.start >= since or (whole and one.end >= since)

        return lambda period: self.value(asked, sides, period, covered)

    def since(self, asked: Definition) -> date:
        """Return the first day that is imported of all that it needs."""
        chosen = [asked.selection, *([asked.divisor] if asked.divisor else [])]
        return max(
            self._first_sale if one.dataset in {Dataset.ITEMS, Dataset.CUSTOMERS} else self._since for one in chosen
        )


def _lines_of(kind: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Fraction, Mapping[str, Any]]]:
    """Yield account, debit and details of the lines of a document that have any."""
    sign = SALES.get(kind, -1 if kind == "VendorCredit" or document.get("Credit") else 1)
    for line in document.get("Line", ()):
        worth = sign * Fraction(line["Amount"])
        if detail := line.get("SalesItemLineDetail"):
            yield detail["ItemAccountRef"]["value"], -worth, detail
        elif detail := line.get("DiscountLineDetail"):
            yield detail["DiscountAccountRef"]["value"], worth, detail
        elif detail := line.get("AccountBasedExpenseLineDetail"):
            yield detail["AccountRef"]["value"], worth, detail
        elif detail := line.get("JournalEntryLineDetail"):
            yield detail["AccountRef"]["value"], worth if detail["PostingType"] == "Debit" else -worth, detail


def _plainly(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return details whose customer stands where that of other lines does."""
    named = detail.get("Entity", {})
    return {**detail, "CustomerRef": named["EntityRef"]} if named.get("Type") == "Customer" else detail


def _without_class(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: said for name, said in document.items() if name != "ClassRef"}


def _narrowed(chosen: Selection, document: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    """Whether a line, or the document that it stands in, is of the class, department and customer."""
    return all(
        not getattr(chosen, name)
        or (line.get(field) or document.get(field) or {}).get("value") == getattr(chosen, name)
        for name, field in FILTERS.items()
    )
