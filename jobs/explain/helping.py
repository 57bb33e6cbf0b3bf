"""What follows from a cause: who has to act, the one step that helps, and what comes by itself."""

from collections.abc import Callable, Mapping
from datetime import datetime

from storage.facts.explain import Acts, Cause, Evidence, NextStep
from storage.facts.people import Role
from storage.facts.runs import Failure, FailureKind, RunState
from storage.facts.sources import CollectMode, ConnectionState

#: What the people who keep the books at the provider can do themselves.
_THEIRS = frozenset(
    {"shop_frozen", "shop_inactive", "shop_locked", "file_unreadable", "far_fewer_rows", "nothing_delivered"}
)


def failure_of(evidence: Evidence) -> Failure | None:
    """Return why the newest run failed, where no later one read from the provider."""
    run = evidence.status.last_finished
    return run.failure if run is not None and run.state is RunState.FAILED else None


def waits(evidence: Evidence) -> bool:
    """Whether a run has an attempt behind it and the next one is ahead."""
    run = evidence.status.active
    return run is not None and run.next_attempt_at is not None and run.next_attempt_at > evidence.now


def acts(cause: Cause, evidence: Evidence) -> Acts:
    """Return who has to do something: the reader where their role is enough."""
    found = _ACTS.get(cause)
    return found(evidence) if found is not None else Acts.NOBODY


def step(cause: Cause, evidence: Evidence) -> NextStep:
    """Return the one step that helps; for what is well, the receipt that proves it."""
    found = _STEPS.get(cause)
    if found is not None:
        return found(evidence)
    return NextStep.RECEIPT if evidence.status.active is None and evidence.receipt is not None else NextStep.NONE


def next_at(evidence: Evidence) -> datetime | None:
    """Return the earliest thing that happens by itself; None where nothing does."""
    if evidence.status.source.connection is ConnectionState.DISCONNECTED:
        return None
    run, ready = evidence.status.active, evidence.status.last_ready
    if run is not None and waits(evidence):
        return run.next_attempt_at
    again = ready.partly.again_at if ready is not None and ready.partly is not None else None
    ahead = [at for at in (again, evidence.next_at) if at is not None and at > evidence.now]
    return min(ahead, default=None)


def _role(needed: Role, otherwise: Acts) -> Callable[[Evidence], Acts]:
    return lambda evidence: Acts.YOU if evidence.reader.includes(needed) else otherwise


def _support(_: Evidence) -> Acts:
    return Acts.SUPPORT


def _reader(_: Evidence) -> Acts:
    return Acts.YOU


def _by_itself(evidence: Evidence) -> Acts:
    return Acts.NOBODY if next_at(evidence) is not None else Acts.SUPPORT


def _needs_consent(failure: Failure | None) -> bool:
    return failure is not None and (failure.kind is FailureKind.RECONNECT or failure.code == "scope_missing")


def _on_failure(evidence: Evidence) -> Acts:
    failure = failure_of(evidence)
    if _needs_consent(failure):
        return _ADMIN(evidence)
    theirs = failure is not None and failure.code in _THEIRS
    return Acts.NOBODY if evidence.next_at is not None and not theirs else Acts.YOU


_ADMIN, _MANAGER = _role(Role.ADMIN, Acts.ADMIN), _role(Role.MANAGER, Acts.MANAGER)
_ACTS: Mapping[Cause, Callable[[Evidence], Acts]] = {
    Cause.DISCONNECTED_BY_PROVIDER: _ADMIN,
    Cause.DISCONNECTED_LOST: _ADMIN,
    Cause.ATTENTION: _ADMIN,
    Cause.HELD: _MANAGER,
    Cause.SCHEDULE_OFF: _MANAGER,
    Cause.FAILED_KNOWN: _on_failure,
    Cause.FAILED_UNKNOWN: _support,
    Cause.NO_WORKER: _support,
    Cause.STUCK: _support,
    Cause.CLOCK_STOPPED: _support,
    Cause.UNEXPLAINED: _support,
    Cause.PARTIAL: _by_itself,
    Cause.NEVER_READ: _by_itself,
    Cause.CANCELLED: _reader,
    Cause.JOINED: _reader,
    Cause.DELIVERY_FAILED: _reader,
    Cause.DELIVERY_SKIPPED: _reader,
}


def _always(found: NextStep) -> Callable[[Evidence], NextStep]:
    return lambda _: found


def _refresh(evidence: Evidence) -> NextStep:
    """Offer a refresh where one would ask the provider."""
    return NextStep.REFRESH if evidence.status.source.mode is CollectMode.ON_DEMAND else NextStep.NONE


def _after_failure(evidence: Evidence) -> NextStep:
    return NextStep.RECONNECT if _needs_consent(failure_of(evidence)) else _refresh(evidence)


def _missing(evidence: Evidence) -> NextStep:
    ready = evidence.status.last_ready
    return NextStep.READ_MISSING if ready is not None and ready.partly is not None else _refresh(evidence)


_STEPS: Mapping[Cause, Callable[[Evidence], NextStep]] = {
    Cause.DISCONNECTED_ON_PURPOSE: _always(NextStep.RECONNECT),
    Cause.DISCONNECTED_BY_PROVIDER: _always(NextStep.RECONNECT),
    Cause.DISCONNECTED_LOST: _always(NextStep.RECONNECT),
    Cause.ATTENTION: _always(NextStep.RECONNECT),
    Cause.HELD: _always(NextStep.SEE_HELD),
    Cause.PARTIAL: _missing,
    Cause.FAILED_KNOWN: _after_failure,
    Cause.FAILED_UNKNOWN: _always(NextStep.TICKET),
    Cause.NO_WORKER: _always(NextStep.TICKET),
    Cause.STUCK: _always(NextStep.TICKET),
    Cause.CLOCK_STOPPED: _always(NextStep.TICKET),
    Cause.UNEXPLAINED: _always(NextStep.TICKET),
    Cause.CANCELLED: _refresh,
    Cause.NEVER_READ: _refresh,
    Cause.JOINED: _refresh,
    Cause.SCHEDULE_OFF: _refresh,
    Cause.DELIVERY_FAILED: _always(NextStep.RESEND),
    Cause.DELIVERY_PENDING: _always(NextStep.RESEND),
    Cause.DELIVERY_SKIPPED: _always(NextStep.RESEND),
}
