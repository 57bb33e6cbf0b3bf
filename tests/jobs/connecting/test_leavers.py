"""T44: somebody who leaves Slack while a source stands in their name is noticed, and an outage is nobody's leaving."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.leavers import Leavers, leaver_words
from jobs.members import MemberService
from jobs.notify.kinds import OWNER_LEFT
from jobs.notify.notifier import Notifier
from jobs.people import Profile
from jobs.refresh.ask import TriggerKey
from storage.facts.deliveries import Channel, Delivery
from storage.facts.people import Role, SlackIdentity
from storage.records import deliveries
from storage.sessions import Database
from tests.jobs.connecting.stage import DANIEL, OLGA, Stage, staged


class Alarmist(Leavers):
    """A twin that takes silence for leaving."""

    def gone(self, profile: Profile | None) -> bool:
        return profile is None or not profile.full_member


def leavers(stage: Stage, kind: type[Leavers] = Leavers, *, support: str = "") -> Leavers:
    async def fetch(identity: SlackIdentity) -> Profile | None:
        known = stage.full.get(identity, True)
        return None if known is None else Profile(known, "somebody", None, "UTC")

    notifier = Notifier(stage.means.enqueue, support_channel=support, support_email="")
    return kind(stage.database, fetch, notifier, stage.means.people.left, stage.clock.now)


def told(stage: Stage) -> list[Delivery]:
    """Return what was posted about a leaver."""
    found = stage.database.in_read(lambda session: deliveries.of_subject(session, f"mem_{DANIEL.user_id}"))
    return [one for one in found if one.kind == OWNER_LEFT and one.channel is Channel.SLACK]


def words(stage: Stage) -> str:
    (one,) = told(stage)
    return str(stage.database.in_read(lambda session: leaver_words()[OWNER_LEFT](session, one, stage.clock.now())))


def event(**flags: object) -> dict[str, object]:
    """Return what Slack says when Daniel's account changes."""
    return {"user": {"id": DANIEL.user_id, "team_id": DANIEL.team_id, "real_name": "Daniel Kim", **flags}}


async def test_the_admins_are_told_once_which_sources_stand_in_a_leavers_name(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.connected("a.myshopify.com")
        taken = (await stage.connected("b.myshopify.com")).source
        sweep = leavers(stage)
        await sweep.sweep()
        assert told(stage) == []
        stage.full[DANIEL] = False
        # It is not the hour of the daily look, and Slack said nothing yet.
        await sweep.sweep()
        assert told(stage) == []
        stage.means.people.profile_changed(event(deleted=True))
        await sweep.sweep()
        assert [one.destination for one in told(stage)] == [f"{OLGA.team_id}/{OLGA.user_id}"]
        assert "/data reconnect a.myshopify.com" in words(stage)
        assert "/data reconnect b.myshopify.com" in words(stage)
        await stage.connected("b.myshopify.com", OLGA, source_id=taken.id)
        for _ in range(2):
            stage.means.people.profile_changed(event(is_restricted=True))
            await sweep.sweep()
        assert len(told(stage)) == 1
        assert "b.myshopify.com" not in words(stage)


async def test_the_daily_look_finds_who_left_without_a_word(database: Database, tmp_path: Path) -> None:
    """And tells support where nobody else is admin."""
    async with staged(database, tmp_path) as stage:
        await stage.connected("a.myshopify.com")
        members, actor = MemberService(stage.means.desk, stage.clock, stage.means.people), await stage.actor(DANIEL)
        await members.grant(actor, OLGA.user_id, Role.VIEWER, TriggerKey("T0A", "t"))
        stage.full[DANIEL] = False
        await leavers(stage, support="T0SUPPORT/C0HELP").sweep()
        assert [one.destination for one in told(stage)] == ["T0SUPPORT/C0HELP"]


@pytest.mark.parametrize("kind", [Leavers, Alarmist])
async def test_an_outage_of_slack_is_nobodys_leaving(
    sqlite_database: Database, tmp_path: Path, kind: type[Leavers]
) -> None:
    """Neither at the daily look nor after an event, which only is a reason to ask; the twin alarms."""
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.connected("a.myshopify.com")
        stage.full[DANIEL] = None
        sweep = leavers(stage, kind)
        await sweep.sweep()
        stage.clock.advance(timedelta(hours=25))
        stage.means.people.profile_changed(event(deleted=True))
        await sweep.sweep()
        assert (told(stage) != []) is (kind is Alarmist)
        nameless = Profile(full_member=False, name="", email=None, timezone="UTC")
        assert sweep.gone(nameless) is (kind is Alarmist)
        assert sweep.gone(replace(nameless, name="Daniel Kim"))
