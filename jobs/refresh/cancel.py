"""Cancelling: a waiting run ends at once, a working one stops between two steps."""

from datetime import datetime

from jobs.notify import Notifier
from jobs.refresh.ending import after_run
from storage.records import refreshes, runs
from storage.sessions import Session


def cancel_runs(session: Session, refresh_id: str, now: datetime, notifier: Notifier) -> None:
    """Stop the runs that only this refresh waits for; a run that another refresh waits for goes on."""
    for _, run, _ in refreshes.runs_of(session, refresh_id):
        if not run.state.active or refreshes.waiting_for_run(session, run.id) != [refresh_id]:
            continue
        if runs.cancel_waiting(session, run.id, now):
            after_run(session, run.id, now, notifier)
        else:
            # Never free the source here: a worker is at it, and ends the run when it notices.
            runs.ask_to_cancel(session, run.id)
    notifier.wake(session, [refresh_id], now)
