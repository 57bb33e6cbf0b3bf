"""The app is removed: in any order, again, late, of strangers; and installed again."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from jobs.installs.leaving import Departure, Left
from jobs.installs.service import InstallService
from jobs.notify.kinds import INCIDENT_REMINDER, WORKSPACE_LEFT
from jobs.refresh.ask import TriggerKey
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.people import Role
from storage.facts.secret import Secret
from storage.records import deliveries, organizations
from storage.sessions import Database, Session
from templates import mail
from tests.jobs.installs.stage import EAST, HARBOUR, NORTHWIND, WEST, Stage, staged


def removed(stage: Stage, team: str = HARBOUR, *, at: datetime | None = None, enterprise: str = "") -> Departure:
    """What `app_uninstalled` says."""
    return Departure(team, enterprise, bool(enterprise), None, at or stage.clock.now().replace(microsecond=0))


def revoked(stage: Stage, team: str = HARBOUR, bots: tuple[str, ...] | None = None) -> Departure:
    """What `tokens_revoked` says."""
    ours = (stage.slack.app.installations[team].bot_user,)
    return Departure(team, "", whole=False, bots=ours if bots is None else bots, at=stage.clock.now())


def confirm_address(stage: Stage) -> None:
    """Let mail reach the admin."""
    ruth, now = stage.member(HARBOUR, "U0RUTH"), stage.clock.now()
    assert ruth is not None
    address = "ruth@harbourpine.example"
    stage.database.in_write(
        lambda session: organizations.set_email(session, ruth.id, address, confirmed_at=now, refused_at=None)
    )


def is_closed(stage: Stage, team: str = HARBOUR) -> bool:
    found = stage.workspace(team)
    assert found is not None
    return found.closed_at is not None


@pytest.mark.parametrize("first", ["removed", "revoked"])
async def test_the_two_events_close_the_workspace_in_any_order(database: Database, tmp_path: Path, first: str) -> None:
    async with staged(database, tmp_path) as stage:
        await stage.install(HARBOUR)
        stage.clock.advance(timedelta(hours=1))
        events = [removed(stage), revoked(stage)] if first == "removed" else [revoked(stage), removed(stage)]
        outcomes = [await stage.installs.left(each) for each in (*events, *events)]
        assert outcomes[0] is Left.CLOSED
        assert set(outcomes[1:]) <= {Left.ALREADY, Left.OTHERS}
        assert is_closed(stage)
        found = stage.installation("", HARBOUR)
        assert found is not None
        assert found.removed_at is not None
        assert found.tokens is None
        assert await stage.posts(HARBOUR) is None
        assert [entry[1] for entry in stage.entries(stage.owner(HARBOUR))] == ["install", "uninstall"]


async def test_installing_again_opens_it_with_its_members(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        await stage.install(HARBOUR)
        owner = stage.owner(HARBOUR)
        ruth = await stage.speaks(HARBOUR, "U0RUTH")
        members = stage.jobs.services.members
        await members.grant(ruth, "U0TOM", Role.REFRESHER, TriggerKey(HARBOUR, "t1"))
        stage.clock.advance(timedelta(hours=1))
        await stage.installs.left(removed(stage))
        stage.clock.advance(timedelta(hours=1))
        view = await stage.install(HARBOUR)
        assert (view.again, view.founded) == (True, False)
        assert stage.owner(HARBOUR) == owner
        assert not is_closed(stage)
        tom = stage.member(HARBOUR, "U0TOM")
        assert tom is not None
        assert tom.role is Role.REFRESHER
        assert await stage.posts(HARBOUR) == HARBOUR


class Timeless(InstallService):
    """A twin that takes whatever comes for news."""

    async def left(self, departure: Departure) -> Left:
        from dataclasses import replace

        return await super().left(replace(departure, at=self._means.clock.now()))


@pytest.mark.parametrize("kind, stays", [(InstallService, True), (Timeless, False)])
async def test_a_late_event_does_not_close_what_was_installed_since(
    sqlite_database: Database, tmp_path: Path, kind: type[InstallService], *, stays: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        stage.clock.advance(timedelta(hours=1))
        event = removed(stage)
        await stage.slack.uninstall(HARBOUR, events=())
        stage.clock.advance(timedelta(minutes=5))
        await stage.install(HARBOUR)
        service = kind(stage.installs._means)
        outcome = await service.left(event)
        await service.drain()
        assert (outcome is Left.LATE) is stays
        assert is_closed(stage) is not stays
        assert (await stage.posts(HARBOUR) == HARBOUR) is stays


async def test_what_looks_late_is_believed_when_slack_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    """Our clock may go ahead of Slack's; then Slack itself is asked."""
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        await stage.slack.uninstall(HARBOUR, events=())
        assert await stage.installs.left(removed(stage, at=stage.clock.now() - timedelta(minutes=1))) is Left.LATE
        await stage.installs.drain()
        assert is_closed(stage)


