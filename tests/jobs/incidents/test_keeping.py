"""Grants are looked at once a day; what is refused is said, what is accepted again clears itself, an outage is neither."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.errors import Broken, ConnectorError, Retry
from jobs.incidents.keeping import GrantKeeper
from jobs.incidents.noticing import lost
from jobs.notify.notifier import Notifier
from jobs.tokens import StoredTokens
from sandbox.misbehave import Kind, Rule
from storage.credentials import Credentials, Place, open_credentials
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import connections, incidents, last_runs, leases, organizations, sources
from storage.records.sources import StoredGrant
from storage.rotation import TOKEN_LEASES, lease_name
from storage.seal import Seal, SealError, new_key
from storage.sessions import Database, Session
from storage.tables import ConnectionRow
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

SHOP = "temeritygoods.myshopify.com"


def _keeper(stage: Stage, kind: type[GrantKeeper] = GrantKeeper) -> GrantKeeper:
    notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")
    return kind(stage.jobs.ground, notifier, stage.engine.enqueue)


def _open(stage: Stage) -> Any:
    source = stage.source(Provider.SHOPIFY)
    return stage.database.in_read(lambda s: incidents.find_open(s, source.id, IncidentKind.DISCONNECTED))


async def test_a_grant_that_nobody_used_is_looked_at_daily_by_one_process(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        keeper = _keeper(stage)
        await keeper.sweep()()
        stage.clock.advance(timedelta(hours=25))
        source, now = stage.source(Provider.SHOPIFY), stage.clock.now()
        due = stage.database.in_read(lambda s: connections.to_prove(s, now - timedelta(hours=24), now))
        assert source.id in due
        taken = [
            stage.database.in_write(lambda s: connections.claim_proof(s, source.id, now, now - timedelta(hours=6)))
            for _ in range(2)
        ]
        assert taken == [True, False]


async def test_a_revoked_grant_is_noticed_without_any_run(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        stage.shopify.oauth.revoke(SHOP)
        stage.clock.advance(timedelta(hours=25))
        await _keeper(stage).sweep()()
        # The stage's own clock may have been quicker to take the look.
        await eventually(lambda: _open(stage))
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.DISCONNECTED
        assert stage.source(Provider.QUICKBOOKS).connection is ConnectionState.CONNECTED


async def _cut_off(store: StoredTokens) -> None:
    """Renew, and be told to stop in the middle, as at the end of a process."""
    held = asyncio.Event()

    async def renew() -> None:
        async with store.lease():
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(renew())
    await held.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_renewal_that_was_left_behind_is_looked_at_soon(database: Database, tmp_path: Path) -> None:
    """Neither the daily look (the twin) nor a lease that was given back does it; an outage leaves the mark standing."""
    async with staged(database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)
        name = lease_name(source.id)
        stage.shopify.oauth.revoke(SHOP)
        keeper = _keeper(stage)
        with database.write() as session:
            generation = leases.acquire(session, name, "gone", 60)
            assert generation is not None
            assert leases.release(session, name, "gone", generation)
        assert database.in_read(lambda session: leases.abandoned(session, TOKEN_LEASES)) == []
        await _cut_off(stage.jobs.ground.tokens(source))
        stage.clock.advance(timedelta(seconds=31))
        stage.shopify.script.add(Rule(Kind.SERVER_ERROR, times=None))
        await keeper.sweep()()
        await keeper.rescue()()
        assert _open(stage) is None
        assert database.in_read(lambda session: leases.abandoned(session, TOKEN_LEASES))
        stage.shopify.script.clear()
        stage.clock.advance(timedelta(seconds=31))
        await keeper.rescue()()
        # The stage's own clock may have been quicker to take the look.
        await eventually(lambda: _open(stage))
        await eventually(lambda: not database.in_read(lambda session: leases.abandoned(session, TOKEN_LEASES)))


class BelievesOutages(GrantKeeper):
    """A twin to which every failure is a refusal."""

    async def look(self, source_id: str) -> ConnectorError | None:
        error = await super().look(source_id)
        if isinstance(error, Retry):
            source = self._ground.database.in_read(lambda s: sources.source(s, source_id))
            self._ground.database.in_write(lambda s: self._refused(s, source, error.detail, self._ground.clock.now()))
        return error


@pytest.mark.parametrize("kind, state", [(GrantKeeper, "connected"), (BelievesOutages, "disconnected")])
async def test_an_outage_says_nothing_about_a_grant(
    sqlite_database: Database, tmp_path: Path, kind: type[GrantKeeper], state: str
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.SERVER_ERROR, times=50))
        await _keeper(stage, kind).look(stage.source(Provider.SHOPIFY).id)
        assert stage.source(Provider.SHOPIFY).connection == state


async def test_a_false_alarm_clears_itself_and_the_data_is_caught_up(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)
        notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")

        def lose(session: Any) -> None:
            organizations.lock(session, stage.organization_id)
            lost(session, source.id, "Shopify said no, once", stage.clock.now(), notifier)

        stage.database.in_write(lose)
        found = _open(stage)
        stage.clock.advance(timedelta(hours=7))
        await _keeper(stage).sweep()()
        await eventually(lambda: _open(stage) is None)
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.CONNECTED
        ended = stage.database.in_read(lambda s: incidents.find(s, found.id))
        assert ended is not None
        assert ended.resolution is Resolution.CLEARED
        await eventually(lambda: stage.database.in_read(lambda s: last_runs.ready_of(s, [source.id])))


class Cured(GrantKeeper):
    """A twin for which a false alarm that is over cures what was wrong before it, too."""

    def _lacking(self, session: Session, source: Source) -> tuple[str, ...]:
        _ = session, source
        return ()


@pytest.mark.parametrize("kind, state", [(GrantKeeper, ConnectionState.ATTENTION), (Cured, ConnectionState.CONNECTED)])
async def test_what_was_not_granted_is_said_again_after_a_false_alarm(
    sqlite_database: Database, tmp_path: Path, kind: type[GrantKeeper], state: ConnectionState
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)

        def lose(session: Session) -> None:
            session.get_one(
                ConnectionRow, source.id
            ).scopes = "read_orders read_all_orders read_products read_customers"
            sources.set_connection(session, source.id, ConnectionState.DISCONNECTED, "no, once", stage.clock.now())

        stage.database.in_write(lose)
        assert await _keeper(stage, kind).look(source.id) is None
        found = stage.source(Provider.SHOPIFY)
        assert found.connection is state
        assert ("not allowed: stock, the balance of Shopify Payments" in (found.connection_reason or "")) == (
            kind is GrantKeeper
        )


def _moved(stage: Stage) -> None:
    """Write the sealed grant of one source into the other's row, as somebody with the database can."""
    ids = [stage.source(provider).id for provider in (Provider.SHOPIFY, Provider.QUICKBOOKS)]
    move = text(
        "UPDATE connections SET credentials = (SELECT credentials FROM connections WHERE source_id = :other)"
        " WHERE source_id = :source"
    )
    stage.database.in_write(
        lambda session: session.connection().execute(move, {"source": ids[0], "other": ids[1]}).rowcount
    )


class Silent(StoredTokens):
    """A twin that leaves a grant that does not open to whoever looks into the log."""

    def _opened(self, grant: StoredGrant, sealed: bytes) -> Credentials:
        return open_credentials(self._seal, Place(grant.organization_id, grant.provider, grant.account, 0), sealed)


async def test_a_grant_that_was_moved_is_said_and_stops_no_other_look(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """T58: in plain words to whoever can reconnect it, instead of a fault in the log that ends the sweep."""
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        _moved(stage)
        source = stage.source(Provider.SHOPIFY)
        error = await _keeper(stage).look(source.id)
        assert (error.code if error else "") == "grant_moved"
        found = stage.source(Provider.SHOPIFY)
        assert found.connection is ConnectionState.DISCONNECTED
        assert "changed or moved in the database" in (found.connection_reason or "")
        assert _open(stage) is not None
        ground = stage.jobs.ground
        with pytest.raises(SealError):
            await Silent(ground.database, ground.clock, ground.seal, source.id).load()
        other = StoredTokens(ground.database, ground.clock, Seal([Secret(new_key())]), source.id)
        with pytest.raises(Broken, match="keys of this installation"):
            await other.load()
