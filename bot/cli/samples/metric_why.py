"""Why a metric is as it is: each link as the cause."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.cli.samples import facts as s
from bot.cli.samples.numbers import NET, kept, shown
from jobs.explain.chain import explain_metric
from jobs.explain.tree import explain
from storage.facts.explain import Evidence
from storage.facts.messages import Message
from storage.facts.metric_why import MetricEvidence, Turn
from storage.facts.metrics import MetricState, Shown
from storage.facts.people import Role
from storage.facts.sources import ConnectionState, Freshness
from templates.notices.metric_why import metric_why


def evidence(found: Shown, *, turn: Turn | None = None, daily: str = "", **status: Any) -> MetricEvidence:
    """Return what is known of a metric whose source stands so."""
    source = status.pop("source", s.QUICKBOOKS)
    streams = [daily] if daily else ["profit_and_loss"]
    of = Evidence(s.NOW, s.status(source, **status), Role.MANAGER, next_at=s.NOW + s.minutes(38))
    return MetricEvidence(s.NOW, found, explain(of), streams, daily, turn, s.NOW - timedelta(days=3), "Daniel Kim")


def evidences() -> Mapping[str, MetricEvidence]:
    """Return one for each link, and one that is well."""
    old = "what it is calculated from is older than promised"
    net = shown("Net income", NET, MetricState.CURRENT, kept("4414.00"), kept("5211.00", 10))
    stale = replace(net, state=MetricState.STALE, reason=old)
    lost = s.source(s.QUICKBOOKS.provider, connection=ConnectionState.DISCONNECTED, reason="Intuit refused the access")
    broken = replace(net.metric, state=MetricState.BROKEN, reason="Petty cash is not in QuickBooks any more")
    changed = replace(net.metric, state=MetricState.CALCULATING, version=2)
    aged = replace(net.metric, as_of=s.NOW - timedelta(days=3))
    undated = replace(net.metric, reason="left out, because QuickBooks has no day for them: sales and credits (2)")
    return {
        "well": evidence(net, turn=Turn(None, 0)),
        "source": evidence(replace(stale, state=MetricState.FROZEN, since=s.NOW - timedelta(days=2)), source=lost),
        "late": evidence(stale, freshness=Freshness.LATE),
        "stream": evidence(replace(stale, metric=aged), daily="general_ledger"),
        "table": evidence(shown("Fees", NET, MetricState.CALCULATING), turn=Turn(None, 0), daily="general_ledger"),
        "left_out": evidence(replace(net, metric=undated, reason=undated.reason)),
        "broken": evidence(replace(net, metric=broken, state=MetricState.BROKEN, reason=broken.reason)),
        "changed": evidence(replace(net, metric=changed, state=MetricState.CALCULATING), turn=Turn(s.NOW, 0)),
        "failing": evidence(replace(stale, reason="it is not calculated from the newest data yet"),
                            turn=Turn(s.NOW + s.minutes(2), 3)),
        "unexplained": evidence(stale),
    }  # fmt: skip


def metric_why_messages() -> dict[str, Message]:
    """Return every message by name."""
    return {
        f"metric_why_{name}": metric_why(
            explain_metric(one), zone=s.ZONE, admins=s.ADMINS, refresh_value="x", changes=True
        )
        for name, one in evidences().items()
    }
