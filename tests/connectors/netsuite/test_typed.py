"""Feeds as people type them: what a file suggests reads that very file, and what is wrong names feed and field."""

import asyncio
import gzip
import json
import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from connectors.errors import Broken
from connectors.files.store import FolderStore, Found
from connectors.files.wrong import FileError
from connectors.grants import HintError, Sample
from connectors.netsuite.detecting import filled
from connectors.netsuite.feeds import Feed, read_grant
from connectors.netsuite.grant import declared_of
from connectors.netsuite.sample import propose
from connectors.netsuite.trying import Opened, newest, tried
from connectors.netsuite.typed import ROWS, blocks, declared, typed_of
from sandbox.providers.netsuite import AMERICAN, GERMAN, NetSuite, Style
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret

GL = {f"feed.0.{one.name}": one.choices[0].value if one.choices else "" for one in ROWS.fields} | {
    "feed.0.name": "gl", "feed.0.pattern": "gl*", "feed.0.key": "Line Unique Key", "feed.0.column.transaction_id": "Internal ID",
    "feed.0.column.txn_date": "Date", "feed.0.column.account": "Account", "feed.0.column.amount": "Amount",
}  # fmt: skip


def ledger(folder: Path) -> NetSuite:
    made = NetSuite(folder, SystemClock())
    made.folder.mkdir(parents=True, exist_ok=True)
    made.post(12, date(2026, 11, 1))
    return made


@pytest.mark.parametrize("style, packed", [(AMERICAN, False), (AMERICAN, True), (GERMAN, False)])
async def test_a_file_suggests_what_reads_it(style: Style, tmp_path: Path, *, packed: bool) -> None:
    body = ledger(tmp_path).csv(style)
    name = "GL export_20261121.csv" + (".gz" if packed else "")
    answer = await filled(
        {"feed.0.replaces": "nothing"}, 0, Sample(name, gzip.compress(body) if packed else body), mailed=False
    )
    assert answer.rows[0].good, answer.rows[0].lines
    assert "24 rows" in answer.rows[0].lines[-1]
    assert len(answer.rows[0].rows) == 10
    typed = dict(answer.typed)
    (feed,) = declared(typed | {"feed.0.replaces": "period"})
    said = msgspec.convert(feed, Feed)
    assert (said.name, said.pattern, said.into, said.key, said.period) == (
        "gl_export", "GL export_*.csv" + (".gz" if packed else ""), "transaction_lines", ("Line Unique Key",), "Period",
    )  # fmt: skip
    wanted = style.declared
    assert {one: getattr(said, one) for one in wanted} == wanted
    assert said.columns["debit"] == "Amount (Debit)"
    assert read_grant(Secret(json.dumps({"feeds": [feed]}))).feeds == (said,)
    assert declared(typed_of(0, said)) == [feed]


@pytest.mark.parametrize(
    "body, wanted, notes",
    [
        (b"Title\n\nSKU|Sales|Day\nA1|1,204.50|05/06/2026\nA2|7.00|07/08/2026\nOverall Total|1,211.50|\n",
         {"delimiter": "|", "skip": "2", "ends_at": "Overall Total", "numbers": "1,234.56", "into": "rows"}, "month or the day"),
        ("Nr;Betrag\n1;1'204.50\n2;-3.00\n".encode("utf-16"), {"encoding": "utf-16", "numbers": "1'234.56"}, ""),
        ("Konto\tArt\n1000\tBüro\n1000\tBüro\n".encode("cp1252"), {"encoding": "cp1252", "delimiter": "tab", "key": ""}, "No column tells"),
    ],
)  # fmt: skip
def test_what_is_seen_in_a_file(body: bytes, wanted: dict[str, str], notes: str) -> None:
    found = propose("x/stock.csv", body)
    assert {one: found.typed[one] for one in wanted} == wanted
    assert notes in " ".join(found.notes)
    assert found.typed["stamp"] == "modified"


#: small enough to be sent, and long enough to keep a machine busy
LONG = (b"1," * 2000 + b"\n", b"a" * 1000 + b",b\n1,2\n", b"x" * (1 << 20) + b"y,\n")


@pytest.mark.parametrize(
    "body", [b"PK\x03\x04xx", b"%PDF-1.7", b"<html>", b"\0\0\0", b"one\ntwo\n", b"\xff\xfea", *LONG], ids=range(9)
)
def test_what_is_no_table_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(FileError):
        propose("gl.csv", body)


