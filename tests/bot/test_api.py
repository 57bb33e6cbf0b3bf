"""Metrics for programs: a key opens what its maker may see, as long as they may; every answer says how old it is."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.api import PATH, Api, Pace
from bot.web import build_web
from connectors.registry import connector_for
from jobs import api_keys as product
from jobs.api_keys import READ, WRITE, ApiKeyService, Opened
from jobs.authorize import authorize
from jobs.connecting.marks import hash_of
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.ground import Ground, Warehouses
from jobs.metrics.calculating import Calculating
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.fields import Asked, read_fields
from jobs.metrics.files import FileLinks, MetricFiles
from jobs.metrics.service import MetricService
from jobs.metrics.standing import shown_of
from jobs.metrics.wishes import read_wish
from jobs.people import People, Profile
from jobs.refresh.ask import TriggerKey
from storage.facts.api_keys import KeyScope
from storage.facts.clock import OffsetClock
from storage.facts.metrics import Dataset, ItemKind, Metric, Selection, Shown
from storage.facts.people import Action, Actor, SlackIdentity
from storage.facts.secret import Secret
from storage.records import api_keys, audit, metric_changes, metrics
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.tables import MemberRow, MetricRow, OrganizationRow
from storage.warehouse.location import locate
from storage.warehouse.session import Limits, opened
from tests.bot.stage import staged
from tests.bot.test_channel_words import told
from tests.jobs.metrics.standing_metrics import NOW, Company
from tests.storage.test_seeding import ORGANIZATION


class Listed:
    """The metrics of the database, without a lake behind them."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.triggers: dict[TriggerKey, str] = {}

    async def all(self, actor: Actor) -> list[Shown]:
        member = authorize(actor, Action.SEE_STATUS)

        def read(session: Session) -> list[Shown]:
            found = metrics.of_organization(session, member.organization_id)
            latest = metrics.latest_of(session, [one.id for one in found])
            return shown_of(session, found, {key: (one,) for key, one in latest.items()}, self.world.clock.now())

        return self.world.company.database.in_read(read)

    async def made(self, actor: Actor, asked: str | Asked, trigger: TriggerKey) -> str:
        authorize(actor, Action.CHANGE_METRICS)
        name = asked.partition("=")[0].strip() if isinstance(asked, str) else asked.wish.name
        if not name:
            raise MetricRefusedError("write its name")
        if trigger not in self.triggers:
            self.triggers[trigger] = self.world.company.make(name, place="").id
        return self.triggers[trigger]


