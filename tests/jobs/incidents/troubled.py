"""Companies with sources as rows alone, and runs that end as the product ends them: no engine, no provider, no wire."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from jobs.deliver.words import message_for
from jobs.escalation import deadline_sweep
from jobs.incidents.fleet_keeping import fleet_sweep
from jobs.incidents.lateness import lateness_pass
from jobs.notify.notifier import Notifier
from jobs.refresh.ending import Verdict, end_run
from storage.facts.clock import OffsetClock
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.messages import Message
from storage.facts.runs import Failure, FailureKind, Missing, Partly, RunState, Stage, Trigger
from storage.facts.sources import Provider, Source
from storage.records import incidents, organizations, outcomes, runs, sources
from storage.records.incidents import as_incident
from storage.sessions import Database
from storage.tables import (
    ChannelRow,
    ConnectionRow,
    DeliveryRow,
    FleetAlarmRow,
    IncidentRow,
    MemberRow,
    OrganizationRow,
    SourceRow,
    WorkspaceRow,
)

#: a Friday afternoon in New York
FRIDAY = datetime(2026, 11, 20, 21, tzinfo=UTC)
ZONE = "America/New_York"


@dataclass
class Company:
    """Rows of several companies, and a clock that tests move."""

    database: Database
    at: datetime = FRIDAY
    count: int = 0
    work: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = OffsetClock(base=lambda: self.at)
        self.notifier = Notifier(
            lambda _session, work: self.work.append(work),
            support_channel="T0SUPPORT/C0SUP",
            support_email="s@t.example",
        )
        self.deadlines = deadline_sweep(self.database, self.clock, self.notifier, lambda *_: None)
        self.fleet = fleet_sweep(self.database, self.clock, self.notifier)
        self.slow = lateness_pass(self.database, self.clock, self.notifier)

    def founded(self, name: str, *providers: Provider, minutes: int = 60) -> list[Source]:
        """Insert a company with a channel, an admin and sources."""

        def write(session: Session) -> list[str]:
            org, team = f"org_{name}", f"T0{name.upper()}"
            session.add(OrganizationRow(id=org, name=name, timezone=ZONE, created_at=self.at))
            session.flush()
            session.add(WorkspaceRow(team_id=team, organization_id=org, name=name))
            session.flush()
            session.add(ChannelRow(team_id=team, channel_id="C0FINANCE", allowed_at=self.at))
            session.add(
                MemberRow(
                    id=f"mem_{name}", organization_id=org, team_id=team, user_id="U0ADMIN", name="Ada", role="admin"
                )
            )
            made = [self._source(session, org, provider, number, minutes) for number, provider in enumerate(providers)]
            session.flush()
            return made

        made = self.database.in_write(write)
        return [self.source(one) for one in made]

    def _source(self, session: Session, org: str, provider: Provider, number: int, minutes: int) -> str:
        source_id = f"src_{org}_{number}"
        session.add(
            SourceRow(
                id=source_id,
                organization_id=org,
                provider=provider,
                account=f"a{number}",
                label=f"{provider}-{number}",
                company=org.removeprefix("org_"),
                mode="on_demand",
                schedule_minutes=minutes,
                updated_at=self.at,
                created_at=self.at,
            )
        )
        session.flush()
        session.add(ConnectionRow(source_id=source_id, organization_id=org, state="connected", since=self.at))
        return source_id

    def source(self, source_id: str) -> Source:
        """Return a source as it is now."""
        return self.database.in_read(lambda session: sources.source(session, source_id))

    def begun(self, source: Source) -> tuple[str, int]:
        """Start a run of the source; return it and its generation."""
        self.count += 1
        run_id = f"run_{self.count}"

        def write(session: Session) -> int:
            runs.add(
                session,
                run_id=run_id,
                organization_id=source.organization_id,
                source_id=source.id,
                trigger=Trigger.SCHEDULE,
                slot_key=run_id,
                requested_at=self.at + timedelta(microseconds=self.count),
                collects=True,
            )
            return runs.claim(session, run_id, 1, self.at) or 0

        return run_id, self.database.in_write(write)

    def ready(self, source: Source, as_of: datetime | None = None, *, partly: bool = False) -> None:
        """Let a run of the source become ready; its data is as of now, unless told."""
        run_id, generation = self.begun(source)
        at = as_of or self.at
        missing = Missing(("inventory",), "Inventory", FailureKind.RETRY, "timeout", "no answer", at)
        plan = {"partly": outcomes.partly_json(Partly((missing,), at))} if partly else {}

        def write(session: Session) -> None:
            organizations.lock(session, source.organization_id)
            runs.advance(session, run_id, generation, source_as_of=at, loaded_at=self.at, outcome=plan)
            end_run(session, run_id, generation, Verdict(RunState.READY), self.at, self.notifier)

        self.database.in_write(write)

    def fails(self, source: Source, kind: FailureKind = FailureKind.RETRY, code: str = "timeout") -> None:
        """Let a run of the source fail."""
        run_id, generation = self.begun(source)
        failure = Failure(kind, code, "no answer", Stage.COLLECTING, "ref_1")

        def write(session: Session) -> None:
            organizations.lock(session, source.organization_id)
            end_run(session, run_id, generation, Verdict(RunState.FAILED, failure), self.at, self.notifier)

        self.database.in_write(write)

    async def passes(self, *, step: timedelta | None = None, **span: float) -> None:
        """Let time pass while the clock sweeps, as often as told; else every minute."""
        until = self.at + timedelta(**span)
        while self.at < until:
            self.at = min(self.at + (step or timedelta(minutes=1)), until)
            await self.deadlines()
            await self.fleet()

    def open(self, source: Source, kind: IncidentKind = IncidentKind.LATE) -> Incident | None:
        """Return the open incident of the source."""
        return self.database.in_read(lambda session: incidents.find_open(session, source.id, kind))

    def all(self) -> list[Incident]:
        """Return every incident, oldest first."""

        def read(session: Session) -> list[Incident]:
            return [as_incident(row) for row in session.exec(select(IncidentRow).order_by(IncidentRow.opened_at))]  # type: ignore[arg-type]  # a column

        return self.database.in_read(read)

    def told(self, kind: str, organization: str | None = None) -> list[tuple[str, str]]:
        """Return subject and place of every delivery of a kind."""

        def read(session: Session) -> list[tuple[str, str]]:
            rows = session.exec(select(DeliveryRow).where(DeliveryRow.kind == kind)).all()
            mine = [row for row in rows if organization in (None, row.organization_id)]
            return [(row.subject, row.destination) for row in mine if row.state != "skipped"]

        return self.database.in_read(read)

    def alarms(self) -> list[tuple[str, bool]]:
        """Return scope and whether it is over, of every alarm of the fleet."""
        return self.database.in_read(
            lambda session: [(row.scope, row.closed_at is not None) for row in session.exec(select(FleetAlarmRow))]
        )

    def says(self, kind: str, subject: str) -> Message:
        """Return what a message says now."""
        return self.database.in_read(lambda session: message_for(session, kind, subject, self.at))
