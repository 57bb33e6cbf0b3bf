"""What a message that follows a choice is about."""

from collections.abc import Iterable

from storage.facts.incidents import IncidentKind
from storage.facts.runs import Run, RunState
from storage.facts.subscriptions import Topic

_OF_INCIDENTS = {
    IncidentKind.DISCONNECTED: Topic.DISCONNECTED,
    IncidentKind.LATE: Topic.LATE,
    IncidentKind.FAILING: Topic.FAILED,
}


def of_incident(kind: IncidentKind) -> Topic:
    """Return the topic of the messages about an incident."""
    return _OF_INCIDENTS.get(kind, Topic.FAILED)


def of_result(runs: Iterable[Run]) -> Topic:
    """Return the topic of a refresh's result: ready as soon as one source is."""
    return Topic.READY if any(run.state is RunState.READY for run in runs) else Topic.FAILED
