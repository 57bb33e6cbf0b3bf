"""Seeding: whole or not at all, again means update, and a newer token is never overwritten."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, SQLModel, select

from jobs.bot_tokens import BotTokens
from jobs.tokens import StoredTokens
from storage import tables
from storage.credentials import Credentials, Place, open_bot_token, open_credentials, seal_credentials
from storage.facts.clock import SystemClock
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, ConnectionState, Provider
from storage.records import audit, organizations, seeds, sources
from storage.seal import Seal, SealError, new_key
from storage.seed_file import load_seed, parse_seed
from storage.seeding import Seeded, Seeding, SeedRefusedError, organization_id, write_seed
from storage.sessions import Database
from tests.storage.test_seed_file import ENVIRONMENT, EXAMPLE

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
MODES = {Provider.QUICKBOOKS: CollectMode.TIMER, Provider.SHOPIFY: CollectMode.ON_DEMAND}
SEAL = Seal([Secret(new_key())])
ORGANIZATION = organization_id("temerity-goods")


def seeding(*, replace: bool = False, now: datetime = NOW) -> Seeding:
    return Seeding(SEAL, now, MODES, replace)


def seed(database: Database, text: str | None = None, how: Seeding | None = None) -> Seeded:
    parsed = parse_seed(text, "test.yaml", ENVIRONMENT) if text else load_seed(EXAMPLE, ENVIRONMENT)
    return database.in_write(lambda session: write_seed(session, parsed, how or seeding()))


def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    """Return every row of every table."""
    with database.read() as session:
        return {name: rows(session, getattr(tables, name)) for name in tables.__all__ if name.endswith("Row")}


def rows(session: Session, table: type[SQLModel]) -> list[dict[str, object]]:
    return sorted((row.model_dump() for row in session.exec(select(table))), key=repr)


def test_the_example_makes_the_whole_organization(database: Database) -> None:
    seed(database)
    with database.read() as session:
        organization = organizations.organization(session, ORGANIZATION)
        assert (organization.name, organization.timezone) == ("Temerity Goods", "America/New_York")
        assert organization.support_channel == "T0SUPPORT/C0DATASUP"
        maya = organizations.member_by_identity(session, SlackIdentity("T0TEMERITY", "U0MAYA"))
        assert maya is not None
        assert (maya.role, maya.email_confirmed) == ("refresher", False)
        assert organizations.is_support(session, SlackIdentity("T0SUPPORT", "U0SAM"))
        assert organizations.is_allowed_channel(session, "T0TEMERITY", "C0FINANCE")
        assert not organizations.is_allowed_channel(session, "T0TEMERITY", "C0PARTNERS")
        found = {source.provider: source for source in sources.sources_of(session, ORGANIZATION)}
    assert found[Provider.QUICKBOOKS].mode is CollectMode.TIMER
    assert found[Provider.SHOPIFY].mode is CollectMode.ON_DEMAND
    assert {source.connection for source in found.values()} == {ConnectionState.CONNECTED}


async def test_the_product_opens_what_seeding_sealed(database: Database) -> None:
    await asyncio.to_thread(seed, database)
    listed = await database.reading(lambda session: sources.sources_of(session, ORGANIZATION))
    quickbooks, shopify = [await StoredTokens(database, SystemClock(), SEAL, source.id).load() for source in listed]
    assert quickbooks.refresh == Secret("quickbooks-secret")
    assert not quickbooks.access
    assert quickbooks.expires_at is not None
    assert quickbooks.expires_at < NOW
    assert shopify.access == Secret("shopify-secret")
    assert shopify.expires_at == NOW + timedelta(hours=1)


async def test_the_products_bot_tokens_are_those_of_the_file(database: Database) -> None:
    await asyncio.to_thread(seed, database)
    tokens = BotTokens(database, SystemClock(), SEAL, Secret("xoxb-of-the-settings"))
    assert await tokens.token("T0TEMERITY") == Secret("xoxb-temerity-secret")
    assert await tokens.token("T0NOBODY") is None
    sealed = await database.reading(organizations.bot_tokens)
    with pytest.raises(SealError):
        open_bot_token(SEAL, "T0SUPPORT", sealed["T0TEMERITY"] or b"")


def test_no_secret_is_in_the_database_in_plain(sqlite_database: Database) -> None:
    seed(sqlite_database)
    path = sqlite_database.sqlite_path
    assert path is not None
    content = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    assert b"U0MAYA" in content
    for secret in ENVIRONMENT.values():
        assert secret.encode() not in content


def test_again_changes_nothing(database: Database) -> None:
    assert seed(database).changes
    before = everything(database)
    again = seed(database, how=seeding(now=NOW + timedelta(days=1)))
    assert again.changes == []
    assert sorted(again.kept) == [
        "the stored bot token of T0SUPPORT",
        "the stored bot token of T0TEMERITY",
        "the stored grant of quickbooks_9341450000000001",
        "the stored grant of temeritygoods.myshopify.com",
    ]
    assert everything(database) == before


def test_another_schedule_is_another_version_and_a_person_can_be_taken_out(database: Database) -> None:
    seed(database)
    later = NOW + timedelta(minutes=5)
    text = EXAMPLE.read_text().replace("schedule: 60    ", "schedule: 120   ", 1)
    text = text.replace("role: viewer, timezone", "role: viewer, removed: true, timezone")
    assert seed(database, text, seeding(now=later)).changes == [
        "changed member Priya Nair", "changed source quickbooks_9341450000000001",
    ]  # fmt: skip
    with database.read() as session:
        assert organizations.member_by_identity(session, SlackIdentity("T0TEMERITY", "U0PRIYA")) is None
        [changed] = sources.changed_since(session, later)
        assert (changed.schedule_minutes, changed.schedule_version) == (120, 2)


class Renewed:
    """The product renewed the grant of QuickBooks after the file was written."""

    def __init__(self, database: Database) -> None:
        seed(database)
        self.database = database
        fresh = Credentials(Secret("access-2"), Secret("refresh-2"), NOW + timedelta(hours=1))
        sealed = seal_credentials(SEAL, self.place(2), fresh)
        with database.write() as session:
            assert sources.save_grant(
                session,
                self.source_id,
                credentials=sealed,
                expected_version=1,
                access_expires_at=fresh.expires_at,
                refresh_expires_at=None,
                hard_expires_at=None,
            )

    @property
    def source_id(self) -> str:
        with self.database.read() as session:
            return sources.sources_of(session, ORGANIZATION)[0].id

    def place(self, version: int) -> Place:
        return Place(ORGANIZATION, "quickbooks", "9341450000000001", version)

    def refresh_token(self) -> tuple[int, Secret | None]:
        with self.database.read() as session:
            grant = sources.stored_grant(session, self.source_id)
        opened = open_credentials(SEAL, self.place(grant.version), grant.credentials or b"")
        return grant.version, opened.refresh


def test_a_renewed_token_survives_seeding_again(database: Database) -> None:
    renewed = Renewed(database)
    seed(database)
    assert renewed.refresh_token() == (2, Secret("refresh-2"))


def test_the_check_catches_seeding_that_overwrites(database: Database) -> None:
    renewed = Renewed(database)
    with database.write() as session:
        sealed = seal_credentials(SEAL, renewed.place(1), Credentials(Secret(""), Secret("quickbooks-secret")))
        seeds.put_credentials(
            session, renewed.source_id, NOW, sealed=sealed, version=1, scopes="", access_expires_at=None,
            state="connected", reason=None,
        )  # fmt: skip
    assert renewed.refresh_token() != (2, Secret("refresh-2"))


def test_replacing_is_possible_when_it_is_said(database: Database) -> None:
    renewed = Renewed(database)
    changes = seed(database, how=seeding(replace=True)).changes
    assert "stored the grant of quickbooks_9341450000000001" in changes
    assert renewed.refresh_token() == (3, Secret("quickbooks-secret"))


@pytest.mark.parametrize("replace", [False, True])
def test_what_an_admin_disconnected_stays_so_unless_it_is_said(database: Database, *, replace: bool) -> None:
    seed(database)

    def disconnect(session: Session) -> None:
        for row in session.exec(select(tables.ConnectionRow)):
            row.state, row.credentials, row.disconnected_by = "disconnected", None, "mem_1"
            session.add(row)

    database.in_write(disconnect)
    seed(database, how=seeding(replace=replace))
    with database.read() as session:
        listed = sources.sources_of(session, ORGANIZATION)
        grants = [sources.stored_grant(session, source.id) for source in listed]
    assert {source.on_purpose for source in listed} == {not replace}
    assert {grant.credentials is not None for grant in grants} == {replace}


def test_a_source_without_credentials_is_disconnected_and_says_why(database: Database) -> None:
    text = EXAMPLE.read_text()
    seed(database, text[: text.index("    credentials:")])
    with database.read() as session:
        [source] = sources.sources_of(session, ORGANIZATION)
    assert (source.connection, source.connection_reason) == (ConnectionState.DISCONNECTED, "never connected")


STRANGER = """\
format: 1
organization: {key: somebody-else, name: Somebody Else, timezone: UTC}
workspaces:
  - {team: T0FRESH, name: Fresh}
  - {team: %s, name: Taken}
"""


@pytest.mark.parametrize("team", ["T0TEMERITY", "T0SUPPORT"])
def test_a_workspace_of_somebody_else_is_refused_and_nothing_is_written(database: Database, team: str) -> None:
    seed(database)
    before = everything(database)
    with pytest.raises(SeedRefusedError, match="belongs to another organization"):
        seed(database, STRANGER % team)
    assert everything(database) == before


def test_what_was_seeded_is_in_the_audit(database: Database) -> None:
    seed(database)
    seed(database)
    with database.read() as session:
        assert audit.entries(session, ORGANIZATION) == 1
        assert audit.broken_entries(session, ORGANIZATION) == []
