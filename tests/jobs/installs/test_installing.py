"""Installing: into a workspace, into an enterprise, again, with too little, by the wrong browser."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx
import pytest
from sqlalchemy import text

from connectors.slack_install import Installed
from jobs.errors import FlowGoneError, FlowRefusedError
from jobs.installs.service import InstallService
from jobs.installs.storing import Stored
from jobs.installs.telling import welcome_words
from jobs.manifest import manifest
from jobs.notify.kinds import WELCOME
from storage.facts.ids import new_id
from storage.facts.people import Role
from storage.records import deliveries, organizations, workspaces
from storage.sessions import Database, Session
from tests.jobs.installs.stage import BROWSER, EAST, HARBOUR, NORTHWIND, OTHER, WEST, Stage, staged


async def test_a_new_workspace_gets_an_organization_and_its_installer_is_admin(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        view = await stage.install(HARBOUR)
        assert (view.name, view.organization, view.founded, view.made_admin) == ("Harbour & Pine",) * 2 + (True, True)
        assert (view.missing, view.again, view.whole) == ((), False, False)
        ruth = stage.member(HARBOUR, "U0RUTH")
        assert ruth is not None
        assert (ruth.name, ruth.role, ruth.timezone) == ("Ruth Vale", Role.ADMIN, "America/Chicago")
        organization = database.in_read(lambda session: organizations.organization(session, ruth.organization_id))
        assert (organization.name, organization.timezone) == ("Harbour & Pine", "America/Chicago")
        assert await stage.posts(HARBOUR) == HARBOUR
        assert stage.entries(ruth.organization_id) == [("slack:U0RUTH", "install", HARBOUR)]
        assert stage.unexplained(ruth.organization_id) == {}


async def test_whoever_made_the_organization_is_told_once_what_to_do_first(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        await stage.install(HARBOUR)
        told = [work.subject for work in stage.works if work.kind == "delivery"]
        assert len(told) == 1

        def read(session: Session) -> tuple[str, str, str]:
            one = deliveries.delivery(session, told[0])
            said = welcome_words()[one.kind](session, one, stage.clock.now())
            return one.kind, one.destination, said.summary

        kind, destination, said = sqlite_database.in_read(read)
        assert (kind, destination) == (WELCOME, f"{HARBOUR}/U0RUTH")
        assert said.startswith("Tidings is installed for Harbour & Pine")


async def test_no_token_is_in_the_database_in_plain(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.rotation = True
        await stage.install(HARBOUR)
        found = stage.slack.app.installations[HARBOUR]
        assert found.refresh is not None
        assert sqlite_database.sqlite_path is not None
        path = sqlite_database.sqlite_path
        content = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
        assert b"U0RUTH" in content
        assert found.token.reveal().encode() not in content
        assert found.refresh.reveal().encode() not in content


async def test_a_state_counts_once_in_time_and_in_its_own_browser(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        query = list(await stage.allowed(HARBOUR))
        forged = [(name, "x" * 43 if name == "state" else value) for name, value in query]
        for wrong in ([], forged, [*query, query[0]], [("code", dict(query)["code"])], [("state", "x" * 9000)]):
            with pytest.raises(FlowGoneError):
                await stage.installs.returned(wrong, BROWSER)
        with pytest.raises(FlowGoneError):
            await stage.installs.returned(query, OTHER)
        assert stage.witnessed("exchanged") == 0
        await stage.installs.returned(query, BROWSER)
        with pytest.raises(FlowGoneError):
            await stage.installs.returned(query, BROWSER)
        late = await stage.allowed(HARBOUR)
        stage.clock.advance(timedelta(minutes=10, seconds=1))
        with pytest.raises(FlowGoneError):
            await stage.installs.returned(late, BROWSER)


class AnyBrowser(InstallService):
    """A twin that takes a state from whichever browser brings it: an attacker's workspace for the victim's click."""

    def _claimed(self, session: Session, state_hash: str, browser_hash: str, now: datetime) -> bool:
        found = session.connection().execute(text("SELECT browser_hash FROM installs_begun")).scalar()
        return super()._claimed(session, state_hash, str(found), now)


@pytest.mark.parametrize("kind, refuses", [(InstallService, True), (AnyBrowser, False)])
async def test_what_came_back_in_another_browser_is_not_exchanged(
    sqlite_database: Database, tmp_path: Path, kind: type[InstallService], *, refuses: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        service = kind(stage.installs._means)
        query = await stage.allowed(HARBOUR, service=service)
        try:
            await service.returned(query, OTHER)
        except FlowGoneError:
            assert refuses
        else:
            assert not refuses
        assert (stage.workspace(HARBOUR) is None) is refuses


async def test_a_no_at_slack_and_a_code_that_slack_refuses_store_nothing(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.consents = False
        with pytest.raises(FlowRefusedError, match="not allowed"):
            await stage.install(HARBOUR)
        stage.slack.oauth.consents = True
        query = dict(await stage.allowed(HARBOUR)) | {"code": "sandbox.never"}
        with pytest.raises(FlowRefusedError, match="did not accept"):
            await stage.installs.returned(list(query.items()), BROWSER)
        assert stage.workspace(HARBOUR) is None


async def test_what_slack_did_not_give_is_named(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.withheld = frozenset({"users:read.email", "channels:read"})
        assert (await stage.install(HARBOUR)).missing == ("channels:read", "users:read.email")
        stage.slack.oauth.withheld = frozenset()
        assert (await stage.install(HARBOUR)).missing == ()
        assert manifest().missing(frozenset()) == tuple(sorted(manifest().scopes))


class Founds(InstallService):
    """A twin that takes every installation for a new customer's, as if nobody had been there before."""

    async def _stored(self, found: Installed) -> Stored:
        stored = await super()._stored(found)

        def work(session: Session) -> None:
            assert found.team is not None
            organization_id = new_id("org")
            workspaces.found_organization(session, organization_id, found.team.name, self._means.clock.now())
            change = text("UPDATE workspaces SET organization_id = :id WHERE team_id = :team")
            session.connection().execute(change, {"id": organization_id, "team": found.team.id})

        await self._means.database.writing(work)
        return stored


