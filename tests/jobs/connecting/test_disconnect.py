"""Disconnecting on purpose: who may, what is typed, what is fenced, and what becomes of grant and data after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from connectors.base import Collected
from connectors.errors import Reconnect, Retry
from connectors.tokens import MemoryTokens, Tokens
from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.connecting.severing import Severing
from jobs.connecting.telling import disconnect_words
from jobs.connecting.views import Parted
from jobs.dependents import freeze
from jobs.errors import NotAllowedError, NotFoundError, TooLateError, WrongNameError
from jobs.incidents.noticing import lost
from jobs.refresh.ask import TriggerKey
from jobs.refresh.collecting import Collecting
from jobs.refresh.outcome import LOST
from jobs.refresh.retry import RetryPlan
from jobs.schedule import start_slot
from jobs.slots import Slot
from jobs.status import states, statuses
from jobs.tokens import StoredTokens
from jobs.upkeep import replay_memory_sweep
from jobs.work import Work, WorkState, WorkStatus
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.flows import FlowState
from storage.facts.ids import new_id
from storage.facts.incidents import IncidentKind
from storage.facts.people import SlackIdentity
from storage.facts.runs import RunState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.facts.status import SourceStatus
from storage.facts.talk import Conversation
from storage.records import asked_last, deliveries, disconnects, incidents, organizations, runs, sources
from storage.sessions import Database, Session
from storage.tables import AskedLastRow, ConnectionRow, DeliveryRow, DisconnectRow, RunRow
from tests.jobs.connecting.parting import fill, ground_of, lake
from tests.jobs.connecting.stage import BOOKS, DANIEL, EVE, OLGA, PRIYA, Stage, a_browser, demote, everything, staged
from tests.storage.warehouse.company import CUSTOMERS, simple

ACCOUNT = "a.myshopify.com"


def severing(stage: Stage, folder: Path, kind: type[Severing] = Severing, **changes: Any) -> Severing:
    """Return the work's handler over lakes in a folder of the test; the engine is not there."""
    means = stage.means
    ground = ground_of(means, folder)
    return kind(means, ground, RetryPlan(), changes.get("status", lambda _id: None))


async def confirm(
    stage: Stage,
    source: Source,
    *,
    erase: bool = False,
    identity: SlackIdentity = DANIEL,
    typed: str | None = None,
    seen: str | None = None,
    trigger: str = "",
    kind: type[DisconnectService] = DisconnectService,
) -> Parted:
    """Look and confirm, as a person does."""
    service = kind(stage.means)
    actor = await stage.actor(identity)
    mark = seen or (await service.preview(actor, source.id)).mark
    confirmed = Confirmation(source.id, source.label if typed is None else typed, erase=erase, seen=mark)
    return await service.disconnect(actor, confirmed, TriggerKey(identity.team_id, trigger or new_id("trg")))


def found(stage: Stage, parted: Parted) -> Disconnect:
    known = stage.database.in_read(lambda session: disconnects.find(session, parted.disconnect_id))
    assert known is not None
    return known


def sealed(stage: Stage, parted: Parted) -> bytes | None:
    return stage.database.in_read(lambda session: disconnects.sealed_grant(session, parted.disconnect_id))


def tokens_of(stage: Stage, source: Source) -> StoredTokens:
    return StoredTokens(stage.database, stage.clock, stage.means.seal, source.id)


def told(stage: Stage, kind: str) -> list[tuple[str, str]]:
    """Return whom the deliveries of a kind go to, and what they say."""
    words = disconnect_words()

    def read(session: Session) -> list[tuple[str, str]]:
        ids = session.exec(
            select(DeliveryRow.id).where(DeliveryRow.kind == kind).order_by(col(DeliveryRow.destination))
        )
        rows = [deliveries.delivery(session, one) for one in ids]
        return [(row.destination, words[kind](session, row, stage.clock.now()).summary) for row in rows]

    return stage.database.in_read(read)


