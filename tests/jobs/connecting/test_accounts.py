"""Whose account it is: the same as before, nobody else's, one company, one environment; each with a twin."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connectors.errors import Retry
from connectors.tokens import Tokens
from jobs.connecting.service import ConnectService
from jobs.connecting.views import Connected
from jobs.errors import AlreadyConnectedError, FlowRefusedError
from jobs.ground import Ground, Warehouses
from jobs.refresh.handler import RunHandler
from jobs.refresh.outcome import Outcome
from jobs.refresh.retry import RetryPlan
from jobs.tokens import StoredTokens
from storage.credentials import Place, open_credentials
from storage.facts.flows import FlowState
from storage.facts.runs import Failure, FailureKind, Run, RunState, Trigger
from storage.facts.runs import Stage as RunStage
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.records import flows, runs, sources
from storage.sessions import Database, Session, open_database
from storage.tables import ConnectionRow
from tests.jobs.connecting.stage import (
    BOOKS,
    DANIEL,
    EVE,
    OLGA,
    SHOP,
    A,
    B,
    Stage,
    a_browser,
    rewrite,
    settings_of,
    staged,
)
from tests.waiting import eventually


class TakesAnyAccount(ConnectService):
    """A twin that does not compare what came back with what was to be reconnected."""

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        rewrite(self._means.database, flow_id, source_id=None)
        return await super().confirm(browser, flow_id=flow_id, as_new=as_new)


@pytest.mark.parametrize("twin", [ConnectService, TakesAnyAccount])
async def test_another_account_is_no_reconnect(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T32: stop, name both, and let the person choose: keep A, or make a new source."""
    async with staged(sqlite_database, tmp_path) as plain:
        before = (await plain.connected("a.myshopify.com")).source
        stage, browser = plain.twin(twin), a_browser()
        view = await stage.back(browser, "b.myshopify.com", source_id=before.id)
        assert view.mismatch is not None
        assert (view.mismatch.chosen, view.mismatch.expected) == ("Company b.myshopify.com", "Company a.myshopify.com")
        assert view.mismatch.new_allowed
        if twin is TakesAnyAccount:
            await stage.service.confirm(browser, flow_id=view.id)
            assert len(stage.sources()) == 2
            return
        with pytest.raises(FlowRefusedError) as refused:
            await stage.service.confirm(browser, flow_id=view.id)
        assert refused.value.reason == "mismatch"
        assert stage.sources() == [before]
        connected = await stage.service.confirm(browser, flow_id=view.id, as_new=True)
        assert connected.newly
        assert [source.account for source in stage.sources()] == ["a.myshopify.com", "b.myshopify.com"]
        assert stage.connection(before.id).version == 1


async def test_keeping_the_source_gives_the_other_grant_up(sqlite_database: Database, tmp_path: Path) -> None:
    """T32: "keep A"."""
    async with staged(sqlite_database, tmp_path) as stage:
        before = (await stage.connected("1", provider=BOOKS)).source
        browser = a_browser()
        view = await stage.back(browser, "2", provider=BOOKS, source_id=before.id)
        assert view.mismatch
        assert not view.mismatch.new_allowed
        with pytest.raises(FlowRefusedError) as refused:
            await stage.service.confirm(browser, flow_id=view.id, as_new=True)
        assert refused.value.reason == "one_company"
        await stage.service.give_up(browser, flow_id=view.id)
        assert stage.outside.revoked == ["2"]
        assert stage.sealed(view.id) is None
        assert stage.sources() == [before]


async def test_the_account_of_the_query_is_believed_of_nobody(sqlite_database: Database, tmp_path: Path) -> None:
    """T32: an edited realmId; what the new token says decides. The twin is the honest query."""
    async with staged(sqlite_database, tmp_path) as stage:
        for says in ("9", "1"):
            browser = a_browser()
            url = await stage.away(browser, provider=BOOKS)
            query = stage.outside.consent(url, "1", "One", says=says)
            view = await stage.service.returned(BOOKS, query, browser)
            assert (view.state is FlowState.FAILED) == (says == "9")
            if says == "9":
                assert view.reason == "account_differs"
                assert stage.outside.revoked == ["1"]


class LooksAtHomeOnly(ConnectService):
    """A twin that does not see what other organizations have."""

    @asynccontextmanager
    async def _blind(self) -> AsyncIterator[None]:
        self._means.database.in_write(lambda session: _set_states(session, A, ConnectionState.DISCONNECTED))
        yield
        self._means.database.in_write(lambda session: _set_states(session, A, ConnectionState.CONNECTED))

    async def returned(self, *arguments: Any) -> Any:
        async with self._blind():
            return await super().returned(*arguments)

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        async with self._blind():
            return await super().confirm(browser, flow_id=flow_id, as_new=as_new)


