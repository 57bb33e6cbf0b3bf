"""Files of saved searches: the warehouse is what the account has, whatever the files do."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import open_session
from connectors.errors import Broken, Retry
from connectors.netsuite.choose import SETTLES
from connectors.netsuite.connector import NetSuiteConnector
from connectors.netsuite.ledger import read_ledger
from connectors.netsuite.reading import FeedReader
from connectors.registry import connector_for
from sandbox.providers.netsuite import AMERICAN, GERMAN, Style
from storage.facts.sources import Provider
from tests.connectors.netsuite.place import ORGANIZATION, Place, place

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.mark.parametrize("style", [AMERICAN, GERMAN], ids=["american", "german"])
@pytest.mark.parametrize("replaces", ["nothing", "all", "period"])
async def test_the_warehouse_is_the_account(tmp_path: Path, style: Style, replaces: str) -> None:
    assert isinstance(connector_for(Provider.NETSUITE), NetSuiteConnector)
    more = {"replaces": replaces, "period": "Period" if replaces == "period" else ""}
    here = place(tmp_path, style, **more)
    account = here.netsuite
    account.post(30, OCTOBER)
    account.post(30, NOVEMBER)
    account.deliver(account.csv(style), at=here.at(90))
    done = await here.world.collect()
    here.assert_same()
    assert done.source_as_of == here.at(90)
    account.mutate(changed=4, removed=0 if replaces == "nothing" else 3)
    account.post(2, NOVEMBER)
    account.deliver(account.packed(account.csv(style)), at=here.at(30))
    done = await here.world.collect()
    here.assert_same()
    assert done.source_as_of == here.at(30)
    assert [row["fate"] for row in here.rows("files").values()] == ["loaded", "loaded"]
    before = dict(here.world.kept.cursors)
    batches = len(here.world.kept.batches)
    done = await here.world.collect()
    assert done.source_as_of == here.at(30)  # nothing came: nobody is told that it is fresher
    assert (len(here.world.kept.batches), here.world.kept.cursors) == (batches, before)


async def test_a_file_that_grows_is_read_when_it_stands_still(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(20, NOVEMBER)
    whole = account.csv()
    half = whole[: whole.index(b"\r\n", len(whole) // 2) + 2]
    path = account.deliver(half, at=here.at(5), written=here.world.clock.now())
    with pytest.raises(Retry) as caught:
        await here.world.collect()
    assert caught.value.code == "file_growing"
    assert not here.rows()
    account.write(path, whole, here.world.clock.now() - 2 * SETTLES)
    await here.world.collect()
    here.assert_same()


async def test_a_store_whose_clock_is_ahead_is_believed_after_two_looks(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(5, NOVEMBER)
    account.deliver(account.csv(), at=here.at(60))
    await here.world.collect()
    account.mutate(changed=2, removed=0)
    ahead = here.world.clock.now() + timedelta(hours=3)
    account.deliver(account.csv(), at=here.at(10), written=ahead)
    done = await here.world.collect()
    assert done.source_as_of == here.at(60)
    assert done.notes == ("1 files are not read yet: they may still grow",)
    here.world.clock.advance(2 * SETTLES)
    await here.world.collect()
    here.assert_same()


async def test_a_file_that_grew_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(20, NOVEMBER)
    whole = account.csv()
    path = account.deliver(whole[: whole.index(b"\r\n", len(whole) // 2) + 2], at=here.at(60))
    await here.world.collect()
    assert 0 < len(here.rows()) < len(account.lines)
    account.write(path, whole, here.at(30))
    await here.world.collect()
    here.assert_same()


@pytest.mark.parametrize("replaces", ["nothing", "all", "period"])
async def test_a_late_file_does_not_bring_old_data_back(tmp_path: Path, replaces: str) -> None:
    here = place(tmp_path, replaces=replaces, period="Period" if replaces == "period" else "")
    await _late(here)
    here.assert_same()


async def _late(here: Place) -> None:
    """Deliver the newer file first."""
    account = here.netsuite
    account.post(20, NOVEMBER)
    old = account.csv()
    account.mutate(changed=8, removed=0)
    account.deliver(account.csv(), at=here.at(60))
    await here.world.collect()
    account.deliver(old, at=here.at(90), written=here.at(10))
    await here.world.collect()


class _AsTheyCome(FeedReader):
    """The twin: reads files as they come."""

    async def _changes(self, new: Any, ordered: Any) -> None:
        _ = ordered
        for one in new:
            found = await self._open(one, always=True)
            if found is not None:
                self._emit(found, found.keys)


class _Hasty(NetSuiteConnector):
    reader = _AsTheyCome


async def test_the_twin_brings_old_data_back(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.world.connector = _Hasty()
    await _late(here)
    with pytest.raises(AssertionError):
        here.assert_same()


async def test_a_late_file_whose_successors_are_gone_is_not_loaded(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(20, NOVEMBER)
    old = account.csv()
    account.mutate(changed=8, removed=0)
    newer = account.deliver(account.csv(), at=here.at(60))
    await here.world.collect()
    newer.unlink()
    await here.world.collect()
    account.deliver(old, at=here.at(90), written=here.at(10))
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert "newer ones are gone" in caught.value.detail
    here.assert_same()


async def test_the_same_file_again_changes_nothing_but_the_as_of(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(5, NOVEMBER)
    account.deliver(account.csv(), at=here.at(90))
    await here.world.collect()
    account.deliver(account.csv(), at=here.at(30))
    lines = len([one for one in here.world.kept.batches if one.stream.name == "transaction_lines"])
    done = await here.world.collect()
    assert done.source_as_of == here.at(30)
    assert len([one for one in here.world.kept.batches if one.stream.name == "transaction_lines"]) == lines
    assert sorted(row["fate"] for row in here.rows("files").values()) == ["loaded", "same"]


async def test_far_fewer_rows_are_believed_only_when_the_sender_counted_them(tmp_path: Path) -> None:
    here = place(tmp_path, replaces="all")
    account = here.netsuite
    account.post(60, NOVEMBER)
    account.deliver(account.csv(), at=here.at(90))
    await here.world.collect()
    account.mutate(changed=0, removed=60)
    path = account.deliver(account.csv(), at=here.at(60))
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert caught.value.code == "far_fewer_rows"
    assert len(here.rows()) == 120
    account.write(path.with_name(f"{path.name}.done"), b'{"rows": 60}', here.at(60))
    await here.world.collect()
    here.assert_same()


async def test_a_feed_that_is_declared_otherwise_is_read_anew_and_nothing_stands_twice(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    account.post(20, NOVEMBER)
    account.deliver(account.csv(), at=here.at(90))
    await here.world.collect()
    here.declare(account.feed(key=["Internal ID"], numbered=True, replaces="all"))
    await here.world.collect()
    here.assert_same()
    assert len(here.rows()) == len(account.lines)
    other = account.feed(name="other", into="rows", columns={})
    here.declare(other)
    await here.world.collect()
    assert not here.rows()
    assert len(here.rows("rows")) == len(account.lines)


async def test_as_of_is_that_of_the_feed_that_is_furthest_behind(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    items = {"name": "items", "pattern": "items/*", "key": ["Internal ID"], "dates": "YYYY-MM-DD"}
    here.declare(account.feed(), items)
    account.post(3, NOVEMBER)
    account.deliver(account.csv(), at=here.at(10))
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert (caught.value.code, caught.value.detail) == ("nothing_delivered", "no file has come yet for items")
    account.deliver(b"Internal ID,Name\n1,Soil\n", feed="items", at=here.at(70))
    done = await here.world.collect()
    assert done.source_as_of == here.at(70)
    assert here.rows("rows")["items||1"]["cells"] == '[["Internal ID","1"],["Name","Soil"]]'
    assert not done.unknown
    account.deliver(b"Internal ID,Name,Origin\n", feed="items", at=here.at(5))
    done = await here.world.collect()
    assert (done.source_as_of, done.unknown) == (here.at(10), {"rows": ("Origin",)})
    assert set(here.rows("rows")) == {"items||1"}


@pytest.mark.parametrize("replaces", ["nothing", "all"])
async def test_a_feed_that_cannot_be_read_stops_itself_only(tmp_path: Path, replaces: str) -> None:
    here = place(tmp_path, replaces=replaces)
    account, access = here.netsuite, here.world.access
    items = {"name": "items", "pattern": "items/*", "key": ["Internal ID"], "dates": "YYYY-MM-DD", "into": "rows"}
    here.declare(account.feed(replaces=replaces), items)
    account.post(3, NOVEMBER)
    account.deliver(account.csv(), at=here.at(90))
    account.deliver(b"Internal ID,Name\n1,Soil\n", feed="items", at=here.at(80))
    await here.world.collect()
    held = dict(here.rows())

    # Of two new files the first is good by itself; the second is spoilt in its middle.
    account.mutate(changed=2, removed=0)
    between = account.csv()
    account.deliver(between, at=here.at(60))
    account.post(2, NOVEMBER)
    bad = account.csv().split(b"\r\n")
    bad[3] = bad[3] + b",one more"
    path = account.deliver(b"\r\n".join(bad), at=here.at(50))
    account.deliver(b"Internal ID,Name\n1,Soil\n2,Sand\n", feed="items", at=here.at(40))
    done = await here.world.collect(partly=True)
    (lost,) = done.aside
    assert (lost.streams, lost.label, lost.whole, lost.error.code) == (
        ("feed gl",),
        "Files of gl",
        False,
        "file_unreadable",
    )
    assert f"{path.name}, row 4 has " in lost.error.detail
    assert (done.source_as_of, done.parts) == (here.at(40), {"feed gl": "Files of gl", "feed items": "Files of items"})
    assert len(here.rows("rows")) == 2
    # What the files say that add and replace is kept up to the last good one, what replaces all not at all.
    assert lost.as_of == here.at(60 if replaces == "nothing" else 90)
    assert (here.rows() == held) == (replaces == "all")
    assert len(here.rows()) == len(held)

    # Alone: nothing else is looked at, and the as-of of the others does not stand for it.
    account.deliver(b"Internal ID,Name\n3,Loam\n", feed="items", at=here.at(5))
    here.world.access = replace(access, only=frozenset({"feed gl"}))
    assert len((await here.world.collect(partly=True)).aside) == 1
    account.write(path, account.csv(), here.at(4))
    done = await here.world.collect()
    assert (done.aside, done.source_as_of, len(here.rows("rows"))) == ((), here.at(50), 2)
    here.assert_same()
    here.world.access = access
    assert (await here.world.collect()).source_as_of == here.at(5 + 45)
    # What was missing and is declared no more, or may be missing now, is no trouble.
    here.world.access = replace(access, only=frozenset({"feed of before"}))
    assert not (await here.world.collect()).aside


async def test_a_feed_that_is_declared_anew_and_fails_keeps_what_it_had(tmp_path: Path) -> None:
    here = place(tmp_path)
    account = here.netsuite
    items = {"name": "items", "pattern": "items/*", "key": ["Internal ID"], "dates": "YYYY-MM-DD", "into": "rows"}
    here.declare(account.feed(), items)
    account.post(3, NOVEMBER)
    account.deliver(account.csv(), at=here.at(90))
    account.deliver(b"Internal ID,Name\n1,Soil\n", feed="items", at=here.at(80))
    await here.world.collect()
    held = dict(here.rows())
    here.declare({**account.feed(), "key": ["No such column"]}, items)
    for _ in range(2):
        (lost,) = (await here.world.collect(partly=True)).aside
        assert (here.rows(), lost.as_of) == (held, here.at(90))
    here.declare(account.feed(key=["Internal ID"], numbered=True, replaces="all"), items)
    await here.world.collect()
    here.assert_same()
    assert len(here.rows()) == len(held)


async def test_an_organization_reads_its_own_folder_only(tmp_path: Path) -> None:
    """T55: neither a prefix nor a link leads into another organization's folder."""
    here = place(tmp_path)
    account = here.netsuite
    account.post(3, NOVEMBER)
    account.deliver(account.csv(), at=here.at(10))
    mine = here.world.access
    here.world.access = replace(mine, organization="org_2")
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert caught.value.code == "folder_missing"
    (tmp_path / "org_2" / "gl").mkdir(parents=True)
    (tmp_path / "org_2" / "gl" / "gl_20261122T070000Z.csv").symlink_to(next((tmp_path / ORGANIZATION).rglob("*.csv")))
    (tmp_path / "org_2" / "more").symlink_to(tmp_path / ORGANIZATION)
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert caught.value.code == "nothing_delivered"
    for prefix in ("../org_1", "/", "..", "gl/../../org_1", ".", "gl\\x", "gl/"):
        here.declare(account.feed(), prefix=prefix)
        with pytest.raises(Broken) as caught:
            await here.world.collect()
        assert caught.value.code == "feeds_malformed"
    for nobody in ("", "..", "org_1/gl"):
        here.declare(account.feed())
        here.world.access = replace(mine, organization=nobody)
        with pytest.raises(Broken):
            await here.world.collect()
    assert not here.rows()


async def test_the_folder_is_looked_at_to_prove_it(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.declare(here.netsuite.feed(), company="Temerity Goods")
    async with open_session(here.world.connector, here.world.access) as session:
        assert (await here.world.connector.probe(session)).name == "Temerity Goods"
    here.netsuite.folder.rmdir()
    async with open_session(here.world.connector, here.world.access) as session:
        with pytest.raises(Broken):
            await here.world.connector.probe(session)


def test_a_foreign_cursor_is_none() -> None:
    for cursor in (None, "", "{}", "2026-11-22|x|3", "[{}, 5]"):
        assert not read_ledger(cursor).feeds
