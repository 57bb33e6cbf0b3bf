"""What becomes of the grant after a disconnect: given up at the provider, and forgotten whatever the provider says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.tokens import MemoryTokens
from jobs.connecting.severing import Severing
from jobs.connecting.views import Parted
from jobs.upkeep import replay_memory_sweep
from jobs.work import Work, WorkState, WorkStatus
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.flows import FlowState
from storage.facts.sources import ConnectionState
from storage.records import disconnects, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow
from tests.jobs.connecting.disconnecting import ACCOUNT, confirm, found, sealed, severing, tokens_of, told
from tests.jobs.connecting.parting import ground_of
from tests.jobs.connecting.stage import BOOKS, EVE, Stage, a_browser, everything, staged


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
