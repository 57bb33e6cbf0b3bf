"""Chains of receipts: what was changed, taken out or put in is found, in the database and in an exported file."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.cli.seed import modes
from sandbox.world import SEED_FILE
from storage.facts.receipts import ChainCheck
from storage.facts.runs import RunState, Trigger
from storage.facts.secret import Secret
from storage.records import receipts, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import ReceiptRow, RunRow

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
_TOKENS = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN", "SHOPIFY_ACCESS_TOKEN",
           "SHOPIFY_REFRESH_TOKEN")  # fmt: skip
Chain = list[receipts.Link]


def write_receipts(session: Session, organization: str, count: int) -> None:
    """Write that many runs that became ready, each with its receipt."""
    source, *_ = sources.sources_of(session, organization)
    for number in range(count):
        at = NOW + timedelta(hours=number)
        session.add(
            RunRow(
                id=f"run_{number}", organization_id=organization, source_id=source.id, slot_key=f"slot {number}",
                state=RunState.READY, requested_at=at, started_at=at, ready_at=at, finished_at=at,
                trigger=Trigger.SCHEDULE, outcome={"older": [], "fingerprint": f"f{number}"},
            )
        )  # fmt: skip
        session.flush()
        run = runs.run(session, f"run_{number}")
        receipts.add(session, run, runs.outcome(session, run.id), at)


@pytest.fixture
def organization(database: Database) -> str:
    seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())
    made = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
    database.in_write(lambda session: write_receipts(session, made, 4))
    return made


def _changed(chain: Chain) -> Chain:
    return [*chain[:1], replace(chain[1], body=chain[1].body.replace('"f1"', '"f7"')), *chain[2:]]


def _changed_with_its_hash(chain: Chain) -> Chain:
    """Whoever changes one receipt can hash it anew, and then the next one no longer follows."""
    body = chain[1].body.replace('"f1"', '"f7"')
    anew = receipts.chained_hash(chain[1].previous_hash, chain[1].sequence, body)
    return [*chain[:1], replace(chain[1], body=body, hash=anew), *chain[2:]]


def _taken_out(chain: Chain) -> Chain:
    return [*chain[:1], *chain[2:]]


def _in_another_order(chain: Chain) -> Chain:
    return [chain[0], chain[2], chain[1], chain[3]]


TAMPERED: list[tuple[Callable[[Chain], Chain], tuple[int, ...]]] = [
    (_changed, (2,)),
    (_changed_with_its_hash, (3,)),
    (_taken_out, (3, 4)),
    (_in_another_order, (3, 2, 4)),
]


def test_every_tampering_is_found_where_it_is(database: Database, organization: str) -> None:
    chain = database.in_read(lambda session: receipts.links(session, organization))
    assert receipts.checked(chain) == ChainCheck(4, (), chain[-1].hash)
    for tamper, places in TAMPERED:
        assert receipts.checked(tamper(chain)).broken == places, tamper


def _only_own_hash(chain: Iterable[receipts.Link]) -> list[int]:
    """The twin: looks at each receipt, and never at the one before it."""
    return [
        one.sequence for one in chain if one.hash != receipts.chained_hash(one.previous_hash, one.sequence, one.body)
    ]


def test_the_twin_that_looks_at_no_links_misses_what_was_hashed_anew(database: Database, organization: str) -> None:
    chain = database.in_read(lambda session: receipts.links(session, organization))
    assert _only_own_hash(_changed(chain)) == [2]
    assert [_only_own_hash(tamper(chain)) for tamper, _ in TAMPERED[1:]] == [[], [], []]


def test_a_receipt_is_its_organizations_and_says_when_it_was_changed(database: Database, organization: str) -> None:
    def look(receipt_id: str, whose: str = organization) -> Any:
        return database.in_read(lambda session: receipts.found(session, whose, receipt_id))

    ids = [link.id for link in database.in_read(lambda session: receipts.links(session, organization))]
    for number, receipt_id in enumerate(ids, 1):
        receipt, sound = look(receipt_id)
        assert (receipt.sequence, receipt.trigger, receipt.asked_by, sound) == (number, Trigger.SCHEDULE, (), True)
    assert look(ids[0], "org_other") is None
    assert look("rcp_nothing") is None

    def change(session: Session) -> None:
        row = session.exec(select(ReceiptRow).where(ReceiptRow.id == ids[1])).one()
        row.body = row.body.replace('"f1"', '"f7"')

    database.in_write(change)
    assert [look(one)[1] for one in ids] == [True, False, True, True]
