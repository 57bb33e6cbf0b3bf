"""Who is let in (T08 to T10): full members of the workspace with a role, as Slack says it at most a minute ago."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.authorize import NEEDED, authorize
from jobs.errors import NotAllowedError, UnavailableError
from jobs.people import People, Profile, profile_from
from jobs.refresh.ask import TriggerKey
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Role, SlackIdentity
from storage.sessions import Database
from tests.jobs.stage import staged

MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")

#: What Slack may say about the account behind a role that is there.
FLAGS: Mapping[str, Mapping[str, Any]] = {
    "deactivated": {"deleted": True},
    "bot": {"is_bot": True},
    "guest of several channels": {"is_restricted": True},
    "guest of one channel": {"is_restricted": True, "is_ultra_restricted": True},
    "only ultra restricted": {"is_ultra_restricted": True},
    "stranger": {"is_stranger": True},
    "of another workspace": {"team_id": "T0OUTSIDE"},
    "of another workspace, admin there": {"team_id": "T0OUTSIDE", "is_admin": True},
    "admin, yet a guest": {"is_admin": True, "is_owner": True, "is_restricted": True},
    "workflow": {"is_workflow_bot": True},
    "connector": {"is_connector_bot": True},
    "invited, never here": {"is_invited_user": True},
    "not named at all": {"id": None},
}


def user(**said: Any) -> dict[str, Any]:
    return {"id": "U0MAYA", "team_id": "T0TEMERITY", "name": "maya", "profile": {"real_name": "Maya Ortiz"}, **said}


def naive(said: Mapping[str, Any], team_id: str) -> Profile:
    """A twin that looks at `deleted` and nothing else."""
    return replace(profile_from({"id": said.get("id")}, team_id), full_member=not said.get("deleted"))


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS.keys())
def test_whoever_is_no_full_member_counts_as_nobody(flags: Mapping[str, Any]) -> None:
    assert not profile_from(user(**flags), "T0TEMERITY").full_member
    assert profile_from(user(), "T0TEMERITY").full_member


def test_the_matrix_catches_a_reader_that_trusts() -> None:
    assert [name for name, flags in FLAGS.items() if naive(user(**flags), "T0TEMERITY").full_member]


@pytest.mark.parametrize("read, lets_in", [(profile_from, False), (naive, True)])
async def test_a_role_does_not_help_an_account_that_changed(
    sqlite_database: Database, tmp_path: Path, read: Callable[[Mapping[str, Any], str], Profile], *, lets_in: bool
) -> None:
    """Maya is a refresher; whatever Slack says she became, nothing of hers counts any more."""
    async with staged(sqlite_database, tmp_path) as stage:
        said: dict[str, Any] = {}

        async def fetch(_: SlackIdentity) -> Profile | None:
            return read(user(**said), "T0TEMERITY")

        people = People(stage.jobs.desk, stage.clock, fetch)
        assert (await people.learn(MAYA)).member is not None
        for flags in FLAGS.values():
            said = dict(flags)
            stage.clock.advance(timedelta(seconds=61))
            assert await people.actor(MAYA) is None
            actor = await people.learn(MAYA)
            if flags.get("deleted") or not lets_in:
                for action in NEEDED:
                    with pytest.raises(NotAllowedError):
                        authorize(actor, action)
            else:
                assert actor.member is not None


async def test_a_change_that_slack_tells_counts_at_once(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people = stage.jobs.services.people
        assert (await people.learn(MAYA)).member is not None
        people.profile_changed({"user": user(is_restricted=True)})
        actor = await people.actor(MAYA)
        assert actor is not None
        assert actor.member is None


async def test_where_slack_does_not_tell_nobody_is_let_in(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.lie("users.info", "server_error", times=1)
        with pytest.raises(UnavailableError):
            await stage.jobs.services.people.learn(MAYA)
        assert await stage.jobs.services.people.actor(MAYA) is None


async def test_a_role_that_was_taken_away_is_gone_at_the_next_effect(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        people, members = stage.jobs.services.people, stage.jobs.services.members
        await people.learn(MAYA)
        key = TriggerKey("T0TEMERITY", new_id("trg"))
        await members.grant(await stage.actor("U0DANIEL"), "U0MAYA", Role.VIEWER, key)
        actor = await people.actor(MAYA)
        assert actor is not None
        with pytest.raises(NotAllowedError) as caught:
            authorize(actor, Action.START_REFRESH)
        assert caught.value.needed is Role.REFRESHER


class _Trusting(People):
    """A twin that believes what it remembers, whatever Slack has said since."""

    def reader(self, identity: SlackIdentity) -> Actor | None:
        return self._actors[identity][1] if identity in self._actors else None


@pytest.mark.parametrize("twin", [False, True])
async def test_what_is_remembered_for_readers_ends_with_the_account_and_by_itself(
    sqlite_database: Database, tmp_path: Path, *, twin: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:

        async def fetch(_: SlackIdentity) -> Profile | None:
            return profile_from(user(), "T0TEMERITY")

        people = (_Trusting if twin else People)(stage.jobs.desk, stage.clock, fetch)
        assert people.reader(MAYA) is None
        await people.learn(MAYA)
        assert await people.readers(MAYA.team_id, [MAYA]) == {MAYA: people.reader(MAYA)}
        assert people.reader(MAYA) is not None

        stage.clock.advance(timedelta(seconds=6))
        late = people.reader(MAYA)
        await people.readers(MAYA.team_id, [MAYA])
        assert people.reader(MAYA) is not None
        people.profile_changed({"user": user(is_restricted=True)})
        assert ([late, people.reader(MAYA)] == [None, None]) != twin


async def test_readers_who_are_looked_up_together_each_get_their_own_rights(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        people = stage.jobs.services.people
        users = ("U0MAYA", "U0DANIEL", "U0PRIYA", "U0GUEST", "U0NOBODY")
        identities = [SlackIdentity("T0TEMERITY", user) for user in users]
        for identity in identities:
            with suppress(UnavailableError):  # nobody knows the last one
                await people.learn(identity)
        alone = {identity: await people.actor(identity) for identity in identities}
        assert await people.readers("T0TEMERITY", identities) == alone
        roles = {actor.member.role for actor in alone.values() if actor is not None and actor.member is not None}
        assert len(roles) >= 3
