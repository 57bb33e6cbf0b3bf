"""Real rows of a seeded database, put as each cause leaves them behind."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sandbox
from bot.cli.seed import modes
from jobs.explain.evidence import gather
from jobs.explain.tree import explain
from jobs.notify.kinds import REFRESH_FINISHED
from jobs.refresh.ending import ESCALATION
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.explain import Evidence, Explanation
from storage.facts.ids import new_id
from storage.facts.people import Member, SlackIdentity
from storage.facts.runs import Partly, Result, RunState, Stage, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.records import deadlines, deliveries, organizations, outcomes, receipts, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import (
    BucketRow,
    ConnectionRow,
    RefreshPersonRow,
    RefreshRow,
    RefreshRunRow,
    RunRow,
    SourceRow,
    WorkerRow,
)

_TOKENS = (
    *("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN"),
    *("SHOPIFY_ACCESS_TOKEN", "SHOPIFY_REFRESH_TOKEN"),
)


class Rows:
    """One organization, in one session that is never committed: what is put here is seen by nobody else."""

    def __init__(self, database: Database, session: Session, organization_id: str = "") -> None:
        self.database, self.session, self.clock = database, session, OffsetClock()
        self.now = self.clock.now()
        self.organization_id = organization_id or self._seed()

    def _seed(self) -> str:
        seed = load_seed(
            Path(sandbox.__file__).parent / "temerity_goods.yaml", dict.fromkeys(_TOKENS, "a-token-of-a-test")
        )
        how = Seeding(Seal([Secret(new_key())]), self.clock.now() - timedelta(days=30), modes())
        seeded = write_seed(self.session, seed, how).organization_id
        self.session.flush()
        return seeded

    def ago(self, minutes: float) -> datetime:
        return self.now - timedelta(minutes=minutes)

    def source(self, provider: Provider = Provider.SHOPIFY) -> Source:
        found = sources.sources_of(self.session, self.organization_id)
        return next(source for source in found if source.provider is provider)

    def add(self, provider: Provider, mode: CollectMode, minutes: int = 360) -> None:
        """Connect another account."""
        at = self.ago(60 * 24 * 30)
        source_id = new_id("src")
        source = SourceRow(
            id=source_id, organization_id=self.organization_id, provider=provider, account=f"account-{provider}",
            label=f"{provider} account", company="Temerity Goods", mode=mode, schedule_minutes=minutes, updated_at=at,
            created_at=at,
        )  # fmt: skip
        self._set(source, {})
        state = ConnectionState.CONNECTED
        row = ConnectionRow(source_id=source_id, organization_id=self.organization_id, state=state, since=at)
        self._set(row, {})

    def member(self, user: str = "U0MAYA") -> Member:
        found = organizations.member_by_identity(self.session, SlackIdentity("T0TEMERITY", user))
        assert found is not None
        return found

    def change(self, provider: Provider, **values: Any) -> None:
        """Change the row of a source."""
        self._set(self.session.get_one(SourceRow, self.source(provider).id), values)

    def connection(self, provider: Provider, **values: Any) -> None:
        """Change the row of its connection."""
        self._set(self.session.get_one(ConnectionRow, self.source(provider).id), values)

    def _set(self, row: Any, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        self.session.add(row)
        self.session.flush()
        self.session.expire_all()

    def run(self, provider: Provider = Provider.SHOPIFY, state: RunState = RunState.READY, *, asked: float = 12,
            as_of: float | None = None, **values: Any) -> RunRow:  # fmt: skip
        """Put a run that was asked for so many minutes ago; a good one is complete up to then, or to `as_of`."""
        source, at = self.source(provider), self.ago(asked)
        good, over = state is RunState.READY, not state.active
        row = RunRow(
            id=new_id("run"),
            organization_id=self.organization_id,
            source_id=source.id,
            trigger=Trigger.SCHEDULE,
            slot_key=new_id("slot"),
            state=state,
            requested_at=at,
            started_at=None if state is RunState.QUEUED else at,
            finished_at=at + timedelta(minutes=2) if over else None,
            source_as_of=self.ago(asked if as_of is None else as_of) if good else None,
            loaded_at=at + timedelta(minutes=1) if good else None,
            ready_at=at + timedelta(minutes=2) if good else None,
            progress_at=None if state is RunState.QUEUED else self.now,
            moved_at=None if state is RunState.QUEUED else self.now,
            stage=Stage.COLLECTING if state is RunState.RUNNING else None,
            result=Result.CHANGED if good else None,
        )
        self._set(row, values)
        if good:
            receipts.add(self.session, runs.run(self.session, row.id), dict(row.outcome or {}), self.now)
        return row

    def failed(self, kind: str, code: str, provider: Provider = Provider.SHOPIFY, *, asked: float = 12) -> RunRow:
        """Put a run that failed so."""
        return self.run(
            provider, RunState.FAILED, asked=asked, failure_kind=kind, failure_code=code, result=Result.FAILED,
            failure_detail="seen in a test", failure_stage=Stage.COLLECTING, reference="ref_test",
        )  # fmt: skip

    def partly(self, row: RunRow, partly: Partly) -> None:
        """Let a good run lack streams."""
        self._set(row, {"outcome": {"partly": outcomes.partly_json(partly)}, "result": Result.PARTIAL})

    def asked(self, row: RunRow, *, ago: float, over: bool = True, user: str = "U0MAYA") -> str:
        """Let somebody have asked for that run, so many minutes ago."""
        member, refresh_id = self.member(user), new_id("rfr")
        at = self.ago(ago)
        refresh = RefreshRow(
            id=refresh_id, organization_id=self.organization_id, requested_by=member.id, requested_at=at,
            everything=False, finished_at=self.ago(ago - 1) if over else None,
        )  # fmt: skip
        self._set(refresh, {})
        self._set(RefreshPersonRow(refresh_id=refresh_id, member_id=member.id, joined_at=at), {})
        self._set(RefreshRunRow(refresh_id=refresh_id, run_id=row.id), {})
        if not over:
            deadlines.add(self.session, self.organization_id, ESCALATION, refresh_id, at + timedelta(hours=3))
        return refresh_id

    def mailed(self, refresh_id: str, state: DeliveryState, reason: str | None = None, *, user: str = "U0MAYA") -> None:
        """Put the confirmation by mail of that refresh."""
        member = self.member(user)
        skip = reason if state is DeliveryState.SKIPPED else None
        delivery = deliveries.add(
            self.session, organization_id=self.organization_id, kind=REFRESH_FINISHED, subject=refresh_id,
            channel=Channel.EMAIL, destination=f"member:{member.id}", member_id=member.id, now=self.ago(1),
            expires_at=self.now + timedelta(days=1), skip_reason=skip,
        )  # fmt: skip
        assert delivery is not None
        if state not in {DeliveryState.SKIPPED, DeliveryState.PENDING}:
            assert deliveries.settle(self.session, delivery, state, now=self.now, reason=reason)

    def worker(self) -> None:
        """Let a process of ours be alive."""
        now = datetime.now(tz=self.now.tzinfo)
        self._set(WorkerRow(executor_id="here", role="all", started_at=now, beat_at=now), {})

    def blocked(self, account: str, minutes: float) -> None:
        """Let the provider want no calls of an account."""
        until = self.now + timedelta(minutes=minutes)
        self._set(BucketRow(name=account, tokens=0, updated_at=self.now, blocked_until=until), {})

    def evidence(self, provider: Provider = Provider.SHOPIFY, *, user: str = "U0MAYA", mail: bool = False) -> Evidence:
        self.session.flush()
        self.session.expire_all()
        return gather(
            self.session, self.member(user), self.source(provider), self.now, budget=500, asks_mail=mail
        )  # fmt: skip

    def why(self, provider: Provider = Provider.SHOPIFY, *, user: str = "U0MAYA", mail: bool = False) -> Explanation:
        return explain(self.evidence(provider, user=user, mail=mail))
