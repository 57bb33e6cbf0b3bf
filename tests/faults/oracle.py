"""The oracle: what is wrong after a story, judged by the stand-ins' journals, our tables and the warehouse.

It trusts no word of the product about itself where a stand-in has seen it: posts and mails are counted in the
stand-ins, rows are compared with the providers' truth.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlmodel import select

from connectors.quickbooks.statements import ENTITIES
from connectors.quickbooks.tables import READY as QUICKBOOKS_READY
from connectors.registry import connector_for
from connectors.shopify.tables import READY as SHOPIFY_READY
from sandbox.providers.catalogue import REALM, SHOP
from storage.facts.ready import ReadyTable
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.records import audit, receipts
from storage.sessions import Session
from storage.tables import (
    CardRow,
    ConnectionRow,
    DeadlineRow,
    DeliveryRow,
    ReceiptRow,
    RefreshPersonRow,
    RefreshRow,
    RunRow,
    SeenTriggerRow,
    SourceRow,
)
from storage.warehouse.names import ready_table
from tests.faults.world import World

_FINISHED, _CARD, _TOLD = "refresh_finished", "refresh_card", "escalation_told"
_SUPPORT_CARD, _SUPPORT_MAIL = "escalation_card", "escalation_mail"
_SHOPIFY = {"orders": "Order", "products": "Product", "customers": "Customer"}


class Tables:
    """Our tables as they are after the story."""

    def __init__(self, session: Session) -> None:
        self.refreshes = session.exec(select(RefreshRow)).all()
        self.people = session.exec(select(RefreshPersonRow)).all()
        self.runs = session.exec(select(RunRow)).all()
        self.receipts = session.exec(select(ReceiptRow)).all()
        self.deliveries = session.exec(select(DeliveryRow)).all()
        self.cards = session.exec(select(CardRow)).all()
        self.sources = session.exec(select(SourceRow)).all()
        self.connections = session.exec(select(ConnectionRow)).all()
        self.deadlines = session.exec(select(DeadlineRow)).all()
        self.seen = {row.trigger_id: row.result for row in session.exec(select(SeenTriggerRow))}


def complaints(world: World, *, rows: bool = True) -> list[str]:
    """Everything that is wrong; empty when every promise was kept. The story must be over (`World.settled`)."""
    tables = world.database.in_read(Tables)
    found = [
        *_ends(world, tables),
        *_posts(world, tables),
        *_mails(world, tables),
        *_everybody_is_told(tables),
        *_chains(world, tables),
        *_escalations(world, tables),
        *world.witness.overlaps(),
        *_providers(world),
    ]
    return [*found, *_rows(world, tables)] if rows else found


def _ends(world: World, tables: Tables) -> list[str]:
    """Every accepted request became a refresh, and nothing is left undone."""
    known = {row.id for row in tables.refreshes}
    lost = [card for card in world.accepted if tables.seen.get(card) not in known]
    return [*(f"accepted and lost: {card}" for card in lost), *(f"left undone: {one}" for one in world.undone())]


def _posts(world: World, tables: Tables) -> list[str]:
    """Each Slack delivery is there once, by its id in the metadata; nothing of ours is there without a delivery."""
    counted = Counter(
        (entry.metadata or {}).get("event_payload", {}).get("delivery") for entry in world.sandbox.slack.journal.posts()
    )
    counted.pop(None, None)
    found = []
    for row in tables.deliveries:
        times = counted.pop(row.id, 0)
        if row.channel != "slack":
            continue
        if times > 1:
            found.append(f"posted {times} times: {row.kind} {row.id}")
        if times == 0 and row.state == "sent":
            found.append(f"said to be sent and never posted: {row.kind} {row.id}")
        if row.state != "sent":
            found.append(f"not confirmed on Slack: {row.kind} {row.id} is {row.state}, posted {times} times")
    return [*found, *(f"posted without a delivery: {one}" for one in counted)]


def _mails(world: World, tables: Tables) -> list[str]:
    """Each mail came once; more often only with one Message-ID, where Slack never confirmed the same words."""
    counted = Counter(mail.message_id.strip("<>").partition("@")[0] for mail in world.sandbox.mail.messages)
    confirmed = {(row.kind, row.subject) for row in tables.deliveries if row.channel == "slack" and row.state == "sent"}
    confirmed |= {(_SUPPORT_MAIL, subject) for kind, subject in confirmed if kind == _SUPPORT_CARD}
    found = []
    for row in tables.deliveries:
        times = counted.pop(row.id, 0)
        if row.channel != "email":
            continue
        on_slack = (row.kind, row.subject) in confirmed
        if times > 1 and on_slack:
            found.append(f"mailed {times} times although Slack confirmed: {row.kind} {row.id}")
        if times == 0 and (row.state == "sent" or (row.state == "unconfirmed" and not on_slack)):
            found.append(f"mail lost: {row.kind} {row.id} is {row.state}")
        if row.state == "failed":
            found.append(f"mail given up: {row.kind} {row.id}: {row.reason}")
    return [*found, *(f"mailed without a delivery: {one}" for one in counted)]


def _everybody_is_told(tables: Tables) -> list[str]:
    """Each finished refresh: one confirmation per place, and one line per person by mail (or why not)."""
    by_refresh: dict[str, list[DeliveryRow]] = defaultdict(list)
    for row in tables.deliveries:
        by_refresh[row.subject].append(row)
    found = []
    for refresh in tables.refreshes:
        rows = by_refresh[refresh.id]
        places = {row.destination for row in rows if row.kind == _CARD}
        told = Counter(row.destination for row in rows if row.kind == _FINISHED and row.channel == "slack")
        if set(told) != places or not places:
            found.append(f"refresh {refresh.id}: cards in {places}, confirmations in {set(told)}")
        people = {person.member_id for person in tables.people if person.refresh_id == refresh.id}
        mailed = {row.member_id for row in rows if row.kind == _FINISHED and row.channel == "email"}
        if people != mailed:
            found.append(f"refresh {refresh.id}: people {people}, mails to {mailed}")
    return found


def _chains(world: World, tables: Tables) -> list[str]:
    """Receipts and audit are unbroken chains; exactly the ready runs have a receipt, with true counts."""
    broken = world.database.in_read(lambda session: receipts.broken(session, world.organization_id))
    entries = world.database.in_read(lambda session: audit.broken_entries(session, world.organization_id))
    ready = {row.id for row in tables.runs if row.state == RunState.READY}
    with_receipt = Counter(row.run_id for row in tables.receipts)
    return [
        *(f"receipt {number} breaks the chain" for number in broken),
        *(f"audit entry {number} breaks the chain" for number in entries),
        *(f"ready without a receipt: {one}" for one in ready - set(with_receipt)),
        *(f"a receipt of a run that is not ready: {one}" for one in set(with_receipt) - ready),
        *(f"an active run: {row.id}" for row in tables.runs if RunState(row.state).active),
    ]


def _escalations(world: World, tables: Tables) -> list[str]:
    """A refresh that was open at its deadline called support once; the others never."""
    fired = {row.subject for row in tables.deadlines if row.kind == "escalation" and row.state == "fired"}
    found = []
    for refresh in tables.refreshes:
        late = [row for row in tables.deadlines if row.subject == refresh.id and row.kind == "escalation"]
        due = late[0].due_at if late else None
        should = due is not None and (refresh.finished_at or world.clock.now()) > due
        rows = [row for row in tables.deliveries if row.subject == refresh.id]
        cards = sum(row.kind == _SUPPORT_CARD for row in rows)
        mails = sum(row.kind == _SUPPORT_MAIL for row in rows)
        called = refresh.escalated_at is not None
        if called != (refresh.id in fired) or (cards, mails) != ((1, 1) if called else (0, 0)):
            found.append(f"refresh {refresh.id}: escalated {called}, {cards} support posts and {mails} support mails")
        # Between the deadline and the next look of the sweep a refresh may end; more than that is a lost call.
        if (
            should
            and not called
            and due is not None
            and refresh.finished_at
            and (refresh.finished_at - due).total_seconds() > 60
        ):
            found.append(f"refresh {refresh.id} was open after its deadline and support was not called")
        if late and late[0].state == "open":
            found.append(f"refresh {refresh.id}: its deadline is still open")
    return found


def _providers(world: World) -> list[str]:
    """Nobody asked a provider for a change, and Slack refused nothing and could draw everything."""
    journals = (world.sandbox.quickbooks.journal, world.sandbox.shopify.journal)
    return [
        *(f"a write at a provider: {entry}" for journal in journals for entry in journal.mutating()),
        *(f"Slack could not draw: {one}" for one in world.sandbox.slack.red),
    ]


# Rows


def _rows(world: World, tables: Tables) -> list[str]:
    """Raw rows equal the provider's truth, ready rows equal a full rebuild, and the counts told add up to the rows."""
    warehouse = world.warehouse()
    found = []
    for source in tables.sources:
        if not any(row.source_id == source.id and row.loaded_at for row in tables.runs):
            continue
        provider = Provider(source.provider)
        found += _raw(world, warehouse, source.id, provider)
        found += _told(warehouse, source.id, provider, tables.runs)
        found += _ready(warehouse, source.id, _READY[provider])
    return found


