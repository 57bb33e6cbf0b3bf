"""Every notice in its states, from fixed facts: the golden files, the limits and the looks are all taken from here."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from bot.cli.samples.answers import answer_messages
from bot.cli.samples.beats import beat_messages
from bot.cli.samples.exchange import exchange_messages
from bot.cli.samples.exchange_mapping import mapping_messages
from bot.cli.samples.facts import (
    ADMINS,
    COUNTS,
    NOW,
    ORG,
    QUICKBOOKS,
    SHOPIFY,
    STILL,
    ZONE,
    access_request,
    audit_page,
    begun,
    cut_off,
    failure,
    frozen,
    incident,
    many,
    member,
    minutes,
    mixed,
    partial,
    ready,
    receipt_page,
    refresh,
    run,
    source,
    status,
    told,
    usual_runs,
    working,
)
from bot.cli.samples.handing_out import handed_out_messages
from bot.cli.samples.hooks import hook_messages
from bot.cli.samples.metric_why import metric_why_messages
from bot.cli.samples.missed import missed_messages
from bot.cli.samples.numbers import metric_messages
from bot.cli.samples.policies import policies
from bot.cli.samples.quiet import quiet_messages
from bot.cli.samples.restated import restated_messages
from bot.cli.samples.surfaces import surface_messages
from bot.cli.samples.trouble import muted, promised, troubles
from bot.cli.samples.why import why_messages
from jobs.authorize import NEEDED
from storage.facts.access import AccessRequest, AccessStanding, AskedAccess
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.disconnects import GrantEnd
from storage.facts.estimates import Calibration
from storage.facts.incidents import Resolution
from storage.facts.messages import Message, Person
from storage.facts.people import Action, Role
from storage.facts.policies import DEFAULT_POLICY, Call, CallKind, Course, Policy, PolicyStep, StepKind
from storage.facts.runs import (
    FailureKind,
    Held,
    Result,
    RunState,
    Stage,
    Trigger,
)
from storage.facts.schedules import Rhythm, Rule
from storage.facts.sources import ConnectionState, Freshness, Provider
from storage.facts.status import Again
from storage.facts.subscriptions import Choice, Choices, Topic
from storage.facts.timelines import Reader, Timeline
from templates import notices
from templates.notices import dead, handled, mail_off, notify, reread, schedule, telling


def _incidents() -> dict[str, Message]:
    lost = source(connection=ConnectionState.DISCONNECTED, reason="Shopify refused the stored grant")

    def facts(**changed: Any) -> notices.IncidentFacts:
        return notices.IncidentFacts(
            ORG, lost, incident(**changed), NOW - minutes(300), "Daniel Kim", ADMINS, NOW, dependents=(STILL,)
        )

    over = {"resolved_at": NOW, "resolution": Resolution.RECONNECTED}
    mine = {"acknowledged_by": "Daniel Kim", "acknowledged_at": NOW, "acknowledged_until": NOW + minutes(1440)}
    asleep = {"snoozed_by": "Daniel Kim", "snoozed_until": NOW + minutes(240)}
    priya = member("Priya Nair", Role.VIEWER)
    steps = [(NOW - minutes(30), "connect_link"), (NOW - minutes(29), "connect_failed")]
    return {
        "incident_open": notices.incident(facts()),
        "incident_in_hand": notices.incident(facts(**mine)),
        "incident_snoozed": notices.incident(facts(**asleep)),
        "incident_snooze_preview": handled.snooze_preview(
            [SHOPIFY], [("For 1 hour", NOW + minutes(60), "v1"), ("For 4 hours", NOW + minutes(240), "v2")], NOW
        ),
        "incident_snooze_preview_nothing": handled.snooze_preview([SHOPIFY], [("For 1 hour", NOW, "v1")], None),
        "incident_snooze_usage": handled.snooze_usage("sometimes"),
        "incident_snooze_refused": handled.snooze_refused("long"),
        "incident_snooze_none": handled.snooze_none(SHOPIFY),
        "incident_handled": handled.handled_told(facts(**mine).incident, NOW),
        "incident_over": notices.incident(facts(**over)),
        "incident_cleared": notices.incident(facts(resolved_at=NOW, resolution=Resolution.CLEARED)),
        "incident_reminder": notices.incident_reminder(facts(opened_at=NOW - minutes(1500)), 1),
        "expiry_warning": notices.expiry_warning(ORG, SHOPIFY, NOW + minutes(6 * 1440), NOW),
        "connection_help": notices.connection_help(ORG, lost, may_reconnect=True, admins=ADMINS),
        "connection_tested": notices.connection_tested(SHOPIFY, None, NOW),
        "connection_tested_bad": notices.connection_tested(lost, "the provider no longer accepts this grant", NOW),
        "ticket_opened": notices.ticket_opened("tck_7k2m9q"),
        "connection_ticket": notices.connection_ticket(
            "tck_7k2m9q", ORG, lost, asked_by=priya, last_data_refresh=NOW - minutes(300), steps=steps
        ),
        "catalogue": notices.catalogue(ORG, [(Provider.SHOPIFY, "Orders of one shop.", "https://tidings.example/h")]),
        "connect_link": notices.connect_link(ORG, Provider.SHOPIFY, "https://tidings.example/c", NOW + minutes(15)),
        "reconnect_link": notices.connect_link(
            ORG, Provider.SHOPIFY, "https://tidings.example/c", NOW + minutes(15), source=lost
        ),
        "already_connected": notices.already_connected(ORG, QUICKBOOKS),
        "choose_reconnect": notices.choose_reconnect(ORG, [QUICKBOOKS, lost]),
    }


def _accesses() -> dict[str, Message]:
    def standing(request: AccessRequest | None = None, *, waiting: bool = False) -> AccessStanding:
        return AccessStanding(ORG, request, waiting)

    fresh, joined = access_request(), access_request(joined=True)
    yes, no = access_request(joined=True, approved=True), access_request(approved=False)
    return {
        "access_none": notices.no_access(standing(), value="all"),
        "access_pending": notices.no_access(standing(fresh), value="all"),
        "access_waiting": notices.no_access(standing(joined, waiting=True), value="all"),
        "access_refused": notices.no_access(standing(no), value="all"),
        "access_asked": notices.access_asked(AskedAccess.NEW, standing(fresh, waiting=True), value="all"),
        "access_joined": notices.access_asked(AskedAccess.JOINED, standing(joined, waiting=True), value="all"),
        "access_asked_again": notices.access_asked(AskedAccess.WAITING, standing(joined, waiting=True), value="all"),
        "access_there": notices.access_asked(AskedAccess.ALLOWED, standing(yes), value="all"),
        "access_request_open": notices.access_request(joined),
        "access_request_approved": notices.access_request(yes),
        "access_request_declined": notices.access_request(no),
        "access_approved": notices.access_decided(yes, value="all"),
        "access_declined": notices.access_decided(no, value="all"),
    }


def _disconnects() -> dict[str, Message]:
    maya = Person("Maya Ortiz", "T0TEMERITY", "U0MAYA")
    parted = replace(
        source(connection=ConnectionState.DISCONNECTED, reason="Daniel Kim disconnected it on Nov 21, 2026, 14:37 EST"),
        on_purpose=True,
    )
    at = NOW - minutes(40)
    still: Any = {"frozen_at": at, "dependents": (STILL,)}
    lost = cut_off()
    stands = replace(status(), source=parted, next_run_at=None, frozen=frozen(parted.connection_reason, 4, 24))
    return {
        "disconnect_card": notices.disconnect_card(ORG, status(), NOW, waiting=2, dependents=(STILL,)),
        "disconnect_card_lost": notices.disconnect_card(ORG, lost, NOW, dependents=(STILL,)),
        "disconnect_card_data": notices.disconnect_card(ORG, replace(status(), source=parted), NOW, only_data=True),
        "choose_disconnect": notices.choose_disconnect(ORG, [QUICKBOOKS, SHOPIFY]),
        "disconnected_now": notices.disconnected_now(parted, erase=False, **still),
        "disconnected_told": notices.disconnected_told(maya, parted, at=NOW, erase=True, **still),
        "disconnect_ended": notices.disconnect_ended(parted, GrantEnd.REVOKED, erased_at=NOW),
        "disconnect_left": notices.disconnect_ended(parted, GrantEnd.NO_WAY, erased_at=None),
        "status_on_purpose": notices.source_status(ORG, stands, NOW),
        "wrong_name": notices.wrong_name((SHOPIFY.label, SHOPIFY.company)),
        "form_not_opened": notices.form_not_opened(),
        "cannot_speak": notices.cannot_speak(),
    }


@cache
def messages() -> Mapping[str, Message]:
    """Return each notice in its states, by name; made once, nobody changes it."""
    answers: dict[str, Any] = {
        "joined": notices.joined(working(), where="in #finance"),
        "already_waiting": notices.already_waiting(working()),
        "disconnected": notices.disconnected(
            ORG, cut_off().source, last_data_refresh=NOW - minutes(4390), admins=ADMINS
        ),
        "no_sources": notices.no_sources(ORG),
        "unknown_source": notices.unknown_source("shopfiy", ["Shopify", "QuickBooks"], "Shopify"),
        "unknown_command": notices.unknown_command("refrehs shopify", "refresh shopify"),
        "help": notices.help_text(list(Action), Role.ADMIN),
        "help_viewer": notices.help_text(
            [action for action, needed in NEEDED.items() if needed is Role.VIEWER], Role.VIEWER, ADMINS
        ),
        "not_allowed": notices.not_allowed(Action.START_REFRESH, Role.REFRESHER, ADMINS),
        "not_a_member": notices.not_a_member(ADMINS),
        "not_found": notices.not_found(),
        "try_again": notices.try_again(),
        "error": notices.failure("ref_7k2m9q"),
        "too_late": notices.too_late("Sam Keller cancelled it 20 s ago"),
        "cancel_requested": notices.cancel_requested(working()),
        "ask_address": notices.ask_address("maya@temeritygoods.example", yes_value="mem_1", no_value="mem_1"),
        "address_confirmed": notices.address_confirmed("maya@temeritygoods.example"),
        "address_confirmed_late": notices.address_confirmed("maya@temeritygoods.example", mailed=True),
        "address_declined": notices.address_declined(),
        "queued_slack_only": notices.queued(ORG, [SHOPIFY], slack_only=True),
        "held_confirm": notices.confirm_held(
            ORG,
            SHOPIFY,
            run(state=RunState.FAILED, failed=failure(FailureKind.HELD, "shrunk", "orders: 3100 records")),
            Held("orders", 18_204, 3_100),
            value="card_1",
        ),
        "not_confirmed": notices.not_confirmed(),
        **_telling(),
        **why_messages(),
        **quiet_messages(),
        **answer_messages(),
        **surface_messages(),
        **muted(SHOPIFY, incident),
        "dismissed": notices.dismissed(),
        "member_list": notices.member_list(
            ORG, [member("Daniel Kim", Role.ADMIN), member("Maya Ortiz", Role.REFRESHER)]
        ),
        "role_granted": notices.role_granted(member("Noor Haddad", Role.REFRESHER), Role.VIEWER),
        "role_revoked": notices.role_revoked(member("Noor Haddad", Role.REFRESHER)),
        "role_revoked_owner": notices.role_revoked(member("Daniel Kim", Role.ADMIN), [QUICKBOOKS, SHOPIFY]),
        "not_admissible": notices.not_admissible("<@U0GUEST|gus>"),
        "members_usage": notices.members_usage(),
        **_accesses(),
        **_incidents(),
        **troubles(SHOPIFY, source, incident, failure),
        **promised(SHOPIFY),
        **_disconnects(),
        "audit": notices.audit_list(ORG, audit_page()),
        "audit_broken": notices.audit_list(ORG, audit_page(broken=(12, 13))),
        "queued": notices.queued(ORG, [QUICKBOOKS], left_out=[SHOPIFY], where="in #finance"),
    }
    return answers | _statuses() | _confirms() | _cards() | _finished() | _escalations() | _histories()


def _schedules() -> dict[str, Message]:
    rule = replace(SHOPIFY, schedule_minutes=1440, rule=Rule(Rhythm.WEEKDAYS, time(7, 30)), zone=ZONE)
    off = replace(SHOPIFY, schedule_minutes=1440, rule=Rule(Rhythm.OFF), zone=ZONE)
    upcoming = [datetime(2026, 11, 23 + number, 12, 33, tzinfo=UTC) for number in range(5)]
    lost = replace(SHOPIFY, connection=ConnectionState.DISCONNECTED)
    every = [
        status(next_run_at=upcoming[0]),
        status(QUICKBOOKS, next_run_at=NOW + minutes(56)),
        status(off, next_run_at=None),
        replace(cut_off(), frozen=frozen("Shopify refused the stored grant", 4300, 4390)),
    ]
    return {
        "schedules": schedule.schedules(ORG, every, NOW),
        "schedule_preview": schedule.schedule_preview(rule, SHOPIFY, upcoming, zone=ZONE, value="src_1"),
        "schedule_preview_lost": schedule.schedule_preview(replace(lost, schedule_minutes=360), lost, upcoming,
                                                           zone=ZONE, value="src_1"),
        "schedule_set_off": schedule.schedule_set(off, [], zone=ZONE),
        "schedule_refused": schedule.schedule_refused("timer"),
        "schedule_usage": schedule.schedule_usage("whenever"),
        "confirm_reread": reread.confirm_reread(SHOPIFY, "Orders", date(2026, 10, 1), 754.0, value="src_1"),
        "reread_started": reread.reread_started(ORG, SHOPIFY),
        "confirm_reread_first": reread.confirm_reread(QUICKBOOKS, "", None, None, value="src_1"),
        "reread_refused": reread.reread_refused("future"),
        "reread_usage": reread.reread_usage(),
    }  # fmt: skip


def _statuses() -> dict[str, Message]:
    running = run(state=RunState.RUNNING, stage=Stage.COLLECTING, rows=1_204, expected=3_000)
    failing = run(
        state=RunState.FAILED, asked=20, failed=failure(FailureKind.BROKEN, "schema", "An order had no total.")
    )
    stretched = {"reads": (412_000, 500_000), "stretched_minutes": 120}
    pair = [
        status(active=running),
        status(QUICKBOOKS, next_run_at=NOW + minutes(56), last_ready=run(QUICKBOOKS, as_of=4)),
    ]
    return {
        **_schedules(),
        **missed_messages(),
        **hook_messages(),
        **exchange_messages(),
        **mapping_messages(),
        **metric_messages(),
        **metric_why_messages(),
        **restated_messages(),
        **handed_out_messages(),
        "status_two": notices.status(ORG, pair, NOW, zone=ZONE, refresh_value="org_1"),
        "status_needs_person": notices.status(
            ORG,
            [cut_off(), status(QUICKBOOKS, Freshness.LATE, **stretched)],
            NOW,
            zone=ZONE,
            refresh_value="org_1",
            admins=ADMINS,
        ),
        "status_many": notices.status(ORG, [cut_off(), *many(50)], NOW, zone=ZONE, refresh_value="org_1"),
        "status_none": notices.status(ORG, [], NOW),
        "status_one_partial": notices.status(
            ORG, [status(last_ready=partial())], NOW, zone=ZONE, refresh_value="src_1"
        ),
        "status_two_partial": notices.status(
            ORG,
            [status(last_ready=partial()), status(QUICKBOOKS, last_ready=run(QUICKBOOKS, as_of=4))],
            NOW,
            zone=ZONE,
        ),
        "status_one_older_periods": notices.status(
            ORG,
            [status(QUICKBOOKS, last_ready=begun(), active=run(QUICKBOOKS, RunState.RUNNING, asked=1, rows=12_000))],
            NOW,
            zone=ZONE,
        ),
        "status_two_older_periods": notices.status(
            ORG, [status(), status(QUICKBOOKS, last_ready=begun())], NOW, zone=ZONE, refresh_value="org_1"
        ),
        "status_one_fresh": notices.status(ORG, [status()], NOW, zone=ZONE, refresh_value="src_1"),
        "status_one_never": notices.status(
            ORG, [status(freshness=Freshness.NEVER, last_ready=None, duration=None)], NOW
        ),
        "status_one_failing": notices.status(ORG, [status(last_finished=failing)], NOW, zone=ZONE),
        "status_one_disconnected": notices.status(ORG, [cut_off()], NOW, zone=ZONE, admins=ADMINS),
    }


def _confirms() -> dict[str, Message]:
    ids = {"value": "org_1:all", "stale_value": "org_1:stale", "dismiss_value": "org_1"}
    books = status(QUICKBOOKS, Freshness.LATE, last_ready=run(QUICKBOOKS, as_of=64), next_run_at=NOW + minutes(56))
    return {
        "confirm_one": notices.confirm_refresh(ORG, [status()], NOW, **ids),
        "confirm_quickbooks": notices.confirm_refresh(ORG, [books], NOW, **ids),
        "confirm_all": notices.confirm_refresh(ORG, [status(), books], NOW, **ids),
        "confirm_all_left_out": notices.confirm_refresh(
            ORG, [cut_off(), books, status(source(number=2))], NOW, admins=ADMINS, **ids
        ),
        "confirm_nothing": notices.confirm_refresh(ORG, [cut_off()], NOW, **ids),
        "confirm_many": notices.confirm_refresh(ORG, many(50), NOW, **ids),
    }


def _cards() -> dict[str, Message]:
    waiting = run(state=RunState.RUNNING, stage=Stage.COLLECTING, next_attempt_at=NOW + minutes(2), failed=failure())
    queued = run(state=RunState.QUEUED)
    books = run(QUICKBOOKS, state=RunState.RUNNING, stage=Stage.PROCESSING)
    turn = run(QUICKBOOKS, state=RunState.RUNNING, stage=Stage.COLLECTING, rows=300, waits_turn=True)
    late = {"escalated_at": NOW - minutes(9), "acknowledged_by": "Sam Keller", "people": ("Maya Ortiz", "Priya Nair")}
    held = failure(FailureKind.HELD, "shrunk", "orders: 3100 records instead of 18204", Stage.COLLECTING)
    found = Held("orders", 18_204, 3_100)
    card = notices.refresh_card
    return {
        "card_queued": card(refresh((SHOPIFY, queued)), NOW, cancel_value="rfr_1"),
        "card_collecting": card(working(people=("Maya Ortiz", "Priya Nair")), NOW, cancel_value="rfr_1"),
        "card_waits_turn": card(refresh((QUICKBOOKS, turn)), NOW, cancel_value="rfr_1"),
        "card_waiting": card(refresh((SHOPIFY, waiting), (QUICKBOOKS, books)), NOW, cancel_value="rfr_1"),
        "card_stopping": card(refresh((SHOPIFY, run(state=RunState.CANCELLING, rows=40))), NOW, cancel_value="rfr_1"),
        "card_overdue": card(working(**late), NOW, cancel_value="rfr_1"),
        "card_ready": card(ready(), NOW, receipts={"run_src_shopify_1": "rcp_04"}),
        "card_ready_quickbooks": card(refresh((QUICKBOOKS, run(QUICKBOOKS, as_of=64))), NOW),
        "card_failed": card(refresh((SHOPIFY, run(state=RunState.FAILED, failed=held, held=found))), NOW),
        "card_partial": card(refresh((SHOPIFY, partial())), NOW),
        "card_partial_mixed": card(refresh((SHOPIFY, partial()), (QUICKBOOKS, run(QUICKBOOKS, as_of=64))), NOW),
        "card_cancelled": card(refresh((SHOPIFY, run(state=RunState.CANCELLED))), NOW),
        "card_reread": card(working(again=Again("Orders", date(2026, 10, 1))), NOW, cancel_value="rfr_1"),
        "card_reread_failed": card(
            refresh((SHOPIFY, run(state=RunState.FAILED, failed=held, held=found)), again=Again("", None)), NOW
        ),
        "card_mixed": card(mixed(), NOW, admins=ADMINS, receipts={"run_src_quickbooks_1": "rcp_05"}),
        "card_many": card(refresh(*((entry.source, run(entry.source, counts=COUNTS)) for entry in many(50))), NOW),
    }


def _chosen() -> Choices:
    mail = frozenset({Channel.EMAIL})
    choices = (
        Choice(None, Topic.READY, frozenset(), NOW),
        Choice("src_shopify_1", Topic.READY, frozenset({Channel.SLACK, Channel.EMAIL}), NOW),
        Choice(None, Topic.LATE, mail, NOW),
    )
    return Choices(choices, {"src_shopify_1": "Shopify (temeritygoods.myshopify.com)"}, "maya@temeritygoods.example")


def _telling() -> dict[str, Message]:
    good = (
        told(DeliveryState.SENT, reader=Reader.CHANNEL, name="C0FINANCE", kind="refresh_card"),
        told(DeliveryState.SENT, Channel.EMAIL, reply="250 2.0.0 OK: queued"),
    )
    bad = (
        *good[:1],
        told(DeliveryState.FAILED, Channel.EMAIL, reason="550 5.1.1 No such mailbox"),
        told(
            DeliveryState.SKIPPED, Channel.EMAIL, Reader.MEMBER, name="Priya Nair", reason="no confirmed e-mail address"
        ),
        told(DeliveryState.UNCONFIRMED, reason="cannot look: conversations.history: missing_scope"),
        told(DeliveryState.PENDING, Channel.EMAIL, Reader.SUPPORT, kind="escalation_mail", to="s@x.example",
              reason="451 4.7.1 Greylisted, try again later"),
        told(DeliveryState.SENDING, of="again"),
    )  # fmt: skip
    timeline = Timeline("rfr_1", bad, "dlv_1", by_mail=True)
    return {
        "deliveries": telling.deliveries(ORG, Timeline("rfr_1", good, "dlv_1", by_mail=False), value="card_1"),
        "deliveries_lost": telling.deliveries(ORG, timeline, value="card_1"),
        "deliveries_none": telling.no_deliveries("rfr_00000000"),
        "deliveries_sent_again": telling.sent_again(True, "maya@temeritygoods.example", "dlv_1"),
        "test_message": telling.test_message("tst_1", NOW),
        "test_sent": telling.test_sent("tst_1", None),
        "test_ended": telling.test_sent("tst_1", replace(timeline, told=bad[1:3])),
        "notify": notify.preferences(Choices((), {}, None)),
        "notify_chosen": notify.preferences(_chosen(), changed=True),
        "notify_no_mail": notify.preferences(
            Choices((Choice(None, Topic.LATE, frozenset(), NOW, no_mail=True),), {}, "maya@temerity.example")
        ),
        "mail_off": mail_off.mail_off(Topic.LATE),
        "notify_refused": notify.notify_refused("ready loudly"),
        "place_dead": dead.place_dead(Channel.SLACK, "T0TEMERITY/C0FINANCE", None, "is_archived"),
        "place_dead_named": dead.place_dead(
            Channel.SLACK, "T0TEMERITY/C0FINANCE", None, "channel_not_found", name="finance"
        ),
        "place_dead_person": dead.place_dead(Channel.SLACK, "T0TEMERITY/U0PRIYA", "Priya Nair", "user_disabled"),
        "place_dead_mail": dead.place_dead(Channel.EMAIL, "x", "Priya Nair", "550 5.1.1 No such mailbox"),
    }


def _finished() -> dict[str, Message]:
    people = (Person("Maya Ortiz", "T0TEMERITY", "U0MAYA"), Person("Priya Nair", "T0OTHER", "U0PRIYA"))
    told: dict[str, Any] = {"people": people, "zone": ZONE, "streams": {"orders": "Orders", "products": "Products"}}
    gone = failure(FailureKind.RECONNECT, "invalid_grant", "")
    both = refresh((SHOPIFY, run(counts=COUNTS)), (QUICKBOOKS, run(QUICKBOOKS, as_of=64)))
    finished = notices.refresh_finished
    return {
        "finished_ready": finished(ready(), receipts={"run_src_shopify_1": "rcp_04"}, **told),
        "finished_ready_both": finished(both, receipts={"run_src_shopify_1": "rcp_04"}, **told),
        "finished_older_periods": finished(refresh((QUICKBOOKS, begun())), **told),
        "finished_reread": finished(ready(again=Again("Orders", date(2026, 10, 1))), **told),
        "finished_reread_stopped": finished(
            refresh((SHOPIFY, run(state=RunState.CANCELLED)), again=Again("", None)), **told
        ),
        "finished_partial": finished(refresh((SHOPIFY, partial())), **told),
        "finished_partial_mixed": finished(refresh((SHOPIFY, partial()), (QUICKBOOKS, run(QUICKBOOKS))), **told),
        "finished_failed": finished(refresh((SHOPIFY, run(state=RunState.FAILED, failed=failure()))), **told),
        "finished_reconnect": finished(
            refresh((SHOPIFY, run(state=RunState.FAILED, failed=gone))), admins=ADMINS, **told
        ),
        "finished_cancelled": finished(refresh((SHOPIFY, run(state=RunState.CANCELLED))), **told),
        "finished_mixed": finished(mixed(), **told),
        "finished_many": finished(
            refresh(*((entry.source, run(entry.source, counts=COUNTS)) for entry in many(50))), **told
        ),
    }


def _escalations() -> dict[str, Message]:
    ids: dict[str, Any] = {"value": "rfr_06e9k2", "account_rep": "Rhea Sol"}
    slow = {"escalated_at": NOW - minutes(61)}
    stuck = run(state=RunState.RUNNING, stage=Stage.COLLECTING, asked=241, rows=12_400, expected=18_200)
    seen = {"acknowledged_by": "Sam Keller"}
    leads = PolicyStep(timedelta(hours=5), StepKind.CHANNEL, "T0TEMERITY/C0LEADS", "#finance-leads")
    policy = Policy((*DEFAULT_POLICY.steps, leads))
    called = [Call(CallKind.STEP, number, NOW - minutes(61), NOW - minutes(61)) for number in (0, 1)]
    taken = Call(CallKind.TAKEN, 1, NOW + minutes(6), NOW - minutes(54), "Sam Keller")
    lapsed = Call(CallKind.TAKEN, 1, NOW - minutes(1), NOW - minutes(61), "Sam Keller")
    stood = [
        Call(CallKind.STEP, 0, NOW - minutes(61), NOW - minutes(61)),
        Call(CallKind.STEP, 1, NOW - minutes(61), NOW),
    ]
    again = Call(CallKind.AGAIN, 1, NOW - minutes(1), NOW)
    open_ = Course(policy, tuple(called), NOW + minutes(59), (leads,))
    expired = Course(DEFAULT_POLICY, (*called, lapsed, again), NOW + minutes(120), ())
    mine = Course(policy, (*called, taken), taken.due_at, (leads,))
    late = refresh((SHOPIFY, stuck), **slow)
    return {
        "escalation_open": notices.escalation(late, NOW, course=open_, **ids),
        "escalation_acknowledged": notices.escalation(
            refresh((SHOPIFY, stuck), **slow, **seen), NOW, course=mine, **ids
        ),
        "escalation_expired": notices.escalation(late, NOW, course=expired, **ids),
        "escalation_audited": notices.escalation(late, NOW, course=replace(open_, calls=tuple(stood)), **ids),
        "escalation_ended": notices.escalation(
            mixed(**slow, **seen, requested_at=NOW - minutes(230)), NOW, course=mine, **ids
        ),
        "escalation_again": notices.escalation_again(late, expired, NOW),
        "escalation_again_nobody": notices.escalation_again(late, replace(expired, calls=tuple(called)), NOW),
        "escalation_again_over": notices.escalation_again(mixed(**slow), expired, NOW),
        "escalation_step": notices.escalation_step(late, open_, NOW),
        "escalation_step_in_hand": notices.escalation_step(refresh((SHOPIFY, stuck), **slow, **seen), open_, NOW),
        **policies(refresh((SHOPIFY, stuck))),
        **beat_messages(refresh((SHOPIFY, stuck)), late, ready(), NOW),
        "escalation_told": notices.escalation_told(refresh((SHOPIFY, stuck), **slow), NOW),
    }


def _histories() -> dict[str, Message]:
    runs = [
        run(counts=COUNTS, asked=20),
        run(state=RunState.FAILED, asked=80, failed=failure(), id="run_2"),
        run(asked=140, as_of=139, id="run_3", trigger=Trigger.SCHEDULE),
        run(state=RunState.RUNNING, stage=Stage.COLLECTING, asked=1, rows=80, id="run_4"),
    ]
    held = failure(FailureKind.HELD, "shrunk", "orders: 3100 records instead of 18204")
    each = [
        run(counts=COUNTS, asked=20, result=Result.CHANGED),
        run(asked=80, as_of=79, id="run_2", result=Result.VERIFIED),
        partial(asked=140, id="run_3"),
        begun(asked=150, id="run_9"),
        run(asked=130, as_of=140, id="run_4", only=("inventory_items",), result=Result.CHANGED),
        run(
            state=RunState.FAILED, asked=200, failed=held, held=Held("orders", 18_204, 3_100), id="run_5",
            result=Result.SUSPICIOUS,
        ),
        run(state=RunState.FAILED, asked=260, failed=failure(), id="run_6", result=Result.FAILED),
    ]  # fmt: skip
    return {
        "history": notices.history(ORG, SHOPIFY, runs, NOW, zone=ZONE),
        "history_results": notices.history(ORG, SHOPIFY, each, NOW, zone=ZONE),
        "history_receipts": notices.history(
            ORG, SHOPIFY, runs[:1], NOW, zone=ZONE, receipts={"run_src_shopify_1": "rcp_04"}
        ),
        "history_charts": notices.history(ORG, SHOPIFY, usual_runs(), NOW, zone=ZONE),
        "history_all": notices.history(
            ORG, None, [runs[0], run(QUICKBOOKS)], NOW, sources={SHOPIFY.id: SHOPIFY, QUICKBOOKS.id: QUICKBOOKS}
        ),
        "history_admin": notices.history(
            ORG, SHOPIFY, runs[:2], NOW, zone=ZONE, calibration=Calibration(48, 0.52, 0.9)
        ),
        "history_none": notices.history(ORG, SHOPIFY, [], NOW),
        "receipt": notices.receipt(ORG, receipt_page()),
        "receipt_partial": notices.receipt(ORG, receipt_page(partial(), asked_by=())),
        "receipt_changed": notices.receipt(ORG, receipt_page(sound=False)),
        "receipt_missing": notices.no_receipt("rcp_0000000000000000000000"),
        "receipt_usage": notices.receipt_usage("the last one"),
        "history_long": notices.history(
            ORG,
            SHOPIFY,
            [run(asked=20 + 60 * index, as_of=19 + 60 * index, id=f"run_{index}") for index in range(150)],
            NOW,
        ),
    }
