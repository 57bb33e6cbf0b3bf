"""Amazon's marketplaces, and tokens that are shown to be the seller's before anything is read with them."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from connectors.amazon import entry
from connectors.amazon.connector import MARKETPLACES, AmazonConnector
from connectors.amazon.judge import judge
from connectors.base import Access, Session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.http import Http
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens, Tokens
from connectors.registry import connector_for
from connectors.wire import Answer
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.amazon.seller import OTHER, SELLER, amazon_world
from tests.connectors.consents import settings_of
from tests.connectors.tiny import Asked, said, tiny
from tests.connectors.worlds import World


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock())


async def test_marketplaces_are_read_whole(app: Amazon) -> None:
    assert isinstance(connector_for(Provider.AMAZON), AmazonConnector)
    async with amazon_world(app) as world:
        done = await world.collect()
        truth = msgspec.json.decode(app.truth(SELLER, "marketplaces"))
        rows = world.kept.rows["marketplaces"]
        assert {key: row["name"] for key, row in rows.items()} == {
            one["marketplace"]["id"]: one["marketplace"]["name"] for one in truth
        }
        for one in truth:
            row = rows[one["marketplace"]["id"]]
            assert row["participating"] == one["participation"]["isParticipating"]
            assert row["store_name"] == one["storeName"]
            assert row["currency"] == one["marketplace"]["defaultCurrencyCode"]
            assert json.loads(row["_raw"]) == one
        assert "marketplaces" in done.full
        assert MARKETPLACES.stream.full
        app.sellers[SELLER].countries = ("US",)
        await world.collect()
        assert not world.kept.rows["marketplaces"]["A2EUQ1WTGCTBG2"]["participating"]
        app.sellers[SELLER].countries = ()
        assert world.kept.rows["orders"]
        with pytest.raises(Broken) as caught:
            await world.collect()
        assert caught.value.code == "no_marketplaces", "what is here would seem to be as of now"
        world.kept.rows.clear()
        done = await world.collect()
        assert "there is nothing to read" in done.notes[0]
        assert not app.journal.mutating()


@pytest.mark.parametrize(
    "kind, more", [(Kind.SERVER_ERROR, {}), (Kind.RESET, {}), (Kind.HTML, {}), (Kind.UNAUTHORIZED, {})], ids=str
)
async def test_passing_trouble_is_waited_out(app: Amazon, kind: Kind, more: dict[str, str]) -> None:
    async with amazon_world(app) as world:
        app.script.add(Rule(kind, operation="participations", **more))  # type: ignore[arg-type]  # names of fields
        await world.collect()
        assert world.kept.rows["marketplaces"]


async def test_an_expired_token_is_a_403_and_is_renewed_once(app: Amazon) -> None:
    async with amazon_world(app) as world:
        app.script.add(
            Rule(Kind.UNAUTHORIZED, operation="participations", code="The access token you provided has expired.")
        )
        await world.collect()
        assert len(world.tokens.saved) == 1
        app.revoke(SELLER)
        with pytest.raises(Reconnect) as caught:
            await world.collect()
    assert caught.value.code == "invalid_grant"


async def test_a_suspended_seller_is_not_disconnected(app: Amazon) -> None:
    app.mutate(SELLER, suspended=1)
    async with amazon_world(app) as world:
        with pytest.raises(Broken) as caught:
            await world.collect()
    assert caught.value.code == "access_refused"
    assert not [entry for entry in app.journal.entries if entry.operation == "token"]


async def test_a_missing_role_is_told_and_what_was_read_before_does_not_grow_old_in_silence(app: Amazon) -> None:
    app.mutate(SELLER, finance_role=0)
    async with amazon_world(app) as world:
        done = await world.collect()
        assert [note for note in done.notes if "lacks a role at Amazon that transactions need" in note]
        assert world.kept.rows["orders"]
        app.mutate(SELLER, finance_role=1)
        world.clock.advance(timedelta(hours=1))
        await world.collect()
        assert world.kept.rows["transactions"]
        app.mutate(SELLER, finance_role=0)
        (lost,) = (await world.collect(partly=True)).aside
        assert (lost.error.code, lost.streams) == ("role_missing", ("transactions",))


async def test_quota_is_waited_for_by_the_run(app: Amazon) -> None:
    async with amazon_world(app) as world:
        app.script.add(Rule(Kind.RATE_LIMIT, operation="participations", times=None))
        with pytest.raises(Retry) as caught:
            await world.collect()
    assert (caught.value.code, caught.value.after) == ("throttled", 60.0)


@contextlib.asynccontextmanager
async def swapped(app: Amazon) -> AsyncIterator[World]:
    """A connection whose next renewal brings another seller's token."""
    async with amazon_world(app) as world:
        store = MemoryTokens(replace(world.tokens.tokens, expires_at=world.clock.now()))
        world.access = replace(world.access, tokens=store)
        app.script.add(Rule(Kind.OTHER_ACCOUNT, operation="token", code=OTHER))
        yield world


