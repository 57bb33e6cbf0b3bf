"""Roles by user group: for whoever is in it now, at most a minute longer, and never more than was agreed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs.errors import NotAllowedError
from jobs.members import OutsideError
from jobs.refresh.ask import TriggerKey
from jobs.user_groups import ASK_EVERY, FRESH_FOR, UserGroups
from storage.facts.ids import new_id
from storage.facts.people import GroupRole, Role, SlackIdentity
from storage.records import authority, groups, organizations
from storage.sessions import Database, Session
from tests.jobs.stage import Stage, staged

TEAM, GROUP = "T0TEMERITY", "S0FINTEAM"


def _key() -> TriggerKey:
    return TriggerKey(TEAM, new_id("trg"))


def people(stage: Stage, *users: str) -> None:
    stage.slack.world.groups[GROUP].people = set(users)


def role(stage: Stage, user: str) -> Role | None:
    identity = SlackIdentity(TEAM, user)
    found = stage.database.in_read(lambda session: organizations.member_by_identity(session, identity))
    return found.role if found else None


async def agreed(stage: Stage, given: Role = Role.REFRESHER) -> None:
    await stage.jobs.services.members.group(await stage.actor("U0DANIEL"), GROUP, given, _key())


def looking(stage: Stage, kind: type[UserGroups] = UserGroups) -> UserGroups:
    return kind(stage.database, stage.clock, stage.jobs.sender.group)


async def test_people_of_the_group_have_the_role_and_keep_a_higher_one(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        people(stage, "U0PRIYA", "U0DANIEL", "U0NOMAIL")
        await stage.jobs.services.members.revoke(await stage.actor("U0DANIEL"), stage.member("U0NOMAIL").id, _key())
        await agreed(stage)
        assert role(stage, "U0PRIYA") is Role.REFRESHER
        assert role(stage, "U0DANIEL") is Role.ADMIN
        # Whom an admin removed, a group does not bring back.
        assert (await stage.actor("U0NOMAIL")).member is None
        assert await stage.jobs.services.members.groups(await stage.actor("U0MAYA")) == (
            GroupRole(Role.REFRESHER, TEAM, GROUP),
        )
        await stage.jobs.services.members.group(await stage.actor("U0DANIEL"), GROUP, None, _key())
        assert role(stage, "U0PRIYA") is Role.VIEWER
        assert database.in_read(lambda session: authority.unexplained(session, stage.organization_id)) == {}


async def test_who_never_was_a_member_becomes_one_by_speaking(sqlite_database: Database, tmp_path: Path) -> None:
    from sandbox.slack.world import Person

    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.world.people["U0NEW"] = Person("U0NEW", TEAM, "ned", "Ned New", tz="Europe/Oslo")
        await agreed(stage, Role.MANAGER)
        assert (await stage.actor("U0NEW")).member is None
        people(stage, "U0NEW")
        stage.clock.advance(FRESH_FOR)
        member = (await stage.actor("U0NEW")).member
        assert member is not None
        assert (member.name, member.role, member.timezone) == ("Ned New", Role.MANAGER, "Europe/Oslo")
        people(stage)
        stage.clock.advance(FRESH_FOR)
        await looking(stage).refresh(stage.organization_id, TEAM)
        assert role(stage, "U0NEW") is Role.VIEWER


@pytest.mark.parametrize("user", ["U0GUEST", "U0GONE", "U0OUTSIDE"])
async def test_a_group_lets_no_guest_leaver_or_stranger_in(
    sqlite_database: Database, tmp_path: Path, user: str
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people(stage, user)
        await agreed(stage)
        assert (await stage.actor(user)).member is None
        assert role(stage, user) is None


def _give(session: Session, identity: SlackIdentity, held: Role) -> None:
    groups.give(session, identity, held)


class Adds(UserGroups):
    """A twin that only ever gives: whoever was in the group once keeps its role."""

    async def _bring(self, organization_id: str, team_id: str, agreed: Sequence[GroupRole]) -> None:
        before = {each: role_ for each in ("U0PRIYA",) if (role_ := self._held(each)) is not None}
        await super()._bring(organization_id, team_id, agreed)
        for user, held in before.items():
            identity = SlackIdentity(team_id, user)
            await self._database.writing(partial(_give, identity=identity, held=held))

    def _held(self, user: str) -> Role | None:
        found = self._database.in_read(
            lambda session: organizations.member_by_identity(session, SlackIdentity(TEAM, user))
        )
        return found.role if found else None


@pytest.mark.parametrize("kind, taken", [(UserGroups, True), (Adds, False)])
async def test_leaving_the_group_takes_the_role_away(
    sqlite_database: Database, tmp_path: Path, kind: type[UserGroups], *, taken: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people(stage, "U0PRIYA")
        await agreed(stage)
        assert role(stage, "U0PRIYA") is Role.REFRESHER
        people(stage)
        await looking(stage, kind).refresh(stage.organization_id, TEAM)
        assert (role(stage, "U0PRIYA") is Role.VIEWER) is taken


class Lenient(UserGroups):
    """A twin that leaves things as they are while Slack does not answer."""

    async def _untold(self, organization_id: str, team_id: str, now: datetime) -> None:
        pass


@pytest.mark.parametrize("kind, taken", [(UserGroups, True), (Lenient, False)])
async def test_what_slack_does_not_tell_for_a_minute_counts_no_more(
    database: Database, tmp_path: Path, kind: type[UserGroups], *, taken: bool
) -> None:
    async with staged(database, tmp_path) as stage:
        people(stage, "U0PRIYA")
        await agreed(stage)
        groups_ = looking(stage, kind)
        await groups_.refresh(stage.organization_id, TEAM)
        stage.slack.lie("usergroups.users.list", "server_error", times=20)
        turns = int(FRESH_FOR.total_seconds() // ASK_EVERY)
        for turn in range(turns):
            if turn < turns - 1:
                assert role(stage, "U0PRIYA") is Role.REFRESHER, turn
            stage.clock.advance(timedelta(seconds=ASK_EVERY))
            await groups_.refresh(stage.organization_id, TEAM)
        assert (role(stage, "U0PRIYA") is Role.VIEWER) is taken
        stage.slack.stop_lying()
        await groups_.refresh(stage.organization_id, TEAM)
        assert role(stage, "U0PRIYA") is Role.REFRESHER


async def test_the_sweep_finds_every_agreement_and_asks_once_for_all_processes(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people(stage)
        await agreed(stage)
        people(stage, "U0PRIYA")
        before = sum(call.method == "usergroups.users.list" for call in stage.slack.calls)
        for each in [looking(stage) for _ in range(3)]:
            await each.sweep()
        asked = sum(call.method == "usergroups.users.list" for call in stage.slack.calls) - before
        # The stage's own clock may have had a turn as well.
        assert asked <= 2
        assert role(stage, "U0PRIYA") is Role.REFRESHER


async def test_a_group_makes_no_admin_and_only_admins_agree(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people(stage, "U0MAYA")
        service = stage.jobs.services.members
        with pytest.raises(OutsideError):
            await service.group(await stage.actor("U0DANIEL"), GROUP, Role.ADMIN, _key())
        with pytest.raises(OutsideError):
            await service.group(await stage.actor("U0DANIEL"), "S0NOTHERE", Role.VIEWER, _key())
        for user in ("U0MAYA", "U0PRIYA", "U0GUEST"):
            with pytest.raises(NotAllowedError):
                await service.group(await stage.actor(user), GROUP, Role.MANAGER, _key())
        assert role(stage, "U0MAYA") is Role.REFRESHER
        assert await service.groups(await stage.actor("U0MAYA")) == ()


def test_agreements_are_kept_as_text() -> None:
    text = "refresher=T0TEMERITY/S0FINTEAM,manager=T0OTHER/S0CTRL"
    assert groups.read(text) == (GroupRole(Role.REFRESHER, TEAM, GROUP), GroupRole(Role.MANAGER, "T0OTHER", "S0CTRL"))
    assert groups.read("") == ()
