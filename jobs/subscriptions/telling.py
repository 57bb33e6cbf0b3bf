"""The words of a result that nobody asked for: to whoever chose to be told about the source."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.notify.kinds import RUN_READY
from jobs.refresh.view import escalated_status
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.records import organizations, receipts, runs
from storage.sessions import Session
from templates import notices

_BEFORE = 20


def subscriber_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        return run_ready(session, delivery.subject, now)

    return {RUN_READY: told}


def run_ready(session: Session, run_id: str, now: datetime) -> Message:
    """Return the result of a run that the clock began, with the source's time before it."""
    status = escalated_status(session, run_id, now)
    ((source, run),) = status.runs
    earlier = [
        one.clocks.source_as_of
        for one in runs.history(session, [source.id], _BEFORE)
        if one.id != run.id
        and one.clocks.ready_at
        and run.clocks.ready_at
        and one.clocks.ready_at < run.clocks.ready_at
    ]
    shown = replace(status, before={source.id: max((at for at in earlier if at), default=None)})
    zone = organizations.organization(session, status.organization_id).timezone
    return notices.refresh_finished(shown, receipts=receipts.ids_of(session, [run_id]), zone=zone)