@pytest.mark.parametrize("kind, keeps", [(InstallService, True), (Founds, False)])
async def test_who_installs_again_changes_no_owner_and_gets_no_role(
    database: Database, tmp_path: Path, kind: type[InstallService], *, keeps: bool
) -> None:
    """T23: an agency's person installs in the same workspace; one workspace is one organization's."""
    async with staged(database, tmp_path) as stage:
        await stage.install(HARBOUR)
        before = stage.owner(HARBOUR)
        stage.slack.world.people["U0RUTH"].is_admin = False
        stage.slack.world.people["U0TOM"].is_admin = True
        service = kind(stage.installs._means)
        view = await service.returned(await stage.allowed(HARBOUR, service=service), BROWSER)
        assert (view.again, view.founded, view.made_admin) == (True, False, False)
        assert (stage.owner(HARBOUR) == before) is keeps
        assert stage.member(HARBOUR, "U0TOM") is None
        assert stage.member(HARBOUR, "U0RUTH") is not None


async def test_two_organizations_do_not_meet(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        await stage.install("T0TEMERITY")
        assert stage.owner(HARBOUR) != stage.owner("T0TEMERITY")
        assert await stage.posts(HARBOUR) == HARBOUR
        assert await stage.posts("T0TEMERITY") == "T0TEMERITY"


async def test_the_support_workspace_belongs_to_nobody(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.world.people["U0SAM"].is_admin = True
        view = await stage.install("T0SUPPORT")
        assert view.organization is None
        assert not view.made_admin
        assert (await stage.speaks("T0SUPPORT", "U0SAM")).member is None
        assert await stage.posts("T0SUPPORT") == "T0SUPPORT"


async def test_slack_admins_are_admins_when_they_first_speak_and_never_again_once_removed(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        await stage.install(HARBOUR)
        assert (await stage.speaks(HARBOUR, "U0TOM")).member is None
        stage.slack.world.people["U0TOM"].is_admin = True
        tom = (await stage.speaks(HARBOUR, "U0TOM")).member
        assert tom is not None
        assert tom.role is Role.ADMIN
        assert (tom.id, "join", tom.id) in stage.entries(tom.organization_id)
        members = stage.jobs.services.members
        from jobs.refresh.ask import TriggerKey

        await members.revoke(await stage.speaks(HARBOUR, "U0RUTH"), tom.id, TriggerKey(HARBOUR, "t1"))
        assert (await stage.speaks(HARBOUR, "U0TOM")).member is None
        assert stage.unexplained(tom.organization_id) == {}


async def test_a_seed_files_organization_takes_nobody_by_slacks_word(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        with sqlite_database.engine.begin() as connection:
            connection.execute(text("UPDATE organizations SET slack_admins = false"))
        stage.slack.world.people["U0TOM"].is_admin = True
        assert (await stage.speaks(HARBOUR, "U0TOM")).member is None


async def test_a_guest_who_is_called_admin_is_nobody(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        tom = stage.slack.world.people["U0TOM"]
        tom.is_admin, tom.is_restricted = True, True
        assert (await stage.speaks(HARBOUR, "U0TOM")).member is None


async def _enterprise(stage: Stage) -> None:
    view = await stage.install(NORTHWIND)
    assert (view.whole, view.name, view.organization) == (True, "Northwind Group", "Northwind Group")
    assert set(view.workspaces) == {"Northwind East", "Northwind West"}


async def test_an_enterprise_is_served_by_one_token_in_each_workspace(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        await _enterprise(stage)
        assert stage.owner(EAST) == stage.owner(WEST)
        assert await stage.posts(EAST) == EAST
        assert await stage.posts(WEST) == WEST
        assert stage.installation("", EAST) is None
        assert await stage.posts(HARBOUR) is None
        nora = (await stage.speaks(EAST, "U0NORA")).member
        wes = (await stage.speaks(WEST, "U0WES")).member
        assert nora is not None
        assert wes is not None
        assert (nora.role, wes.role, nora.organization_id == wes.organization_id) == (Role.ADMIN, Role.ADMIN, True)
        assert stage.unexplained(nora.organization_id) == {}


async def test_a_workspaces_own_installation_goes_before_its_enterprises(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await _enterprise(stage)
        before = stage.owner(EAST)
        stage.slack.app.installations[EAST].enterprise = None
        await stage.install(EAST)
        assert stage.owner(EAST) == before
        own = stage.installation("", EAST)
        assert own is not None
        assert own.organization_id == before


async def test_a_workspace_that_leaves_the_enterprise_is_closed_and_comes_back(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await _enterprise(stage)
        west = stage.slack.app.installations.pop(WEST)
        await stage.installs.link_enterprises()
        found = stage.workspace(WEST)
        assert found is not None
        assert found.closed_at is not None
        assert await stage.posts(WEST) is None
        assert await stage.posts(EAST) == EAST
        stage.slack.app.installations[WEST] = west
        stage.clock.advance(timedelta(minutes=11))
        await stage.installs.sweep()
        assert await stage.posts(WEST) == WEST


_AWAY: tuple[Literal["server_error", "error", "reset"], ...] = ("server_error", "error", "reset")


async def test_slack_that_cannot_answer_or_answers_nonsense_stores_nothing(
    sqlite_database: Database, tmp_path: Path
) -> None:
    from connectors.errors import ConnectorError

    async with staged(sqlite_database, tmp_path) as stage:
        for kind in _AWAY:
            stage.slack.lie("oauth.v2.access", kind, times=1, error="bad_client_secret")
            with pytest.raises(ConnectorError):
                await stage.install(HARBOUR)
            assert stage.workspace(HARBOUR) is None
        await stage.install(HARBOUR)


async def test_the_stand_in_insists_on_the_registered_address(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, public_url="https://elsewhere.example") as stage:
        url = await stage.installs.begin(BROWSER)
        async with httpx.AsyncClient() as client:
            assert (await client.get(url)).status_code == 400
