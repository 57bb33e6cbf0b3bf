"""Restated values: on a card, in a list, in the post of a week; in closed books, and where it is not known why."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bot.cli.samples.numbers import NET, NOW, kept, shown
from storage.facts.messages import Message
from storage.facts.metrics import Kept, MetricState
from storage.facts.restated import Document, document_json, restated_of
from templates.notices.metric_words import said_by
from templates.notices.metrics import metric_shown
from templates.notices.metrics_restated import restated_list
from templates.notices.metrics_week import MetricsWeek, metrics_week

FOUND = NOW - timedelta(days=2)
DOCUMENTS = (
    Document("invoice", "1042", "311", date(2026, 10, 3), Decimal(250), date(2026, 10, 3), Decimal(275)),
    Document("Journal Entry", "<b>7</b>", "90", None, None, date(2026, 10, 30), Decimal("-14.00")),
    Document("payment", "", "4711", date(2026, 10, 12), Decimal(40), date(2026, 11, 2), Decimal(40)),
    Document("bill", "B-9", "17", date(2026, 10, 9), Decimal("3.10"), None, None),
)


def moved(value: str, month: int, before: str, through: tuple[Document, ...] | None, **more: Any) -> Kept:
    """Return a month's value that was another before."""
    told = None if through is None else [document_json(one) for one in through]
    one = kept(value, month, before=before)
    return replace(one, changed={**one.changed, "at": FOUND.isoformat(), "through": told, **more})


def values() -> tuple[Kept, ...]:
    """Return months of which two moved."""
    closed = moved("5222.00", 10, "5211.00", DOCUMENTS, more=2, around=True, books_closed="2026-10-31")
    return kept("4414.00"), closed, kept("4100.00", 9), moved("-880.40", 8, "-901.00", None), kept("2950.00", 7)


def restated_messages() -> dict[str, Message]:
    """Return every message about them."""
    net = shown("Net income", NET, MetricState.CURRENT, *values())
    found = [one for one in map(restated_of, net.values) if one is not None]
    week = MetricsWeek("Temerity Goods", "America/New_York", (net,), since=NOW - timedelta(days=7))
    return {
        "metric_restated_card": metric_shown(net, NOW),
        "metric_restated": restated_list(net, found, said_by(net)),
        "metric_restated_none": restated_list(net, [], said_by(net)),
        "metrics_week_restated": metrics_week(week, NOW),
    }
