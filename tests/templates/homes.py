"""App Homes of an organization whose twelve sources stand in every way that a source can stand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.cli.samples import numbers
from bot.cli.samples.facts import (
    ADMINS,
    NOW,
    ORG,
    QUICKBOOKS,
    SHOPIFY,
    ZONE,
    begun,
    failure,
    minutes,
    partial,
    run,
    source,
    status,
)
from bot.home import refresh_value
from jobs.authorize import NEEDED
from storage.facts.home import Administration, Board, Filter, Index, Showing
from storage.facts.incidents import IncidentKind
from storage.facts.messages import Message
from storage.facts.metrics import MetricState
from storage.facts.mutes import Mute
from storage.facts.own import Own
from storage.facts.people import Role
from storage.facts.quiet import QuietView
from storage.facts.runs import FailureKind, RunState, Stage
from storage.facts.schedules import read_rule
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Organization, Provider, Source
from storage.facts.status import SourceStatus
from storage.facts.subscriptions import Choices
from templates.notices import index as words

_ADMIN = words.Viewer(frozenset(NEEDED), frozenset(Provider), ZONE, ADMINS, refresh_value)
_VIEWER = replace(_ADMIN, may=frozenset(a for a, role in NEEDED.items() if role is Role.VIEWER), manages=frozenset())
_OWN = Own(Choices((), {}, None), QuietView(None, ZONE, None), None)


def _shop(number: int, company: str = "", **more: Any) -> Source:
    return replace(source(number=number, company=company or f"Store {number}"), **more)


def _file(number: int, label: str) -> Source:
    mode, company = CollectMode.PUSH, "Temerity Goods Inc."
    return replace(_shop(number, company), provider=Provider.NETSUITE, mode=mode, label=label, account=label)


def twelve() -> tuple[SourceStatus, ...]:
    """Return one of each: never read, late, overdue, partly, first read, running, waiting, failed, muted, stopped …"""
    refused: dict[str, Any] = {
        "connection": ConnectionState.DISCONNECTED,
        "connection_reason": "Shopify refused the stored grant",
    }
    gone, amazon = _shop(2, **refused), replace(_shop(3), provider=Provider.AMAZON, account="A1", label="amazon_A1_eu")
    collecting = run(_shop(4), RunState.RUNNING, stage=Stage.COLLECTING, rows=12_400, expected=18_200, asked=3)
    waiting = run(_shop(5), RunState.RUNNING, asked=40, failed=failure(), next_attempt_at=NOW + minutes(4))
    lost = failure(FailureKind.BROKEN, "schema", "Shopify sent something that Tidings does not know.")
    muted = _shop(7, mutes=(Mute(IncidentKind.LATE, "mem_1", "Maya Ortiz", NOW, NOW + timedelta(hours=20)),))
    return (
        status(SHOPIFY),
        status(QUICKBOOKS, reads=(3_100, 5_000)),
        status(gone, Freshness.OVERDUE, last_ready=run(gone, asked=4400, as_of=4390), next_run_at=None),
        status(amazon, Freshness.NEVER, last_ready=None),
        status(_shop(4), Freshness.LATE, last_ready=run(_shop(4), asked=95, as_of=94), active=collecting),
        status(_shop(5), Freshness.LATE, last_ready=run(_shop(5), asked=99, as_of=98), active=waiting),
        status(_shop(6), Freshness.OVERDUE, last_finished=run(_shop(6), RunState.FAILED, failed=lost)),
        status(muted, Freshness.LATE, last_ready=run(muted, asked=130, as_of=125)),
        status(_shop(8), last_ready=partial(_shop(8))),
        status(_shop(9), last_ready=begun(_shop(9))),
        status(_shop(10, rule=read_rule("off"), zone=ZONE), next_run_at=None),
        status(_file(11, "NetSuite via bucket"), next_run_at=None, next_file_at=NOW + minutes(600)),
    )


def board() -> Board:
    """Return a board on which a metric stands in each way that there is."""
    kept, shown, net = numbers.kept, numbers.shown, numbers.NET
    broken = shown("Petty cash", net, MetricState.BROKEN, kept("12.00"),
                   reason="Petty cash is not in QuickBooks any more")  # fmt: skip
    frozen = shown("Cash", net, MetricState.FROZEN, kept("47218.87"), reason="Priya Raman disconnected it")
    stale = shown("<Growth> of *sales*", numbers.GROWTH, MetricState.STALE, kept("1.326831839747", currency=""),
                  reason="what it is calculated from is older than promised")  # fmt: skip
    new = shown("Margin", net, MetricState.CALCULATING)
    found = (broken, frozen, stale, new, shown("Net income", net, MetricState.CURRENT, kept("4414.00", 10)),
             shown("Net income so far", net, MetricState.CURRENT, kept("-1204.5")))  # fmt: skip
    return Board(found, 1_000)


def home(
    viewer: words.Viewer, showing: Filter, company: tuple[SourceStatus, ...], metrics: Board | None = None
) -> Message:
    """Return the page of whoever looks."""
    organization = Organization("org_1", ORG, ZONE, "help@tidings.example", None, "Sam Ode")
    admin = Administration({Role.ADMIN: 1, Role.REFRESHER: 2, Role.VIEWER: 1}, webhooks=1) if viewer is _ADMIN else None
    found = Index(organization, company, {SHOPIFY.id: "Daniel Kim"}, admin, metrics)
    return words.index(found, viewer, NOW, showing=Showing(showing), own=_OWN)


def homes() -> dict[str, Message]:
    """Return each page by its name."""
    found = {f"admin_{one.value}": home(_ADMIN, one, twelve()) for one in Filter}
    found |= {"viewer_all": home(_VIEWER, Filter.ALL, twelve()), "viewer_none": home(_VIEWER, Filter.ALL, ())}
    found |= {f"{name}_metrics": home(who, Filter.ALL, twelve()[:2], board())
              for name, who in (("admin", _ADMIN), ("viewer", _VIEWER))}  # fmt: skip
    return found
