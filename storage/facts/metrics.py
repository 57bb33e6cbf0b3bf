"""Metrics: numbers that are calculated from imported QuickBooks data, and what is kept of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

#: metrics of one organization
MOST_METRICS = 1000
#: characters of a name
LONGEST_NAME = 80
#: of the week, as they are typed
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: how the reason ends of one that is broken because what it was of vanished
GONE = " is not in QuickBooks any more"
#: how the reason begins to go on when what postings are of was not said yet
UNSAID = "each posting is of is not known yet"


class Dataset(StrEnum):
    """What a metric is calculated from; each stands for tables of ours, never for words of people."""

    #: QuickBooks' own profit and loss by month
    PROFIT_AND_LOSS = "profit_and_loss"
    #: QuickBooks' own balance sheet at the end of each month
    BALANCE_SHEET = "balance_sheet"
    #: what was posted in one account
    ACCOUNTS = "accounts"
    #: what was posted in all accounts of a type
    CATEGORIES = "categories"
    #: what was posted in accounts of income
    REVENUE = "revenue"
    #: what was posted in accounts of expenses
    EXPENSES = "expenses"
    #: lines of sales by product or service, less credits and refunds
    ITEMS = "items"
    #: sales by customer, less credits and refunds
    CUSTOMERS = "customers"


class ItemKind(StrEnum):
    """What is chosen of a dataset."""

    ALL = "all"
    ACCOUNT = "account"
    #: a type of accounts: ``Bank``
    CATEGORY = "category"
    #: a line that QuickBooks prints: ``NetIncome``
    SECTION = "section"
    ITEM = "item"
    CUSTOMER = "customer"


class Calculation(StrEnum):
    """How a period's value is made."""

    SUM = "sum"
    #: what an account stands at when the period ends
    END_BALANCE = "end_balance"
    #: of the records of the period
    AVERAGE = "average"
    COUNT = "count"
    #: the selection divided by a second one
    RATIO = "ratio"
    #: against the period before
    GROWTH = "growth"
    #: against the same period of the year before
    GROWTH_YEAR = "growth_year"
    #: from the first day of the fiscal year
    CUMULATIVE = "cumulative"
    #: of this period and those before it
    ROLLING = "rolling"


class Basis(StrEnum):
    """How the books count: when something is invoiced, or when it is paid."""

    ACCRUAL = "accrual"
    CASH = "cash"


class Frequency(StrEnum):
    """How long a period is."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUAL = "annual"


class Direction(StrEnum):
    """On which side of its target a metric should be."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class MetricState(StrEnum):
    """Where a metric stands. Only the first two and the last are written down; the others follow from its source."""

    CALCULATING = "calculating"
    CURRENT = "current"
    #: what it is calculated from is older than promised
    STALE = "stale"
    #: its source is disconnected
    FROZEN = "frozen"
    #: it cannot be calculated any more until somebody changes it
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which imported records count."""

    dataset: Dataset
    kind: ItemKind = ItemKind.ALL
    #: QuickBooks' id of it, the type, or the line; empty for all
    item: str = ""
    #: as it was called when it was chosen; shown, never compared
    item_name: str = ""
    #: with everything below it
    below: bool = True
    class_id: str = ""
    department_id: str = ""
    customer_id: str = ""
    #: as they were called when they were chosen; shown, never compared
    class_name: str = ""
    department_name: str = ""
    customer_name: str = ""

    @property
    def gone(self) -> str:
        """Why a metric of it is broken, when it vanished."""
        return f"{self.item_name or self.item}{GONE}"

    def lost(self, filter_: str) -> str:
        """Why a metric of it is broken, when what it is narrowed to vanished: ``class_id`` …, in words."""
        kind = filter_.removesuffix("_id")
        return f"{kind} {getattr(self, f'{kind}_name') or getattr(self, filter_)}{GONE}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a metric should be."""

    value: Decimal
    direction: Direction = Direction.AT_LEAST
    #: percent of the target that it may be off before it counts as missed
    band: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that decides a metric's values, and how they are shown; a change of it is a new version."""

    selection: Selection
    calculation: Calculation = Calculation.SUM
    #: what a ratio is divided by
    divisor: Selection | None = None
    basis: Basis = Basis.ACCRUAL
    #: whether the sign of QuickBooks is turned around
    reversed: bool = False
    frequency: Frequency = Frequency.MONTHLY
    #: the month (1 to 12) in which the fiscal year begins
    fiscal_month: int = 1
    #: IANA name of the zone that says which day is today
    zone: str = "UTC"
    #: three letters; empty: the company's own
    currency: str = ""
    #: digits after the point that are shown
    decimals: int = 2
    #: periods of a rolling average
    window: int = 3
    target: Target | None = None
    #: Metric, Goal, Objective
    noun: str = "Metric"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, and where it stands."""

    id: str
    organization_id: str
    source_id: str
    #: the company that it is calculated from, as the provider names the account
    account: str
    name: str
    definition: Definition
    #: of the definition, from 1
    version: int
    owner_id: str
    #: channel where it is posted; empty: nowhere
    post_to: str
    created_at: datetime
    state: MetricState
    #: why it is broken, or what is left out of a current one's values; in words
    reason: str
    #: up to when its input is complete
    as_of: datetime | None
    #: the run after which it was calculated last
    run_id: str
    calculated_at: datetime | None
    #: the version that its values are of
    calculated_version: int


@dataclass(frozen=True, slots=True)
class PostTime:
    """When a channel has its metrics each week, by the clock on the organization's wall."""

    #: 0 is Monday
    weekday: int = 0
    at: time = time(9)

    def __str__(self) -> str:
        """Return it as it can be typed: ``fridays at 16:00``."""
        return f"{DAYS[self.weekday]}s at {self.at:%H:%M}"


#: unless somebody says otherwise
NINE_ON_MONDAYS = PostTime()


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both in it."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's value of one period, as it is calculated."""

    period: Period
    #: exact; None: there is none, and `reason` says why
    value: Decimal | None
    reason: str = ""
    #: records behind it
    rows: int = 0
    #: whether the data cover the period from its first day, and it is over
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """A value as it is kept: one revision of one period."""

    value: Value
    #: from 1; a restated period has more
    revision: int
    currency: str
    as_of: datetime
    run_id: str
    snapshot: int
    #: of the definition
    version: int
    #: what made it another: why, and the value before
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failing:
    """A calculation that comes to nothing, and is tried again."""

    #: what failed, in words
    what: str
    since: datetime
    again_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric as somebody looks at it: where it stands now, and its values."""

    metric: Metric
    #: what follows from the metric, its source and how old its input is
    state: MetricState
    #: the company that it is calculated from, as people read it
    company: str
    #: why it is not current, and what is left out of its values; in words
    reason: str = ""
    #: since when it stands still
    since: datetime | None = None
    #: the newest values, the latest period first
    values: tuple[Kept, ...] = ()
    #: the oldest of what it is calculated from, in words: its as-of is that of this one
    worst: str = ""
    #: how the values were calculated, while they are of an older definition than the metric's
    before: Definition | None = None
    #: why it is not calculated from newer data, where its calculation fails
    failing: Failing | None = None
