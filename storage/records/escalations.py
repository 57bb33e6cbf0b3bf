"""What support is called about: a refresh that people wait for, or a first read that nobody asked for (a run)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from storage.facts.policies import ACKNOWLEDGED_FOR, Call, CallKind, Policy, read_policy
from storage.facts.runs import ACTIVE_STATES, Run, Trigger
from storage.records import refreshes, runs
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import EscalationCallRow, RefreshRow, RunRow


@dataclass(frozen=True, slots=True)
class Escalated:
    """How the thing that a support post names stands."""

    organization_id: str
    #: None: support was not called about it
    escalated_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    #: until when whoever acknowledged it has it in hand
    acknowledged_until: datetime | None
    finished_at: datetime | None
    #: what the times of the policy count from: the question, or the last movement of a first read
    since: datetime
    #: as it was when this began; a later change of the organization's policy moves nothing here
    policy: Policy

    def held(self, now: datetime) -> bool:
        """Whether somebody has it in hand now; at its end, whether somebody had."""
        until = self.acknowledged_until
        return until is not None and until > min(now, self.finished_at or now)


def holder(row: RefreshRow, now: datetime) -> str | None:
    """Return who has the refresh in hand, or had when it ended."""
    if row.acknowledged_at is None:
        return None
    until = row.acknowledged_until or row.acknowledged_at + ACKNOWLEDGED_FOR
    return row.acknowledged_by if until > min(now, row.finished_at or now) else None


def is_run(subject: str) -> bool:
    """Whether the subject is a run rather than a refresh; our ids say what they name."""
    return subject.startswith("run_")


def find(session: Session, subject: str) -> Escalated | None:
    """Return how it stands, whosever it is; for support, who are authorized by the post that names it."""
    row: RefreshRow | RunRow | None
    if is_run(subject):
        row = session.get(RunRow, subject, populate_existing=True)
    else:
        row = session.get(RefreshRow, subject, populate_existing=True)
    if row is None:
        return None
    policy = read_policy(row.policy)
    if policy.while_moving or isinstance(row, RunRow):
        policy = policy.together()
    until = row.acknowledged_until
    if row.acknowledged_at is not None and until is None:
        # Taken on in a version that knew no end of it.
        until = row.acknowledged_at + ACKNOWLEDGED_FOR
    return Escalated(
        organization_id=row.organization_id,
        escalated_at=row.escalated_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        acknowledged_until=until,
        finished_at=row.finished_at,
        since=_since(session, row, policy),
        policy=policy,
    )


def _since(session: Session, row: RefreshRow | RunRow, policy: Policy) -> datetime:
    called = row.escalated_at - policy.first if row.escalated_at else None
    if isinstance(row, RunRow):
        # A first read may take as long as it likes while it moves: what follows counts from when support was called.
        return called or row.moved_at or row.requested_at
    if policy.while_moving:
        moved = [run.moved_at for _, run, _ in refreshes.runs_of(session, row.id) if run.moved_at]
        return called or max([row.requested_at, *moved])
    # Support may have been called earlier, about a first read that this one joined.
    return min(row.requested_at, called) if called else row.requested_at


def count_open(session: Session, organization_id: str) -> int:
    """Return how many refreshes of the organization are under way: each keeps the policy that it began with."""
    statement = select(func.count()).where(
        RefreshRow.organization_id == organization_id, col(RefreshRow.finished_at).is_(None)
    )
    return int(session.exec(statement).one())


def runs_of(session: Session, subject: str) -> list[Run]:
    """Return the runs that it is about."""
    if is_run(subject):
        return [runs.run(session, subject)]
    return [run for _, run, _ in refreshes.runs_of(session, subject)]


def mark(session: Session, subject: str, now: datetime) -> bool:
    """Note that support is called; return whether this one is the first, and it is not over."""
    table = _table(subject)
    statement = (
        update(table)
        .where(col(table.id) == subject, col(table.escalated_at).is_(None), col(table.finished_at).is_(None))
        .values(escalated_at=now)
    )
    return won(session, statement)


def acknowledge(session: Session, subject: str, name: str, now: datetime, until: datetime) -> bool:
    """Note who in support took it on; only while nobody has it in hand, and only while it is not over."""
    table = _table(subject)
    free = col(table.acknowledged_at).is_(None) | (col(table.acknowledged_until) <= now)
    # In a version that knew no end of it only the time of the click was noted.
    free |= col(table.acknowledged_until).is_(None) & (col(table.acknowledged_at) <= now - ACKNOWLEDGED_FOR)
    statement = (
        update(table)
        .where(
            col(table.id) == subject,
            free,
            col(table.finished_at).is_(None),
            col(table.escalated_at).is_not(None),
        )
        .values(acknowledged_at=now, acknowledged_by=name, acknowledged_until=until)
    )
    if not won(session, statement):
        return False
    called = find(session, subject)
    assert called is not None
    taken = sum(call.kind is CallKind.TAKEN for call in calls(session, subject))
    note(session, called.organization_id, subject, Call(CallKind.TAKEN, taken + 1, until, now, name))
    return True


def note(session: Session, organization_id: str, subject: str, call: Call) -> bool:
    """Write a line into the book; return whether it is new. Whoever writes it does what it says, in one transaction."""
    return insert_new(
        session,
        EscalationCallRow,
        subject=subject,
        kind=call.kind.value,
        number=call.number,
        organization_id=organization_id,
        due_at=call.due_at,
        at=call.at,
        name=call.name,
        audited=call.audited,
    )


def calls(session: Session, subject: str) -> list[Call]:
    """Return the book, oldest first."""
    statement = (
        select(EscalationCallRow)
        .where(EscalationCallRow.subject == subject)
        .order_by(col(EscalationCallRow.at), col(EscalationCallRow.kind), col(EscalationCallRow.number))
    )
    return [
        Call(CallKind(row.kind), row.number, row.due_at, row.at, row.name, row.audited)
        for row in session.exec(statement)
    ]


def open_subjects(session: Session, before: datetime) -> list[tuple[str, str]]:
    """Return (organization, subject) of everything unfinished that began before; for the auditor."""
    asked = select(RefreshRow.organization_id, RefreshRow.id).where(
        col(RefreshRow.finished_at).is_(None), col(RefreshRow.requested_at) < before
    )
    read = select(RunRow.organization_id, RunRow.id).where(
        col(RunRow.state).in_(ACTIVE_STATES),
        RunRow.trigger == Trigger.FIRST_READ,
        col(RunRow.requested_at) < before,
    )
    return [*session.exec(asked).all(), *session.exec(read).all()]


def subjects_since(session: Session, since: datetime, longer_than: timedelta) -> list[tuple[str, str]]:
    """Return (organization, subject) of every refresh and first read since then that took that long, or goes on."""
    asked = select(RefreshRow).where(col(RefreshRow.requested_at) >= since).order_by(col(RefreshRow.requested_at))
    read = (
        select(RunRow)
        .where(RunRow.trigger == Trigger.FIRST_READ, col(RunRow.requested_at) >= since)
        .order_by(col(RunRow.requested_at))
    )
    rows: list[RefreshRow | RunRow] = [*session.exec(asked), *session.exec(read)]
    return [
        (row.organization_id, row.id)
        for row in rows
        if row.finished_at is None or row.finished_at - row.requested_at > longer_than
    ]


def _table(subject: str) -> type[RefreshRow] | type[RunRow]:
    return RunRow if is_run(subject) else RefreshRow
