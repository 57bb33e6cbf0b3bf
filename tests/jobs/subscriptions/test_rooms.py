"""Channels that chose: told of the company's data where an admin lets Tidings speak, and nowhere and to nobody else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.channels import ChannelRefusedError, ChannelView
from jobs.deliver.words import message_for
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError
from jobs.notify.kinds import INCIDENT_CARD, REFRESH_FINISHED, RUN_READY
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Place, TriggerKey
from jobs.rooms import Room as SlackRoom
from jobs.subscriptions.channels import ChannelSubscriptionService
from jobs.subscriptions.rooms import Room, is_told, rooms
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import DeliveryState
from storage.facts.ids import new_id
from storage.facts.incidents import IncidentKind
from storage.facts.people import Action, Actor, Member, Role, SlackIdentity
from storage.facts.runs import Trigger
from storage.facts.sources import Provider, Source
from storage.facts.subscriptions import ChannelChoice, Topic
from storage.records import audit, cards, channel_choices, channels, deliveries, incidents, members, runs, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, OrganizationRow, SourceRow, WorkspaceRow
from templates import slack
from tests.jobs.briefly import briefly
from tests.jobs.stage import staged
from tests.waiting import eventually

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
TEAM, FIRST, SECOND, SHARED = "T0TEMERITY", "C0FINANCE", "C0BOARD", "C0PARTNERS"
LATE = frozenset({Topic.LATE})


def chose(source_id: str | None, *, told: bool) -> ChannelChoice:
    return ChannelChoice(source_id, Topic.LATE, told)


@pytest.mark.parametrize(
    "choices, about, default, told",
    [
        ([], ["a"], True, True),
        ([], ["a"], False, False),
        ([chose(None, told=False)], ["a"], True, False),
        ([chose(None, told=False), chose("a", told=True)], ["a"], True, True),
        ([chose(None, told=False), chose("a", told=True)], ["b"], True, False),
        ([chose("a", told=False)], ["a", "b"], True, True),
        ([chose("a", told=True)], ["b"], False, False),
    ],
)
def test_the_nearest_choice_holds(choices: list[ChannelChoice], about: list[str], default: bool, told: bool) -> None:  # noqa: FBT001 - a table
    assert is_told(choices, about, default=default) is told


@dataclass
class Table:
    """Two companies; the first has an admin, a reader, a source and two channels where Tidings may speak."""

    database: Database
    shared: set[str] = field(default_factory=lambda: {SHARED})
    asked: int = 0

    def __post_init__(self) -> None:
        self.clock = OffsetClock()
        self.database.in_write(self._seed)

    def _seed(self, session: Session) -> None:
        for number, team in ((1, TEAM), (2, "T0OTHER")):
            session.add(OrganizationRow(id=f"org_{number}", name="A company", timezone="UTC", created_at=AT))
            session.flush()
            session.add(WorkspaceRow(team_id=team, organization_id=f"org_{number}", name="A company"))
            session.add(
                SourceRow(id=f"src_{number}", organization_id=f"org_{number}", provider="shopify", account="shop",
                          label="Shop", company="Shop", mode="on_demand", schedule_minutes=60, updated_at=AT, created_at=AT)
            )  # fmt: skip
            session.flush()
            session.add(
                ConnectionRow(
                    source_id=f"src_{number}",
                    organization_id=f"org_{number}",
                    state="connected",
                    since=AT,
                )
            )
            session.flush()
        self.admin = self._member(session, "U0DANIEL", Role.ADMIN)
        self.reader = self._member(session, "U0PRIYA", Role.VIEWER)
        for minute, channel in enumerate((FIRST, SECOND, SHARED)):
            channels.allow(session, TEAM, channel, AT + timedelta(minutes=minute))
        channels.allow(session, "T0OTHER", "C0THEIRS", AT)

    def _member(self, session: Session, user: str, role: Role) -> Member:
        found, _ = members.admit(session, "org_1", SlackIdentity(TEAM, user), user, "UTC", role)
        return found

    def actor(self, member: Member) -> Actor:
        return Actor(SlackIdentity(member.team_id, member.user_id), member)

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        """What Slack says about a channel."""
        assert actor.member is not None
        self.asked += 1
        room = SlackRoom(
            place.channel_id, shared=place.channel_id in self.shared, private=False, joined=True, archived=False
        )
        return ChannelView(room, allowed=True)

    def source(self) -> Source:
        return self.database.in_read(lambda session: sources.source(session, "src_1"))

    def late(self, how: Callable[..., list[Room]] | None = None) -> dict[str, DeliveryState]:
        """Open an incident and return where it is told."""

        def work(session: Session) -> dict[str, DeliveryState]:
            if how is not None:
                found = how(session, "org_1", Topic.LATE, ["src_1"], anyway=True)
                return {room.channel_id: DeliveryState.PENDING for room in found if room.told}
            opened = incidents.open_one(
                session, "org_1", "src_1", IncidentKind.LATE, "late", self.clock.now(), remind_at=AT
            )
            assert opened is not None
            notifier().incident(session, opened, sources.source(session, "src_1"), self.clock.now())
            told = deliveries.of_subject(session, opened)
            return {
                one.destination.split("/")[1]: one.state
                for one in told
                if one.kind == INCIDENT_CARD and one.member_id is None
            }

        return self.database.in_write(work)


def notifier() -> Notifier:
    return Notifier(lambda session, work: (session, work), support_channel="", support_email="")


def everywhere(
    session: Session, organization_id: str, topic: Topic, source_ids: list[str], *, anyway: bool
) -> list[Room]:
    """The bug: what a channel chose is told there, whether or not an admin (still) lets Tidings speak."""
    chosen = channel_choices.of_topic(session, organization_id, topic, source_ids)
    told = [Room(*place, is_told(found, source_ids, default=False)) for place, found in chosen.items()]
    return told or rooms(session, organization_id, topic, source_ids, anyway=anyway)


def entries(database: Database, about: str, action: Action = Action.MANAGE_CHANNELS) -> int:
    """Return how often the audit says that something was changed for a channel, a source or a person."""
    long_ago = AT - timedelta(days=4000)
    return len(database.in_read(lambda session: audit.said_since(session, "org_1", action, about, long_ago)))


async def test_an_admin_chooses_for_a_channel_and_nobody_else_and_nowhere_else(database: Database) -> None:
    table, desk = Table(database), Desk(database.url)
    try:
        service, admin = ChannelSubscriptionService(desk, table.clock, table.look), table.actor(table.admin)
        with pytest.raises(NotAllowedError):
            await service.choose(
                table.actor(table.reader), Place(TEAM, FIRST), None, LATE, True, TriggerKey(TEAM, "t0")
            )
        with pytest.raises(ChannelRefusedError, match="shared"):
            await service.choose(admin, Place(TEAM, SHARED), None, LATE, True, TriggerKey(TEAM, "t1"))
        for place, source_id in (
            (Place(TEAM, "C0GENERAL"), None),
            (Place("T0OTHER", "C0THEIRS"), None),
            (Place(TEAM, SECOND), "src_2"),
        ):
            with pytest.raises(NotFoundError):
                await service.choose(admin, place, source_id, LATE, True, TriggerKey(TEAM, "t2"))
        for _ in range(2):
            kept = await service.choose(admin, Place(TEAM, SECOND), "src_1", LATE, True, TriggerKey(TEAM, "t3"))
        assert kept.choices == (ChannelChoice("src_1", Topic.LATE, told=True),)
        assert (kept.allowed, kept.first) == (True, False)
        # Silence can always be chosen, whatever Slack says of the channel.
        asked = table.asked
        await service.choose(admin, Place(TEAM, FIRST), None, LATE, False, TriggerKey(TEAM, "t4"))
        assert table.asked == asked
        seen = await service.seen(table.actor(table.reader), Place(TEAM, FIRST))
        assert (seen.choices, seen.first) == ((ChannelChoice(None, Topic.LATE, told=False),), True)
        assert not (await service.seen(table.actor(table.reader), Place("T0OTHER", "C0THEIRS"))).allowed
        assert [entries(database, channel) for channel in (FIRST, SECOND)] == [1, 1]
    finally:
        desk.close()
    assert table.late() == {FIRST: DeliveryState.SKIPPED, SECOND: DeliveryState.PENDING}


@pytest.mark.parametrize("broken", [False, True])
def test_a_channel_that_an_admin_took_back_is_told_nothing_whatever_it_chose(
    sqlite_database: Database, *, broken: bool
) -> None:
    table = Table(sqlite_database)
    with table.database.write() as session:
        for channel in (SECOND, "C0NEVER"):
            choice = ChannelChoice(None, Topic.LATE, told=True)
            channel_choices.choose(session, "org_1", (TEAM, channel), choice, AT)
        channels.deny(session, TEAM, SECOND)
        # Allowed again, it is told nothing until an admin says so again.
        channels.allow(session, TEAM, SECOND, table.clock.now())
    told = table.late(everywhere if broken else None)
    assert (told == {FIRST: DeliveryState.PENDING}) is not broken


def test_a_run_of_the_clock_is_told_where_it_was_chosen(sqlite_database: Database) -> None:
    table = Table(sqlite_database)

    def told(run_id: str) -> list[tuple[str, str | None]]:
        with table.database.write() as session:
            runs.add(
                session, run_id=run_id, organization_id="org_1", source_id="src_1", trigger=Trigger.SCHEDULE,
                slot_key=run_id, requested_at=AT, collects=True,
            )  # fmt: skip
            notifier().run_ready(session, runs.run(session, run_id), AT)
            runs.cancel_waiting(session, run_id, AT)
            found = deliveries.of_subject(session, run_id)
            assert all(one.kind == RUN_READY for one in found)
            return [(one.destination, one.member_id) for one in found]

    assert told("run_1") == []
    with table.database.write() as session:
        choice = ChannelChoice("src_1", Topic.READY, told=True)
        channel_choices.choose(session, "org_1", (TEAM, SECOND), choice, AT)
    assert told("run_2") == [(f"{TEAM}/{SECOND}", None)]


class AddsOnce(Notifier):
    """The bug: what was left out once is never said, whoever wants to hear of the source that joins."""

    def _add(self, session: Session, organization_id: str, kind: str, *about: Any, **more: Any) -> str | None:
        known = deliveries.of_subject(session, about[0])
        if any(one.kind == kind and one.destination == about[2] for one in known):
            return None
        return super()._add(session, organization_id, kind, *about, **more)


@pytest.mark.parametrize("broken", [False, True])
def test_a_source_that_joins_is_told_where_the_first_one_was_turned_off(
    sqlite_database: Database, *, broken: bool
) -> None:
    table, now = Table(sqlite_database), AT + timedelta(hours=1)
    work: list[str] = []
    make = AddsOnce if broken else Notifier
    telling = make(lambda _session, one: work.append(one.subject), support_channel="", support_email="")
    with table.database.write() as session:
        choice = ChannelChoice("src_1", Topic.LATE, told=False)
        channel_choices.choose(session, "org_1", (TEAM, FIRST), choice, AT)
        opened = incidents.open_one(session, "org_1", "src_1", IncidentKind.LATE, "late", now, remind_at=AT)
        assert opened is not None
        telling.incident(session, opened, sources.source(session, "src_1"), now)
        telling.incident(session, opened, replace(sources.source(session, "src_1"), id="src_3"), now)
        told = [one for one in deliveries.of_subject(session, opened) if one.destination == f"{TEAM}/{FIRST}"]
        assert ([one.state for one in told] == [DeliveryState.PENDING]) is not broken
        posted = {card.channel_id for card in cards.of_subject(session, INCIDENT_CARD, opened)}
        assert (FIRST in posted) is not broken
        assert (told[0].id in work) is not broken
        # Said twice it is still one.
        telling.incident(session, opened, sources.source(session, "src_1"), now)
        assert work.count(told[0].id) == (0 if broken else 1)


async def test_a_channel_that_chose_is_told_the_result_and_not_who_asked(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly, orders=3, invoices=3) as stage:
        daniel, place = await stage.actor("U0DANIEL"), Place(TEAM, FIRST)
        ready = frozenset({Topic.READY})
        kept = await stage.jobs.services.channel_choices.choose(
            daniel, place, None, ready, True, TriggerKey(TEAM, new_id("trg"))
        )
        assert kept.allowed
        # She asks in her own direct messages.
        asked = await stage.request(Provider.SHOPIFY, channel=stage.slack.world.direct("U0MAYA").id)
        await stage.finished(asked.refresh_id)

        def posted() -> str | None:
            seen = [one.everything for one in stage.slack.messages(FIRST) if "ready to import" in one.everything]
            return seen[-1] if seen else None

        said = await eventually(posted)
        assert "Shopify" in said
        assert not _names(said)
        # As it would be said where she asked.
        with stage.database.read() as session:
            named = message_for(session, REFRESH_FINISHED, asked.refresh_id, stage.clock.now(), in_channel=True)
        assert _names(str(slack.render(named, team_id=TEAM)))


def _names(said: str) -> bool:
    return "U0MAYA" in said or "Maya" in said
