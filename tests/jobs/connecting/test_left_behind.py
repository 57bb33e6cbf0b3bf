"""What an abandoned or failed flow leaves: nothing that opens anything, here or at the provider."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from connectors.tokens import MemoryTokens
from jobs.connecting.pending import open_pending
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.tables import FlowRow
from tests.jobs.connecting.stage import OLGA, SHOP, Stage, a_browser, rewrite, staged

_OPENS = ("browser_hash", "code_hash", "signin_hash", "nonce_hash", "state_hash", "verifier", "grant")


def _kept(stage: Stage, flow_id: str) -> set[str]:
    """Return which of the columns that open something are still filled."""
    row = stage.database.in_read(lambda session: session.get_one(FlowRow, flow_id))
    return {name for name in _OPENS[1:] if getattr(row, name) is not None}


class ForgetsOnly(ConnectService):
    """A twin that ends flows without giving the grant up at the provider."""

    async def sweep(self) -> None:
        for flow_id in self._means.database.in_read(_all):
            rewrite(self._means.database, flow_id, state=FlowState.EXPIRED, grant=None)


def _all(session: Session) -> list[str]:
    return list(session.exec(select(FlowRow.id)))


@pytest.mark.parametrize("twin", [ConnectService, ForgetsOnly])
@pytest.mark.parametrize("when", ["linked", "code sent", "proven", "sent", "returned"])
async def test_abandoned_at_any_step_nothing_is_left(
    sqlite_database: Database, tmp_path: Path, when: str, twin: type[ConnectService]
) -> None:
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(twin)
        browser, link = a_browser(), await stage.link()
        flow_id = stage.flow(link).id
        if when != "linked":
            await stage.service.send_code(link, browser)
        if when in {"proven", "sent", "returned"}:
            await stage.service.prove_code(link, browser, stage.code(link))
        if when in {"sent", "returned"}:
            url = await stage.service.go(link, browser)
        if when == "returned":
            await stage.service.returned(SHOP, stage.outside.consent(url, "a.myshopify.com", "A"), browser)
        await stage.service.sweep()
        assert twin is ForgetsOnly or stage.found(flow_id).state.open
        stage.clock.advance(timedelta(minutes=26))
        await stage.service.sweep()
        if twin is ForgetsOnly:
            assert stage.outside.revoked == []
            return
        flow = stage.found(flow_id)
        assert (flow.state, flow.reason) == (FlowState.EXPIRED, "expired")
        assert _kept(stage, flow_id) == set()
        assert (flow.account, flow.company, flow.hint) == (None, None, "")
        assert stage.outside.revoked == (["a.myshopify.com"] if when == "returned" else [])
        assert "connect_failed" in stage.trail()
        assert stage.sources() == []
        stage.clock.advance(timedelta(days=8))
        await stage.service.sweep()
        assert stage.database.in_read(lambda session: session.get(FlowRow, flow_id)) is None


async def test_no_is_no(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        with pytest.raises(FlowGoneError):
            await stage.service.give_up(a_browser(), flow_id=view.id)
        await stage.service.give_up(browser, flow_id=view.id)
        await stage.service.give_up(browser, flow_id=view.id)
        assert stage.outside.revoked == ["a.myshopify.com"]
        assert (await stage.service.result(browser)).reason == "given_up"
        with pytest.raises(FlowGoneError):
            await stage.service.confirm(browser, flow_id=view.id)
        done = await stage.connected("b.myshopify.com")
        with pytest.raises(FlowGoneError):
            await stage.service.give_up(browser, flow_id=done.flow_id)


async def test_giving_up_is_tried_again_until_it_is_done(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        stage.outside.script("revoke", "retry", "broken")
        await stage.service.give_up(browser, flow_id=view.id)
        assert stage.sealed(view.id) is not None
        await stage.service.sweep()
        assert stage.outside.revoked == []
        for minutes in (1, 2):
            stage.clock.advance(timedelta(minutes=minutes, seconds=1))
            await stage.service.sweep()
        assert stage.outside.revoked == ["a.myshopify.com"]
        assert stage.sealed(view.id) is None


@pytest.mark.parametrize("script, outcome", [(("broken",) * 60, "not_revoked"), (("reconnect",), "revoked")])
async def test_giving_up_ends_in_any_case(
    sqlite_database: Database, tmp_path: Path, script: tuple[str, ...], outcome: str
) -> None:
    """A provider that refuses for a day keeps what it has; we keep nothing, and say so."""
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        stage.outside.script("revoke", *script)
        await stage.service.give_up(browser, flow_id=view.id)
        for _ in range(50):
            stage.clock.advance(timedelta(hours=1, seconds=1))
            await stage.service.sweep()
            if stage.sealed(view.id) is None:
                break
        assert stage.sealed(view.id) is None
        (entry,) = [one for one in stage.entries() if one.action == "grant_given_up"]
        assert entry.detail["outcome"] == outcome


class GivesUpBlindly(ConnectService):
    """A twin that gives a grant up although its account is connected: providers then end every token of it."""

    async def give_up(self, browser: Secret, *, flow_id: str) -> None:
        grants = self._means.grants_for(SHOP)
        sealed = self._means.database.in_read(lambda session: session.get_one(FlowRow, flow_id)).grant
        pending = open_pending(self._means.seal, flow_id, sealed or b"")
        granted = pending.granted
        store = MemoryTokens(granted.tokens)
        await grants.revoke(self._means.providers[SHOP], store, account=granted.account, region="")
        await super().give_up(browser, flow_id=flow_id)


@pytest.mark.parametrize("twin", [ConnectService, GivesUpBlindly])
async def test_an_abandoned_reconnect_leaves_the_connection_alive(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    async with staged(sqlite_database, tmp_path) as plain:
        before = (await plain.connected("a.myshopify.com")).source
        stage = plain.twin(twin)
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com", OLGA, source_id=before.id)
        await stage.service.give_up(browser, flow_id=view.id)
        assert stage.outside.revoked == (["a.myshopify.com"] if twin is GivesUpBlindly else [])
        assert stage.sealed(view.id) is None
        assert stage.sources() == [before]


async def test_a_second_try_is_not_hurt_by_the_end_of_the_first(sqlite_database: Database, tmp_path: Path) -> None:
    """The grant of an abandoned try to an account that the same person is just connecting stays alive."""
    async with staged(sqlite_database, tmp_path) as stage:
        one, two = a_browser(), a_browser()
        first = await stage.back(one, "a.myshopify.com")
        second = await stage.back(two, "a.myshopify.com")
        await stage.service.give_up(one, flow_id=first.id)
        assert stage.outside.revoked == []
        await stage.service.confirm(two, flow_id=second.id)
        assert len(stage.sources()) == 1


async def test_a_grant_whose_key_is_gone_says_start_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        moved = stage.twin(ConnectService, seal=Seal([Secret(new_key())]))
        with pytest.raises(Exception, match="cannot be read any more"):
            await moved.service.confirm(browser, flow_id=view.id)
        await moved.service.give_up(browser, flow_id=view.id)
        assert stage.sealed(view.id) is None


async def test_a_grant_that_comes_too_late_is_given_up(database: Database, tmp_path: Path) -> None:
    """The flow expired while the provider was thinking."""

    def late(name: str) -> None:
        if name == "flow.exchanged":
            flow_id = database.in_read(_all)[0]
            rewrite(database, flow_id, state=FlowState.EXPIRED, settled_at=stage.clock.now())

    async with staged(database, tmp_path) as plain:
        stage = plain.twin(ConnectService, checkpoint=late)
        view = await stage.back(a_browser(), "a.myshopify.com")
        assert view.state is FlowState.EXPIRED
        assert stage.outside.revoked == ["a.myshopify.com"]
        assert stage.sealed(view.id) is None
