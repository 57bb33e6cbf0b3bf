"""Metrics that leave: the post of a week, and where they are posted."""

from dataclasses import replace
from datetime import time, timedelta

from bot.cli.samples.desktop import desktop_messages
from bot.cli.samples.numbers import GROWTH, NET, NOW, kept, shown
from jobs.api_keys import WRITE
from storage.facts.api_keys import ApiKey
from storage.facts.messages import Message
from storage.facts.metrics import MetricState, PostTime, Shown
from templates.notices import api_keys
from templates.notices import metrics_out as out
from templates.notices.metrics_week import MetricsWeek, metrics_week
from templates.notices.sheets import page_link

_KEY = ApiKey("key_06e9", "org_1", "mem_1", "<Model> of *ours*", WRITE, NOW, NOW - timedelta(minutes=4))
_LINKS = tuple((form, f"https://tidings.example/files/metric?ticket={form}") for form in ("csv", "json"))
_PAGE = "https://tidings.example/page?ticket="
ZONE = "America/New_York"
_LEDGER = "general ledger, read once a day"
_REPORT = "profit and loss, read with every collection"


def posted_metrics() -> tuple[Shown, ...]:
    """Return metrics in every state, each with values of some months."""
    months = ("1204.50", "4414.00", "3980.10", "4120.00", "3655.25")
    values = [kept(value, month) for month, value in zip(range(11, 6, -1), months, strict=True)]
    net = replace(shown("Net income", NET, MetricState.CURRENT, *values), worst=_REPORT)
    low = replace(shown("Gross profit", NET, MetricState.CURRENT, *values[2:]), worst=_REPORT)
    grew = (kept("0.0213", 10, currency=""), kept("0.0101", 9, currency=""))
    growth = shown("<Growth> of *sales*", GROWTH, MetricState.STALE, *grew,
                   reason="what it is calculated from is older than promised")  # fmt: skip
    frozen = shown("Cash", NET, MetricState.FROZEN, kept("47218.87", 10), since=NOW - timedelta(days=2),
                   reason="Priya Raman disconnected it")  # fmt: skip
    broken = shown("Petty cash", NET, MetricState.BROKEN, kept("12.00", 10),
                   reason="Petty cash is not in QuickBooks any more")  # fmt: skip
    new = shown("Margin", NET, MetricState.CALCULATING)
    return (net, low, *(_older(one) for one in (growth, frozen, broken)), replace(new, worst=_LEDGER))


def _older(one: Shown) -> Shown:
    return replace(one, worst=_LEDGER, metric=replace(one.metric, as_of=NOW - timedelta(days=3, minutes=7)))


def handed_out_messages() -> dict[str, Message]:
    """Return every message about them."""
    all_of_it = MetricsWeek("Temerity Goods", ZONE, posted_metrics())
    one = MetricsWeek("Temerity Goods", ZONE, posted_metrics()[:1], NOW - timedelta(hours=30))
    return {
        "metrics_week": metrics_week(all_of_it, NOW),
        "metrics_week_one_late": metrics_week(one, NOW),
        "metrics_week_none": metrics_week(MetricsWeek("Temerity Goods", ZONE, ()), NOW),
        "metric_posted": out.metric_posted("<Growth> of *sales*", "finance", NOW + timedelta(days=2), PostTime()),
        "metric_posted_nowhere": out.metric_posted("Net income", "", None, PostTime()),
        "metric_post_time": out.metric_posted("", "finance", NOW + timedelta(days=6), PostTime(4, time(16))),
        "metric_post_time_unclear": out.metric_post_time_unclear("<whenever> you *like*"),
        "metric_post_none": out.metric_post_none(),
        "metric_files": out.metric_files("<Growth> of *sales*", _LINKS, NOW + timedelta(minutes=15)),
        "page_link": page_link("The history of <Shopify> · *Temerity*", f"{_PAGE}src_1", NOW + timedelta(minutes=15)),
        **desktop_messages(),
        "api_keys": api_keys.keys([(_KEY, "Daniel Kim"), (replace(_KEY, name="Old", used_at=None), "")], NOW),
        "api_keys_none": api_keys.keys([], NOW),
        "api_key_made": api_keys.key_made(_KEY, "tdk_06e9shown_once"),
        "api_key_removed": api_keys.key_removed(_KEY),
        "api_key_refused": api_keys.key_refused("there is no such key"),
        "metric_post_unclear": out.metric_post_unclear("#finance"),
        "metric_post_not_allowed": out.metric_post_not_allowed(),
    }