_READY: Mapping[Provider, Sequence[ReadyTable]] = {
    Provider.SHOPIFY: SHOPIFY_READY,
    Provider.QUICKBOOKS: QUICKBOOKS_READY,
}


def truth(world: World, provider: Provider) -> dict[str, dict[str, str]]:
    """Each stream's live records at the provider: key -> time of the last change (as an instant, in text)."""
    if provider is Provider.SHOPIFY:
        store = world.sandbox.shopify.shops[SHOP]
        return {
            name: {record["id"]: _instant(record["updatedAt"]) for record in store.truth(entity)}
            for name, entity in _SHOPIFY.items()
        }
    books = world.sandbox.quickbooks.books[REALM]
    return {
        entity.shape.name: {
            record["Id"]: _instant(record["MetaData"]["LastUpdatedTime"]) for record in books.truth(entity.name)
        }
        for entity in ENTITIES
    }


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _raw(world: World, warehouse: Any, source_id: str, provider: Provider) -> list[str]:
    found = []
    expected = truth(world, provider)
    with warehouse.reader() as reader:
        for stream in connector_for(provider).streams:
            table = f"raw_{provider.value}_{stream.name}"
            held = reader.query(f"SELECT id, _updated_at FROM {table} WHERE _source = ? AND NOT _deleted", [source_id])
            keys = Counter(row["id"] for row in held)
            found += [f"{table}: {key} is there {times} times" for key, times in keys.items() if times > 1]
            for child in stream.children:
                found += _lines(reader, f"raw_{provider.value}_{child.name}", table, source_id)
            if stream.name not in expected:
                continue
            wanted = expected[stream.name]
            found += [f"{table}: {key} is lost" for key in set(wanted) - set(keys)]
            found += [f"{table}: {key} is gone at the provider" for key in set(keys) - set(wanted)]
            stale = [
                row["id"]
                for row in held
                if row["id"] in wanted and row["_updated_at"].astimezone(UTC).isoformat() != wanted[row["id"]]
            ]
            found += [f"{table}: {key} is an old version" for key in stale]
    return found


