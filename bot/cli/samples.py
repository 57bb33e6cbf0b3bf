"""Messages made of invented facts, for `tidings preview`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.facts.access import AccessRequest, AccessStanding, Asker
from storage.facts.messages import Message
from storage.facts.people import Action, Role
from storage.facts.policies import DEFAULT_POLICY, Call, CallKind, Course
from storage.facts.runs import Clocks, Duration, Failure, FailureKind, Run, RunState, Stage, Trigger
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider, Source
from storage.facts.status import RefreshStatus, SourceStatus
from storage.facts.streams import StreamCounts
from templates import notices

NOW = datetime(2026, 11, 20, 19, 41, tzinfo=UTC)
ORGANIZATION = "Temerity Goods"
_DURATION = Duration(130, 290, 38)
_COUNTS = {"orders": StreamCounts(new=41, changed=12, total=18_204), "products": StreamCounts(changed=3, total=512)}


def messages() -> Mapping[str, Callable[[], Message]]:
    """Return every sample by name."""
    return {
        "status": lambda: notices.status(ORGANIZATION, _statuses(), NOW, refresh_value="all"),
        "confirm": lambda: notices.confirm_refresh(ORGANIZATION, _statuses(), NOW, value="all", stale_value="stale"),
        "card": lambda: notices.refresh_card(_working(), NOW, cancel_value="rfr_sample"),
        "finished": lambda: notices.refresh_finished(_ready()),
        "failed": lambda: notices.refresh_finished(_failed()),
        "escalation": lambda: notices.escalation(
            _late(), NOW, value="rfr_sample", course=_course(), account_rep="Sam Keller"
        ),
        "escalation-again": lambda: notices.escalation_again(_late(), _course(taken=True), NOW),
        "escalation-step": lambda: notices.escalation_step(_late(), _course(taken=True), NOW),
        "history": lambda: notices.history(ORGANIZATION, _shopify(), [_run(_shopify(), RunState.READY)], NOW),
        "ask-address": lambda: notices.ask_address("maya@temeritygoods.example", yes_value="yes", no_value="no"),
        "help": notices.help_text,
        "no-access": lambda: notices.no_access(AccessStanding(ORGANIZATION, None, waiting=False), value="all"),
        "access-request": lambda: notices.access_request(_asked()),
        "access-decided": lambda: notices.access_decided(_approved(), value="all"),
        "not-allowed": lambda: notices.not_allowed(Action.START_REFRESH, Role.REFRESHER, ("Daniel Kim",)),
    }


def _course(*, taken: bool = False) -> Course:
    called, then = NOW - timedelta(hours=2), NOW + timedelta(hours=1)
    steps = [Call(CallKind.STEP, number, called, called) for number in (0, 1)]
    book = [*steps, Call(CallKind.TAKEN, 1, NOW - timedelta(minutes=50), NOW - timedelta(minutes=110), "Sam Keller")]
    return Course(DEFAULT_POLICY, tuple(book if taken else steps), then, ())


def _asked() -> AccessRequest:
    asker = Asker("mem_sample", "Maya Ortiz", NOW, "temeritygoods.myshopify.com", "all")
    return AccessRequest("acr_sample", "org_sample", ORGANIZATION, None, NOW, (asker,))


def _approved() -> AccessRequest:
    return replace(_asked(), settled_at=NOW, settled_by="Sam Keller", approved=True)


def _shopify() -> Source:
    return _source(Provider.SHOPIFY, "temeritygoods.myshopify.com", CollectMode.ON_DEMAND)


def _quickbooks() -> Source:
    return _source(Provider.QUICKBOOKS, "9341450000000001", CollectMode.TIMER)


def _source(provider: Provider, account: str, mode: CollectMode) -> Source:
    return Source(
        id=f"src_{provider}",
        organization_id="org_sample",
        provider=provider,
        account=account,
        label=account if provider is Provider.SHOPIFY else f"quickbooks_{account}",
        company=ORGANIZATION,
        mode=mode,
        schedule_minutes=60,
        schedule_version=1,
        connection=ConnectionState.CONNECTED,
        connection_reason=None,
        connection_since=NOW - timedelta(days=3),
    )


def _run(of: Source, state: RunState, *, minutes: int = 12, failure: Failure | None = None) -> Run:
    asked = NOW - timedelta(minutes=minutes)
    done = asked + timedelta(minutes=4) if not state.active else None
    as_of = asked + timedelta(seconds=20) if state is RunState.READY else None
    return Run(
        id=f"run_{of.id}",
        organization_id=of.organization_id,
        source_id=of.id,
        trigger=Trigger.REQUEST,
        state=state,
        stage=Stage.COLLECTING if state.active else None,
        generation=1,
        attempt=1,
        clocks=Clocks(asked, as_of, done if as_of else None, done if as_of else None),
        started_at=asked + timedelta(seconds=2),
        finished_at=done,
        rows=4_200,
        rows_expected=18_000,
        progress_at=NOW - timedelta(seconds=5),
        moved_at=NOW - timedelta(minutes=14),
        next_attempt_at=None,
        failure=failure,
        counts=_COUNTS if state is RunState.READY else {},
    )


def _statuses() -> list[SourceStatus]:
    return [
        SourceStatus(
            source=source,
            freshness=freshness,
            last_ready=_run(source, RunState.READY, minutes=minutes),
            last_finished=None,
            active=None,
            next_run_at=NOW + timedelta(minutes=36),
            duration=_DURATION,
        )
        for source, freshness, minutes in (
            (_quickbooks(), Freshness.FRESH, 24),
            (_shopify(), Freshness.LATE, 95),
        )
    ]


def _refresh(state: RunState, *, minutes: int, failure: Failure | None = None) -> RefreshStatus:
    runs = tuple((source, _run(source, state, minutes=minutes, failure=failure)) for source in (_shopify(),))
    return RefreshStatus(
        id="rfr_sample",
        organization_id="org_sample",
        organization=ORGANIZATION,
        requested_at=NOW - timedelta(minutes=minutes),
        requested_by="Maya Ortiz",
        everything=False,
        runs=runs,
        before={source.id: NOW - timedelta(minutes=minutes + 80) for source, _ in runs},
        people=("Maya Ortiz",),
        escalated_at=NOW if minutes >= 180 else None,
        acknowledged_by=None,
        finished_at=None if state.active else NOW,
        next_collection={},
        durations={source.id: _DURATION for source, _ in runs},
    )


def _working() -> RefreshStatus:
    return _refresh(RunState.RUNNING, minutes=1)


def _ready() -> RefreshStatus:
    return _refresh(RunState.READY, minutes=6)


def _failed() -> RefreshStatus:
    why = Failure(
        FailureKind.RETRY, "timeout", "Shopify did not answer within 60 seconds.", Stage.COLLECTING, "ref_sample"
    )
    return _refresh(RunState.FAILED, minutes=30, failure=why)


def _late() -> RefreshStatus:
    return _refresh(RunState.RUNNING, minutes=180)