def _set_states(session: Session, organization_id: str, state: ConnectionState) -> None:
    for source in sources.sources_of(session, organization_id):
        sources.set_connection(session, source.id, state, None, source.connection_since)


@pytest.mark.parametrize("twin", [ConnectService, LooksAtHomeOnly])
async def test_an_account_belongs_to_one_organization(
    database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T33: refused in words that name nobody else; what the other one has still works."""
    async with staged(database, tmp_path) as plain:
        await plain.connected("a.myshopify.com")
        stage, browser = plain.twin(twin), a_browser()
        view = await stage.back(browser, "a.myshopify.com", EVE)
        if twin is LooksAtHomeOnly:
            await stage.service.confirm(browser, flow_id=view.id)
            assert len(stage.sources(B)) == 1
            return
        assert (view.state, view.reason) == (FlowState.FAILED, "connected_elsewhere")
        assert view.said
        assert "Please ask support" in view.said
        for name in ("Temerity", "Daniel", A, "Company"):
            assert name not in str(view)
        assert stage.sources(B) == []
        assert stage.sealed(view.id) is None
        # Giving the new grant up would have ended the other organization's, too.
        assert stage.outside.revoked == []
        (entry,) = [one for one in stage.entries(B) if one.action == "grant_given_up"]
        assert entry.detail["outcome"] == "kept_for_its_connection"
        assert [one.detail["reason"] for one in stage.entries(B) if one.action == "connect_failed"] == [
            "connected_elsewhere"
        ]


@contextmanager
def _without_locks(database: Database) -> Iterator[Database]:
    """A twin of the database in which nobody waits for anybody: the locks of a transaction are not taken."""
    twin = open_database(database.url)

    def strip(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> tuple[str, Any]:
        if "pg_advisory_xact_lock" in statement:
            return "SELECT %(key)s::bigint", parameters
        return statement.replace("FOR NO KEY UPDATE", ""), parameters

    event.listen(twin.engine, "before_cursor_execute", strip, retval=True)
    yield twin
    twin.close()


async def _at_once(stage: Stage, *waiting: tuple[Secret, str]) -> list[Any]:
    confirms = (stage.service.confirm(browser, flow_id=flow_id) for browser, flow_id in waiting)
    return await asyncio.gather(*confirms, return_exceptions=True)


def _dawdle(name: str) -> None:
    if name == "flow.confirming":
        time.sleep(0.3)


async def _two_companies(stage: Stage) -> list[Any]:
    one, two = a_browser(), a_browser()
    first = await stage.back(one, "1", DANIEL, BOOKS)
    second = await stage.back(two, "2", OLGA, BOOKS)
    return await _at_once(stage, (one, first.id), (two, second.id))


async def _two_organizations(stage: Stage) -> list[Any]:
    one, two = a_browser(), a_browser()
    first = await stage.back(one, "a.myshopify.com", DANIEL)
    second = await stage.back(two, "a.myshopify.com", EVE)
    return await _at_once(stage, (one, first.id), (two, second.id))


@pytest.mark.parametrize("race", [_two_companies, _two_organizations])
async def test_of_two_at_once_one_is_refused(database: Database, tmp_path: Path, race: Any) -> None:
    """One QuickBooks company per organization, one organization per account: also when both say yes at once."""
    async with staged(database, tmp_path) as stage:
        results = await race(stage.twin(ConnectService, checkpoint=_dawdle))
        refused = [one for one in results if isinstance(one, FlowRefusedError)]
        assert [one.reason for one in refused] in (["one_company"], ["connected_elsewhere"])
        assert len([one for one in results if isinstance(one, Connected)]) == 1
        assert len(stage.sources(A) + stage.sources(B)) == 1


class ChecksBefore(ConnectService):
    """A twin that looks whether there is another company before its transaction, not in it."""

    _looked = 0

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        held = await self._means.database.reading(lambda session: flows.sources_held(session, A, BOOKS))
        assert held == []
        # Both have looked before either goes on.
        self._looked += 1
        await eventually(lambda: self._looked >= 2)
        return await super().confirm(browser, flow_id=flow_id, as_new=as_new)


async def test_a_look_before_the_transaction_would_let_both_pass(database: Database, tmp_path: Path) -> None:
    """The broken twin of the first race."""
    async with staged(database, tmp_path) as stage:
        await _two_companies(stage.twin(ChecksBefore, one_per_organization=frozenset()))
        assert len(stage.sources(A)) == 2


@pytest.mark.postgres
async def test_without_the_locks_both_would_pass(postgres_database: Database, tmp_path: Path) -> None:
    """The broken twin of the second race; in one organization, the chain of the audit would still keep one out."""
    async with staged(postgres_database, tmp_path) as stage:
        together = threading.Barrier(2)

        def meet(name: str) -> None:
            if name == "flow.confirming":
                together.wait(60)

        with _without_locks(postgres_database) as twin:
            await _two_organizations(stage.twin(ConnectService, checkpoint=meet, database=twin))
        assert len(stage.sources(A) + stage.sources(B)) == 2


async def test_the_same_yes_at_once_stores_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        slow = stage.twin(ConnectService, checkpoint=_dawdle)
        one, two = await _at_once(slow, (browser, view.id), (browser, view.id))
        assert one == two
        assert stage.trail().count("connect") == 1


async def test_a_second_company_is_refused_when_it_comes_back(database: Database, tmp_path: Path) -> None:
    """Both links were made before there was one; a company that a person disconnected stands in nobody's way."""
    async with staged(database, tmp_path) as stage:
        late = a_browser()
        url = await stage.away(late, OLGA, BOOKS)
        first = (await stage.connected("1", provider=BOOKS)).source
        view = await stage.service.returned(BOOKS, stage.outside.consent(url, "2", "Two"), late)
        assert (view.state, view.reason) == (FlowState.FAILED, "one_company")
        assert stage.outside.revoked == ["2"]
        with pytest.raises(AlreadyConnectedError):
            await stage.link(provider=BOOKS)
        stage.change(lambda session: _disconnect(session, first.id, stage))
        assert (await stage.connected("2", provider=BOOKS)).newly
        with pytest.raises(AlreadyConnectedError):
            await stage.link(provider=BOOKS, source_id=first.id)


def _disconnect(session: Session, source_id: str, stage: Stage) -> None:
    sources.set_connection(session, source_id, ConnectionState.DISCONNECTED, "by a person", stage.clock.now())
    session.get_one(ConnectionRow, source_id).credentials = None


class AnyEnvironment(ConnectService):
    """A twin that does not ask where a grant comes from."""

    async def returned(self, *arguments: Any) -> Any:
        def blank(session: Session) -> None:
            for source in sources.sources_of(session, A):
                session.get_one(ConnectionRow, source.id).environment = ""

        self._means.database.in_write(blank)
        return await super().returned(*arguments)


@pytest.mark.parametrize("twin", [ConnectService, AnyEnvironment])
async def test_a_sandbox_never_takes_the_place_of_production(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T45: the environment is stored with the connection, and compared."""
    async with staged(sqlite_database, tmp_path) as stage:
        source = (await stage.connected("1", provider=BOOKS)).source
        other = {provider: settings_of(provider, "sandbox.example") for provider in (SHOP, BOOKS)}
        moved, browser = stage.twin(twin, providers=other), a_browser()
        view = await moved.back(browser, "1", provider=BOOKS, source_id=source.id)
        if twin is AnyEnvironment:
            await moved.service.confirm(browser, flow_id=view.id)
            assert stage.connection(source.id).environment == "quickbooks.sandbox.example"
            return
        assert (view.state, view.reason) == (FlowState.FAILED, "environment")
        assert stage.connection(source.id).environment == "quickbooks.tokens.example"


async def test_a_grant_of_before_the_set_up_changed_is_not_stored(sqlite_database: Database, tmp_path: Path) -> None:
    """T45: the same process may not be the one that confirms."""
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        moved = stage.twin(ConnectService, providers={SHOP: settings_of(SHOP, "sandbox.example")})
        with pytest.raises(FlowRefusedError) as refused:
            await moved.service.confirm(browser, flow_id=view.id)
        assert refused.value.reason == "environment"
        assert stage.sources() == []


async def test_a_reconnect_keeps_the_source_and_starts_a_catch_up(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        first = await stage.connected("a.myshopify.com")

        def lost(session: Session) -> None:
            now = stage.clock.now()
            run_id = first.run_id or ""
            generation = runs.claim(session, run_id, 1, now)
            assert generation is not None
            assert runs.finish(session, run_id, generation, RunState.READY, now, ready_at=now)
            sources.set_connection(session, first.source.id, ConnectionState.DISCONNECTED, "refused", now)

        stage.change(lost)
        again = await stage.connected("a.myshopify.com", OLGA, source_id=first.source.id)
        assert (again.newly, again.source.id) == (False, first.source.id)
        row = stage.connection(first.source.id)
        assert (row.state, row.version, row.connected_by) == (ConnectionState.CONNECTED, 2, "mem_U0OLGA")
        place = Place(A, SHOP, "a.myshopify.com", 2)
        assert open_credentials(stage.means.seal, place, row.credentials or b"").access
        run = database.in_read(lambda session: runs.run(session, again.run_id or ""))
        assert (run.trigger, run.state) == (Trigger.SCHEDULE, RunState.QUEUED)
        changed = database.in_read(lambda session: sources.changed_since(session, row.connected_at))
        assert [source.id for source in changed] == [first.source.id]


async def test_the_same_account_again_renews_its_source(database: Database, tmp_path: Path) -> None:
    """Somebody asked for a new connection and chose what is connected already."""
    async with staged(database, tmp_path) as stage:
        first = await stage.connected("a.myshopify.com")
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        assert view.known == first.source
        again = await stage.service.confirm(browser, flow_id=view.id)
        assert (again.newly, again.source.id) == (False, first.source.id)
        assert again.run_id == first.run_id
        assert len(stage.sources()) == 1


async def test_what_is_being_erased_is_not_connected_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        first = await stage.connected("a.myshopify.com")

        def erasing(session: Session) -> None:
            _disconnect(session, first.source.id, stage)
            row = session.get_one(ConnectionRow, first.source.id)
            row.erase_data, row.erase_due_at = True, stage.clock.now()

        stage.change(erasing)
        view = await stage.back(a_browser(), "a.myshopify.com")
        assert (view.state, view.reason) == (FlowState.FAILED, "erasing")


class SavesAnyVersion(StoredTokens):
    """A twin without the compare-and-swap: whoever saves last wins."""

    async def save(self, tokens: Tokens) -> None:
        self._version = (await self._grant()).version
        await super().save(tokens)


@pytest.mark.parametrize("twin", [StoredTokens, SavesAnyVersion])
async def test_a_late_renewal_does_not_bring_the_old_grant_back(
    database: Database, tmp_path: Path, twin: type[StoredTokens]
) -> None:
    """A worker renews the old grant while a person reconnects: the new grant stays, and the worker goes on with it."""
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected("a.myshopify.com")).source
        store = twin(database, stage.clock, stage.means.seal, source.id)
        old = await store.load()
        await stage.connected("a.myshopify.com", OLGA, source_id=source.id)
        late = replace(old, access=Secret("access-late"))
        if twin is SavesAnyVersion:
            await store.save(late)
            assert (await store.load()).access.reveal() == "access-late"
            return
        with pytest.raises(Retry):
            await store.save(late)
        renewed = await store.load()
        assert renewed.access.reveal() not in {"access-late", old.access.reveal()}
        await store.save(renewed)
        assert stage.connection(source.id).version == 3


class BelievesTheOldGrant(RunHandler):
    """A twin that takes a refusal of the grant from before for one of the new grant."""

    def _grant_replaced(self, session: Session, run: Run) -> bool:
        _ = session, run
        return False


@pytest.mark.parametrize("twin", [RunHandler, BelievesTheOldGrant])
async def test_a_refusal_of_the_old_grant_does_not_disconnect_the_new_one(
    database: Database, tmp_path: Path, twin: type[RunHandler]
) -> None:
    """The run goes on with the new grant; a refusal of that one is believed."""
    async with staged(database, tmp_path) as stage:
        means = stage.means
        first = await stage.connected("a.myshopify.com")
        run_id, source_id = first.run_id or "", first.source.id
        ground = Ground(
            database, stage.clock, means.seal, Warehouses(str(tmp_path)), means.providers, means.connector_for, 500_000
        )
        handler = twin(ground, means.notifier, means.enqueue, RetryPlan())
        refusal = Failure(FailureKind.RECONNECT, "invalid_grant", "refused", RunStage.COLLECTING, "ref")
        for attempt in (1, 2):
            generation = database.in_write(partial(runs.claim, run_id=run_id, attempt=attempt, now=stage.clock.now()))
            assert generation is not None
            if attempt == 1:
                await stage.connected("a.myshopify.com", OLGA, source_id=source_id)
            outcome = Outcome(generation, RunState.FAILED, refusal)
            database.in_write(partial(handler._settle, run_id=run_id, outcome=outcome))
            run = database.in_read(lambda session: runs.run(session, run_id))
            state = stage.connection(source_id).state
            if attempt == 1 and twin is RunHandler:
                assert (run.state, run.attempt, state) == (RunState.QUEUED, 2, ConnectionState.CONNECTED)
                continue
            assert (run.state, state) == (RunState.FAILED, ConnectionState.DISCONNECTED)
            return
