"""Where Tidings may speak: nowhere until an admin allows it, never where another company reads along (T17, T18)."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.channels import ChannelRefusedError, ChannelService
from jobs.deliver.places import FRESH_FOR, Places
from jobs.deliver.results import Refused
from jobs.errors import NotAllowedError
from jobs.refresh.ask import Place, TriggerKey
from jobs.rooms import Room, room_from
from storage.facts.ids import new_id
from storage.facts.people import Actor, Role
from storage.records import audit, organizations
from storage.sessions import Database, Session
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged

TEAM = "T0TEMERITY"
OPEN, SHARED, ELSEWHERE = "C0GENERAL", "C0PARTNERS", "C0BOARD"


def _key() -> TriggerKey:
    return TriggerKey(TEAM, new_id("trg"))


def _allowed(stage: Stage, channel: str) -> bool:
    return stage.database.in_read(lambda session: organizations.is_allowed_channel(session, TEAM, channel))


def _noted(stage: Stage) -> list[tuple[str, bool]]:
    def read(session: Session) -> list[tuple[str, bool]]:
        found = audit.newest(session, stage.organization_id, 50)
        return [
            (row.object_id, bool(row.detail["allowed"])) for row in reversed(found) if row.action == "manage_channels"
        ]

    return stage.database.in_read(read)


async def test_an_admin_allows_and_denies_and_both_are_in_the_audit(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        service, daniel = stage.jobs.services.channels, await stage.actor("U0DANIEL")
        stage.slack.world.channels[OPEN].people.add("U0TIDINGS")
        place = Place(TEAM, OPEN)
        assert not (await service.look(daniel, place)).allowed
        trigger = _key()
        assert (await service.allow(daniel, place, trigger)).changed
        assert not (await service.allow(daniel, place, trigger)).changed
        assert _allowed(stage, OPEN)
        assert (await service.look(await stage.actor("U0PRIYA"), place)).allowed
        assert (await service.deny(daniel, place, _key())).changed
        assert not _allowed(stage, OPEN)
        assert _noted(stage) == [(OPEN, True), (OPEN, False)]


async def test_where_others_read_along_or_tidings_is_not_in_nothing_is_allowed(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        service, daniel = stage.jobs.services.channels, await stage.actor("U0DANIEL")
        for channel, reason in ((SHARED, "shared"), (OPEN, "not_joined"), (ELSEWHERE, "unknown"), ("C0NOWHERE", "unknown"),
                                ("D0DANIEL", "unknown")):  # fmt: skip
            with pytest.raises(ChannelRefusedError) as caught:
                await service.allow(daniel, Place(TEAM, channel), _key())
            assert caught.value.reason == reason, channel
            assert not _allowed(stage, channel)
        # A channel of another workspace, whatever the id is.
        with pytest.raises(ChannelRefusedError):
            await service.allow(daniel, Place("T0SUPPORT", "C0DATASUP"), _key())
        assert _noted(stage) == []


class Trusting(ChannelService):
    """A twin that does not read the role again in the transaction of its effect."""

    def _still_admin(self, session: Session, actor: Actor) -> None:
        pass


@pytest.mark.parametrize("kind, caught", [(ChannelService, True), (Trusting, False)])
async def test_nobody_but_who_is_admin_now_changes_a_channel(
    sqlite_database: Database, tmp_path: Path, kind: type[ChannelService], *, caught: bool
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.world.channels[OPEN].people.add("U0TIDINGS")
        service = kind(stage.jobs.desk, stage.clock, stage.jobs.sender.room)
        for user in ("U0MAYA", "U0PRIYA", "U0GUEST"):
            for act in (service.allow, service.deny):
                with pytest.raises(NotAllowedError):
                    await act(await stage.actor(user), Place(TEAM, OPEN), _key())
        members = stage.jobs.services.members
        await members.grant(await stage.actor("U0DANIEL"), "U0MAYA", Role.ADMIN, _key())
        maya = await stage.actor("U0MAYA")
        await members.grant(await stage.actor("U0DANIEL"), "U0MAYA", Role.VIEWER, _key())
        if caught:
            with pytest.raises(NotAllowedError):
                await service.allow(maya, Place(TEAM, OPEN), _key())
        else:
            assert (await service.allow(maya, Place(TEAM, OPEN), _key())).changed
        assert _allowed(stage, OPEN) is not caught


class Once(Places):
    """A twin that believes for ever what it saw when a channel was allowed."""

    async def _shared(self, team_id: str, channel_id: str) -> Refused | None:
        if (team_id, channel_id) in self._unshared:
            return None
        return await super()._shared(team_id, channel_id)


@pytest.mark.parametrize("kind, caught", [(Places, True), (Once, False)])
async def test_a_channel_that_is_shared_after_it_was_allowed_is_told_nothing(
    sqlite_database: Database, tmp_path: Path, kind: type[Places], *, caught: bool
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        places = kind(stage.database, stage.clock, stage.jobs.sender.room, support_channel="T0SUPPORT/C0DATASUP")
        org = stage.organization_id
        assert await places.refusal(org, TEAM, "C0FINANCE") is None
        stage.slack.world.channels["C0FINANCE"].shared_with = frozenset({"T0OUTSIDE"})
        stage.clock.advance(FRESH_FOR + timedelta(seconds=1))
        refusal = await places.refusal(org, TEAM, "C0FINANCE")
        assert (refusal is not None and refusal.final and "another company" in refusal.reason) is caught


async def test_what_is_not_known_is_not_told(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        places = Places(stage.database, stage.clock, stage.jobs.sender.room, support_channel="T0SUPPORT/C0DATASUP")
        org = stage.organization_id
        for channel in (OPEN, SHARED, "C0NOWHERE"):
            refusal = await places.refusal(org, TEAM, channel)
            assert refusal is not None
            assert refusal.final
        stage.slack.lie("conversations.info", "server_error", times=1)
        refusal = await places.refusal(org, TEAM, "C0FINANCE")
        assert refusal is not None
        assert not refusal.final
        for user in ("U0MAYA", "W0MAYA", "D0MAYA"):
            assert await places.refusal(org, TEAM, user) is None
        assert await places.refusal(org, "T0SUPPORT", "C0DATASUP") is None


async def test_a_refresh_asked_for_in_a_channel_that_became_shared_is_told_in_the_persons_dm(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """T17: scan every channel for what only the company may read."""
    from storage.facts.sources import Provider

    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.world.channels["C0FINANCE"].shared_with = frozenset({"T0OUTSIDE"})
        started = await stage.request(Provider.SHOPIFY)
        await stage.finished(started.refresh_id)
        await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("D0MAYA") if "ready" in m.everything.lower()], timeout=60
        )
        ours = [m for m in stage.slack.messages("C0FINANCE") if m.bot_id]
        assert ours == []


@pytest.mark.parametrize(
    "said, shared",
    [({}, False), ({"is_ext_shared": True}, True), ({"is_pending_ext_shared": True}, True),
     ({"pending_connected_team_ids": ["T1"]}, True), ({"is_org_shared": True}, False)],
)  # fmt: skip
def test_who_counts_as_reading_along(said: dict[str, object], *, shared: bool) -> None:
    assert room_from({"id": "C1", "name": "x", **said}).shared is shared
    assert room_from(said) == Room("", shared=shared, private=False, joined=False, archived=False)
