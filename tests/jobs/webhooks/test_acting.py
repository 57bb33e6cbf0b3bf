"""Events have the effect they should, once, from the provider's bytes to the database and the warehouse."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from bot.raw import Header
from bot.web import build_web
from bot.webhooks import INTUIT_PATH, SHOPIFY_PATH, Door, WebhookEndpoint, endpoints
from connectors.base import Connector
from connectors.registry import connector_for
from jobs.webhooks import privacy
from jobs.webhooks.service import Taken, WebhookService
from jobs.webhooks.standing import UNINSTALLED
from sandbox.misbehave import Kind, Rule
from sandbox.providers.serve import serve
from storage.facts.runs import RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.facts.webhooks import Event
from storage.records import audit
from storage.sessions import Database, Session
from storage.settings import Settings
from storage.tables import AuditRow, ConnectionRow, IncidentRow, RunRow, SourceRow, WebhookRow
from templates.notices import source_status
from tests.jobs.briefly import briefly
from tests.jobs.stage import REALM, SHOP, Stage, staged
from tests.waiting import eventually


class Line:
    """The way from the providers' stand-ins to the product."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self._url = stage, url

    async def shopify(self, topic: str, *, status: int = 200, **wishes: Any) -> None:
        wanted = {"topic": topic, "account": SHOP, **wishes}
        for answer in await self.stage.shopify.hook(self._url + SHOPIFY_PATH, wanted):
            assert answer.status == status

    async def order(self, payload: Mapping[str, Any], event_id: str) -> None:
        """Send an order as Shopify would, whenever it was what the payload says."""
        body = json.dumps(payload).encode()
        secret = self.stage.shopify.oauth.client_secret.encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        headers = {"X-Shopify-Topic": "orders/updated", "X-Shopify-Shop-Domain": SHOP, "X-Shopify-Event-Id": event_id,
                   "X-Shopify-Hmac-Sha256": signature, "Content-Type": "application/json"}  # fmt: skip
        async with httpx.AsyncClient() as client:
            assert (await client.post(self._url + SHOPIFY_PATH, content=body, headers=headers)).status_code == 200

    async def intuit(self, *realms: str, event_id: str = "", style: str = "cloudevents") -> None:
        events = [
            {"realm": realm, "entity": "Invoice", "id": "1", "event_id": event_id and f"{event_id}{number}"}
            for number, realm in enumerate(realms)
        ]
        for answer in await self.stage.quickbooks.hook(self._url + INTUIT_PATH, {"events": events, "format": style}):
            assert answer.status == 200

    def rows(self) -> list[WebhookRow]:
        statement = select(WebhookRow).order_by(WebhookRow.at)  # type: ignore[arg-type]  # a column, as SQLModel says
        return self.stage.database.in_read(lambda session: list(session.exec(statement)))

    async def settled(self, number: int = 1) -> list[WebhookRow]:
        """Wait until so many events are there and every one was acted on."""

        def look() -> list[WebhookRow] | None:
            rows = self.rows()
            return rows if len(rows) == number and all(row.settled_at for row in rows) else None

        rows = await eventually(look)
        assert all(row.body is None for row in rows)
        return rows

    def runs(self, provider: Provider = Provider.SHOPIFY) -> list[RunRow]:
        statement = select(RunRow).where(RunRow.source_id == self.stage.source(provider).id)
        return self.stage.database.in_read(lambda session: list(session.exec(statement)))

    def proofs(self, action: str) -> list[AuditRow]:
        def read(session: Session) -> list[AuditRow]:
            assert audit.broken_entries(session, self.stage.organization_id) == []
            return list(session.exec(select(AuditRow).where(AuditRow.action == action)))

        return self.stage.database.in_read(read)


@contextlib.asynccontextmanager
async def line(
    database: Database, folder: Path, connectors: Callable[[Provider], Connector] = connector_for
) -> AsyncIterator[Line]:
    async with staged(database, folder, connectors=connectors) as stage:
        settings = Settings.model_validate(
            {
                "secret_keys": ["x"],
                "slack_bot_token": "xoxb-none",
                "slack_signing_secret": "sandbox-signing-secret",
                "shopify_client_secret": stage.shopify.oauth.client_secret,
                "quickbooks_webhook_verifier": stage.quickbooks.oauth.verifier,
            }
        )

        async def ready() -> bool:
            return True

        web = build_web(None, None, ready, webhooks=endpoints(settings, stage.jobs.webhooks.take, seconds=4))
        async with serve(web) as served:
            yield Line(stage, served.url)