class World:
    """A company, its keys and the API before them."""

    def __init__(
        self,
        database: Database,
        keys: type[ApiKeyService] = ApiKeyService,
        strangers: type[Pace] = Pace,
        lakes: Path | None = None,
        api: type[Api] = Api,
    ) -> None:
        self.company = Company(database)
        self.clock = OffsetClock()
        self.clock.offset = NOW - self.clock.base()
        self.desk = Desk(database.url)
        self.deactivated: set[str] = set()
        self.keys = keys(self.desk, self.clock, People(self.desk, self.clock, self.profile))
        self.listed = Listed(self)
        self.metrics: Listed | MetricService = self.listed
        if lakes is not None:
            seal = Seal([Secret(new_key())])
            ground = Ground(database, self.clock, seal, Warehouses(str(lakes)), {}, connector_for, 0)
            self.metrics = MetricService(self.desk, self.clock, ground, Calculating(ground))
        files = MetricFiles(self.desk, self.clock, FileLinks([Secret("k" * 44)], "https://x"))
        served = api(self.keys, self.metrics, files, self.clock, Pace(self.clock, 30), strangers(self.clock, 60))

        async def ready() -> bool:
            return True

        self.app = build_web(None, None, ready, pages=served.routes())
        self.admin = self.company.actor("U0DANIEL")
        self.asked = 0

    async def profile(self, identity: SlackIdentity) -> Profile:
        """Say what Slack says of somebody."""
        await asyncio.sleep(0)
        member = identity.user_id not in self.deactivated
        return Profile(member, identity.user_id, None, "America/New_York")

    async def key(self, scopes: frozenset[KeyScope] = READ) -> str:
        """Make a key as an admin."""
        self.asked += 1
        made = await self.keys.new(self.admin, "model", scopes, TriggerKey("T0TEMERITY", f"trg_{self.asked}"))
        return made.token.reveal()

    async def get(self, path: str, token: str, **headers: str) -> httpx.Response:
        """Ask as a program does."""
        async with self.http() as http:
            return await http.get(path, headers={"authorization": f"Bearer {token}", **headers})

    async def post(self, body: Any, token: str, **headers: str) -> httpx.Response:
        """Make a metric as a program does."""
        async with self.http() as http:
            return await http.post(PATH, json=body, headers={"authorization": f"Bearer {token}", **headers})

    def http(self) -> httpx.AsyncClient:
        """Return a client of the application."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://x")

    def change(self, work: Callable[[Session], object]) -> None:
        """Change the database behind everything."""
        self.company.database.in_write(work)


@asynccontextmanager
async def world(
    database: Database,
    keys: type[ApiKeyService] = ApiKeyService,
    strangers: type[Pace] = Pace,
    lakes: Path | None = None,
    api: type[Api] = Api,
) -> AsyncIterator[World]:
    made = World(database, keys, strangers, lakes, api)
    try:
        yield made
    finally:
        made.desk.close()


def left(session: Session, member_id: str) -> None:
    session.get_one(MemberRow, member_id).removed_at = NOW


def given(session: Session, member_id: str, role: str) -> None:
    session.get_one(MemberRow, member_id).role = role


def theirs(session: Session) -> None:
    """Give one of our metrics to another organization."""
    ours = session.get_one(OrganizationRow, ORGANIZATION)
    session.add(OrganizationRow(**ours.model_dump() | {"id": "org_rival", "name": "Rival Traders"}))
    session.flush()
    session.get_one(MetricRow, "met_theirs").organization_id = "org_rival"


async def test_a_key_reads_metrics_with_their_age_and_nothing_of_others(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        it.company.ready(NOW)
        ours, foreign = it.company.make("Net income"), it.company.make("Theirs")
        it.change(theirs)
        token = await it.key()
        listed = (await it.get(PATH, token)).json()
        assert [one["name"] for one in listed["metrics"]] == ["Net income"]
        assert (listed["all_current"], listed["as_of"]) == (True, "2026-11-22T12:00:00+00:00")
        one = await it.get(f"{PATH}/{ours.id}", token)
        assert [value["value"] for value in one.json()["values"]] == ["150", "120"]
        assert (one.json()["state"], bool(one.json()["oldest_input"])) == ("current", True)
        assert (one.headers["cache-control"], one.headers["x-content-type-options"]) == ("no-store", "nosniff")
        again = await it.get(f"{PATH}/{ours.id}", token, **{"if-none-match": one.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        by_name, by_accept = [
            await it.get(f"{PATH}/{ours.id}.csv", token), await it.get(f"{PATH}/{ours.id}", token, accept="text/csv"),
        ]  # fmt: skip
        assert by_name.content == by_accept.content
        rows = list(csv.DictReader(io.StringIO(by_name.text, newline="")))
        assert {(row["state"], row["data_as_of"]) for row in rows} == {("current", "2026-11-22T12:00:00+00:00")}
        # What is missing and what is somebody else's read the same.
        missing = [await it.get(f"{PATH}/{name}", token) for name in (foreign.id, "met_none", f"{ours.id}.xls")]
        assert {(one.status_code, one.text) for one in missing} == {(404, '{"error": "not found"}')}
        # Three days later the same value is not the same answer any more.
        it.clock.advance(timedelta(days=3))
        old = await it.get(f"{PATH}/{ours.id}", token, **{"if-none-match": one.headers["etag"]})
        assert (old.status_code, old.json()["state"], old.json()["current"]) == (200, "stale", False)
        assert not (await it.get(PATH, token)).json()["all_current"]


class Trusting(ApiKeyService):
    """Twin: a key that was good once is good, whoever made it."""

    async def opened(self, token: Secret) -> Opened | None:
        found = product._TOKEN.fullmatch(token.reveal())
        assert found is not None
        known = await self._desk.read(lambda session: api_keys.shown(session, f"key_{found['id']}"))
        assert known is not None
        member = await self._desk.read(lambda session: session.get_one(MemberRow, known[0].member_id))
        identity = SlackIdentity(member.team_id, member.user_id)
        from storage.records.organizations import as_member

        return Opened(known[0], Actor(identity, replace(as_member(member))))


@pytest.mark.parametrize("keys, dies", [(ApiKeyService, True), (Trusting, False)], ids=["product", "twin"])
async def test_a_key_dies_with_its_makers_membership(
    sqlite_database: Database, keys: type[ApiKeyService], *, dies: bool
) -> None:
    async with world(sqlite_database, keys) as it:
        first, second = await it.key(), await it.key()
        assert (await it.get(PATH, first)).status_code == 200
        ids = it.company.database.in_read(lambda session: [one.id for one in api_keys.all_of(session, ORGANIZATION)])
        revoked = f"key_{first.split('_')[1]}"
        assert revoked in ids
        await it.keys.revoke(it.admin, revoked, TriggerKey("T0TEMERITY", "trg_r"))
        assert ((await it.get(PATH, first)).status_code == 401) is dies
        # Slack says that the account is closed: at most a minute later nothing opens any more.
        it.deactivated.add("U0DANIEL")
        it.clock.advance(timedelta(minutes=2))
        assert ((await it.get(PATH, second)).status_code == 401) is dies
        it.deactivated.clear()
        it.clock.advance(timedelta(minutes=2))
        assert (await it.get(PATH, second)).status_code == 200
        assert it.admin.member is not None
        it.change(partial(left, member_id=it.admin.member.id))
        assert ((await it.get(PATH, second)).status_code == 401) is dies


async def test_whoever_has_no_good_key_learns_nothing(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        it.company.make("Net income")
        token = await it.key()
        wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
        bad = ("", wrong, f"{token}x", token.upper(), f"tdk_{'0' * 22}_{'A' * 43}", "x" * 5000, "\u00e9" * 4)
        answers = []
        async with it.http() as http:
            for one in bad:
                headers = [(b"authorization", f"Bearer {one}".encode("latin-1"))]
                answers += [
                    await http.get(path, headers=headers) for path in (PATH, f"{PATH}/met_netincome", f"{PATH}/x")
                ]
            answers.append(await http.get(PATH))
            answers.append(await http.get(PATH, headers={"authorization": f"Basic {token}"}))
            answers.append(await http.post(PATH, content=b"{"))
            assert {(one.status_code, one.text) for one in answers} == {(401, '{"error": "no valid key"}')}
            twice = [(b"authorization", f"Bearer {token}".encode())] * 2
            assert (await http.get(PATH, headers=twice)).status_code == 400
        kept = it.company.database.in_read(lambda session: [api_keys.shown(session, f"key_{token.split('_')[1]}")])
        secret = token.split("_", 2)[2]
        assert kept[0] is not None
        assert secret not in str(kept)
        assert kept[0][1] == hash_of("api key", Secret(kept[0][0].id), Secret(secret))


async def test_scopes_and_the_role_of_today_decide(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        read, write = await it.key(READ), await it.key(WRITE)
        wanted = {"definition": "Sales = revenue, monthly"}
        refused = await it.post(wanted, read)
        assert (refused.status_code, "metrics:write" in refused.text) == (403, True)
        made = await it.post(wanted, write, **{"idempotency-key": "once"})
        assert (made.status_code, made.headers["location"]) == (201, f"{PATH}/met_sales")
        assert (await it.post(wanted, write, **{"idempotency-key": "once"})).json() == made.json()
        assert len(it.listed.triggers) == 1
        for body, status in (({}, 422), ([], 400), ({"definition": 1}, 422), ({"definition": "=x"}, 422)):
            assert (await it.post(body, write)).status_code == status
        async with it.http() as http:
            headers = {"authorization": f"Bearer {write}"}
            assert (await http.post(PATH, content=b"{}", headers=headers)).status_code == 415
            plain = headers | {"content-type": "application/json"}
            assert (await http.post(PATH, content=b'{"a":1,"a":2}', headers=plain)).status_code == 400
            assert (await http.post(PATH, content=b" " * 20_000, headers=plain)).status_code == 413
        # Whoever made it may only look by now: so may the key.
        assert it.admin.member is not None
        it.change(partial(given, member_id=it.admin.member.id, role="viewer"))
        it.clock.advance(timedelta(minutes=2))
        assert (await it.post(wanted, write)).status_code == 403
        assert (await it.get(PATH, write)).status_code == 200
        assert len(it.listed.triggers) == 1


async def test_a_retry_after_a_rename_answers_with_the_same_metric(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        write, once = await it.key(WRITE), {"idempotency-key": "once"}
        fields = {"name": "Sales", "dataset": "revenue", "frequency": "monthly"}
        made = await it.post(fields, write, **once)
        assert made.status_code == 201
        again = await it.post(dict(reversed(fields.items())), write, **once)
        it.change(lambda session: setattr(session.get_one(MetricRow, made.json()["id"]), "name", "Turnover"))
        renamed = await it.post(fields, write, **once)
        assert [one.json()["id"] for one in (again, renamed)] == [made.json()["id"]] * 2
        assert (renamed.status_code, renamed.json()["name"]) == (201, "Turnover")
        assert len(it.listed.triggers) == 1
        for body, named in (
            ({**fields, "frequenzy": "monthly"}, "frequenzy:"), ({"name": "x"}, "dataset:"),
            ({**fields, "definition": "x"}, "definition:"), ({**fields, "decimals": 9}, "decimals:"),
        ):  # fmt: skip
            refused = await it.post(body, write)
            assert (refused.status_code, refused.json()["error"].startswith(named)) == (422, True)


def imported(lakes: Path, source_id: str) -> None:
    """Make a lake of an account, a product and a class."""
    place = locate(str(lakes), ORGANIZATION)
    rows = {
        "accounts": f"'{source_id}' AS _source, '1' AS account_id, 'Checking' AS account_full_name",
        "items": f"'{source_id}' AS _source, '5' AS item_id, 'Tote' AS item_full_name",
        "classes": f"'{source_id}' AS _source, '7' AS class_id, 'Shops:Retail' AS class_full_name, 'Retail' AS class_name",
    }
    with opened(place, Limits("256MB", 1), write=True) as session, session.transaction():
        for table, columns in rows.items():
            session.run(f"CREATE TABLE lake.main.ready_quickbooks_{table} AS SELECT {columns}")
        session.commit()


def taken_away(session: Session, name: str) -> Metric:
    """Return a metric as it was made, and delete it."""
    found = metrics.named(session, ORGANIZATION, name)
    assert found is not None
    metric_changes.erase(session, found)
    return found


async def test_fields_are_looked_up_in_what_was_imported(sqlite_database: Database, tmp_path: Path) -> None:
    """The whole way: a body of fields, the service, and a process apart that asks the lake."""
    async with world(sqlite_database, lakes=tmp_path) as it:
        it.company.ready(NOW)
        imported(tmp_path, it.company.source.id)
        write = await it.key(WRITE)
        cash = {"name": "Cash", "dataset": "accounts", "item": "checking", "calculation": "end_balance"}
        made = await it.post(cash, write)
        assert (made.status_code, made.json()["state"]) == (201, "calculating")
        missing = await it.post({**cash, "name": "Cash too", "item": "Savings"}, write)
        assert (missing.status_code, "called “Savings” in QuickBooks" in missing.json()["error"]) == (422, True)
        sold = {"name": "Sold", "dataset": "items", "item": "Tote", "class": "retail", "frequency": "weekly"}
        narrowed = await it.post(sold, write)
        assert narrowed.status_code == 201
        alone = {
            **cash,
            "name": "Alone",
            "below": False,
            "zone": "Asia/Tokyo",
            "owner": "U0PRIYA",
            "post_to": "C0FINANCE",
        }
        for field, wrong in (("owner", "U0NOBODY"), ("post_to", "C0ELSEWHERE")):
            refused = await it.post({**alone, field: wrong}, write)
            assert (refused.status_code, refused.json()["error"].partition(":")[0]) == (422, field)
        assert (await it.post(alone, write)).status_code == 201
        priya = it.company.actor("U0PRIYA").member
        assert priya is not None
        one = it.company.database.in_write(lambda session: taken_away(session, "Alone"))
        assert (one.definition.selection.below, one.definition.zone) == (False, "Asia/Tokyo")
        assert (one.owner_id, one.post_to) == (priya.id, "T0TEMERITY/C0FINANCE")
        kept = it.company.database.in_read(lambda session: metrics.of_organization(session, ORGANIZATION))
        assert [(one.name, one.definition.selection) for one in kept] == [
            ("Cash", Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1", "Checking")),
            ("Sold", Selection(Dataset.ITEMS, ItemKind.ITEM, "5", "Tote", class_id="7", class_name="Shops:Retail")),
        ]


async def test_of_no_metrics_nothing_is_said_to_be_current(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        listed = (await it.get(PATH, await it.key())).json()
        assert (listed["all_current"], listed["metrics"]) == (False, [])


class Unpaced(Pace):
    """Twin: whoever guesses may guess on."""

    def left(self, key_id: str) -> int:
        assert key_id
        return 0


class Shut(Api):
    """Twin: behind an address from which somebody guesses, no key that was not seen before counts."""

    async def looked_at(self, token: Secret, wait: int) -> Opened | None:
        return None if wait else await super().looked_at(token, wait)


@pytest.mark.parametrize(
    "strangers, api", [(Pace, Api), (Unpaced, Api), (Pace, Shut)], ids=["as it is", "unpaced", "shut"]
)
async def test_whoever_guesses_keys_is_made_to_wait_and_nobody_else(
    sqlite_database: Database, strangers: type[Pace], api: type[Api]
) -> None:
    async with world(sqlite_database, strangers=strangers, api=api) as it:
        token, late = await it.key(), await it.key()
        assert (await it.get(PATH, token)).status_code == 200
        wrong = [(await it.get(PATH, f"{token}{number}")).status_code for number in range(61)]
        assert (wrong == [401] * 60 + [429]) is (strangers is Pace)
        # Neither who was known waits, nor who comes for the first time, as every program does after a restart.
        assert (await it.get(PATH, token)).status_code == 200
        assert ((await it.get(PATH, late)).status_code == 200) is (api is Api)
        it.clock.advance(timedelta(minutes=1))
        assert (await it.get(PATH, late)).status_code == 200


@pytest.mark.parametrize(
    "field, said",
    [
        ("name", ""), ("name", 5), ("name", "x" * 300), ("dataset", "payroll"), ("item", ["Cash"]), ("item", ""),
        ("calculation", "median"), ("calculation", "ratio"), ("window", 3), ("basis", 1), ("frequency", "hourly"),
        ("fiscal_month", 13), ("fiscal_month", True), ("reversed", "yes"), ("class", {}), ("currency", "usd"),
        ("decimals", 1.5), ("target", 5), ("target", {"value": 0.1}), ("target", {"band": "5"}),
        ("target", {"value": "1", "band": "-5"}), ("target", {"value": "1", "direction": "up"}),
        ("divided_by", "revenue"), ("divided_by", {"item": "x"}), ("divided_by", {"dataset": "revenue", "by": 1}),
        ("posted", "#finance"), ("company", 1), ("below", "no"), ("zone", "Mars/Base"), ("zone", 1), ("owner", 7),
        ("post_to", ["C1"]),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(field: str, said: object) -> None:
    with pytest.raises(MetricRefusedError) as refused:
        read_fields({"name": "Sales", "dataset": "revenue", field: said})
    assert str(refused.value).startswith(refused.value.field)
    assert refused.value.field.partition(".")[0] in {field, "divided_by"}


def test_fields_and_words_ask_for_the_same() -> None:
    words = "Margin = profit and loss: GrossProfit / profit and loss: Income, quarterly, class Retail, decimals 3, "
    words += "target at least 0.35 band 5, fiscal year from april, reversed, without sub-accounts"
    fields = {
        "name": "Margin", "dataset": "profit_and_loss", "item": "GrossProfit", "class": "Retail", "decimals": 3,
        "divided_by": {"dataset": "profit_and_loss", "item": "Income"}, "frequency": "quarterly", "reversed": True,
        "target": {"value": "0.35", "band": "5"}, "fiscal_month": 4, "below": False, "company": "Temerity Goods",
    }  # fmt: skip
    asked = read_fields(fields)
    assert (asked.wish, asked.company) == (read_wish(words), "Temerity Goods")


async def test_one_key_asks_so_often_and_no_more(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        token, other = await it.key(), await it.key()
        answers = [(await it.get(PATH, token)).status_code for _ in range(31)]
        assert answers == [200] * 30 + [429]
        assert (await it.get(PATH, other)).status_code == 200
        it.clock.advance(timedelta(minutes=1))
        assert (await it.get(PATH, token)).status_code == 200
        write, wanted = await it.key(WRITE), {"definition": "Sales = revenue, monthly"}
        made = [(await it.post(wanted, write, **{"idempotency-key": "once"})).status_code for _ in range(21)]
        assert made == [201] * 20 + [429], "each is a look into the lake, for which all organizations wait in one line"


async def test_only_admins_make_keys_once_and_it_is_written_down(sqlite_database: Database) -> None:
    async with world(sqlite_database) as it:
        token, key = await it.key(), TriggerKey("T0TEMERITY", "trg_1")
        with pytest.raises(TooLateError):
            await it.keys.new(it.admin, "model", READ, key)
        with pytest.raises(TooLateError):
            await it.keys.new(it.admin, " ", READ, TriggerKey("T0TEMERITY", "trg_x"))
        with pytest.raises(NotAllowedError):
            await it.keys.new(it.company.actor("U0MAYA"), "model", READ, TriggerKey("T0TEMERITY", "trg_y"))
        with pytest.raises(NotFoundError):
            await it.keys.revoke(it.admin, "key_none", TriggerKey("T0TEMERITY", "trg_z"))
        ((found, maker),) = await it.keys.all(it.admin)
        assert (found.name, maker, found.scopes) == ("model", "Daniel Kim", READ)
        entries = it.company.database.in_read(lambda session: audit.newest(session, ORGANIZATION, limit=5))
        said = json.dumps([str(one) for one in entries])
        assert "manage_api_keys" in said
        assert token not in said


async def test_keys_are_made_and_taken_away_in_words() -> None:
    async with staged() as stage:
        assert "No program has a key" in await told(stage, "U0DANIEL", "api keys")
        assert "tdk_only_now" in await told(stage, "U0DANIEL", "api key new Our model write")
        assert stage.services.api_keys.known["key_0"].scopes == WRITE
        assert "Our model" in await told(stage, "U0DANIEL", "api keys")
        assert "opens nothing any more" in await told(stage, "U0DANIEL", "api key key_0 remove")
        assert "no such key" in await told(stage, "U0DANIEL", "api key key_0 remove")
        assert "Daniel Kim" in await told(stage, "U0PRIYA", "api key new Our model")
        assert not stage.services.api_keys.known
