"""What an explanation rests on: each time with its own name, only what is known."""

from collections.abc import Iterator

from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.explain import Evidence, Explanation
from storage.facts.messages import When
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState
from templates.notices.partly import as_of, lacks
from templates.notices.pieces import Words, doing
from templates.text import label
from templates.words import CONNECTION, FRESHNESS, STAGES

_STATES = {
    DeliveryState.PENDING: "queued",
    DeliveryState.SENDING: "being sent",
    DeliveryState.SENT: "sent",
    DeliveryState.UNCONFIRMED: "nobody can tell whether it arrived",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "not sent on purpose",
    DeliveryState.HELD: "held until the reader's quiet hours are over",
}
Line = tuple[str, Words]


def evidence_lines(explanation: Explanation) -> tuple[Line, ...]:
    """Return the lines, in the order in which data travels."""
    evidence = explanation.evidence
    return (*_data(evidence), *_asked(evidence), *_running(evidence), *_connection(evidence), *_told(evidence))


def _data(evidence: Evidence) -> Iterator[Line]:
    status, ready = evidence.status, evidence.status.last_ready
    yield "Data as of", as_of(evidence.data_as_of, lacks(ready), "never", now=evidence.now)
    yield "State", (FRESHNESS[status.freshness],)
    if ready is not None and ready.clocks.ready_at is not None:
        yield "Ready to import", (When(ready.clocks.ready_at),)
    if status.changed_at is not None and status.changes_wait:
        yield "Changed at the provider", (When(status.changed_at), ", not in the data yet")
    failed = status.last_finished
    if failed is not None and failed.state is not RunState.READY and failed.finished_at is not None:
        stage = f" while {STAGES[failed.failure.stage]}" if failed.failure and failed.held is None else ""
        held = "held, a person decides" if failed.held is not None else "failed"
        what = held if failed.state is RunState.FAILED else "cancelled"
        yield "Last attempt", (f"{what}{stage}, ", When(failed.finished_at))
    if evidence.missed_at is not None:
        yield "Was due, not started", (When(evidence.missed_at),)


def _asked(evidence: Evidence) -> Iterator[Line]:
    asked = evidence.asked
    if asked is None:
        return
    yield "You asked", (When(asked.requested_at),)
    if asked.finished_at is not None:
        yield "Your refresh ended", (When(asked.finished_at),)
    elif asked.support_at is not None:
        told = "Support was told" if asked.support_at <= evidence.now else "Support is told, if it takes that long"
        yield told, (When(asked.support_at),)


def _running(evidence: Evidence) -> Iterator[Line]:
    run = evidence.status.active
    if run is None:
        return
    yield "Running now", doing(run, evidence.now)
    if run.started_at is not None:
        yield "Began", (When(run.started_at),)
    if evidence.blocked_until is not None:
        yield "No calls wanted before", (When(evidence.blocked_until),)


def _connection(evidence: Evidence) -> Iterator[Line]:
    source = evidence.status.source
    if source.connection is not ConnectionState.CONNECTED:
        yield "Connection", (f"{CONNECTION[source.connection]} since ", When(source.connection_since))


def _told(evidence: Evidence) -> Iterator[Line]:
    for one in evidence.asked.deliveries[:3] if evidence.asked is not None else ():
        yield ("Mail to you" if one.channel is Channel.EMAIL else "Post in Slack"), _delivered(one)


def _delivered(one: Delivery) -> Words:
    at = one.sent_at or one.intent_at
    reason = f": {label(one.reason).rstrip('.')}" if one.reason and one.state is not DeliveryState.SENT else ""
    return (f"{_STATES[one.state]}{reason}", *((" ", When(at)) if at else ()))
