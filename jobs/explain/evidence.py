"""What an explanation rests on, gathered in a handful of queries from one moment of the database."""

from datetime import datetime, timedelta

from connectors.lags import lag_of
from jobs.notify.kinds import REFRESH_FINISHED
from jobs.refresh.ending import ESCALATION
from jobs.schedule import schedule_of
from jobs.slots import latest_slot, next_slot
from jobs.status import statuses
from jobs.webhooks.standing import UNINSTALLED
from storage.facts.explain import AskedBefore, Evidence
from storage.facts.people import Member, Role
from storage.facts.runs import Run
from storage.facts.sources import Source
from storage.records import explaining, receipts, workers
from storage.sessions import Session

#: An older refresh of theirs is not what they mean.
ASKED_SINCE = timedelta(hours=48)
#: The clock starts a slot in seconds and makes up for one that it slept through every ten minutes.
MISSED_AFTER = timedelta(minutes=15)
#: A process that works gives a sign of life every few seconds.
_ALIVE_SECONDS = 120.0


def gather(
    session: Session,
    member: Member | None,
    source: Source,
    now: datetime,
    *,
    budget: int,
    asks_mail: bool = False,
    sender: str = "",
) -> Evidence:
    """Return all that is known of one source and of what the member asked of it; changes nothing.

    Without a member it is what everybody of the organization may see, and nobody in particular asked.
    """
    status = statuses(session, [source], now, budget=budget, with_durations=True)[0]
    since = now - ASKED_SINCE
    told = {"told_by": REFRESH_FINISHED, "deadline": ESCALATION}
    asked = explaining.asked_before(session, member.id, source.id, since, **told) if member else None
    ready = status.last_ready
    return Evidence(
        now=now,
        status=status,
        reader=member.role if member else Role.VIEWER,
        asked=_meant(asked, ready),
        by_provider=source.connection_reason == UNINSTALLED,
        worker_alive=status.active is None or bool(workers.alive(session, _ALIVE_SECONDS)),
        missed_at=missed(source, explaining.last_seen_run(session, source.id), now),
        blocked_until=explaining.blocked_until(session, f"{source.provider}:{source.account}", now),
        lag=lag_of(source.provider, ready.notes) if ready is not None else None,
        receipt=receipts.ids_of(session, [ready.id]).get(ready.id) if ready is not None else None,
        next_at=_next_at(source, now),
        asks_mail=asks_mail,
        sender=sender,
    )


def _meant(asked: AskedBefore | None, ready: Run | None) -> AskedBefore | None:
    """Forget a refresh that a later good collection has answered for good: nobody waits for it any more."""
    as_of = ready.clocks.source_as_of if ready is not None else None
    if asked is None or asked.finished_at is None or as_of is None:
        return asked
    return asked if as_of < asked.requested_at or asked.run.id == (ready.id if ready else None) else None


def missed(source: Source, last_run: datetime | None, now: datetime) -> datetime | None:
    """Return the newest time that was due by the schedule, is past its grace, and has seen no run since."""
    schedule = schedule_of(source)
    if not schedule.runs:
        return None
    due = latest_slot(schedule, now - MISSED_AFTER).at
    set_at = max(filter(None, (source.scheduled_at, source.connection_since)))
    if due <= set_at or (last_run is not None and last_run >= due):
        return None
    return due


def _next_at(source: Source, now: datetime) -> datetime | None:
    schedule = schedule_of(source)
    return next_slot(schedule, now) if schedule.runs else None
