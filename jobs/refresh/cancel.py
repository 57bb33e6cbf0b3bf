"""Cancelling: a waiting run ends at once, a working one stops between two steps, one that others wait for goes on."""

from datetime import datetime

from jobs.notify.notifier import Notifier
from jobs.refresh.ending import after_run, again_later, end_if_over
from storage.records import refreshes, runs
from storage.sessions import Session


def cancel_runs(session: Session, refresh_id: str, now: datetime, notifier: Notifier) -> None:
    """Stop the runs that only this refresh waits for, and wait no more for those that go on for another one."""
    for _, run, _ in refreshes.runs_of(session, refresh_id):
        if not run.state.active:
            continue
        if refreshes.waiting_for_run(session, run.id) == [refresh_id]:
            cancel_run(session, run.id, now, notifier)
        else:
            refreshes.leave(session, refresh_id, run.id, now)
    end_if_over(session, refresh_id, now, notifier)
    notifier.wake(session, [refresh_id], now)


def cancel_run(session: Session, run_id: str, now: datetime, notifier: Notifier) -> None:
    """Stop a run, whoever waits for it."""
    if runs.cancel_waiting(session, run_id, now):
        again_later(session, runs.run(session, run_id), now)
        after_run(session, run_id, now, notifier)
        return
    # Never free the source here: a worker is at it, and ends the run when it notices.
    runs.ask_to_cancel(session, run_id)
    notifier.wake(session, [run_id], now)
