"""Explanations of the causes that people meet most."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bot.cli.samples import facts as s
from jobs.explain.tree import explain
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.explain import AskedBefore, Evidence
from storage.facts.landed import Hit, LandedAnswer, Row, Sought, SoughtKind, Standing
from storage.facts.people import Role
from storage.facts.runs import Duration, FailureKind, Held, Result, RunState, Stage
from storage.facts.sources import ConnectionState, Freshness
from templates.notices.landed import landed, landed_usage, watch_expired
from templates.notices.why import why


def _evidence(status: Any, reader: Role = Role.REFRESHER, **more: Any) -> Evidence:
    due = s.NOW + s.minutes(19)
    return Evidence(s.NOW, status, reader, **{"next_at": due, "receipt": "rcp_2f9c8k1", "sender": _SENDER, **more})


_SENDER = "Tidings <tidings@tidings.example>"


def _mail(state: DeliveryState, reason: str | None = None) -> Delivery:
    at = s.NOW - s.minutes(5)
    return Delivery(
        "dlv_1", "org_1", "refresh_finished", "rfr_1", Channel.EMAIL, "maya@temeritygoods.example", "mem_1", state,
        1, 0, at, at if state is DeliveryState.SENT else None, None, reason, at, at + timedelta(days=1),
    )  # fmt: skip


def _asked(run: Any, ago: int, *deliveries: Delivery, over: bool = True) -> AskedBefore:
    at = s.NOW - s.minutes(ago)
    ended = at + s.minutes(1) if over else None
    return AskedBefore("rfr_1", at, ended, run, deliveries, None if over else at + timedelta(hours=3))


def _evidences() -> dict[str, Evidence]:
    lost = s.source(connection=ConnectionState.DISCONNECTED, reason="Shopify refused the access")
    click = s.run(s.QUICKBOOKS, asked=5, as_of=20, result=Result.NOTHING_WAITED)
    working = s.run(state=RunState.RUNNING, asked=34, rows=1204, expected=3000, stage=Stage.COLLECTING)
    broken = s.run(state=RunState.FAILED, failed=s.failure(FailureKind.BROKEN, "unexpected", "ValueError"))
    held = s.run(state=RunState.FAILED, failed=s.failure(FailureKind.HELD, "far_fewer_rows", "far fewer"),
                 held=Held("orders", 18_204, 3_100))  # fmt: skip
    waiting = s.run(state=RunState.QUEUED, failed=s.failure(code="throttled", detail="Shopify wants fewer calls."),
                    next_attempt_at=s.NOW + s.minutes(4))  # fmt: skip
    late: dict[str, Any] = {"freshness": Freshness.OVERDUE}
    return {
        "lost": _evidence(s.status(lost, **late), next_at=None),
        "timer": _evidence(s.status(s.QUICKBOOKS, last_ready=click), asked=_asked(click, 5)),
        "mail_failed": _evidence(
            s.status(), asked=_asked(s.run(), 6, _mail(DeliveryState.FAILED, "550 no such mailbox")), asks_mail=True
        ),
        "running": _evidence(
            s.status(active=working, duration=Duration(130, 290, 38)), asked=_asked(working, 34, over=False)
        ),
        "rate_limit": _evidence(s.status(active=waiting)),
        "held": _evidence(s.status(last_finished=held), Role.MANAGER),
        "failed": _evidence(s.status(last_finished=broken, **late)),
        "partial": _evidence(s.status(last_ready=s.partial())),
        "clock": _evidence(s.status(**late), missed_at=s.NOW - s.minutes(41)),
        "unexplained": _evidence(s.status(**late)),
        "unchanged": _evidence(s.status(last_ready=s.run(result=Result.VERIFIED))),
        "well": _evidence(s.status(), asked=_asked(s.run(), 6, _mail(DeliveryState.SENT)), asks_mail=True),
    }


def _landed() -> dict[str, Any]:
    number, amount = Sought(SoughtKind.NUMBER, "1042"), Sought(SoughtKind.AMOUNT, "1250.00")
    row = Row("invoice", "1042", Decimal("1250.000"), "USD", date(2026, 11, 20), "run_1")
    hit = Hit(s.QUICKBOOKS, row, s.NOW - s.minutes(4), "rcp_2f9c8k1")
    standing = Standing(s.QUICKBOOKS, s.NOW - s.minutes(4), s.NOW + s.minutes(56), running=False)
    waiting = LandedAnswer(amount, (), (standing,), s.NOW + timedelta(days=7))
    made = Sought(SoughtKind.INSTANT, (s.NOW - s.minutes(30)).isoformat())
    passed = Hit(s.QUICKBOOKS, None, hit.as_of, hit.receipt)
    asked = s.NOW - timedelta(days=7)
    return {
        "landed": landed(s.ORG, LandedAnswer(number, (hit,), (), None), s.NOW, zone=s.ZONE),
        "landed_told": landed(s.ORG, LandedAnswer(number, (hit,), (), None), s.NOW, zone=s.ZONE, watched=True),
        "landed_instant": landed(s.ORG, LandedAnswer(made, (passed,), (), None), s.NOW, zone=s.ZONE),
        "landed_not_yet": landed(s.ORG, waiting, s.NOW, zone=s.ZONE),
        "landed_not_ready": landed(s.ORG, replace(waiting, hits=(replace(hit, ready=False),)), s.NOW, zone=s.ZONE),
        "landed_expired": watch_expired(s.ORG, number, (standing,), asked, s.NOW, zone=s.ZONE),
        "landed_usage": landed_usage("my change"),
    }


def why_messages() -> dict[str, Any]:
    """Return every message by name."""
    return _landed() | {
        f"why_{name}": why(
            s.ORG, explain(evidence), zone=s.ZONE, admins=s.ADMINS, refresh_value="x", others=("amazon",)
        )
        for name, evidence in _evidences().items()
    }