@pytest.mark.parametrize(
    "more, words, at",
    [
        ({"feed.0.key": ""}, "Feed 1 (gl), Key columns", "feed.0.key"),
        ({"feed.0.name": ""}, "Feed 1, Name", "feed.0.name"),
        ({"feed.0.column.account": ""}, "Feed 1 (gl), Column: Account", "feed.0.column.account"),
        ({"feed.0.column.amount": ""}, "need an amount", "feed.0.column.amount"),
        ({"feed.0.replaces": "period"}, "Feed 1 (gl), Period column", "feed.0.period"),
        ({"feed.0.skip": "many"}, "a number is wanted", "feed.0.skip"),
        ({"feed.0.numbers": "x"}, "Amounts look like: choose", "feed.0.numbers"),
        ({"feed.1.name": "gl"}, "Feed 2 (gl), Name: feed 1 has the same name", "feed.1.name"),
        ({"feed.1.name": "items", "feed.1.pattern": "i*"}, "Feed 2 (items), Key columns", "feed.1.key"),
        ({"feed.0.zone": "Mars"}, "Feed 1 (gl): its zone", "feed.0.zone"),
        ({"feed.0.name": "G L"}, "Feed 1 (G L), Name: small letters", "feed.0.name"),
        ({"feeds": "[]"}, "there twice", "feeds"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_feed_and_field(more: dict[str, str], words: str, at: str) -> None:
    typed = {"store": "s3", "bucket": "deliveries"} | GL | more
    with pytest.raises(HintError, match=re.escape(words)) as told:
        declared_of(list(typed.items()))
    assert told.value.at == at


async def test_of_much_the_beginning_is_tried() -> None:
    """Rows of eight bytes pack to nothing: a sample of 4 MB could hold more than memory."""
    body = b"id,a\n" + b"".join(b"%d,\n" % n for n in range(100_001))
    answer = await filled({"feed.0.replaces": "nothing"}, 0, Sample("x.csv.gz", gzip.compress(body, 1)), mailed=False)
    assert answer.rows[0].good, answer.rows[0].lines
    assert "100,000 rows were looked at, and there are more" in answer.rows[0].lines[-1]


def test_blocks_that_are_left_empty_are_none() -> None:
    empty = {name.replace(".0.", ".1."): value if "pattern" not in name else " " for name, value in GL.items()}
    empty |= {
        name: "" for name in empty if not any(one.choices for one in ROWS.fields if name.endswith(f".{one.name}"))
    }
    assert list(blocks(GL | empty | {"feed.x.name": "y", "feed.999.name": "z", "feed.2.other": "o"})) == [0]


async def test_each_feed_is_told_what_lies_there(tmp_path: Path) -> None:
    home = tmp_path / "org_1"
    made = ledger(home)
    made.deliver(made.csv(), feed="gl")
    made.write(home / "undated.csv", b"SKU,Date\nA,1\n", made.clock.now())
    (home / "cut_20261120.csv").write_bytes(made.csv()[:-40])
    rows = {"key": ["SKU"], "dates": "MM/DD/YYYY"}
    feeds = [made.feed(), {"name": "stock", "pattern": "stock*"} | rows, {"name": "undated", "pattern": "undated*"} | rows,
             made.feed() | {"name": "cut", "pattern": "cut*"}, made.feed() | {"name": "wrong", "dates": "DD.MM.YYYY", "pattern": "no*"}]  # fmt: skip
    grant = read_grant(Secret(json.dumps({"feeds": feeds})))
    place = Opened(FolderStore(str(tmp_path), "org_1", ""), grant, made.clock.now())
    answers = await tried(place)
    assert "All of its 24 rows can be read" in answers["gl"].lines[1]
    assert len(answers["gl"].rows) == 10
    assert "none is named stock*" in answers["stock"].lines[0]
    assert "undated.csv" in answers["stock"].lines[1]
    assert not answers["undated"].good
    assert (answers["cut"].good, "row 2" in " ".join(answers["cut"].lines)) == (False, True), answers["cut"].lines
    found = await newest(place)
    assert found is not None
    assert found[1] == made.csv()
    german = read_grant(Secret(json.dumps({"feeds": [made.feed() | {"dates": "DD.MM.YYYY"}]})))
    (told,) = (await tried(Opened(place.store, german, place.now))).values()
    assert "Look at “Dates look like”." in told.lines[-1]


class Endless(FolderStore):
    """A place whose list does not come to its end."""

    async def look(self) -> list[Found]:
        await asyncio.Event().wait()
        return []


async def test_nobody_waits_before_a_page_for_a_place_without_end(tmp_path: Path) -> None:
    (feed,) = declared(GL)
    grant = read_grant(Secret(json.dumps({"feeds": [feed]})))
    place = Opened(Endless(str(tmp_path), "org_1", ""), grant, SystemClock().now())
    (answer,) = (await tried(place, 0.01)).values()
    assert (answer.good, "a minute was not enough" in answer.lines[0]) == (False, True)
    with pytest.raises(Broken, match="as a sample"):
        await newest(place, 0.01)
