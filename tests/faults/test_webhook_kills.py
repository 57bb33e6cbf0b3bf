"""Webhooks survive kill -9: of the process that answered 200, and of the worker at each named point while it acts."""

import os
import re
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlmodel import col, select

from bot.webhooks import INTUIT_PATH, SHOPIFY_PATH
from jobs.webhooks import privacy
from jobs.webhooks.telling import DATA_REQUEST
from sandbox.providers.catalogue import REALM, SHOP
from storage.facts.sources import ConnectionState, Provider
from storage.records import audit, sources
from storage.sessions import Database, Session
from storage.tables import AuditRow, ConnectionRow, DeliveryRow, IncidentRow, RunRow, SourceRow, WebhookRow
from tests.faults.lives import ROOT, ForkServer, Life
from tests.faults.world import World, world_on

SOAK = bool(os.environ.get("SOAK"))
STEP = ("step.act.before", "webhook.acted", "step.act.ran", "step.act.recorded")
#: Of the warehouse, which is the same on both databases; tests/storage/warehouse dies at each of them alone.
REDACTING = ("redact.before_commit", "redact.written_anew", "redact.files_removed")
ERASING = ("erase.before_commit", "erase.written_anew", "erase.expired", "erase.files_removed")
#: What the quick run dies at, with one process and with several: while connected, and when the shop is gone.
SHORT = {False: (STEP[1:3], ERASING[1:2]), True: (STEP[1:2], STEP[3:])}
WHILE_CONNECTED = ("app/scopes_update", "customers/data_request", "customers/redact")
WHEN_GONE = ("app/uninstalled", "shop/redact")


