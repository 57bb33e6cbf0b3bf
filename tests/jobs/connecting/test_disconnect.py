"""Disconnecting on purpose: who may, what is typed, what is frozen, and what ends with it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.dependents import freeze
from jobs.errors import NotAllowedError, NotFoundError, TooLateError, WrongNameError
from jobs.incidents.noticing import lost
from jobs.refresh.ask import TriggerKey
from jobs.schedule import start_slot
from jobs.slots import Slot
from jobs.work import Work
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.incidents import IncidentKind
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState, Source
from storage.records import incidents, organizations, runs, sources
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, DisconnectRow
from tests.jobs.connecting.disconnecting import ACCOUNT, confirm, loaded, sealed, severing, status_of, told
from tests.jobs.connecting.stage import EVE, OLGA, PRIYA, Stage, demote, staged


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


async def test_what_depends_on_it_is_frozen_and_goes_on_with_the_next_connection(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        loaded(stage, source)
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
