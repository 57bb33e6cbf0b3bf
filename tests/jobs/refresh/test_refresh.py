"""A refresh from the request to the confirmation, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.errors import NotAllowedError, NotFoundError
from jobs.refresh.ask import Joined, LeftOut, Started, TriggerKey
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState, Provider
from storage.records import receipts, sources
from storage.sessions import Database
from tests.jobs.briefly import briefly
from tests.jobs.stage import REALM, SHOP, Stage, staged
from tests.waiting import eventually


async def _confirmation(stage: Stage, channel: str = "C0FINANCE", user: str = "U0MAYA") -> str:
    """Return what the confirmation says: the only reply in a channel whose card is not always its last message."""
    told = await eventually(
        lambda: [
            reply
            for top in stage.slack.messages(channel, viewer=user)
            for reply in stage.slack.replies(channel, top.ts, viewer=user)
            if reply.is_reply
        ]
    )
    return str(told[0].everything)


async def test_shopify_is_read_loaded_made_ready_and_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        outcome = await stage.request(Provider.SHOPIFY)
        assert isinstance(outcome, Started)
        refresh = await stage.finished(outcome.refresh_id)

        ((source, run),) = refresh.runs
        assert run.state is RunState.READY, run.failure
        clocks = run.clocks
        assert clocks.source_as_of
        assert clocks.loaded_at
        assert clocks.ready_at
        assert clocks.requested_at <= clocks.source_as_of <= clocks.loaded_at <= clocks.ready_at
        assert run.counts["orders"].new == len(stage.shopify.shops[SHOP].truth("Order"))
        assert refresh.before[source.id] is None
        told = await _confirmation(stage)
        assert "ready to import" in told
        assert stage.slack.red == []
        assert stage.slack.refused == []
        assert not stage.shopify.journal.mutating()


async def test_a_second_refresh_shows_only_what_changed(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        first = await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id)
        stage.clock.advance(timedelta(minutes=30))
        stage.shopify.shops[SHOP].mutate(seed=3, new=4, changed=3, deleted=0)
        stage.clock.advance(timedelta(minutes=30))
        second = await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id)

        ((source, run),) = second.runs
        assert run.counts["orders"].new == 4
        assert run.changed >= 7
        assert second.before[source.id] == first.runs[0][1].clocks.source_as_of
        with stage.database.read() as session:
            assert receipts.broken(session, stage.organization_id) == []
            receipt = receipts.of_run(session, run.id)
            assert receipt is not None
            assert receipt.sequence == 2
        page = await stage.jobs.services.receipts.one(await stage.actor("U0PRIYA"), receipt.id)
        assert (page.receipt, page.asked_by, page.sound) == (receipt, ("Maya Ortiz",), True)
        assert page.receipt.stage_seconds.keys() == {"collecting", "processing"}
        assert len(page.receipt.configuration) == 12
        stranger = await stage.actor("U0GUEST")
        with pytest.raises(NotAllowedError):
            await stage.jobs.services.receipts.one(stranger, receipt.id)
        with pytest.raises(NotFoundError):
            await stage.jobs.services.receipts.one(await stage.actor("U0PRIYA"), "rcp_nothing")


async def test_the_same_trigger_starts_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        first = await stage.request(Provider.SHOPIFY, trigger="same")
        again = await stage.request(Provider.SHOPIFY, trigger="same")

        assert isinstance(again, Joined)
        assert again.refresh.id == first.refresh_id
        await stage.finished(first.refresh_id)
        assert len(stage.slack.journal.posts(channel="C0FINANCE")) <= 2


async def test_a_second_person_joins_and_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        first = await stage.request(Provider.SHOPIFY)
        second = await stage.request(Provider.SHOPIFY, user_id="U0DANIEL", channel="D0DANIEL")

        assert isinstance(second, Joined)
        assert second.newly
        assert second.refresh.people == ("Maya Ortiz", "Daniel Kim")
        await stage.finished(first.refresh_id)
        assert "ready to import" in await _confirmation(stage, "D0DANIEL", "U0DANIEL")
        assert "ready to import" in await _confirmation(stage)


async def test_quickbooks_is_not_collected_by_the_button(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        first = await stage.finished((await stage.request(Provider.QUICKBOOKS)).refresh_id)
        as_of = first.runs[0][1].clocks.source_as_of
        reads = len(stage.quickbooks.journal.entries)
        stage.quickbooks.books[REALM].mutate(seed=5, new=2, changed=1, deleted=0)
        stage.clock.advance(timedelta(minutes=10))

        second = await stage.finished((await stage.request(Provider.QUICKBOOKS)).refresh_id)

        ((_, run),) = second.runs
        assert run.state is RunState.READY
        assert as_of is not None
        assert run.clocks.source_as_of == as_of
        assert as_of < run.clocks.requested_at
        assert len(stage.quickbooks.journal.entries) == reads
        assert run.changed == 0


async def test_everything_is_one_refresh_with_a_run_per_source(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        outcome = await stage.request()
        joined = await stage.request(user_id="U0DANIEL")
        refresh = await stage.finished(outcome.refresh_id)

        assert isinstance(joined, Joined)
        assert joined.refresh.id == outcome.refresh_id
        assert {source.provider for source, _ in refresh.runs} == {Provider.QUICKBOOKS, Provider.SHOPIFY}
        assert all(run.state is RunState.READY for _, run in refresh.runs), refresh.runs


async def test_a_disconnected_source_is_said_and_not_started(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        source = stage.source(Provider.SHOPIFY)
        sqlite_database.in_write(
            lambda session: sources.set_connection(
                session, source.id, ConnectionState.DISCONNECTED, "revoked", stage.clock.now()
            )
        )
        alone = await stage.request(Provider.SHOPIFY)
        both = await stage.request()

        assert isinstance(alone, LeftOut)
        assert [one.id for one in alone.sources] == [source.id]
        assert isinstance(both, Started)
        assert [one.id for one in both.left_out] == [source.id]


async def test_a_revoked_grant_disconnects_the_source_and_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.shopify.oauth.revoke(SHOP)
        refresh = await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id)

        ((_, run),) = refresh.runs
        assert run.state is RunState.FAILED
        assert run.failure is not None
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.DISCONNECTED
        assert "reconnect" in (await _confirmation(stage)).lower()


async def test_a_waiting_run_is_cancelled_at_once(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=5, times=None))
        outcome = await stage.request(Provider.SHOPIFY)
        await stage.jobs.services.refresh.cancel(
            await stage.actor(), outcome.refresh_id, TriggerKey("T0TEMERITY", "cancel-1")
        )
        refresh = await stage.finished(outcome.refresh_id)

        ((_, run),) = refresh.runs
        assert run.state is RunState.CANCELLED
        assert run.clocks.source_as_of is None
        assert "was cancelled" in await _confirmation(stage)