class Hooks:
    """The providers' side: what was answered with 200 is never sent again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accepted: set[str] = set()

    def send(self, life: Life, topics: Sequence[str], *, intuit: bool = False) -> None:
        """Send events, and kill who took them the moment the last was answered."""
        outside, sandbox = self.world.outside, self.world.sandbox
        for topic in topics:
            wishes = {"topic": topic, "account": SHOP, "event_id": topic, "customer": self.customer}
            if topic.startswith("app/") or topic == "shop/redact":
                del wishes["customer"]
            (answer,) = outside.call(sandbox.shopify.hook(life.url + SHOPIFY_PATH, wishes))
            assert answer.status == 200, (topic, answer, life.tail())
        if intuit:
            event = {"realm": REALM, "entity": "Invoice", "id": "1", "event_id": "intuit"}
            wishes_of_intuit = {"events": [event], "format": "cloudevents"}
            (answer,) = outside.call(sandbox.quickbooks.hook(life.url + INTUIT_PATH, wishes_of_intuit))
            assert answer.status == 200, (answer, life.tail())
        life.kill()
        self.accepted |= {*topics, *(["changed"] if intuit else [])}

    @property
    def customer(self) -> str:
        """Whoever bought most."""
        bought = Counter(order["customer"] for order in self.world.sandbox.shopify.shops[SHOP].truth("Order"))
        return str(bought.most_common(1)[0][0])

    def dies_at(self, points: Sequence[str]) -> None:
        for point in points:
            life = self.world.begin(crash_at=point)
            assert life.died(60) == -signal.SIGKILL, (point, life.tail())
            assert self.lost() == [], point

    def lost(self) -> list[str]:
        """Events that were accepted and are kept no more."""
        return sorted(self.accepted - {row.topic for row in self.rows()})

    def rows(self) -> list[WebhookRow]:
        return self.world.database.in_read(lambda session: list(session.exec(select(WebhookRow))))

    def settled(self) -> dict[str, str]:
        """Wait until each was acted on, and return what was done."""
        life = self.world.begin()
        assert self.world.look(lambda: all(row.settled_at for row in self.rows()), 60), life.tail()
        self.world.settled(120)
        life.stop()
        return {row.topic: row.outcome or "" for row in self.rows()}


def complaints(world: World) -> list[str]:
    """What is wrong after everything was acted on: what was not done, or done twice."""

    def read(session: Session) -> list[str]:
        said = Counter(session.exec(select(AuditRow.action)))
        once = (privacy.DATA_REQUESTED, privacy.CUSTOMER_REDACTED, privacy.SHOP_REDACTED, "connection_lost")
        found = [f"{said[action]} x {action} in the audit" for action in once if said[action] != 1]
        asked = session.exec(select(DeliveryRow).where(DeliveryRow.kind == DATA_REQUEST)).all()
        started = session.exec(select(RunRow.id).where(col(RunRow.slot_key).like("event:%"))).all()
        (shop,) = session.exec(select(SourceRow).where(SourceRow.provider == Provider.SHOPIFY.value)).all()
        grant = session.get_one(ConnectionRow, shop.id)
        incidents = session.exec(select(IncidentRow)).all()
        if len(asked) != 1:
            found.append(f"support was told {len(asked)} times")
        if len(started) != 1:
            found.append(f"{len(started)} reads for one change")
        if [row.resolution for row in incidents] != ["erased"]:
            found.append("not one incident, which the erasure ended")
        if (grant.state, grant.credentials) != (ConnectionState.DISCONNECTED, None) or shop.data_erased_at is None:
            found.append("connected, or not erased")
        if audit.broken_entries(session, world.organization_id):
            found.append("the audit is broken")
        return found

    source = next(
        one
        for one in world.database.in_read(lambda session: sources.sources_of(session, world.organization_id))
        if one.provider is Provider.SHOPIFY
    )
    left = world.warehouse().counts(source.id)
    return world.database.in_read(read) + ([f"left in the warehouse: {left}"] if left else [])


@pytest.mark.timeout(900)
def test_what_was_accepted_is_done_once_whoever_dies(database: Database, tmp_path: Path, server: ForkServer) -> None:
    """On Postgres a web process takes the events and workers act on them; on SQLite one process does both.

    There it has begun and does not get far before it dies, so that there is something to die at for the next ones.
    """
    apart = not database.is_sqlite
    takes = "" if apart else "only-takes"
    web, worker = ({"ROLE": "web"}, {"ROLE": "worker"}) if apart else ({}, {})
    with world_on(database, tmp_path, server, size=6, shared_lake=apart) as world:
        hooks = Hooks(world)
        life = world.begin(twin=takes)
        world.asked()
        world.settled(120)
        # Reads by events keep the distance of the shortest schedule.
        world.pass_time(minutes=6)
        if apart:
            life.kill()
            life = world.begin(**web)
        hooks.send(life, WHILE_CONNECTED, intuit=True)
        assert hooks.lost() == []
        world.settings |= worker
        hooks.dies_at((*REDACTING, *STEP) if SOAK else SHORT[apart][0])
        done = hooks.settled()
        assert done["customers/redact"] == "redacted"
        assert done["app/scopes_update"] in {"started", "read"}

        world.do(lambda: world.sandbox.shopify.revoke(SHOP))
        world.settings |= web
        hooks.send(world.begin(twin=takes), WHEN_GONE)
        world.settings |= worker
        hooks.dies_at((*ERASING, *STEP) if SOAK else SHORT[apart][1])
        done = hooks.settled()
        assert (done["app/uninstalled"], done["shop/redact"]) == ("disconnected", "erased")
        assert complaints(world) == []


@pytest.mark.timeout(900)
def test_the_twins_are_caught(sqlite_database: Database, tmp_path: Path, server: ForkServer) -> None:
    """One answers before it keeps; one says that it has acted, and then acts."""
    with world_on(sqlite_database, tmp_path, server, size=3) as world:
        hooks = Hooks(world)
        hooks.send(world.begin(twin="answers-first"), WHEN_GONE[:1])
        assert hooks.lost() == ["app/uninstalled"]
        world.do(lambda: world.sandbox.shopify.revoke(SHOP))
        hooks.send(world.begin(twin="only-takes"), WHEN_GONE[:1])
        assert hooks.lost() == []
        assert world.begin(crash_at="webhook.settled", twin="settles-first").died(60) == -signal.SIGKILL
        assert hooks.settled() == {"app/uninstalled": "done"}
        assert "0 x connection_lost in the audit" in complaints(world)


def test_every_point_of_the_code_is_died_at() -> None:
    found = set()
    for file in (*(ROOT / "jobs" / "webhooks").glob("*.py"), *(ROOT / "storage" / "warehouse").glob("*.py")):
        text = file.read_text()
        found |= set(re.findall(r'checkpoint\("((?:webhook|redact|erase)\.[a-z_]+)"\)', text))
    assert found == {point for point in (*STEP, *REDACTING, *ERASING) if not point.startswith("step.")}