async def test_one_transaction_takes_the_grant_out_and_stops_the_run(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        before = stage.connection(source.id)
        (run,) = stage.database.in_read(lambda session: runs.history(session, [source.id], 5))
        stage.works.clear()

        parted = await confirm(stage, source)

        row = stage.connection(source.id)
        assert row.state == ConnectionState.DISCONNECTED
        assert row.credentials is None
        assert row.version == before.version + 1
        assert row.reason is not None
        assert row.reason.startswith("Daniel Kim disconnected it on ")
        assert row.reason.endswith("; its data is kept")
        assert row.erase_due_at is not None
        assert row.erase_due_at - stage.clock.now() <= timedelta(minutes=15)
        assert sealed(stage, parted) is not None
        after = stage.database.in_read(lambda session: runs.run(session, run.id))
        assert (after.state, after.generation) == (RunState.CANCELLED, run.generation + 1)
        assert Work("disconnect", parted.disconnect_id, queue="notify") in stage.works
        assert stage.trail()[-1] == "disconnect"
        assert stage.entries()[-1].detail["frozen"] == ["schedule (every 60 minutes)"]
        assert told(stage, "disconnected") == [
            ("T0A/U0DANIEL", f"Daniel Kim disconnected Shopify · Company {ACCOUNT}."),
            ("T0A/U0OLGA", f"Daniel Kim disconnected Shopify · Company {ACCOUNT}."),
        ]
        (status,) = stage.sources()
        assert status.on_purpose


def a_metric(_session: Session, source: Source) -> list[Dependent]:
    """Another kind of dependent, as one line more in the registry would list it."""
    return [Dependent(DependentKind.SCHEDULE, f"met_{source.id}", "Revenue by month")]


def status_of(stage: Stage) -> SourceStatus:
    found = stage.sources()
    return stage.database.in_read(lambda session: statuses(session, found, stage.clock.now(), budget=1))[0]


async def test_what_depends_on_it_is_frozen_and_goes_on_with_the_next_connection(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        _loaded(stage, source)
        as_of, now = status_of(stage).last_data_refresh, stage.clock.now()

        def notice(session: Session) -> bool:
            organizations.lock(session, source.organization_id)
            freeze(session, source, "", now, [a_metric])
            return lost(session, source.id, "refused", now, stage.means.notifier)

        def slot(session: Session) -> str | None:
            return start_slot(session, Slot(source.id, "a-slot", stage.clock.now()), stage.clock.now(), _not_enqueued)

        assert stage.database.in_write(notice)
        metric, still = status_of(stage).frozen
        assert (still.reason, still.since, still.as_of) == ("refused", now, as_of)
        assert metric.dependent.name == "Revenue by month"
        # Also where something else than the state of the connection would let the clock start it.
        stage.change(lambda session: sources.set_connection(session, source.id, ConnectionState.CONNECTED, None, now))
        assert stage.database.in_write(slot) is None
        stage.change(lambda session: sources.set_connection(session, source.id, ConnectionState.DISCONNECTED, "", now))

        stage.clock.advance(timedelta(minutes=1))
        await confirm(stage, source)
        reasons = [one.reason for one in status_of(stage).frozen]
        assert reasons[1] == stage.connection(source.id).reason
        assert status_of(stage).frozen[1].since == now

        await severing(stage, tmp_path).attempt(disconnected(stage), 1)
        stage.clock.advance(timedelta(minutes=1))
        await stage.connected(ACCOUNT)
        assert status_of(stage).frozen == ()
        connected = [entry.detail for entry in stage.entries() if entry.action == "connect"][-1]
        assert connected["thawed"] == ["schedule (Revenue by month)", "schedule (every 60 minutes)"]
        thawed = stage.database.in_read(lambda session: list(session.exec(select(DeliveryRow.facts))))
        assert any(facts and "every 60 minutes" in str(facts.get("thawed")) for facts in thawed)


def _not_enqueued(session: Session, work: Work) -> None:
    raise AssertionError((session, work))


def disconnected(stage: Stage) -> str:
    return stage.database.in_read(lambda session: session.exec(select(DisconnectRow.id)).one())


async def test_only_admins_of_that_organization_may(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        mark = (await DisconnectService(stage.means).preview(await stage.actor(), source.id)).mark
        for identity, refusal in ((PRIYA, NotAllowedError), (EVE, NotFoundError)):
            with pytest.raises(refusal):
                await DisconnectService(stage.means).preview(await stage.actor(identity), source.id)
            with pytest.raises(refusal):
                await confirm(stage, source, identity=identity, seen=mark)
        # The role is read again with the effect: what was known a moment ago does not count.
        actor = await stage.actor(OLGA)
        stage.change(lambda session: demote(session, OLGA))
        with pytest.raises(NotAllowedError):
            await DisconnectService(stage.means).disconnect(
                actor, Confirmation(source.id, source.label, erase=False, seen=mark), TriggerKey("T0A", "t")
            )
        assert stage.connection(source.id).credentials is not None


@pytest.mark.parametrize("typed", ["", "shopify", "a.myshopify.co", "erase"])
async def test_another_name_changes_nothing(database: Database, tmp_path: Path, typed: str) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        with pytest.raises(WrongNameError):
            await confirm(stage, source, typed=typed)
        assert stage.connection(source.id).state == ConnectionState.CONNECTED


@pytest.mark.parametrize("typed", [ACCOUNT, f"  {ACCOUNT.upper()} ", f"company   {ACCOUNT}"])
async def test_label_or_company_will_do_however_it_is_spaced(
    sqlite_database: Database, tmp_path: Path, typed: str
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        assert (await confirm(stage, source, typed=typed)).source.id == source.id


async def test_what_changed_since_it_was_shown_is_refused_and_the_same_yes_counts_once(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        service = DisconnectService(stage.means)
        seen = (await service.preview(await stage.actor(), source.id)).mark
        stage.clock.advance(timedelta(seconds=1))
        await stage.connected(ACCOUNT, source_id=source.id)
        with pytest.raises(TooLateError):
            await confirm(stage, source, seen=seen)
        seen = (await service.preview(await stage.actor(), source.id)).mark
        first = await confirm(stage, source, seen=seen, trigger="form:1")
        again = await confirm(stage, source, seen=seen, trigger="form:1")
        assert again.disconnect_id == first.disconnect_id
        with pytest.raises(TooLateError):
            await confirm(stage, source, seen=seen)
        assert stage.trail().count("disconnect") == 1


class Unfenced(DisconnectService):
    """A twin that leaves version and grant as they are, and only says that it is disconnected."""

    def _cut(self, session: Session, *args: Any, **more: Any) -> Disconnect:
        row = session.get_one(ConnectionRow, args[1].id)
        kept = (row.version, row.credentials)
        disconnect = super()._cut(session, *args, **more)
        session.refresh(row)
        row.version, row.credentials = kept
        session.add(row)
        session.flush()
        return disconnect


@pytest.mark.parametrize("kind", [DisconnectService, Unfenced])
async def test_a_late_save_or_read_of_a_token_brings_nothing_back(
    database: Database, tmp_path: Path, kind: type[DisconnectService]
) -> None:
    """Somebody renews the tokens while a person disconnects: what they save must not be there after it."""
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        renewing = tokens_of(stage, source)
        old = await renewing.load()
        await confirm(stage, source, kind=kind)
        fresh = Tokens(Secret("access-late"), Secret("refresh-late"), old.expires_at)
        if kind is Unfenced:
            await renewing.save(fresh)
            assert (await tokens_of(stage, source).load()).access == fresh.access
            return
        with pytest.raises(Retry):
            await renewing.save(fresh)
        with pytest.raises(Reconnect):
            await tokens_of(stage, source).load()
        assert stage.connection(source.id).credentials is None


class Polite(DisconnectService):
    """A twin that asks the run to stop, and lets it end when it notices."""

    def _stop(self, session: Session, source: Source, now: Any) -> str | None:
        _ = now
        active = runs.active_of(session, [source.id]).get(source.id)
        return active.id if active and runs.ask_to_cancel(session, active.id) else None


@pytest.mark.parametrize("kind", [DisconnectService, Polite])
async def test_whoever_works_on_the_run_may_write_nothing_any_more(
    database: Database, tmp_path: Path, kind: type[DisconnectService]
) -> None:
    async with staged(database, tmp_path) as stage:
        connected = await stage.connected(ACCOUNT)
        assert connected.run_id is not None
        run_id = connected.run_id
        generation = stage.database.in_write(lambda session: runs.claim(session, run_id, 1, stage.clock.now()))
        assert generation is not None
        await confirm(stage, connected.source, kind=kind)
        # What the fence of a load asks right before its commit, and that of a build.
        held = generation
        writes = stage.database.in_write(lambda session: runs.advance(session, run_id, held, outcome={"plan": {}}))
        holds = stage.database.in_read(lambda session: runs.holds(session, run_id, held))
        assert (writes, holds) == ((True, True) if kind is Polite else (False, False))


async def test_the_grant_is_given_up_and_then_forgotten(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        parted = await confirm(stage, source)
        stage.outside.script("revoke", "retry", "broken", "")
        work = severing(stage, tmp_path)
        for _ in range(2):
            assert not await work.attempt(parted.disconnect_id, 1)
            assert sealed(stage, parted) is not None
        assert await work.attempt(parted.disconnect_id, 1)
        assert stage.outside.revoked == [ACCOUNT]
        assert sealed(stage, parted) is None
        ended = found(stage, parted)
        assert ended.outcome is GrantEnd.REVOKED
        assert ended.ended_at is not None
        assert stage.connection(source.id).erase_due_at is None
        assert told(stage, "disconnect_ended") == []
        # Once more, after a crash that forgot the step's result: nothing happens twice.
        assert await work.attempt(parted.disconnect_id, 1)
        assert stage.outside.revoked == [ACCOUNT]
        assert stage.trail()[-1] == "grant_given_up"
        upkeep = replay_memory_sweep(ground_of(stage.means, tmp_path))
        for days, left in ((399, [ended]), (2, [None])):
            stage.clock.advance(timedelta(days=days))
            await upkeep()
            assert [stage.database.in_read(lambda session: disconnects.find(session, parted.disconnect_id))] == left


class RenewsInMemory(Severing):
    """Broken twin: what was renewed to give a grant up is known to one attempt only."""

    def _store(self, found: Disconnect) -> Any:
        sealed = self._means.database.in_read(lambda session: disconnects.sealed_grant(session, found.id))
        return MemoryTokens(super()._store(found).open(sealed or b""))


@pytest.mark.parametrize("kind", [Severing, RenewsInMemory])
async def test_a_grant_that_was_renewed_in_vain_is_not_taken_for_gone(
    database: Database, tmp_path: Path, kind: type[Severing]
) -> None:
    """The renewal went through, the call after it did not: the next attempt comes with the renewed tokens."""
    async with staged(database, tmp_path) as stage:
        parted = await confirm(stage, (await stage.connected(ACCOUNT)).source)
        stage.outside.script("revoke", "retry", "")
        work = severing(stage, tmp_path, kind)
        assert not await work.attempt(parted.disconnect_id, 1)
        assert await work.attempt(parted.disconnect_id, 1)
        assert found(stage, parted).outcome is GrantEnd.REVOKED
        assert stage.outside.revoked == ([ACCOUNT] if kind is Severing else [])


async def test_a_refusal_counts_as_gone(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        parted = await confirm(stage, (await stage.connected(ACCOUNT)).source)
        stage.outside.script("revoke", "reconnect")
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        assert found(stage, parted).outcome is GrantEnd.REVOKED


class Sleepy(Severing):
    """A twin whose sweep looks after stranded work only."""

    async def sweep(self) -> None:
        """Leave the tokens to the work."""


@pytest.mark.parametrize("kind", [Severing, Sleepy])
async def test_the_tokens_are_gone_within_15_minutes_whatever_the_provider_says(
    database: Database, tmp_path: Path, kind: type[Severing]
) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        parted = await confirm(stage, source)
        stage.outside.script("revoke", *["retry"] * 50)
        work = severing(stage, tmp_path, kind)
        for _ in range(59):
            stage.clock.advance(timedelta(seconds=15))
            await work.sweep()
        assert (sealed(stage, parted) is None) is (kind is Severing)
        if kind is Sleepy:
            return
        assert found(stage, parted).outcome is GrantEnd.NOT_REVOKED
        assert found(stage, parted).ended_at is not None
        assert [where for where, _ in told(stage, "disconnect_ended")] == ["T0A/U0DANIEL", "T0A/U0OLGA"]


async def test_work_that_was_lost_is_taken_up_again(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        parted = await confirm(stage, (await stage.connected(ACCOUNT)).source)
        living = {"disconnect": WorkStatus("x", WorkState.DELAYED, 1, None)}
        stage.clock.advance(timedelta(seconds=90))
        stage.works.clear()
        await severing(stage, tmp_path, status=lambda _id: living["disconnect"]).sweep()
        assert stage.works == []
        await severing(stage, tmp_path).sweep()
        assert stage.works == [Work("disconnect", parted.disconnect_id, attempt=2, queue="notify")]
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        assert stage.outside.revoked == []
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 2)
        assert stage.outside.revoked == [ACCOUNT]


async def test_an_account_that_another_organization_connected_meanwhile_is_not_cut_off(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        parted = await confirm(stage, (await stage.connected(ACCOUNT)).source)
        await stage.connected(ACCOUNT, EVE)
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        assert stage.outside.revoked == []
        assert found(stage, parted).outcome is GrantEnd.STILL_USED
        assert sealed(stage, parted) is None


async def test_connecting_again_waits_until_the_old_grant_is_given_up_and_then_works(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        parted = await confirm(stage, source)
        # A revocation that is under way would end the new grant too.
        refused = await stage.back(a_browser(), ACCOUNT, source_id=source.id)
        assert (refused.state, refused.reason) == (FlowState.FAILED, "revoking")
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        again = await stage.connected(ACCOUNT, source_id=source.id)
        assert again.source.id == source.id
        assert again.source.connection is ConnectionState.CONNECTED
        assert not again.source.on_purpose
        assert (await tokens_of(stage, source).load()).access
        assert again.run_id is not None


def _parquet(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*.parquet"))


def _loaded(stage: Stage, source: Source) -> None:
    """Let a run have loaded and made ready what is there."""

    def work(session: Session) -> None:
        active = runs.active_of(session, [source.id])[source.id]
        row = session.get_one(RunRow, active.id)
        row.state, row.loaded_at, row.ready_at, row.finished_at, row.source_as_of = (
            RunState.READY.value,
            *[stage.clock.now()] * 4,
        )
        session.add(row)

    stage.change(work)
    stage.clock.advance(timedelta(seconds=1))


async def test_erasing_takes_the_data_and_what_runs_say_of_it(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        fill(tmp_path, source, "canary-data")
        _loaded(stage, source)
        asker, where = SlackIdentity("T0TEMERITY", "U0MAYA"), Conversation("D0MAYA", "")
        stage.change(lambda s: asked_last.keep(s, source.organization_id, asker, where, "INV-1", stage.clock.now()))
        parted = await confirm(stage, source, erase=True)
        assert parted.frozen_at is not None
        refused = await stage.back(a_browser(), ACCOUNT, source_id=source.id)
        assert (refused.state, refused.reason) == (FlowState.FAILED, "erasing")

        work = severing(stage, tmp_path)
        assert await work.attempt(parted.disconnect_id, 1)

        assert lake(tmp_path).counts(source.id) == {}
        assert b"canary-data" not in _parquet(tmp_path)
        # What was asked about it may name documents and amounts.
        assert stage.database.in_read(lambda session: session.exec(select(AskedLastRow)).all()) == []
        (status,) = stage.database.in_read(lambda session: states(session, stage.sources(), stage.clock.now()))
        assert status.freshness is Freshness.NEVER
        assert status.last_data_refresh is None
        reason = stage.connection(source.id).reason
        assert reason is not None
        assert reason.endswith("; its data was erased")
        said = [words for _, words in told(stage, "disconnect_ended")]
        assert said == [f"The data of Shopify · Company {ACCOUNT} was erased."] * 2
        assert stage.trail()[-2:] == ["grant_given_up", "data_erased"]
        # It can be connected again, and begins from nothing.
        again = await stage.connected(ACCOUNT, source_id=source.id)
        assert again.run_id is not None
        run_id = again.run_id
        run = stage.database.in_read(lambda session: runs.run(session, run_id))
        assert run.trigger == "first_read"


async def test_data_that_was_kept_may_be_erased_later(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        fill(tmp_path, source, "canary")
        _loaded(stage, source)
        work = severing(stage, tmp_path)
        assert await work.attempt((await confirm(stage, source)).disconnect_id, 1)
        service = DisconnectService(stage.means)
        parting = await service.preview(await stage.actor(), source.id)
        assert parting.only_data
        with pytest.raises(TooLateError):
            await confirm(stage, source)
        stage.clock.advance(timedelta(seconds=1))
        assert await work.attempt((await confirm(stage, source, erase=True)).disconnect_id, 1)
        assert stage.outside.revoked == [ACCOUNT]
        with pytest.raises(TooLateError):
            await service.preview(await stage.actor(), source.id)


async def test_it_ends_an_incident_and_nobody_opens_one_about_it(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        notifier, now = stage.means.notifier, stage.clock.now()

        def open_incident(session: Session) -> Any:
            return incidents.find_open(session, source.id, IncidentKind.DISCONNECTED)

        def notice(session: Session) -> bool:
            organizations.lock(session, source.organization_id)
            return lost(session, source.id, "refused", now, notifier)

        assert stage.database.in_write(notice)
        assert stage.database.in_read(open_incident) is not None
        await confirm(stage, source)
        assert stage.database.in_read(open_incident) is None
        # The provider's own event about what we gave up, or a run that finds no token, is no news.
        assert not stage.database.in_write(notice)
        assert stage.database.in_read(open_incident) is None
        reason = stage.connection(source.id).reason
        assert reason is not None
        assert reason.startswith("Daniel Kim")


async def test_a_company_that_was_disconnected_makes_room_for_another_one(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        source = (await stage.connected("1", provider=BOOKS)).source
        parted = await confirm(stage, source)
        assert await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        other = await stage.connected("2", provider=BOOKS)
        assert other.newly


async def test_no_token_is_left_anywhere(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        tokens = await tokens_of(stage, source).load()
        parted = await confirm(stage, source)
        kept = sealed(stage, parted)
        assert kept is not None
        assert kept in everything(stage.database)
        await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        left = everything(stage.database)
        assert tokens.refresh is not None
        for secret in (kept, tokens.access.reveal().encode(), tokens.refresh.reveal().encode()):
            assert secret not in left


def _moved(change: Callable[[Disconnect], Disconnect]) -> Callable[[Stage, Parted], None]:
    def work(stage: Stage, parted: Parted) -> None:
        disconnect = change(found(stage, parted))
        stage.change(
            lambda session: disconnects.add(session, replace(disconnect, id="dis_other"), sealed(stage, parted))
        )

    return work


async def test_tokens_that_were_copied_to_another_disconnect_do_not_open(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        parted = await confirm(stage, (await stage.connected(ACCOUNT)).source)
        _moved(lambda disconnect: disconnect)(stage, parted)
        await severing(stage, tmp_path).attempt("dis_other", 1)
        assert stage.outside.revoked == []
        other = stage.database.in_read(lambda session: disconnects.find(session, "dis_other"))
        assert other is not None
        assert other.outcome is GrantEnd.UNREADABLE


async def test_a_grant_of_another_environment_is_sent_nowhere(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source

        def elsewhere(session: Session) -> None:
            row = session.get_one(ConnectionRow, source.id)
            row.environment = "tokens.production.example"
            session.add(row)

        stage.change(elsewhere)
        parted = await confirm(stage, source)
        assert not await severing(stage, tmp_path).attempt(parted.disconnect_id, 1)
        assert stage.outside.revoked == []
        assert stage.database.in_read(lambda session: sources.source(session, source.id)).on_purpose


class OneRecord(Collecting):
    """Collecting as it is, but for the provider: one record comes."""

    async def _read(self, *args: Any) -> Collected:
        load = args[4]
        load.write(simple(replace(CUSTOMERS, name="late"), {"late": "late-canary"}))
        return Collected(args[6], {}, 1)


@pytest.mark.parametrize("point", ["warehouse.staged", "warehouse.before_commit"])
@pytest.mark.parametrize("kind", [DisconnectService, Polite])
async def test_a_late_writer_changes_nothing_in_the_warehouse(
    database: Database, tmp_path: Path, kind: type[DisconnectService], point: str
) -> None:
    """A run is read and about to be written when somebody disconnects: not even its last step gets through."""
    async with staged(database, tmp_path) as stage:
        connected = await stage.connected(ACCOUNT)
        assert connected.run_id is not None
        loop = asyncio.get_running_loop()

        def checkpoint(name: str) -> None:
            # Points of the warehouse are passed in its thread.
            if name == point:
                asyncio.run_coroutine_threadsafe(confirm(stage, connected.source, kind=kind), loop).result(20)

        ground = replace(ground_of(stage.means, tmp_path), checkpoint=checkpoint)
        collecting = OneRecord(ground)
        result = await collecting.collect(connected.run_id, 1)
        wrote = lake(tmp_path).snapshot() > 0
        assert wrote is (kind is Polite)
        if kind is DisconnectService:
            assert result["verdict"] == LOST
