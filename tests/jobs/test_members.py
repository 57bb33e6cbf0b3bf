"""Roles: given and taken by admins only, to full members of the workspace only, and never the last admin's."""

from pathlib import Path

import pytest

from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.members import MemberService, OutsideError
from jobs.refresh.ask import TriggerKey
from storage.facts.ids import new_id
from storage.facts.people import Actor, Role
from storage.records import audit
from storage.sessions import Database, Session
from tests.jobs.stage import Stage, staged


def _key() -> TriggerKey:
    return TriggerKey("T0TEMERITY", new_id("trg"))


def _entries(stage: Stage) -> list[str]:
    def read(session: Session) -> list[str]:
        assert audit.broken_entries(session, stage.organization_id) == []
        return [
            f"{entry.action} {entry.detail}"
            for entry in audit.newest(session, stage.organization_id, 50)
            if entry.action == "manage_members"
        ]

    return stage.database.in_read(read)


async def test_an_admin_gives_a_role_and_the_person_has_it_at_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        members = stage.jobs.services.members
        await members.revoke(await stage.actor("U0DANIEL"), stage.member("U0NOMAIL").id, _key())
        changed = await members.grant(await stage.actor("U0DANIEL"), "U0NOMAIL", Role.REFRESHER, _key())
        assert (changed.before, changed.member.name) == (None, "Noor Haddad")
        noor = await stage.actor("U0NOMAIL")
        assert noor.member is not None
        assert noor.member.role is Role.REFRESHER

        again = await members.grant(await stage.actor("U0DANIEL"), "U0NOMAIL", Role.VIEWER, _key())
        assert again.before is Role.REFRESHER
        once = _key()
        await members.revoke(await stage.actor("U0DANIEL"), changed.member.id, once)
        assert (await stage.actor("U0NOMAIL")).member is None
        assert len(_entries(stage)) == 4
        # Slack sends that click again: it takes nothing from whoever was let in again since. The twin is another click.
        await members.grant(await stage.actor("U0DANIEL"), "U0NOMAIL", Role.VIEWER, _key())
        for key, stays in ((once, True), (_key(), False)):
            await members.revoke(await stage.actor("U0DANIEL"), changed.member.id, key)
            assert ((await stage.actor("U0NOMAIL")).member is not None) is stays


@pytest.mark.parametrize("user", ["U0GUEST", "U0GONE", "U0TIDINGS", "U0OUTSIDE"])
async def test_guests_leavers_bots_and_strangers_get_no_role(
    sqlite_database: Database, tmp_path: Path, user: str
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        admin = await stage.actor("U0DANIEL")
        with pytest.raises(OutsideError):
            await stage.jobs.services.members.grant(admin, user, Role.VIEWER, _key())
        assert _entries(stage) == []


async def test_nobody_but_an_admin_changes_roles(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        members = stage.jobs.services.members
        for user in ("U0MAYA", "U0PRIYA", "U0NOMAIL", "U0GUEST"):
            actor = await stage.actor(user)
            with pytest.raises(NotAllowedError):
                await members.grant(actor, "U0NOMAIL", Role.ADMIN, _key())
            with pytest.raises(NotAllowedError):
                await members.revoke(actor, stage.member("U0PRIYA").id, _key())
        with pytest.raises(NotFoundError):
            await members.revoke(await stage.actor("U0DANIEL"), "mem_of_another_organization", _key())


async def test_the_last_admin_stays(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        members, admin = stage.jobs.services.members, await stage.actor("U0DANIEL")
        with pytest.raises(TooLateError, match="only admin"):
            await members.revoke(admin, stage.member("U0DANIEL").id, _key())
        with pytest.raises(TooLateError, match="only admin"):
            await members.grant(admin, "U0DANIEL", Role.VIEWER, _key())


class TrustsTheClick(MemberService):
    """A twin that believes the role of the click instead of reading it again in the transaction."""

    def _still_admin(self, session: Session, actor: Actor) -> None:
        pass


@pytest.mark.parametrize("kind, caught", [(MemberService, True), (TrustsTheClick, False)])
async def test_a_role_that_went_between_click_and_effect_counts_no_more(
    sqlite_database: Database, tmp_path: Path, kind: type[MemberService], *, caught: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        real = stage.jobs.services.members
        service = kind(stage.jobs.desk, stage.clock, stage.jobs.services.people)
        await real.grant(await stage.actor("U0DANIEL"), "U0MAYA", Role.ADMIN, _key())
        maya = await stage.actor("U0MAYA")
        await real.grant(await stage.actor("U0DANIEL"), "U0MAYA", Role.VIEWER, _key())
        if caught:
            with pytest.raises(NotAllowedError):
                await service.grant(maya, "U0NOMAIL", Role.ADMIN, _key())
        else:
            assert (await service.grant(maya, "U0NOMAIL", Role.ADMIN, _key())).after is Role.ADMIN
