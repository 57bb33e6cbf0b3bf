"""Who asked for runs: in one query, in the order of asking, and never of another organization's runs."""

from datetime import UTC, datetime, timedelta

from bot.cli.seed import modes
from jobs.desk import Desk
from jobs.status import StatusService
from sandbox.world import SEED_FILE
from storage.facts.begun import Asker
from storage.facts.clock import OffsetClock
from storage.facts.people import Actor, SlackIdentity
from storage.facts.runs import RunState, Trigger
from storage.facts.secret import Secret
from storage.records import members, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import OrganizationRow, RefreshPersonRow, RefreshRow, RefreshRunRow, RunRow, SourceRow

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
_TOKENS = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN", "SHOPIFY_ACCESS_TOKEN",
           "SHOPIFY_REFRESH_TOKEN")  # fmt: skip


def a_run(session: Session, name: str, organization: str, source_id: str, minutes: int, trigger: Trigger) -> None:
    at = NOW + timedelta(minutes=minutes)
    session.add(
        RunRow(
            id=name, organization_id=organization, source_id=source_id, slot_key=name, state=RunState.READY,
            requested_at=at, started_at=at, ready_at=at, finished_at=at, trigger=trigger, outcome={"older": []},
        )
    )  # fmt: skip
    session.flush()


async def test_whoever_asked_is_named_first_and_only_own_runs_are_shown(sqlite_database: Database) -> None:
    seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())

    def fill(session: Session) -> tuple[str, str, Actor]:
        organization = write_seed(session, seed, how).organization_id
        source = sources.sources_of(session, organization)[0].id
        first, second, *_ = members.of_organization(session, organization)
        a_run(session, "run_asked", organization, source, 5, Trigger.REQUEST)
        a_run(session, "run_clock", organization, source, 0, Trigger.SCHEDULE)
        session.add(RefreshRow(id="rfr_1", organization_id=organization, requested_by=second.id, requested_at=NOW,
                               everything=False))  # fmt: skip
        session.flush()
        session.add(RefreshRunRow(refresh_id="rfr_1", run_id="run_asked"))
        for member, minutes in ((first, 2), (second, 1)):
            joined = NOW + timedelta(minutes=minutes)
            session.add(RefreshPersonRow(refresh_id="rfr_1", member_id=member.id, joined_at=joined))
        session.flush()
        return organization, source, Actor(SlackIdentity(first.team_id, first.user_id), first)

    organization, source, actor = sqlite_database.in_write(fill)
    desk = Desk(str(sqlite_database.url))
    service = StatusService(desk, OffsetClock(), read_budget=1)
    asked, clock = await service.begun(actor, [source])
    people = sqlite_database.in_read(lambda session: members.of_organization(session, organization))[:2]
    assert asked.run.id == "run_asked"
    assert asked.people == tuple(Asker(one.name, one.user_id) for one in people[::-1])
    assert (clock.run.id, clock.people) == ("run_clock", ())

    def belongs_elsewhere(session: Session) -> None:
        session.add(OrganizationRow(id="org_other", name="Rival", timezone="UTC", created_at=NOW))
        session.flush()
        row = session.get(SourceRow, source)
        assert row is not None
        row.organization_id = "org_other"

    sqlite_database.in_write(belongs_elsewhere)
    assert await service.begun(actor, [source]) == []
    desk.close()
