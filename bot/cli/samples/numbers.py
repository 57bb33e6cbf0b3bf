"""Metrics in all their states, with names that would be markup."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from storage.facts.messages import Message
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Direction,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Shown,
    Target,
    Value,
)
from templates.notices import metric_changing, metrics

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
AS_OF = NOW - timedelta(minutes=22)
_INCOME = Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "Income", "Income")
NET = Definition(
    Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "NetIncome", "Net income"),
    target=Target(Decimal(4000), Direction.AT_LEAST, Decimal(10)),
)
_MONTHS = (
    "1204.50", "4414.00", "3980.10", None, "5211.00", "4100.00", "3655.25", "-880.40", "2950.00", "3100.75", "2800.00",
)  # fmt: skip
GROWTH = Definition(_INCOME, Calculation.GROWTH, decimals=1)


def metric_messages() -> dict[str, Message]:
    """Return every message about them."""
    net = shown("Net income", NET, MetricState.CURRENT, kept("4414.00"), kept("-14888.06", 10, before="-14901.10"))
    growth = shown("<Growth> of *sales*", GROWTH, MetricState.STALE, kept("1.326831839747", currency=""),
                    reason="what it is calculated from is older than promised")  # fmt: skip
    frozen = shown("Cash", NET, MetricState.FROZEN, kept("47218.87"), since=NOW - timedelta(days=2),
                    reason="Priya Raman disconnected it")  # fmt: skip
    broken = shown("Petty cash", Definition(_INCOME), MetricState.BROKEN, kept("12.00"),
                    reason="Petty cash is not in QuickBooks any more")  # fmt: skip
    new = shown("Margin", Definition(_INCOME, Calculation.RATIO, _INCOME), MetricState.CALCULATING)
    empty = shown("Margin", new.metric.definition, MetricState.CURRENT,
                   kept(None, reason="the divisor is zero in this period"))  # fmt: skip
    goal = replace(net, metric=replace(net.metric, definition=replace(NET, noun="Goal")))
    months = [kept(value, month) for month, value in zip(range(11, 0, -1), _MONTHS, strict=True)]
    return {
        "metric_trend": metrics.metric_shown(shown("Net <b>income</b>", NET, MetricState.CURRENT, *months), NOW),
        "metrics_none": metrics.metrics_list("Temerity Goods", [], NOW),
        "metrics": metrics.metrics_list("Temerity Goods", [net, growth, frozen, broken, new], NOW),
        "metric": metrics.metric_shown(net, NOW),
        "metric_stale": metrics.metric_shown(growth, NOW),
        "metric_frozen": metrics.metric_shown(frozen, NOW),
        "metric_new": metrics.metric_shown(new, NOW),
        "metric_empty": metrics.metric_shown(empty, NOW),
        "metric_preview": metric_changing.metric_preview(replace(net, state=MetricState.CALCULATING), NOW, "{}"),
        "metric_made": metric_changing.metric_made("<Growth> of *sales*"),
        "metric_refused": metric_changing.metric_refused("nothing there is called “Marge” in QuickBooks"),
        "metric_connect": metric_changing.metric_needs_quickbooks(connects=True),
        "metric_connect_admin": metric_changing.metric_needs_quickbooks(connects=False),
        "metric_missing": metrics.metric_missing("gros *margin*"),
        "metric_called_so": metric_changing.called_so(
            metric_changing.metric_saved("Delete *fees*", changed=True), "*fees*"
        ),
        "metric_delete": metric_changing.metric_delete(goal, "{}"),
        "metric_deleted": metric_changing.metric_deleted("<Growth> of *sales*"),
        "metric_saved": metric_changing.metric_saved("<Growth> of *sales*", changed=False),
        "metric_not_saved": metric_changing.metric_not_saved("another one has this name; choose another name"),
        "metric_by_hand": metric_changing.metric_by_hand("Objective"),
        "metric_noun": metric_changing.noun_shown("Goal", changed=True),
        "metric_noun_now": metric_changing.noun_shown("Goal"),
        "metric_noun_refused": metric_changing.noun_refused("they can be called Metric, Goal or Objective"),
        "metrics_new": metric_changing.offers_new(metrics.metrics_list("Temerity Goods", [goal], NOW), "Goal"),
    }


def kept(value: str | None, month: int = 11, *, before: str = "", currency: str = "USD", reason: str = "") -> Kept:
    """Return a month's value."""
    end = _last_day(month)
    made = Value(Period(date(2026, month, 1), end), None if value is None else Decimal(value), reason, 3, month < 11)
    changed = {"why": "data", "before": before, "complete_before": True} if before else {}
    return Kept(made, 2 if before else 1, currency, AS_OF, "run_1", 7, 1, changed)


def _last_day(month: int) -> date:
    return date(2026, month + 1, 1) - timedelta(days=1)


def shown(
    name: str,
    definition: Definition,
    state: MetricState,
    *values: Kept,
    reason: str = "",
    since: datetime | None = None,
) -> Shown:
    """Return a metric with values, the latest first."""
    as_of = AS_OF if values else None
    metric = Metric(
        "met_1", "org_1", "src_1", "9341450000000001", name, definition, 1, "mem_1", "", NOW, state, reason, as_of,
        "run_1", as_of, 1 if values else 0,
    )  # fmt: skip
    return Shown(metric, state, "Temerity Goods LLC", reason, since, values)
