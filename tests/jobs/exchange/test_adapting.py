"""An organization changes its mapping: real rows before and after, lines of what is wrong, one of two who save."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.exchange.adapting import MappingRefusedError, MappingService
from jobs.exchange.mapping.places import located
from jobs.exchange.mapping.service import save
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import Pair
from storage.facts.exchange_mapping import MappingWish, RowLook, WishKind
from storage.facts.ids import new_id
from storage.facts.people import Role
from storage.records.exchange_mappings import KeptMapping
from storage.sessions import Database, Session
from storage.tables import AuditRow
from tests.jobs.exchange.files.test_layers import MOBILE, load
from tests.jobs.exchange.nights import START, Company, actor, company

ADMIN = actor(Role.ADMIN)
PHONE = "pairs:\n  customers:\n    change:\n      PHONE: {from: Mobile.FreeFormNumber, width: 8}\n"


def trigger() -> TriggerKey:
    return TriggerKey("T1", new_id("trg"))


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = Desk(database.url)
    yield made
    made.close()


@pytest.fixture
async def small(sqlite_database: Database) -> AsyncIterator[Desk]:
    made = Desk(sqlite_database.url)
    yield made
    made.close()


def stocked(world: Company) -> Company:
    """Give it 14 customers, of which some have another mobile number, and one a long one; an item, an invoice."""
    for number in range(1, 15):
        phone = {"PrimaryPhone": {"FreeFormNumber": "555-01"}, "Mobile": {"FreeFormNumber": "555-01"}}
        if number in {3, 4}:
            phone["Mobile"] = {"FreeFormNumber": f"555-0{number}" if number == 3 else "+1 (555) 0100"}
        world.books.customer(str(number), f"Customer {number}", **phone)
    world.books.item("1", "Thing")
    world.books.invoice("1", "1", [10.0])
    world.collect()
    return world


def wish(world: Company, layer: str = PHONE, seen: int = 1, pair: Pair = Pair.CUSTOMERS) -> MappingWish:
    return MappingWish(world.pair(pair).id, seen, WishKind.LAYER, layer)


async def test_a_change_is_looked_at_with_real_rows_saved_once_and_used_by_the_next_file(
    sqlite_database: Database, tmp_path: Path, small: Desk
) -> None:
    world = stocked(company(sqlite_database, tmp_path))
    service = MappingService(small, world.clock, world.ground.warehouses, world.sides)
    key = world.pair(Pair.CUSTOMERS).id
    view = await service.view(actor(Role.VIEWER), key)
    assert (view.number, view.profile_version, view.own, view.assumption) == (1, 1, (), True)
    look = await service.look(ADMIN, wish(world))
    assert look.differences == ("customers PHONE: was PrimaryPhone.FreeFormNumber, is Mobile.FreeFormNumber",
                                "customers PHONE: was of any length, is at most 8 characters")  # fmt: skip
    (pair,) = look.pairs
    assert (pair.pair, pair.records, pair.changed, pair.lost, pair.some) == (Pair.CUSTOMERS, 14, 1, 1, False)
    assert len(pair.rows) == 10
    shown = {row.key: row for row in pair.rows[:2]}
    assert shown["3"] == RowLook("3", changes=(("PHONE", "555-01", "555-03"),))
    assert shown["4"].now.startswith("refused, PHONE: ")
    assert pair.reasons[0][1] == 1
    assert (await service.view(ADMIN, key)).number == 1, "nothing is saved by looking"
    click = trigger()
    assert (await service.save(ADMIN, wish(world), click)).number == 2
    assert (await service.save(ADMIN, wish(world), click)).number == 2, "the same click counts once"
    view = await service.view(ADMIN, key)
    assert (view.number, view.layer, len(view.own), view.elsewhere) == (2, PHONE, 2, 0)
    assert (await service.view(ADMIN, world.pair(Pair.ITEMS).id)).elsewhere == 2
    audited = sqlite_database.in_read(lambda session: [
        (row.actor, row.detail["version"]) for row in session.exec(select(AuditRow)) if "mapping" in row.action])  # fmt: skip
    assert audited == [("mem_admin", 2)]
    await world.service(small).start(ADMIN, key, trigger())
    await world.worked()
    rows = {row["CUST_NO"]: row["PHONE"] for row in world.rows(Pair.CUSTOMERS)}
    assert (rows["3"], "4" in rows, len(rows)) == ("555-03", False, 13)
    # Back to what it was: shown first, and saved as the newest.
    back = MappingWish(key, 2, WishKind.VERSION, number=1)
    (pair,) = (await service.look(ADMIN, back)).pairs
    assert (pair.changed, pair.won) == (1, 1)
    assert (await service.save(ADMIN, back, trigger())).number == 3
    view = await service.view(ADMIN, key)
    assert [(one.number, one.restored) for one in view.versions] == [(3, 1), (2, 0), (1, 0)]
    assert view.own == ()


async def test_what_is_wrong_has_its_line_and_nobody_else_may(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = company(database, tmp_path)
    service = MappingService(desk, world.clock, world.ground.warehouses, world.sides)
    with pytest.raises(MappingRefusedError) as refused:
        await service.check(ADMIN, wish(world, PHONE.replace("Mobile.", "Mobil.")))
    assert [one[:60] for one in refused.value.problems] == [
        "line 4: customers PHONE: not allowed at col 1: there is no f"
    ]
    with pytest.raises(MappingRefusedError, match="line 2: orders pair: what an order becomes in QuickBooks is fixed"):
        await service.check(ADMIN, wish(world, "pairs:\n  orders: {remove: [X]}"))
    with pytest.raises(MappingRefusedError, match="line 2: could not find expected"):
        await service.check(ADMIN, wish(world, "pairs:\nx"))
    look = await service.look(ADMIN, wish(world))
    assert (len(look.differences), [pair.records for pair in look.pairs]) == (2, []), "nothing was imported yet"
    for who in (Role.VIEWER, Role.MANAGER):
        for asked in (service.check, service.look, partial(service.save, trigger=trigger())):
            with pytest.raises(NotAllowedError):
                await asked(actor(who), wish(world))
    with pytest.raises(NotFoundError):
        await service.view(actor(Role.ADMIN, "org_2"), world.pair(Pair.CUSTOMERS).id)
    with pytest.raises(NotFoundError):
        await service.look(ADMIN, wish(world, pair=Pair.ORDERS))
    for number in (7, 2):
        with pytest.raises(NotFoundError):
            await service.look(ADMIN, MappingWish(world.pair(Pair.ITEMS).id, 1, WishKind.VERSION, number=number))


@pytest.mark.parametrize("text, problem, line", [
    ("a: 1\npairs:\n  x: {}", "pair is not known; allowed are pairs", 0),
    ("tables:\n  regions: [1]", "tables regions: a name in small letters", 2),
    ("pairs:\n  items:\n    change:\n      NAME: {form: 1}\n  customers:\n    add: {NAME: x}", "customers NAME: no", 6),
    ("pairs: {customers: {remove: [CUST_NO]}}", "customers CUST_NO: is a key", 1),
    ("pairs:\n  items: {}", "line 7: as it was", 7),
])  # fmt: skip
def test_a_problem_is_found_in_the_text(text: str, problem: str, line: int) -> None:
    (said,) = located(text, [problem])
    assert said == (f"line {line}: {problem}" if line and not problem.startswith("line") else problem)


def overwrites(session: Session) -> bool:
    """The broken twin: it saves over whatever is there by then."""
    from storage.records import exchange_mappings

    kept = exchange_mappings.current(session, "org_1")
    assert isinstance(kept, KeptMapping)
    return save(session, "org_1", kept.number, PHONE, "mem_admin", START) == "saved"


@pytest.mark.parametrize("loses", [False, True])
async def test_of_two_who_saw_the_same_the_second_is_told_who_was_first(
    database: Database, tmp_path: Path, desk: Desk, *, loses: bool
) -> None:
    world = company(database, tmp_path)
    service = MappingService(desk, world.clock, world.ground.warehouses, world.sides)
    first = wish(world, PHONE.replace("8", "14"))
    await service.save(ADMIN, first, trigger())
    if loses:
        database.in_write(overwrites)
    else:
        with pytest.raises(TooLateError, match="saved version 2 of the mapping meanwhile"):
            await service.save(ADMIN, wish(world), trigger())
        with pytest.raises(TooLateError, match="meanwhile"):
            await service.check(ADMIN, wish(world))
    kept = (await service.view(ADMIN, first.pair_id)).layer
    assert (kept == first.layer) is not loses


async def test_a_newer_profile_is_offered_shown_and_taken_and_conflicts_wait(
    sqlite_database: Database, tmp_path: Path, small: Desk
) -> None:
    """Profiles of a test: 2 has a column more, and 3 lacks the one that the layer changes."""
    world = company(sqlite_database, tmp_path)
    for customer in ("1", "2"):
        world.books.customer(customer, "Customer")
    world.collect()
    service = MappingService(small, world.clock, world.ground.warehouses, world.sides, load, lambda _: [1, 2, 3])
    key = world.pair(Pair.CUSTOMERS).id
    assert (await service.view(ADMIN, key)).newer == 3
    assert (await service.save(ADMIN, MappingWish(key, 1, WishKind.LAYER, MOBILE), trigger())).number == 2
    look = await service.look(ADMIN, MappingWish(key, 2, WishKind.PROFILE, number=2))
    assert (look.differences, look.conflicts) == (("customers CELL: is new, Mobile",), ())
    assert [(pair.records, pair.changed) for pair in look.pairs] == [(2, 2)]
    against = MappingWish(key, 2, WishKind.PROFILE, number=3)
    look = await service.look(ADMIN, against)
    assert (look.pairs, len(look.conflicts)) == ((), 1)
    with pytest.raises(MappingRefusedError, match="which your layer would change"):
        await service.save(ADMIN, against, trigger())
    assert (await service.save(ADMIN, MappingWish(key, 2, WishKind.PROFILE, number=2), trigger())).number == 3
    view = await service.view(ADMIN, key)
    assert (view.profile_version, view.newer, view.layer) == (2, 3, MOBILE)
    with pytest.raises(NotFoundError):
        await service.look(ADMIN, MappingWish(key, 3, WishKind.PROFILE, number=9))
