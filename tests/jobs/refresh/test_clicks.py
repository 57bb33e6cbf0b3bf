"""A confirmed refresh is one row until it is played; then it has its effect once, as asked for when it was clicked."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, UnavailableError
from jobs.refresh.ask import LeftOut, Place, Scope, Started, TriggerKey
from jobs.refresh.clicks import ClickService, Played
from storage.facts.clicks import Click
from storage.facts.people import Actor, Role
from storage.facts.sources import ConnectionState, Provider
from storage.sessions import Database, Session, open_database
from storage.tables import ClickRow, ConnectionRow, DeadlineRow, MemberRow, RefreshRow, RunRow
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged

ALL = Scope(everything=True)
TEAM = "T0TEMERITY"


async def _accepted(stage: Stage, *, scope: Scope = ALL, card: str = "card_1", user: str = "U0MAYA") -> Click | None:
    key, place = TriggerKey(TEAM, card), Place(TEAM, "C0FINANCE")
    return await stage.jobs.services.clicks.accept(await stage.actor(user), scope, key, place, {"kind": "action"})


async def _click(stage: Stage, *, scope: Scope = ALL) -> Click:
    click = await _accepted(stage, scope=scope)
    assert click is not None
    return click


def _waiting(database: Database) -> int:
    return len(database.in_read(lambda session: session.exec(select(ClickRow)).all()))


def _refreshes(database: Database) -> list[RefreshRow]:
    return list(database.in_read(lambda session: session.exec(select(RefreshRow)).all()))


async def test_the_times_are_those_of_the_click(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        click = await _click(stage)
        assert (_waiting(database), _refreshes(database)) == (1, [])
        stage.clock.advance(timedelta(minutes=5))
        (found,) = await stage.jobs.services.clicks.waiting(timedelta(minutes=4))
        assert found == click
        played = await stage.jobs.services.clicks.play(found)
        assert played is not None
        assert isinstance(played.outcome, Started)
        assert _waiting(database) == 0
        (refresh,) = _refreshes(database)
        assert refresh.requested_at == click.at
        runs = database.in_read(lambda session: session.exec(select(RunRow)).all())
        assert {run.requested_at for run in runs} == {click.at}
        deadlines = database.in_read(lambda session: session.exec(select(DeadlineRow)).all())
        assert [row.due_at for row in deadlines if row.subject == refresh.id] == [click.at + timedelta(hours=3)]


class _Unguarded(ClickService):
    """A twin that does not care who deleted the row."""

    actor: Actor

    def _play(self, session: Session, click: Click) -> Played | None:
        return super()._play(session, click) or Played(self.actor, None, None)


@pytest.mark.parametrize("kind", [ClickService, _Unguarded])
async def test_two_processes_play_a_click_once(database: Database, tmp_path: Path, kind: type[ClickService]) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        click = await _click(stage)
        desks = [Desk(database.url), Desk(database.url)]
        refresh = stage.jobs.services.refresh
        services = [kind(desk, stage.clock, refresh, lambda _name: None) for desk in desks]
        for service in services:
            if isinstance(service, _Unguarded):
                service.actor = await stage.actor()
        played = await asyncio.gather(*(service.play(click) for service in services))
        for desk in desks:
            await asyncio.to_thread(desk.close)
        assert len(_refreshes(database)) == 1
        assert (sum(one is not None for one in played) == 1) == (kind is ClickService)


async def test_a_second_click_on_the_card_waits_for_the_first(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        click = await _click(stage)
        assert await _accepted(stage) is None
        await stage.jobs.services.clicks.play(click)
        again = await _accepted(stage)
        assert again is not None
        played = await stage.jobs.services.clicks.play(again)
        assert played is not None
        assert not isinstance(played.outcome, Started)
        assert (len(_refreshes(database)), _waiting(database)) == (1, 0)


def _take_away(session: Session) -> None:
    row = session.exec(select(MemberRow).where(MemberRow.user_id == "U0MAYA")).one()
    row.role = Role.VIEWER
    session.add(row)


async def test_the_role_counts_when_it_is_played(database: Database, tmp_path: Path) -> None:
    """What started nothing stays until the person was told, or a crash in between would leave them waiting."""
    async with staged(database, tmp_path, connectors=briefly) as stage:
        click = await _click(stage)
        database.in_write(_take_away)
        for _ in range(2):
            played = await stage.jobs.services.clicks.play(click)
            assert played is not None
            assert isinstance(played.refused, NotAllowedError)
        assert (_refreshes(database), _waiting(database)) == ([], 1)
        await stage.jobs.services.clicks.settle(click)
        assert _waiting(database) == 0


async def test_somebody_elses_source_is_refused_when_it_is_played(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        click = await _click(stage, scope=Scope(everything=False, source_ids=("src_other",)))
        played = await stage.jobs.services.clicks.play(click)
        assert played is not None
        assert isinstance(played.refused, NotFoundError)
        assert _refreshes(sqlite_database) == []


async def test_a_viewer_is_not_accepted(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        sqlite_database.in_write(_take_away)
        with pytest.raises(NotAllowedError):
            await _accepted(stage)
        assert _waiting(sqlite_database) == 0


async def test_what_is_left_out_is_told_again_until_it_is_settled(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)

        def disconnect(session: Session) -> None:
            row = session.get_one(ConnectionRow, source.id)
            row.state = ConnectionState.DISCONNECTED
            session.add(row)

        sqlite_database.in_write(disconnect)
        click = await _click(stage, scope=Scope(everything=False, source_ids=(source.id,)))
        for _ in range(2):
            played = await stage.jobs.services.clicks.play(click)
            assert played is not None
            assert isinstance(played.outcome, LeftOut)
        assert _waiting(sqlite_database) == 1


async def test_a_busy_database_accepts_nothing_and_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        impatient = Desk(sqlite_database.url, seconds=0.2)
        clicks = ClickService(impatient, stage.clock, stage.jobs.services.refresh, lambda _name: None)
        actor = await stage.actor()
        holder = open_database(sqlite_database.url)
        with holder.write() as session:
            _take_away(session)
            session.flush()
            with pytest.raises(UnavailableError):
                await clicks.accept(actor, ALL, TriggerKey(TEAM, "late"), Place(TEAM, "C0FINANCE"), {})
        holder.close()
        await asyncio.to_thread(impatient.close)
        assert _waiting(sqlite_database) == 0
