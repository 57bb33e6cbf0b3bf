"""Rotating keys: everything opens with the new key alone, and a token renewed meanwhile is never lost."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, LargeBinary
from sqlmodel import select

from jobs.tokens import StoredTokens
from storage.credentials import Credentials, Place, open_bot_token, open_credentials, seal_credentials
from storage.facts.clock import SystemClock
from storage.facts.deliveries import SEALED_KINDS
from storage.facts.secret import Secret
from storage.records import leases, organizations, sealed, sources
from storage.records.sealed import PLACES, SealedPlace
from storage.rotation import lease_name, reseal
from storage.seal import Seal, SealError, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import (
    AskRow,
    DeliveryRow,
    DisconnectRow,
    EndpointRow,
    FeedbackRow,
    FlowRow,
    InstallationRow,
    MemberRow,
    RenewalBegunRow,
    WebhookRow,
    metadata,
)
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
    for team, token in database.in_read(organizations.bot_tokens).items():
        assert open_bot_token(alone, team, token or b"").reveal().startswith("xoxb-")


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


# -- everything that is sealed -----------------------------------------------------------------------------------------


def fill(session: Session, seal: Seal) -> None:
    """Put something sealed into every place that a seed leaves empty."""
    source, member = sources.sources_of(session, ORGANIZATION)[0], session.exec(select(MemberRow)).first()
    assert member is not None
    soon = NOW + timedelta(minutes=9)
    who: dict[str, Any] = {"organization_id": ORGANIZATION, "member_id": member.id}
    rows = [
        FlowRow(
            id="flw_1", **who, team_id=member.team_id, user_id=member.user_id, provider="amazon", state="returned",
            created_at=NOW, expires_at=soon, link_hash="l",
        ),
        DisconnectRow(
            id="dis_1", **who, source_id=source.id, at=NOW, version=1, erase_data=False, region="", environment="",
            tokens_due_at=soon, next_at=soon,
        ),
        RenewalBegunRow(state_hash="s", nonce_hash="n", browser_hash="b", login=b"", expires_at=soon),
        WebhookRow(provider="shopify", event_id="e", topic="t", account="a", at=NOW),
        AskRow(id="ask_1", team_id=member.team_id, trigger_id="t", kind="command", payload=b"", at=NOW),
        DeliveryRow(
            id="dlv_1", **who, kind=next(iter(SEALED_KINDS)), subject="flw_1.1", channel="slack", destination="d",
            state="pending", created_at=NOW, expires_at=soon, facts={},
        ),
        EndpointRow(
            id="hook_1", organization_id=ORGANIZATION, url="https://hooks.example.com", events=[], secret=b"",
            created_by=member.id, created_at=NOW,
        ),
        FeedbackRow(id="fbk_1", **who, subject="rfr_1", about="refresh", verdict="down", at=NOW),
        InstallationRow(
            enterprise_id="", team_id="T9", app_id="A", bot_user_id="U", scopes="", version=3, installed_by="U",
            installed_at=NOW,
        ),
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    by_table = {type(row): row for row in rows}
    for place in PLACES:
        if (row := by_table.get(place.table)) is None:
            continue
        text = '{"access": "a"}' if place.versioned else "secret"
        closed = seal.close(text, *place.binding(session, row))
        value = {place.within: base64.b64encode(closed).decode()} if place.within else closed
        setattr(row, place.column, value)
    session.flush()


def unopened(database: Database, seal: Seal) -> set[str]:
    """Return the places in which something does not open with that seal, or nothing is."""
    found = set()
    with database.read() as session:
        for place in PLACES:
            texts = [sealed.held(session, place, key) for key in sealed.keys(session, place)]
            if not texts:
                found.add(place.name)
            for text, binding in filter(None, texts):
                try:
                    seal.open(text, *binding)
                except SealError:
                    found.add(place.name)
    return found


def whole(database: Database) -> None:
    seeded(database)
    database.in_write(lambda session: fill(session, Seal([OLD])))
    assert unopened(database, Seal([OLD])) == set()


def test_the_list_knows_every_sealed_column() -> None:
    """Bytes in our tables are sealed texts; so are the facts of some deliveries. The twin is a list without one."""
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    within = {place.name for place in PLACES if place.within}
    assert {place.name for place in PLACES} == columns | within
    assert within == {"deliveries.facts"}
    assert isinstance(DeliveryRow.__table__.c.facts.type, JSON)  # type: ignore[attr-defined]  # every table has one
    assert {place.name for place in PLACES[1:]} != columns | within


def test_after_a_rotation_the_old_key_may_go(database: Database) -> None:
    whole(database)
    done = reseal(database, Seal([NEW, OLD]))
    assert (done.busy, done.lost, done.current) == (0, 0, 0)
    assert unopened(database, Seal([NEW])) == set()
    assert reseal(database, Seal([NEW, OLD])).current == done.sealed


@pytest.mark.parametrize("forgotten", PLACES, ids=lambda place: place.name)
def test_a_rotation_that_forgets_one_place_is_caught(sqlite_database: Database, forgotten: SealedPlace) -> None:
    whole(sqlite_database)
    reseal(sqlite_database, Seal([NEW, OLD]), [place for place in PLACES if place is not forgotten])
    assert unopened(sqlite_database, Seal([NEW])) == {forgotten.name}


class Changing(Seal):
    """Lets somebody change the flow's grant in the moment in which it is sealed anew."""

    def __init__(self, database: Database) -> None:
        super().__init__([NEW, OLD])
        self._database = database
        self.changes = 1

    def open(self, text: bytes, *binding: str) -> str:
        if binding == ("flow", "flw_1", "grant") and self.changes:
            self.changes -= 1
            self._database.in_write(lambda session: _set_grant(session, Seal([OLD]).close("newer", *binding)))
        return super().open(text, *binding)


def _set_grant(session: Session, grant: bytes) -> None:
    row = session.get_one(FlowRow, "flw_1")
    row.grant = grant
    session.add(row)


@pytest.mark.parametrize("twin", [False, True])
def test_what_changes_meanwhile_is_never_put_back(database: Database, *, twin: bool) -> None:
    """The twin writes what it read, whatever is there by now."""
    whole(database)
    (place,) = [place for place in PLACES if place.name == "flows.grant"]
    seal = Changing(database)
    if twin:
        text, binding = database.in_read(lambda session: sealed.held(session, place, ("flw_1",))) or (b"", ())
        again = seal.close(seal.open(text, *binding), *binding)
        database.in_write(lambda session: _set_grant(session, again))
    else:
        reseal(database, seal)
    text, binding = database.in_read(lambda session: sealed.held(session, place, ("flw_1",))) or (b"", ())
    assert (Seal([NEW]).open(text, *binding) == "newer") != twin


def test_a_lost_key_stops_for_what_lasts_and_not_for_what_passes(sqlite_database: Database) -> None:
    whole(sqlite_database)
    passing = [place for place in PLACES if place.passing]
    done = reseal(sqlite_database, Seal([NEW]), passing)
    assert (done.lost, done.sealed) == (len(passing), 0)
    with pytest.raises(SealError):
        reseal(sqlite_database, Seal([NEW]))
    assert unopened(sqlite_database, Seal([OLD])) == set()