async def test_tokens_of_people_and_of_others_close_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        stage.clock.advance(timedelta(hours=1))
        for bots in ((), ("U0SOMEBOT",)):
            assert await stage.installs.left(revoked(stage, bots=bots)) is Left.OTHERS
        assert await stage.posts(HARBOUR) == HARBOUR


async def test_a_workspace_that_nobody_knows_is_nobodys(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        for team in ("T0NOBODY", "T0TEMERITY", ""):
            assert await stage.installs.left(removed(stage, team)) is Left.UNKNOWN
        assert await stage.installs.left(removed(stage, "T0NOBODY", enterprise="E0NOBODY")) is Left.UNKNOWN
        assert await stage.posts(HARBOUR) == HARBOUR


async def test_an_enterprise_leaves_with_all_its_workspaces(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        await stage.install(NORTHWIND)
        stage.clock.advance(timedelta(hours=1))
        assert await stage.installs.left(removed(stage, EAST, enterprise=NORTHWIND)) is Left.CLOSED
        assert is_closed(stage, EAST)
        assert is_closed(stage, WEST)
        stage.clock.advance(timedelta(hours=1))
        await stage.install(NORTHWIND)
        assert not is_closed(stage, EAST)
        assert await stage.posts(WEST) == WEST


async def test_one_workspace_of_an_enterprise_leaves_alone(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(NORTHWIND)
        stage.clock.advance(timedelta(hours=1))
        assert await stage.installs.left(removed(stage, EAST)) is Left.CLOSED
        assert is_closed(stage, EAST)
        assert await stage.posts(WEST) == WEST


async def test_a_seeded_workspace_leaves_and_forgets_its_token(sqlite_database: Database, tmp_path: Path) -> None:
    from storage.credentials import seal_bot_token

    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        sealed = seal_bot_token(stage.installs._means.seal, HARBOUR, Secret("xoxb-of-a-file"))
        with sqlite_database.engine.begin() as connection:
            connection.execute(text("DELETE FROM installations"))
            connection.execute(text("UPDATE workspaces SET bot_token = :token"), {"token": sealed})
        assert await stage.installs.left(removed(stage)) is Left.CLOSED
        with sqlite_database.engine.begin() as connection:
            assert connection.execute(text("SELECT bot_token FROM workspaces")).scalar() is None


def _mailed(session: Session, team: str) -> list[tuple[str, Channel, DeliveryState]]:
    rows = session.connection().execute(text("SELECT id FROM deliveries ORDER BY created_at")).scalars()
    found = [deliveries.delivery(session, row) for row in rows]
    return [(each.kind, each.channel, each.state) for each in found if team in each.subject]


async def test_admins_are_told_by_mail_what_slack_cannot_say(sqlite_database: Database, tmp_path: Path) -> None:
    from jobs.installs.telling import install_words

    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        confirm_address(stage)
        stage.clock.advance(timedelta(hours=1))
        await stage.installs.left(removed(stage))

        def read(session: Session) -> tuple[list[tuple[str, Channel, DeliveryState]], str]:
            mail_of = text("SELECT id FROM deliveries WHERE kind = :kind")
            row = session.connection().execute(mail_of, {"kind": WORKSPACE_LEFT}).scalar()
            delivery = deliveries.delivery(session, str(row))
            message = install_words("https://tidings.example")[WORKSPACE_LEFT](session, delivery, stage.clock.now())
            return _mailed(session, HARBOUR), mail.render(message, zone="UTC").text

        found, words = sqlite_database.in_read(read)
        assert found == [(WORKSPACE_LEFT, Channel.EMAIL, DeliveryState.PENDING)]
        assert "removed from the Slack workspace Harbour & Pine" in words
        assert "https://tidings.example/slack/install" in words


async def test_what_only_slack_would_have_said_goes_by_mail(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        ruth = stage.member(HARBOUR, "U0RUTH")
        assert ruth is not None
        confirm_address(stage)
        stage.clock.advance(timedelta(hours=1))
        await stage.installs.left(removed(stage))
        now = stage.clock.now()

        def write(session: Session) -> str:
            made = deliveries.add(
                session,
                organization_id=ruth.organization_id,
                kind=INCIDENT_REMINDER,
                subject=f"inc_{HARBOUR}.1",
                channel=Channel.SLACK,
                destination=f"{HARBOUR}/U0RUTH",
                member_id=ruth.id,
                now=now,
                expires_at=now + timedelta(hours=1),
            )
            assert made is not None
            return made

        made = sqlite_database.in_write(write)
        handler = stage.jobs.handlers["delivery"].__self__  # type: ignore[attr-defined]
        assert await handler.attempt(made) is None
        found = sqlite_database.in_read(lambda session: _mailed(session, f"inc_{HARBOUR}"))
        assert found == [
            (INCIDENT_REMINDER, Channel.SLACK, DeliveryState.FAILED),
            (INCIDENT_REMINDER, Channel.EMAIL, DeliveryState.PENDING),
        ]
        why = sqlite_database.in_read(
            lambda session: (
                session.connection().execute(text(f"SELECT reason FROM deliveries WHERE id = '{made}'")).scalar()
            )
        )
        assert "workspace_closed" in str(why)