async def test_a_renewal_with_another_sellers_token_reads_nothing(app: Amazon) -> None:
    """T63: nothing in the address names the seller, so the token is asked whose it is."""
    async with swapped(app) as world:
        with pytest.raises(Reconnect) as caught:
            await world.collect()
        assert caught.value.code == "account_changed"
        assert world.kept.batches == []
        assert not [entry for entry in app.journal.entries if entry.operation == "participations"]


class Believing(AmazonConnector):
    """The twin: uses whatever token the renewal brought."""

    @contextlib.asynccontextmanager
    async def session(self, access: Access) -> AsyncIterator[Session]:
        async with entry.session(access) as session:
            http = session.http
            plain = Http(
                http.wire, session.keeper, clock=http.clock, limiter=http.limiter, key=http.key, rates=(),
                headers=lambda token: {"x-amz-access-token": token.reveal()}, judge=judge,
            )  # fmt: skip
            yield replace(session, http=plain)


async def test_the_twin_would_read_the_other_sellers_data(app: Amazon) -> None:
    app.sellers[OTHER].name = "Somebody else"
    async with swapped(app) as world:
        world.connector = Believing()
        await world.collect()
        assert {row["store_name"] for row in world.kept.rows["marketplaces"].values()} == {"Somebody else"}


async def test_a_token_is_asked_once_a_session_and_each_new_one_again(app: Amazon) -> None:
    async with amazon_world(app) as world, entry.session(world.access) as session:
        await entry.probe(session)
        await entry.probe(session)
        assert _proofs(app) == 1
        await session.keeper.renew(world.tokens.tokens.access)
        await entry.probe(session)
        assert _proofs(app) == 2


def _proofs(app: Amazon) -> int:
    return len([one for one in app.journal.entries if one.operation == "transactions"])


@pytest.mark.parametrize("body", [b'{"payload":{"transactions":5}}', b"[]", b"{", b'{"payload":[]}'])
async def test_a_proof_that_cannot_be_read_proves_nothing(body: bytes) -> None:
    async def handler(asked: Asked) -> bytes:
        assert "transactions" in asked.target
        return said(200, body)

    async with tiny(handler) as server:
        names = {"AMAZON_CLIENT_ID": "x", "AMAZON_CLIENT_SECRET": "x"}
        urls = {
            f"AMAZON_{kind}_URL_{end}": server.url for kind in ("API", "AUTH", "TOKEN") for end in ("NA", "EU", "FE")
        }
        clock = OffsetClock()
        access = Access(
            SELLER, settings_of(names | urls, "AMAZON"), MemoryTokens(Tokens(Secret("t"))), clock, Unlimited(), region="na"
        )  # fmt: skip
        async with entry.session(access) as session:
            with pytest.raises((Broken, Retry)):
                await entry.probe(session)


@pytest.mark.parametrize(
    "name, kind, code",
    [
        ("http_403_expired", Reconnect, "token_rejected"), ("http_403_revoked", Reconnect, "token_rejected"),
        ("http_403_role", Broken, "role_missing"), ("http_429_quota", Retry, "throttled"), ("http_400_invalid_input", Broken, "request_refused"),
    ],
)  # fmt: skip
@pytest.mark.contracts
def test_collected_answers_mean_what_they_say(
    contracts: Path, name: str, kind: type[ConnectorError], code: str
) -> None:
    body = (contracts / f"amazon/synthetic/{name}.json").read_bytes()
    problem = judge(Answer(int(name[5:8]), httpx.Headers(), body, None))
    assert (type(problem), problem and problem.code) == (kind, code)


@pytest.mark.contracts
def test_the_collected_sample_can_be_read(contracts: Path) -> None:
    samples = json.loads((contracts / "amazon/samples/sandbox/sellers.json").read_text())
    payload = next(one["response"] for one in samples if one["operation"] == "getMarketplaceParticipations")
    found = msgspec.json.decode(msgspec.json.encode(payload), type=dict[str, list[dict[str, object]]])
    assert set(found["payload"][0]) == {"marketplace", "storeName", "participation"}


async def test_accounts_and_regions_are_checked_before_anything_is_sent(app: Amazon) -> None:
    async with amazon_world(app) as world:
        for wrong in (
            replace(world.access, account="a/../b"),
            replace(world.access, region="mars"),
            replace(world.access, region=""),
        ):
            world.access = wrong
            with pytest.raises(Broken):
                await world.collect()
    assert not app.journal.entries
