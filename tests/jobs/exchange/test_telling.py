"""Who is told of files: managers and admins of what is held, others and channels as they chose, a night once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from jobs.exchange.alerting import EXCHANGE_ALERT, EXCHANGE_NIGHT, alert_words
from jobs.subscriptions.mail_off import topic_of
from storage.facts.deliveries import Channel
from storage.facts.exchange import Pair, RunState
from storage.facts.messages import Message
from storage.facts.people import Role
from storage.facts.sources import ConnectionState
from storage.facts.subscriptions import BOTH, MAIL, ChannelChoice, Topic, Ways
from storage.records import channel_choices, channels, deliveries, exchange, organizations, subscriptions
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, MemberRow, OrganizationRow, WorkspaceRow
from tests.jobs.exchange.nights import BOOKS, FAR, ORGANIZATION, START, Company, company
from tests.jobs.exchange.plain import plain

SLACK: Ways = frozenset({Channel.SLACK})
#: five in the morning in New York: no window is open any more
FIVE = datetime(2026, 10, 31, 9, tzinfo=UTC)
_ROLES = {"manager": Role.MANAGER, "viewer": Role.VIEWER, "quiet": Role.VIEWER, "mail": Role.ADMIN}


def peopled(world: Company) -> Company:
    """Let there be people of every kind, two channels that are allowed, and another company."""

    def write(session: Session) -> None:
        session.add(OrganizationRow(id="org_2", name="Other", timezone="UTC", created_at=START))
        session.flush()
        session.add(WorkspaceRow(team_id="T2", organization_id="org_2", name="Other"))
        session.flush()
        values: dict[str, Any] = {"email_confirmed_at": START}
        for name, role in _ROLES.items():
            session.add(MemberRow(id=f"mem_{name}", organization_id=ORGANIZATION, team_id="T1", user_id=f"U{name}",
                                  name=name, role=role.value, email=f"{name}@t.example", **values))  # fmt: skip
        session.add(MemberRow(id="mem_foreign", organization_id="org_2", team_id="T2", user_id="Uforeign",
                              name="foreign", role="admin"))  # fmt: skip
        session.flush()
        for place in ("C1FIRST", "C2CHOSE"):
            channels.allow(session, "T1", place, START)

    world.database.in_write(write)
    return world


def chooses(world: Company, name: str, topic: Topic, ways: Ways, source_id: str | None = None) -> None:
    def write(session: Session) -> None:
        subscriptions.choose(session, organizations.member(session, f"mem_{name}"), source_id, topic, ways, START)

    world.database.in_write(write)


def channel_chooses(world: Company, topic: Topic) -> None:
    choice = ChannelChoice(FAR, topic, told=True)
    world.database.in_write(
        lambda session: channel_choices.choose(session, ORGANIZATION, ("T1", "C2CHOSE"), choice, START)
    )


def told(world: Company, kind: str, night: int = 1) -> dict[str, Message]:
    """Return what was said for the so many-th night, by place or address; nobody is told the same twice."""

    def work(session: Session) -> list[tuple[str, Message]]:
        ids = [row.id for row in session.exec(select(DeliveryRow).where(DeliveryRow.kind == kind))]
        found = [deliveries.delivery(session, one) for one in ids]
        wanted = {EXCHANGE_ALERT: Topic.EXCHANGE, EXCHANGE_NIGHT: Topic.SENT}[kind]
        assert {topic_of(session, one) for one in found} <= {wanted}, "the link in a mail turns that off"
        return [(one.destination, alert_words()[kind](session, one, world.clock.now())) for one in found]

    found = world.database.in_read(work)
    every = sorted({message.summary for _, message in found}, reverse=True)
    said = [one for one in found if one[1].summary == every[night - 1]] if every else []
    assert len(dict(said)) == len(said)
    assert len(every) == night or not found
    return dict(said)


def stocked(world: Company, customers: int = 10) -> Company:
    for number in range(1, customers + 1):
        world.books.customer(str(number), f"Customer {number}")
    world.books.item("1", "Thing")
    world.books.invoice("1", "1", [10.0])
    world.collect()
    return world


async def at(world: Company, instant: datetime) -> None:
    """Let it be that time, with QuickBooks just read."""
    world.clock.at = instant
    world.collect()
    await world.worked()


async def shrunk(world: Company) -> None:
    """Let a night's file go, and the next one be held."""
    world.on(Pair.CUSTOMERS)
    await at(world, FIVE - timedelta(hours=2))
    for number in range(1, 8):
        world.books.records["customers"].pop(str(number))
        world.books.dropped["customers"].add(str(number))
    await at(world, FIVE + timedelta(hours=24))
    assert world.history(Pair.CUSTOMERS)[-1].state is RunState.HELD


async def test_a_held_file_is_told_to_who_decides_and_to_who_chose(database: Database, tmp_path: Path) -> None:
    world = peopled(stocked(company(database, tmp_path, maps=plain)))
    chooses(world, "viewer", Topic.EXCHANGE, BOTH, FAR)
    chooses(world, "mail", Topic.EXCHANGE, MAIL)
    channel_chooses(world, Topic.EXCHANGE)
    await shrunk(world)
    found = told(world, EXCHANGE_ALERT)
    assert set(found) == {"T1/Uadmin", "T1/Umanager", "manager@t.example", "T1/Uviewer", "viewer@t.example",
                          "mail@t.example", "T1/C2CHOSE"}  # fmt: skip
    for place, message in found.items():
        decides = place.removeprefix("T1/").partition("@")[0] not in {"Uviewer", "viewer", "C2CHOSE"}
        assert ("Let it go" in str(message)) == decides, place
        assert ("a manager or admin decides" in str(message)) != decides, place
    assert told(world, EXCHANGE_NIGHT) == {}, "what went is told to nobody who did not choose it"


async def test_a_night_is_told_once_when_its_last_file_is_over(sqlite_database: Database, tmp_path: Path) -> None:
    world = peopled(stocked(company(sqlite_database, tmp_path, maps=plain)))
    chooses(world, "viewer", Topic.SENT, SLACK)
    chooses(world, "quiet", Topic.SENT, SLACK, "src_books")
    channel_chooses(world, Topic.SENT)
    world.on(Pair.CUSTOMERS)
    world.on(Pair.INVOICES, schedule="every 120 within 01:00-05:00")
    await at(world, FIVE - timedelta(hours=3))
    assert [world.history(pair)[-1].state for pair in (Pair.CUSTOMERS, Pair.INVOICES)] == [RunState.DONE] * 2
    assert told(world, EXCHANGE_NIGHT) == {}, "more are to come"
    world.disconnect(BOOKS)
    for hours in (-2, 0):
        world.clock.at = FIVE + timedelta(hours=hours)
        await world.worked()
    found = told(world, EXCHANGE_NIGHT)
    assert set(found) == {"T1/Uviewer", "T1/C2CHOSE"}
    assert "night of Oct 31: 1 of 2 files as QuickBooks had it; look at invoices." in found["T1/Uviewer"].summary
    world.disconnect(BOOKS, ConnectionState.CONNECTED)
    for hours in (23, 24):
        await at(world, FIVE + timedelta(hours=hours))
    assert all("night of Nov 1: 2 files, as" in one.summary for one in told(world, EXCHANGE_NIGHT, 2).values())
    counted = world.database.in_read(lambda session: exchange.endings(session, ORGANIZATION, START))
    assert counted[0] == (Pair.CUSTOMERS, RunState.DONE, 1), "the digest says it, too"