async def collected(stage: Stage) -> None:
    outcome = await stage.request(Provider.SHOPIFY)
    await stage.finished(outcome.refresh_id)


def opened(stage: Stage) -> list[str]:
    def read(session: Session) -> list[str]:
        return [row.reason for row in session.exec(select(IncidentRow))]

    return stage.database.in_read(read)


async def test_an_uninstalled_app_is_noticed_at_once_and_said_once(database: Database, tmp_path: Path) -> None:
    async with line(database, tmp_path) as hooks:
        stage = hooks.stage
        stage.shopify.revoke(SHOP)
        await hooks.shopify("app/uninstalled", event_id="gone", times=3)
        rows = await hooks.settled()
        assert [row.outcome for row in rows] == ["disconnected"]
        source = stage.source(Provider.SHOPIFY)
        assert (source.connection, source.connection_reason) == (ConnectionState.DISCONNECTED, UNINSTALLED)
        await hooks.shopify("app/uninstalled", event_id="gone-again")
        await hooks.settled(2)
        assert opened(stage) == [UNINSTALLED]
        assert len(hooks.proofs("connection_lost")) == 1


async def test_an_old_uninstall_after_a_new_connection_changes_nothing(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Deliveries come late, and what says when and for which shop is not signed: the provider is asked."""
    async with line(sqlite_database, tmp_path) as hooks:
        await hooks.shopify("app/uninstalled")
        assert [row.outcome for row in await hooks.settled()] == ["the grant still stands"]
        assert hooks.stage.source(Provider.SHOPIFY).connection is ConnectionState.CONNECTED
        assert opened(hooks.stage) == []


async def test_an_uninstall_is_believed_when_the_shop_does_not_answer(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with line(sqlite_database, tmp_path) as hooks:
        hooks.stage.shopify.script.add(Rule(Kind.SERVER_ERROR, times=500))
        service = hooks.stage.jobs.handlers["webhook"].__self__  # type: ignore[attr-defined]  # the handler's object
        await hooks.shopify("app/uninstalled")
        row = hooks.rows()[0]
        found = await service._act(f"shopify/{row.event_id}", 3)
        assert found is None
        assert hooks.stage.source(Provider.SHOPIFY).connection is ConnectionState.DISCONNECTED


async def test_changes_cause_one_read_of_that_shop_and_nothing_else(database: Database, tmp_path: Path) -> None:
    async with line(database, tmp_path, briefly) as hooks:
        stage = hooks.stage
        await hooks.shopify("app/scopes_update", event_id="before-the-first-read")
        assert (await hooks.settled())[0].outcome == "left to the schedule"
        await collected(stage)
        before = versions(stage)
        stage.clock.advance(timedelta(minutes=6))
        stage.shopify.mutate(SHOP, changed=5)
        after = versions(stage)
        stale = [{"admin_graphql_api_id": id_, "updated_at": at} for id_, at in before.items() if after[id_] != at]
        assert stale
        newer = {**stale[0], "updated_at": after[stale[0]["admin_graphql_api_id"]]}
        many = [hooks.shopify("app/scopes_update", event_id=f"many-{n}") for n in range(6)]
        await asyncio.gather(hooks.order(newer, "newer"), *many, hooks.order(stale[0], "older"))
        await hooks.shopify("app/scopes_update", event_id="many-0", times=3)
        rows = await hooks.settled(9)
        assert len([row for row in rows if row.outcome == "started"]) == 1
        (run,) = [run for run in hooks.runs() if run.slot_key.startswith("event:")]
        assert run.trigger == Trigger.SCHEDULE

        def done() -> bool:
            return all(run.state == RunState.READY for run in hooks.runs())

        await eventually(done)
        assert len(hooks.runs()) == 2
        assert hooks.runs(Provider.QUICKBOOKS) == []
        # T48: an old payload after a newer one is only a reason to look.
        loaded = {row["id"]: row["at"] for row in held(stage, "SELECT id, _updated_at AS at FROM raw_shopify_orders")}
        assert loaded.keys() == after.keys()
        assert outdated(loaded, after) == set()
        assert outdated(await taken_over(stage, newer, stale[0]), after) == {stale[0]["admin_graphql_api_id"]}


def outdated(held: Mapping[str, datetime], truth: Mapping[str, str]) -> set[str]:
    """Return the orders that are held in another version than the provider's."""
    return {id_ for id_, at in held.items() if at != datetime.fromisoformat(truth[id_])}


async def taken_over(stage: Stage, *payloads: Mapping[str, Any]) -> Mapping[str, datetime]:
    """Let the twin have the same deliveries, through the same door: what they say is what it holds."""
    versions: dict[str, datetime] = {}

    def takes(_: Header, body: Any, __: str) -> list[Event]:
        versions[body["admin_graphql_api_id"]] = datetime.fromisoformat(body["updated_at"])
        return []

    async def nothing(_: Provider, __: Sequence[Event]) -> None:
        """Keep none: the twin has what it wants already."""

    secret = Secret(stage.shopify.oauth.client_secret)
    door = Door(Provider.SHOPIFY, b"x-shopify-hmac-sha256", [secret], frozenset({"application/json"}), takes)
    async with serve(WebhookEndpoint(door, nothing)) as served:
        twin = Line(stage, served.url)
        for payload in payloads:
            await twin.order(payload, "to-the-twin")
    return versions


def versions(stage: Stage) -> dict[str, str]:
    """Return the version of every order at the provider."""
    return {order["id"]: order["updatedAt"] for order in stage.shopify.shops[SHOP].truth("Order")}


async def test_reads_by_events_keep_the_distance_of_the_shortest_schedule(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with line(sqlite_database, tmp_path, briefly) as hooks:
        stage = hooks.stage
        await collected(stage)
        await hooks.shopify("app/scopes_update", event_id="too-soon")

        def waits() -> bool:
            found = stage.jobs.engine.status(f"webhook:shopify/{hooks.rows()[0].event_id}:a2")
            return found is not None

        await eventually(waits)
        assert len(hooks.runs()) == 1
        await hooks.shopify("app/scopes_update", event_id="joins")
        assert hooks.rows()[1].outcome is not None
        stage.clock.advance(timedelta(minutes=6))
        handler = stage.jobs.handlers["webhook"].__self__  # type: ignore[attr-defined]  # the handler's object
        assert await handler._act(f"shopify/{hooks.rows()[0].event_id}", 2) is None
        assert len(hooks.runs()) == 2
        assert await handler._act(f"shopify/{hooks.rows()[0].event_id}", 3) is None
        assert len(hooks.runs()) == 2


async def test_intuit_says_that_something_changed_and_the_timer_reads_it(database: Database, tmp_path: Path) -> None:
    async with line(database, tmp_path) as hooks:
        stage = hooks.stage
        for style in ("old", "cloudevents", "cloudevents_as_json"):
            await hooks.intuit(REALM, "9999999999", style=style)
        await hooks.intuit(REALM, REALM, event_id="same")
        await hooks.intuit(REALM, REALM, event_id="same")
        rows = await hooks.settled(4)
        assert {(row.account, row.topic) for row in rows} == {(REALM, "changed")}
        assert hooks.runs(Provider.QUICKBOOKS) == []
        actor = await stage.actor()
        books, shop = (stage.source(provider).id for provider in (Provider.QUICKBOOKS, Provider.SHOPIFY))
        status = await stage.jobs.services.status.one(actor, books)
        assert status.changed_at == max(row.at for row in rows)
        assert status.changes_wait
        assert (await stage.jobs.services.status.one(actor, shop)).changed_at is None
        shown = source_status("Temerity Goods", status, stage.clock.now())
        assert "not in the data yet" in str(shown.parts)


class Forgetful(WebhookService):
    """Broken twin: does not ask whether the event came before."""

    def _keep_one(self, session: Session, provider: Provider, event: Event) -> str:
        return super()._keep_one(session, provider, Event(f"{event.id}{time.monotonic_ns()}", *list(_rest(event))))


def _rest(event: Event) -> Iterator[str]:
    yield from (event.topic, event.account, event.body)


@pytest.mark.parametrize("kind", [WebhookService, Forgetful])
async def test_a_replay_is_kept_once(database: Database, tmp_path: Path, kind: type[WebhookService]) -> None:
    async with staged(database, tmp_path) as stage:
        ground = stage.jobs.ground
        service = kind(stage.jobs.desk, stage.clock, ground.seal, stage.jobs.engine.enqueue)
        event = Event("whk_1", "app/uninstalled", SHOP, "{}")
        found = await asyncio.gather(*(service.take(Provider.SHOPIFY, [event]) for _ in range(20)))
        kept = sum(taken.kept for taken in found)
        assert (kept == 1) == (kind is WebhookService)
        if kind is WebhookService:
            assert sum(taken.again for taken in found) == 19
        strangers = await service.take(Provider.SHOPIFY, [Event("whk_2", "app/uninstalled", "stranger.myshopify.com")])
        assert strangers == Taken(unknown=1)
        crossed = await service.take(Provider.QUICKBOOKS, [Event("whk_3", "changed", SHOP)])
        assert crossed == Taken(unknown=1)


async def test_nothing_is_kept_without_its_work(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:

        def broken(session: Session, work: object) -> None:
            raise RuntimeError

        service = WebhookService(stage.jobs.desk, stage.clock, stage.jobs.ground.seal, broken)
        with pytest.raises(RuntimeError):
            await service.take(Provider.SHOPIFY, [Event("whk_1", "app/uninstalled", SHOP, "{}")])
        rows = stage.database.in_read(lambda session: list(session.exec(select(WebhookRow))))
        assert rows == []


async def test_what_lost_its_work_is_done_all_the_same_and_forgotten_in_time(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with line(sqlite_database, tmp_path) as hooks:
        stage = hooks.stage
        service = WebhookService(stage.jobs.desk, stage.clock, stage.jobs.ground.seal, lambda _session, _work: None)
        await service.take(Provider.SHOPIFY, [Event("whk_1", "app/uninstalled", SHOP, "{}")])
        sweep = next(sweep for sweep in stage.jobs.sweeps if sweep.name == "webhooks")
        await sweep.run()
        assert hooks.rows()[0].settled_at is None
        stage.clock.advance(timedelta(hours=2))
        await sweep.run()
        await hooks.settled()
        stage.clock.advance(timedelta(days=31))
        await sweep.run()
        assert hooks.rows() == []


CANARY = "zzz-canary"


def held(stage: Stage, sql: str) -> list[dict[str, Any]]:
    with stage.jobs.ground.warehouses.of(stage.organization_id).reader() as reader:
        return reader.query(sql)


def in_files(folder: Path) -> bool:
    """Whether any Parquet file of the warehouse still holds the mark, in whatever column."""
    files = list((folder / "warehouse").rglob("*.parquet"))
    assert files
    return any(CANARY in str(pq.read_table(path).to_pylist()) for path in files)


def marked(stage: Stage) -> str:
    """Let the customer who bought most carry a mark at the provider; return their global id."""
    store = stage.shopify.shops[SHOP]
    bought = Counter(order["customer"] for order in store.truth("Order") if order["customer"])
    customer = bought.most_common(1)[0][0]
    store.get(customer)["tags"] = [CANARY]
    for order in store.truth("Order"):
        if order["customer"] == customer:
            store.get(order["id"])["poNumber"] = CANARY
    return str(customer)


async def test_a_customer_is_redacted_everywhere_and_stays_so(database: Database, tmp_path: Path) -> None:
    async with line(database, tmp_path) as hooks:
        stage = hooks.stage
        customer = marked(stage)
        await collected(stage)
        assert in_files(tmp_path)
        orders = f"SELECT * FROM raw_shopify_orders WHERE customer_id = '{customer}'"
        of_theirs = [row["id"] for row in held(stage, orders)]
        everything = held(stage, "SELECT id, _hash, total, name FROM raw_shopify_orders ORDER BY id")
        assert of_theirs
        await hooks.shopify("customers/redact", event_id="redact", times=2)
        assert [row.outcome for row in await hooks.settled()] == ["redacted"]
        assert not in_files(tmp_path)
        assert held(stage, orders) == []
        assert held(stage, f"SELECT * FROM ready_shopify_orders WHERE customer_id = '{customer}'") == []
        (person,) = held(stage, f"SELECT * FROM ready_shopify_customers WHERE customer_id = '{customer}'")
        assert {name for name, value in person.items() if value is not None} == {"_source", "_key", "customer_id"}
        (raw,) = held(stage, f"SELECT * FROM raw_shopify_customers WHERE id = '{customer}'")
        assert (raw["tags"], raw["amount_spent"], raw["_raw"]) == (None, None, '{"redacted": true}')
        assert held(stage, "SELECT id, _hash, total, name FROM raw_shopify_orders ORDER BY id") == everything
        (proof,) = hooks.proofs(privacy.CUSTOMER_REDACTED)
        number = customer.rpartition("/")[2]
        assert proof.detail["customer"] == privacy.customer_mark(SHOP, number)
        assert proof.detail["rows"]["raw_shopify_orders"] >= len(of_theirs)  # type: ignore[index]  # JSON
        assert number not in str(proof.detail["customer"])
        # What is read again and did not change stays as it is; totals and counts hold.
        await collected(stage)
        assert held(stage, orders) == []
        assert not in_files(tmp_path)


async def test_support_is_told_of_a_data_request_once(database: Database, tmp_path: Path) -> None:
    async with line(database, tmp_path) as hooks:
        stage = hooks.stage
        await hooks.shopify("customers/data_request", event_id="request", times=2)
        assert [row.outcome for row in await hooks.settled()] == ["support was told"]

        def posts() -> list[Any]:
            found = stage.slack.messages("C0DATASUP", viewer="U0SAM")
            return [post for post in found if "asks for their data" in post.everything]

        (post,) = await eventually(posts)
        for said in ("Temerity Goods", SHOP, "ready_shopify_orders"):
            assert said in post.everything
        assert "@" not in post.everything.replace("<@", "")
        assert len(hooks.proofs(privacy.DATA_REQUESTED)) == 1


async def test_a_shop_is_erased_only_once_it_is_gone(sqlite_database: Database, tmp_path: Path) -> None:
    async with line(sqlite_database, tmp_path) as hooks:
        stage = hooks.stage
        marked(stage)
        await collected(stage)
        await hooks.shopify("shop/redact", event_id="while-connected")
        assert [row.outcome for row in await hooks.settled()] == ["kept: the shop is connected"]
        assert in_files(tmp_path)
        assert len(hooks.proofs(privacy.SHOP_KEPT)) == 1
        stage.shopify.revoke(SHOP)
        await hooks.shopify("app/uninstalled")
        await hooks.settled(2)
        await hooks.shopify("shop/redact", event_id="when-gone", times=2)
        rows = await hooks.settled(3)
        assert [row.outcome for row in rows if row.topic == "shop/redact"][-1] == "erased"
        (proof,) = hooks.proofs(privacy.SHOP_REDACTED)
        assert proof.detail["rows"]["raw_shopify_orders"] > 0  # type: ignore[index]  # JSON
        assert held(stage, "SELECT * FROM raw_shopify_orders") == []
        source = stage.source(Provider.SHOPIFY)
        grant = stage.database.in_read(lambda session: session.get_one(ConnectionRow, source.id))
        assert grant.credentials is None
        assert stage.database.in_read(lambda session: session.get_one(SourceRow, source.id)).data_erased_at is not None
        assert source.connection is ConnectionState.DISCONNECTED
        # Nobody is reminded of what is gone.
        incident = stage.database.in_read(lambda session: session.exec(select(IncidentRow)).one())
        assert (incident.resolution, incident.due_at) == ("erased", None)


class Died(BaseException):
    """The process is gone."""


class Repeated:
    """Work as the engine gives it again after a crash: steps that were recorded are skipped, the last one is not."""

    kind, attempt = "webhook", 1

    def __init__(self, subject: str, recorded: dict[str, Any], die_after: str) -> None:
        self.subject, self._recorded, self._die_after = subject, recorded, die_after

    async def step(self, name: str, fn: Any, *args: Any) -> Any:
        if name not in self._recorded:
            result = await fn(*args)
            if name == self._die_after:
                raise Died
            self._recorded[name] = result
        return self._recorded[name]


@pytest.mark.parametrize("died_after", ["act", "again"])
async def test_work_that_dies_after_a_step_and_before_its_record_has_one_effect(
    sqlite_database: Database, tmp_path: Path, died_after: str
) -> None:
    async with line(sqlite_database, tmp_path) as hooks:
        stage, handle = hooks.stage, hooks.stage.jobs.handlers["webhook"]
        await collected(stage)
        if died_after == "act":
            stage.clock.advance(timedelta(minutes=6))
        service = WebhookService(stage.jobs.desk, stage.clock, stage.jobs.ground.seal, lambda _session, _work: None)
        await service.take(Provider.SHOPIFY, [Event("whk_1", "app/scopes_update", SHOP)])
        recorded: dict[str, Any] = {}
        with pytest.raises(Died):
            await handle(cast("Any", Repeated("shopify/whk_1", recorded, died_after)))
        await handle(cast("Any", Repeated("shopify/whk_1", recorded, "")))
        if died_after == "act":
            await hooks.settled()
            assert len([run for run in hooks.runs() if run.slot_key == "event:whk_1"]) == 1
        else:
            assert stage.jobs.engine.status("webhook:shopify/whk_1:a2") is not None
            assert stage.jobs.engine.status("webhook:shopify/whk_1:a3") is None