def _lines(reader: Any, table: str, parent: str, source_id: str) -> list[str]:
    doubled = reader.query(
        f"SELECT parent_id, position, count(*) AS n FROM {table} WHERE _source = ? GROUP BY ALL HAVING count(*) > 1",
        [source_id],
    )
    orphans = reader.query(
        f"SELECT DISTINCT l.parent_id FROM {table} l WHERE l._source = ? AND l.parent_id NOT IN "
        f"(SELECT id FROM {parent} WHERE _source = ?)",
        [source_id, source_id],
    )
    return [
        *(f"{table}: line {row['position']} of {row['parent_id']} is there {row['n']} times" for row in doubled),
        *(f"{table}: lines of {row['parent_id']}, which is not there" for row in orphans),
    ]


def _told(warehouse: Any, source_id: str, provider: Provider, runs: Iterable[RunRow]) -> list[str]:
    """What all the runs said was new, less what they said was deleted, is what is there."""
    live = warehouse.counts(source_id)
    sums: Counter[str] = Counter()
    for row in runs:
        if row.source_id == source_id and row.collects and row.outcome:
            counts: Any = row.outcome.get("counts") or {}
            for name, count in counts.items():
                sums[name] += count["new"] - count["deleted"]
    names = {stream.name for stream in connector_for(provider).streams}
    return [
        f"{name}: the runs tell of {sums[name]} rows, there are {live.get(f'raw_{provider.value}_{name}', 0)}"
        for name in names
        if sums[name] != live.get(f"raw_{provider.value}_{name}", 0)
    ]


def _ready(warehouse: Any, source_id: str, ready: Sequence[ReadyTable]) -> list[str]:
    """Build everything anew: nothing may change."""
    before = _contents(warehouse, source_id, ready)
    warehouse.process(f"oracle-{source_id}-{warehouse.snapshot()}", source_id, ready, rebuild=True)
    after = _contents(warehouse, source_id, ready)
    return [f"{name}: not what its raw rows say" for name in after if before.get(name) != after[name]]


def _contents(warehouse: Any, source_id: str, ready: Sequence[ReadyTable]) -> dict[str, Counter[str]]:
    found = {}
    with warehouse.reader() as reader:
        there = set(reader.tables())
        for table in ready:
            name = ready_table(table.name)
            if name in there:
                rows = reader.query(f"SELECT * FROM {name} WHERE _source = ?", [source_id])
                found[name] = Counter(repr(sorted(row.items(), key=lambda item: item[0])) for row in rows)
    return found
