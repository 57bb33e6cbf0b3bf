"""Rotating keys: everything opens with the new key alone, and a token renewed meanwhile is never lost."""

import asyncio

from jobs.tokens import StoredTokens
from storage.credentials import Credentials, Place, open_bot_token, open_credentials, seal_credentials
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret
from storage.records import leases, organizations, sources
from storage.rotation import lease_name, reseal
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database
from tests.storage.test_seed_file import ENVIRONMENT, EXAMPLE
from tests.storage.test_seeding import MODES, NOW, ORGANIZATION

OLD, NEW = Secret(new_key()), Secret(new_key())


def seeded(database: Database) -> list[str]:
    """Seed with the old key and return the ids of the sources, QuickBooks first."""
    seed = load_seed(EXAMPLE, ENVIRONMENT)
    database.in_write(lambda session: write_seed(session, seed, Seeding(Seal([OLD]), NOW, MODES)))
    return [source.id for source in database.in_read(lambda session: sources.sources_of(session, ORGANIZATION))]


def opened(database: Database, source_id: str, seal: Seal) -> tuple[int, Credentials]:
    grant = database.in_read(lambda session: sources.stored_grant(session, source_id))
    place = Place(ORGANIZATION, grant.provider, grant.account, grant.version)
    return grant.version, open_credentials(seal, place, grant.credentials or b"")


def test_afterwards_the_new_key_alone_opens_everything(database: Database) -> None:
    quickbooks, shopify = seeded(database)
    done = reseal(database, Seal([NEW, OLD]))
    assert (done.sealed, done.current, done.busy) == (4, 0, 0)
    alone = Seal([NEW])
    assert opened(database, quickbooks, alone) == (2, opened(database, quickbooks, alone)[1])
    assert opened(database, quickbooks, alone)[1].refresh == Secret("quickbooks-secret")
    assert opened(database, shopify, alone)[1].access == Secret("shopify-secret")
    for team, sealed in database.in_read(organizations.bot_tokens).items():
        assert open_bot_token(alone, team, sealed or b"").reveal().startswith("xoxb-")


def test_again_does_nothing(database: Database) -> None:
    seeded(database)
    reseal(database, Seal([NEW, OLD]))
    done = reseal(database, Seal([NEW, OLD]))
    assert (done.sealed, done.current, done.busy) == (0, 4, 0)


def renewed_meanwhile(database: Database, rotate: object) -> tuple[int, Secret | None]:
    """Let a worker hold a grant's lease, ask for a rotation, then let the worker save what the provider gave it."""
    quickbooks, _ = seeded(database)
    name = lease_name(quickbooks)
    generation = database.in_write(lambda session: leases.acquire(session, name, "worker", 60))
    assert generation is not None
    assert callable(rotate)
    rotate(quickbooks)
    fresh = Credentials(Secret("access-2"), Secret("refresh-2"))
    sealed = seal_credentials(Seal([NEW, OLD]), Place(ORGANIZATION, "quickbooks", "9341450000000001", 2), fresh)
    database.in_write(
        lambda session: sources.save_grant(
            session,
            quickbooks,
            credentials=sealed,
            expected_version=1,
            access_expires_at=None,
            refresh_expires_at=None,
            hard_expires_at=None,
        )
    )
    version, credentials = opened(database, quickbooks, Seal([NEW, OLD]))
    return version, credentials.refresh


def test_a_token_that_is_renewed_meanwhile_is_kept(database: Database) -> None:
    def rotate(_: str) -> None:
        assert reseal(database, Seal([NEW, OLD])).busy == 1

    assert renewed_meanwhile(database, rotate) == (2, Secret("refresh-2"))


async def test_whoever_renews_tokens_holds_the_lease_that_rotation_takes(database: Database) -> None:
    quickbooks, _ = seeded(database)
    async with StoredTokens(database, SystemClock(), Seal([OLD]), quickbooks).lease():
        assert (await asyncio.to_thread(reseal, database, Seal([NEW, OLD]))).busy == 1
    assert (await asyncio.to_thread(reseal, database, Seal([NEW, OLD]))).busy == 0


def test_the_check_catches_a_rotation_that_takes_no_lease(database: Database) -> None:
    def rotate(source_id: str) -> None:
        _, credentials = opened(database, source_id, Seal([OLD]))
        sealed = seal_credentials(Seal([NEW]), Place(ORGANIZATION, "quickbooks", "9341450000000001", 2), credentials)
        database.in_write(
            lambda session: sources.save_grant(
                session, source_id, credentials=sealed, expected_version=1, access_expires_at=None,
                refresh_expires_at=None, hard_expires_at=None,
            )
        )  # fmt: skip

    assert renewed_meanwhile(database, rotate) != (2, Secret("refresh-2"))
