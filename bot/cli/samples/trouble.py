"""Samples of late and failing sources, and of what support reads when most are."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from storage.facts.fleet import FleetAlarm
from storage.facts.incidents import Incident, IncidentKind, Resolution
from storage.facts.messages import Message
from storage.facts.mutes import MUTABLE, Mute
from storage.facts.promises import read_promise
from storage.facts.runs import FailureKind
from storage.facts.sources import Freshness, Provider, Source
from templates.notices import mutes, promise
from templates.notices.fleet import FleetFacts, fleet_alarm
from templates.notices.trouble import Troubled, TroubleFacts, trouble, trouble_joined, trouble_note

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
ORG = "Temerity Goods"
ADMINS = ("Daniel Kim",)


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def troubles(shopify: Source, source: Any, incident: Any, failure: Any) -> dict[str, Message]:
    """Return the messages by name; the facts are made as all samples are."""
    books_plain = source(Provider.QUICKBOOKS, company="Temerity Goods Inc.")
    late = incident(kind=IncidentKind.LATE, told_at=NOW)
    failing = incident(id="inc_2", kind=IncidentKind.FAILING, told_at=NOW, times=3, opened_at=NOW - _minutes(30))
    over = {"resolved_at": NOW, "resolution": Resolution.RECOVERED}
    held = failure(FailureKind.HELD, "far_fewer_rows", "Orders: 12 records instead of 18,204")

    def entry(
        of: Source = shopify, found: tuple[Incident, ...] = (late,), state: Freshness = Freshness.LATE, **more: Any
    ) -> Troubled:
        return Troubled(of, found, state, NOW - _minutes(150), timedelta(minutes=65), **more)

    def said(*entries: Troubled) -> Message:
        return trouble(TroubleFacts(ORG, entries, ADMINS, NOW))

    books = replace(books_plain, promise=read_promise("warn 1560 overdue 3000 days 12345 holidays US"))
    waits = entry(next_run_at=NOW + _minutes(20))
    blocked = entry(found=(late, failing), state=Freshness.OVERDUE, failure=held, in_row=4)
    resumes = entry(books, failure=failure(), in_row=3, found=(failing,), next_run_at=NOW + _minutes(9))
    done = entry(found=(replace(late, **over),), state=Freshness.FRESH)
    stopped = replace(late, resolved_at=NOW, resolution=Resolution.STOPPED_BY_PERSON)
    alarm = FleetAlarm("flt_1", "all", NOW - _minutes(4), 61, 80, 12)
    three = TroubleFacts(ORG, (waits, resumes, replace(blocked, source=source(number=3))), ADMINS, NOW)
    new = {books.id, source(number=3).id}
    closed = replace(alarm, scope="amazon", closed_at=NOW, released=2, dropped=59)
    return {
        "incident_late": said(waits),
        "incident_late_unplanned": said(entry()),
        "incident_failing_blocked": said(blocked),
        "incident_failing_resumes": said(resumes),
        "incident_together": said(
            waits, resumes, replace(done, source=source(number=2)), replace(blocked, source=source(number=3))
        ),
        "incident_late_over": said(done),
        "trouble_stopped": said(replace(done, incidents=(stopped,))),
        "trouble_over_together": said(done, replace(done, source=books)),
        "trouble_note_over": trouble_note(TroubleFacts(ORG, (done,), ADMINS, NOW), "over"),
        "trouble_note_again": trouble_note(TroubleFacts(ORG, (waits,), ADMINS, NOW), "again"),
        "trouble_note_joined": trouble_joined(three, new, in_thread=True),
        "incident_joined": trouble_joined(three, new, in_thread=False),
        "fleet_alarm": fleet_alarm(FleetFacts(alarm, 61, NOW)),
        "fleet_alarm_clock": fleet_alarm(FleetFacts(replace(alarm, scope="clock"), 3, NOW)),
        "fleet_alarm_over": fleet_alarm(FleetFacts(closed, 0, NOW)),
    }


def promised(shopify: Source) -> dict[str, Message]:
    """Return what is said about promises, by name."""
    words = "warn 1560 overdue 3000 days 12345 hours 09:00-17:00 holidays US closed 2026-12-24"
    new = replace(shopify, promise=read_promise(words), zone="America/New_York")
    late = (NOW + timedelta(days=3), NOW + timedelta(days=6))
    days = (date(2026, 11, 26), date(2026, 12, 24))
    return {
        "promise_preview": promise.promise_preview(
            new,
            shopify,
            as_of=NOW,
            late=late,
            late_before=NOW + _minutes(65),
            days_off=days,
            zone="America/New_York",
            value="src_1",
        ),
        "promise_set_off": promise.promise_set(
            replace(shopify, promise=read_promise("off")), as_of=NOW, late=(NOW, None), days_off=(), zone="UTC"
        ),
        "promise_refused": promise.promise_refused("country"),
        "promise_usage": promise.promise_usage("whenever"),
    }


def muted(shopify: Source, incident: Any) -> dict[str, Message]:
    """Return what is said about muted alarms, by name."""
    late, both = (IncidentKind.LATE,), MUTABLE
    until = NOW + timedelta(days=3)
    of = replace(shopify, mutes=tuple(Mute(kind, "mem_1", "Maya Ortiz", NOW, until) for kind in both))
    found = (incident(kind=IncidentKind.LATE, told_at=NOW),)
    return {
        "mutes": mutes.mutes([of], NOW),
        "mutes_none": mutes.mutes([shopify], NOW),
        "mute_preview": mutes.mute_preview(shopify, late, until, found, 4, "value"),
        "mute_preview_quiet": mutes.mute_preview(shopify, both, until, (), 0, "value"),
        "mute_set": mutes.mute_set(shopify, late, until),
        "mute_lifted": mutes.mute_lifted(shopify, late, [replace(one, told_at=None) for one in found]),
        "mute_over": mutes.mute_over(shopify, both, open_now=True),
        "mute_never": mutes.mute_never("Escalations"),
        "mute_refused": mutes.mute_refused("long"),
        "mute_usage": mutes.mute_usage("whenever"),
    }
