"""What the pages of a flow say: facts in, labelled rows and sentences out."""

import math
from datetime import datetime

from jobs.connecting.views import FlowView, Mismatch
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState
from templates.text import label
from templates.times import absolute
from templates.words import permissions

Rows = list[tuple[str, str]]


def title(view: FlowView) -> str:
    """Return what this flow is about: ``Connect Shopify to Temerity Goods``."""
    if view.source is None:
        return f"Connect {view.provider_label} to {label(view.organization)}"
    return f"Reconnect {label(view.source.company) or view.provider_label}"


def who(view: FlowView) -> Rows:
    """Return who connects what to whom."""
    rows = [("What", view.provider_label), ("To", label(view.organization))]
    if view.source is not None:
        rows = [("Source", f"{label(view.source.company)} ({label(view.source.label)})"), *rows[1:]]
    return [*rows, ("As", f"{label(view.member)} (Slack: {label(view.workspace)})")]


def minutes_left(until: datetime, now: datetime) -> str:
    """Return how long a step is waited for: ``for 14 more minutes``."""
    left = max(1, math.ceil((until - now).total_seconds() / 60))
    return f"for {left} more minute{'' if left == 1 else 's'}"


def chosen(view: FlowView) -> Rows:
    """Return what the person is about to say yes to."""
    rows = [
        (view.provider_label, label(view.company or "")),
        ("Account", label(view.account or "")),
        ("Organization", label(view.organization)),
        ("You", f"{label(view.member)} (Slack: {label(view.workspace)})"),
    ]
    if view.source is not None:
        rows.append(("Source", f"{label(view.source.label)}; its history and data stay"))
    elif view.known is not None:
        rows.append(("Source", f"{label(view.known.label)} is here already; its connection is renewed"))
    return rows


def both(mismatch: Mismatch) -> Rows:
    """Return the account that was chosen beside the one that the source is."""
    return [
        ("You chose", f"{label(mismatch.chosen)} ({label(mismatch.chosen_account)})"),
        ("This source", f"{label(mismatch.expected)} ({label(mismatch.expected_account)})"),
    ]


def missing(view: FlowView) -> str:
    """Return the sentence about permissions that were asked for and not given; empty where none is missing."""
    if not view.missing:
        return ""
    return (
        f"{view.provider_label} did not allow everything that was asked for. Not allowed: {permissions(view.missing)}. "
        "That is not read until you connect again and allow it."
    )


def attention(view: FlowView) -> str:
    """Return what is wrong with a connection that works, such as a missing permission; empty where all is well."""
    source = view.connected.source if view.connected is not None else None
    if source is None or source.connection is not ConnectionState.ATTENTION or not source.connection_reason:
        return ""
    why = label(source.connection_reason).rstrip(".")
    return f"Needs attention: {why}. What is not allowed is not read until you connect again and allow it."


def done(view: FlowView) -> Rows:
    """Return how the connected source stands now; times are in the member's own zone, which is said with them."""
    status = view.connected
    if status is None:
        return [(view.provider_label, label(view.company or ""))]
    rows = [
        ("Company", label(status.source.company)),
        ("Source", label(status.source.label)),
        ("Connection", _connection(status.source.connection)),
    ]
    if not status.source.mode.collects:
        return [*rows, ("What follows", "files and orders, each by its own schedule")]
    if status.last_data_refresh is not None:
        rows.append(("Last data refresh", absolute(status.last_data_refresh, view.zone)))
    else:
        rows.append(("Last data refresh", "not yet: the first collection is running"))
    return rows


def waiting(view: FlowView) -> bool:
    """Whether the collection that the connection started still runs, so that the page looks again."""
    status = view.connected
    if status is None or status.active is None or view.run_id is None:
        return False
    return status.active.id == view.run_id and status.active.state in (RunState.QUEUED, RunState.RUNNING)


def _connection(state: ConnectionState) -> str:
    words = {
        ConnectionState.CONNECTED: "connected",
        ConnectionState.ATTENTION: "connected, needs attention",
        ConnectionState.DISCONNECTED: "disconnected",
    }
    return words[state]
