"""The whole way, the yes, and what is stored by it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.grants import Granted
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError, NotAllowedError
from jobs.members import Changed, MemberService
from jobs.refresh.ask import TriggerKey
from storage.credentials import Place, open_credentials
from storage.facts.deliveries import CONNECTION_CHANGED
from storage.facts.flows import FlowState
from storage.facts.people import Actor
from storage.facts.runs import RunState, Trigger
from storage.facts.sources import CollectMode, ConnectionState
from storage.records import deliveries, flows, runs
from storage.sessions import Database
from templates.notices import role_revoked
from tests.jobs.connecting.pretend import SCOPES, PretendGrants
from tests.jobs.connecting.stage import BOOKS, DANIEL, OLGA, SHOP, A, Stage, a_browser, demote, remove, staged


async def test_from_the_link_to_a_stored_grant(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        link = await stage.link(provider=BOOKS)
        view = await stage.service.look(link, None)
        assert (view.organization, view.member, view.workspace) == ("Temerity Goods", "Daniel Kim", "Workspace T0A")
        assert (view.state, view.provider_label, view.hint) == (FlowState.LINKED, "QuickBooks", None)
        await stage.service.send_code(link, browser)
        await stage.service.prove_code(link, browser, stage.code(link))
        url = await stage.service.go(link, browser)
        assert url.startswith("https://quickbooks.tokens.example/authorize?")
        query = stage.outside.consent(url, "42", "Temerity Books")
        shown = await stage.service.returned(BOOKS, query, browser)
        assert (shown.state, shown.company, shown.account) == (FlowState.RETURNED, "Temerity Books", "42")
        assert stage.sources() == []
        assert (await stage.service.result(browser)).id == shown.id

        connected = await stage.service.confirm(browser, flow_id=shown.id)

        (source,) = stage.sources()
        assert connected.source == source
        assert connected.newly
        assert (source.label, source.company, source.mode) == ("quickbooks_42", "Temerity Books", CollectMode.TIMER)
        row = stage.connection(source.id)
        assert (row.state, row.version, row.scopes) == (ConnectionState.CONNECTED, 1, "read_a read_b")
        assert (row.environment, row.connected_by) == ("quickbooks.tokens.example", "mem_U0DANIEL")
        assert row.connected_at
        assert row.proven_at
        assert row.hard_expires_at
        assert row.refresh_expires_at
        place = Place(A, BOOKS, "42", 1)
        assert open_credentials(stage.means.seal, place, row.credentials or b"").access.reveal().startswith("access-")
        run = database.in_read(lambda session: runs.run(session, connected.run_id or ""))
        assert (run.trigger, run.state) == (Trigger.FIRST_READ, RunState.QUEUED)
        assert [work.subject for work in stage.works if work.kind == "run"] == [run.id]
        flow = database.in_read(lambda session: flows.of_run(session, run.id))
        assert flow
        assert (flow.member_id, flow.state, flow.company) == ("mem_U0DANIEL", FlowState.DONE, "Temerity Books")
        assert stage.sealed(flow.id) is None
        done = await stage.service.result(browser)
        assert done.connected
        assert done.connected.source.id == source.id
        assert "Invoices" in done.streams
        assert stage.trail() == [
            "connect_link",
            "connect_code_sent",
            "connect_proven",
            "connect_sent",
            "connect_returned",
            "connect",
        ]


async def test_the_same_yes_again_gives_what_it_gave_first(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        first = await stage.service.confirm(browser, flow_id=view.id)
        again = await stage.service.confirm(browser, flow_id=view.id)
        assert again == first
        assert stage.trail().count("connect") == 1
        assert len([work for work in stage.works if work.kind == "run"]) == 1


async def test_a_yes_in_one_tab_never_means_the_flow_of_another(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser = a_browser()
        one = await stage.back(browser, "a.myshopify.com")
        two = await stage.back(browser, "b.myshopify.com")
        await stage.service.confirm(browser, flow_id=one.id)
        assert [source.account for source in stage.sources()] == ["a.myshopify.com"]
        await stage.service.confirm(browser, flow_id=two.id)
        assert len(stage.sources()) == 2


class Assuming(PretendGrants):
    """A twin that takes what was asked for as given."""

    async def exchange(self, *arguments: Any, **more: Any) -> Granted:
        return replace(await super().exchange(*arguments, **more), scopes=SCOPES, missing=())


@pytest.mark.parametrize("kind", [PretendGrants, Assuming])
async def test_missing_scopes_are_said_and_stored(
    sqlite_database: Database, tmp_path: Path, kind: type[PretendGrants]
) -> None:
    """T41."""
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(ConnectService, grants_for=lambda provider: kind(provider, plain.outside))
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com", scopes=("read_a",))
        connected = await stage.service.confirm(browser, flow_id=view.id)
        if kind is Assuming:
            assert (view.missing, connected.state) == ((), ConnectionState.CONNECTED)
            return
        assert view.missing == ("read_b",)
        assert connected.state is ConnectionState.ATTENTION
        assert "read_b" in (connected.source.connection_reason or "")


async def test_the_yes_waits_ten_minutes(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        view = await stage.back(browser, "a.myshopify.com")
        stage.clock.advance(timedelta(minutes=11))
        with pytest.raises(FlowGoneError):
            await stage.service.confirm(browser, flow_id=view.id)
        assert stage.sources() == []


async def _left(stage: Stage, how: str) -> None:
    if how == "removed":
        stage.change(lambda session: remove(session, DANIEL, stage.clock))
    elif how == "demoted":
        stage.change(lambda session: demote(session, DANIEL))
    else:
        stage.full[DANIEL] = False
        stage.clock.advance(timedelta(seconds=61))


@pytest.mark.parametrize("how", ["removed", "demoted", "deactivated in Slack"])
@pytest.mark.parametrize("when", ["go", "returned", "confirm"])
async def test_whoever_left_goes_no_further(sqlite_database: Database, tmp_path: Path, how: str, when: str) -> None:
    """T44, T10: who somebody is, is read again at each step that leads on."""
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        link = await stage.proven(browser)
        if when == "go":
            await _left(stage, how)
            with pytest.raises(NotAllowedError):
                await stage.service.go(link, browser)
            return
        url = await stage.service.go(link, browser)
        query = stage.outside.consent(url, "a.myshopify.com", "A")
        if when == "returned":
            await _left(stage, how)
            view = await stage.service.returned(SHOP, query, browser)
            assert (view.state, view.reason) == (FlowState.FAILED, "not_allowed")
            assert stage.outside.granted == []
            return
        view = await stage.service.returned(SHOP, query, browser)
        await _left(stage, how)
        with pytest.raises(NotAllowedError):
            await stage.service.confirm(browser, flow_id=view.id)
        assert stage.sources() == []


async def test_every_admin_is_told_of_each_connection(database: Database, tmp_path: Path) -> None:
    """T44: the event list: connected and reconnected, each to every admin and to nobody else."""
    async with staged(database, tmp_path) as stage:
        first = await stage.connected("a.myshopify.com")
        again = await stage.connected("a.myshopify.com", OLGA, source_id=first.source.id)
        for connected in (first, again):
            found = database.in_read(partial(deliveries.of_subject, subject=connected.flow_id))
            assert {one.kind for one in found} == {CONNECTION_CHANGED}
            assert sorted(one.destination for one in found) == ["T0A/U0DANIEL", "T0A/U0OLGA"]
        assert stage.trail().count("connect") == 2


class ForgetsTheOwner(MemberService):
    """A twin that lets a member go without a look at what stands in their name."""

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        return replace(await super().revoke(actor, member_id, trigger), connected=())


@pytest.mark.parametrize("kind", [MemberService, ForgetsTheOwner])
async def test_what_a_leaver_connected_is_said_until_somebody_takes_it_over(
    sqlite_database: Database, tmp_path: Path, kind: type[MemberService]
) -> None:
    """T44: named when they go, never afterwards theirs again once an admin has reconnected it."""
    async with staged(sqlite_database, tmp_path) as stage:
        source = (await stage.connected("a.myshopify.com")).source
        taken = (await stage.connected("b.myshopify.com")).source
        await stage.connected("b.myshopify.com", OLGA, source_id=taken.id)
        members = kind(stage.means.desk, stage.clock, stage.means.people)
        changed = await members.revoke(await stage.actor(OLGA), "mem_U0DANIEL", TriggerKey("T0A", "t"))
        if kind is ForgetsTheOwner:
            assert changed.connected == ()
            return
        assert [one.id for one in changed.connected] == [source.id]
        said = str(role_revoked(changed.member, changed.connected))
        assert "/data reconnect a.myshopify.com" in said
        assert "b.myshopify.com" not in said
        (entry,) = [one for one in stage.entries() if one.action == "manage_members"]
        assert entry.detail["connected"] == ["a.myshopify.com"]
