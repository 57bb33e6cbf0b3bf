"""Whatever is wrong with a file, the run ends with the cause in plain words, and the old data stays."""

import contextlib
import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from connectors.errors import Broken, Retry
from connectors.files import unpack
from connectors.files.cells import CellError, amount_reader, date_reader
from connectors.files.spool import LARGEST, Spool
from connectors.files.store import FolderStore, Found
from connectors.files.wrong import FileError
from connectors.netsuite.feeds import Feed
from connectors.netsuite.records import read
from storage.facts.secret import Secret
from tests.connectors.netsuite.place import ORGANIZATION, Place, place

_HEAD = b"Internal ID,Line Unique Key,Date,Account,Amount\r\n"
_ROW = b"1,10,11/18/2026,1000 Checking,5.00\r\n"
_GOOD = _HEAD + _ROW
#: rows of 100 kB that pack to nothing
_LONG = b"1,%d,11/18/2026," + b"x" * 100_000 + b",5.00\r\n"
_COLUMNS = {"transaction_id": "Internal ID", "line_id": "Line Unique Key", "txn_date": "Date", "account": "Account",
            "amount": "Amount"}  # fmt: skip


def _amount(text: str) -> bytes:
    return _HEAD + _ROW + f'1,11,11/18/2026,1000 Checking,"{text}"\r\n'.encode()


#: what is delivered, and what is said about it
BAD: dict[str, tuple[bytes, str]] = {
    "ragged: too few": (_GOOD + b"1,11,11/18/2026\r\n", "row 3 has 3 cells where the header has 5"),
    "ragged: too many": (_GOOD + b"1,11,11/18/2026,x,1,2\r\n", "row 3 has 6 cells where the header has 5"),
    "quote not closed": (_GOOD + b'1,11,11/18/2026,"x,1.00\r\n2,12,11/18/2026,y,1.00\r\n', "a quote that is not closed"),
    "text after a quote": (_GOOD + b'1,11,11/18/2026,"x"y,1.00\r\n', "row 3 has a quote that is not closed, or text"),
    "nan": (_amount("NaN"), "row 3 'Amount' is not an amount"),
    "infinity": (_amount("1e400"), "is not an amount"),
    "underscore": (_amount("1_000"), "is not an amount"),
    "full-width digits": (_amount("１２３"), "is not an amount"),
    "arabic digits": (_amount("١٢٣"), "is not an amount"),
    "decimal comma": (_amount("1.234,56"), "is not an amount"),
    "thousands in odd places": (_amount("12,34.00"), "is not an amount"),
    "minus behind": (_amount("5.00-"), "is not an amount"),
    "two minus": (_amount("(-5.00)"), "is not an amount"),
    "half cents": (_amount("5.005"), "has more digits than an amount can have"),
    "5,000 digits": (_amount("9" * 5000), "has more digits than an amount can have"),
    "an over-long cell": (_amount("9" * 140_000), "row 3 has a quote that is not closed"),
    "day first": (_HEAD + b"1,10,18/11/2026,x,5.00\r\n", "row 2 'Date' is a day that does not exist"),
    "another date": (_HEAD + b"1,10,2026-11-18,x,5.00\r\n", "is not a date in the form MM/DD/YYYY"),
    "no date": (_HEAD + b"1,10,,x,5.00\r\n", "row 2 'Date' is empty"),
    "no key": (_HEAD + b"1, ,11/18/2026,x,5.00\r\n", "row 2 has a row without Line Unique Key"),
    "one key twice": (_GOOD + _ROW, "row 3 has two rows of one Line Unique Key"),
    "another header": (_GOOD.replace(b"Amount", b"Betrag"), "has no column 'Amount'"),
    "repeated column": (_HEAD.strip() + b",Amount\r\n" + _ROW.strip() + b",6.00\r\n", "two columns 'Amount' that differ"),
    "empty": (b"\r\n", "is empty: not even its header is there"),
    "latin-1 in utf-8": (_GOOD + "1,11,11/18/2026,Erlös,1.00\r\n".encode("cp1252"), "is not utf-8"),
    "utf-16": (_GOOD.decode().encode("utf-16"), "is no text in the declared encoding"),
    "nul": (_GOOD.replace(b"Checking", b"Check\0ing"), "is no text in the declared encoding"),
    "html": (b"<html><body>Down for maintenance</body></html>", "has no column"),
    "cut gzip": (gzip.compress(_GOOD * 50)[:-12], "was cut off: the end of its gzip is missing"),
    "damaged gzip": (gzip.compress(_GOOD)[:-8] + b"\0" * 8, "is damaged: its gzip cannot be unpacked"),
    "second member cut": (gzip.compress(_GOOD) + gzip.compress(_ROW)[:9], "was cut off"),
    "rubbish behind gzip": (gzip.compress(_GOOD) + b"rubbish", "is damaged"),
    "bomb": (gzip.compress(_HEAD + b"".join(_LONG % n for n in range(180))), "unpacks to far more than a file of rows can hold"),
    "a line without end": (_HEAD + b"0" * (9 << 20), "has a line that is longer than any row"),
}  # fmt: skip


async def _with_good_data(folder: Path) -> Place:
    here = place(folder, columns=_COLUMNS)
    here.netsuite.deliver(_GOOD, at=here.at(120))
    await here.world.collect()
    assert [row["amount"] for row in here.rows().values()] == [Decimal("5.00")]
    return here


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_file_ends_the_run_in_plain_words_and_the_old_data_stays(tmp_path: Path, case: str) -> None:
    body, words = BAD[case]
    here = await _with_good_data(tmp_path)
    before, cursors, batches = dict(here.rows()), dict(here.world.kept.cursors), len(here.world.kept.batches)
    path = here.netsuite.deliver(body, at=here.at(60))
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert caught.value.code == "file_unreadable"
    assert words in caught.value.detail
    assert "gl_20261122T070000Z.csv" in caught.value.detail
    assert "Checking" not in caught.value.detail
    assert (here.rows(), here.world.kept.cursors, len(here.world.kept.batches)) == (before, cursors, batches)
    # Corrected, it is read.
    here.netsuite.write(path, gzip.compress(_GOOD) if path.suffix == ".gz" else _GOOD, here.at(10))
    done = await here.world.collect()
    assert done.source_as_of == here.at(60)


@pytest.mark.parametrize(
    "name, manifest, words",
    [
        ("gl_20261122T070000Z.csv", {"rows": 3}, "does not have as many rows as its manifest says"),
        ("gl_20261122T070000Z.csv", {"sha256": "0" * 64}, "is not the one that its manifest describes"),
        ("gl_20261122T070000Z.csv", {"sha256": "x"}, "is no manifest"),
        ("gl_20261122T070000Z.csv", [], "is no manifest"),
        ("gl_newest.csv", None, "tells no date in its name"),
        ("gl_20261322.csv", None, "tells no date in its name"),
        ("gl_20261122T070000Z.csv.gz", None, "is named .gz and is not packed"),
    ],
)
async def test_names_and_manifests(tmp_path: Path, name: str, manifest: Any, words: str) -> None:
    here = await _with_good_data(tmp_path)
    path = here.netsuite.folder / "gl" / name
    here.netsuite.write(path, _GOOD + _ROW.replace(b"10", b"11"), here.at(30))
    if manifest is not None:
        here.netsuite.write(path.with_name(f"{name}.done"), json.dumps(manifest).encode(), here.at(30))
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert words in caught.value.detail


async def test_beginnings_hidden_files_and_strangers_are_left_alone(tmp_path: Path) -> None:
    here = await _with_good_data(tmp_path)
    for name in ("gl_x.csv.tmp", "gl_x.csv.filepart", ".gl_x.csv", "notes.txt"):
        here.netsuite.write(here.netsuite.folder / "gl" / name, b"half a line", here.at(30))
    here.netsuite.write(here.netsuite.folder / "gl" / "gl_20261122T070000Z.csv", b"", here.at(30))
    await here.world.collect()
    assert len(here.rows("files")) == 1


async def test_a_file_that_changes_while_it_is_read_is_tried_again(tmp_path: Path) -> None:
    here = place(tmp_path)
    path = here.netsuite.deliver(_GOOD, at=here.at(60))
    store = FolderStore(str(tmp_path), ORGANIZATION, "")
    (found,) = await store.look()
    assert await store.read(found) == _GOOD
    here.netsuite.write(path, _GOOD + _ROW, here.at(60))
    with pytest.raises(Retry):
        await store.read(found)
    path.unlink()
    with pytest.raises(Retry):
        await store.read(found)
    with pytest.raises(Broken):
        await store.read(Found(found.path, 1 << 40, found.version, found.modified))


def _unpacked(name: str, body: bytes, largest: int = unpack.LARGEST) -> bytes:
    return unpack.unpacked(name, io.BytesIO(body), largest).read()


def _silent(name: str, body: bytes) -> bytes:
    """The twin: unpacks as one usually does."""
    _ = name
    return zlib.decompressobj(wbits=31).decompress(body)


@pytest.mark.parametrize("unpack_it, catches", [(_unpacked, True), (_silent, False)])
def test_the_usual_way_to_unpack_gives_half_a_file(unpack_it: Callable[[str, bytes], bytes], catches: bool) -> None:  # noqa: FBT001 - a case
    body = gzip.compress(_GOOD * 2000)[:-30]
    try:
        assert len(unpack_it("x.gz", body)) < len(_GOOD) * 2000
    except FileError:
        assert catches
    else:
        assert not catches


def _whole(feed: Feed, body: IO[bytes], records: Spool) -> None:
    """The twin: unpacks first and reads then."""
    read(feed, io.BytesIO(unpack.unpacked("x.gz", body).read()), records)


@pytest.mark.parametrize("reads, catches", [(read, False), (_whole, True)])
def test_no_file_is_ever_whole_in_memory(tmp_path: Path, reads: Callable[..., object], *, catches: bool) -> None:
    feed = msgspec.convert(place(tmp_path, columns=_COLUMNS).netsuite.feed(columns=_COLUMNS), Feed)
    packed = io.BytesIO(gzip.compress(_HEAD + b"".join(_LONG % n for n in range(150)), 1))
    tracemalloc.start()
    try:
        with contextlib.closing(Spool()) as records:
            reads(feed, packed if catches else unpack.unpacked("x.gz", packed), records)
            assert records.count == 150
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 15 MB of rows; of what waits on disk at most 32 MB are handed on at once.
    assert (peak > 12 << 20) == catches


@pytest.mark.parametrize("largest, catches", [(8 << 20, True), (LARGEST, False)])
def test_headings_that_each_row_repeats_do_not_fill_the_disk(tmp_path: Path, largest: int, *, catches: bool) -> None:
    """100 kB become 15 MB; the twin keeps what comes."""
    labels = b",".join([b"id", *(b"x" * 700 + b"%d" % n for n in range(100))])
    body = labels + b"".join(b"\n%d" % n + b"," * 100 for n in range(200))
    feed = Feed(name="gl", pattern="*", key=("id",), dates="MM/DD/YYYY")
    with contextlib.closing(Spool(largest)) as records, contextlib.suppress(FileError):
        read(feed, io.BytesIO(body), records)
    assert (records.count < 200) == catches
    with contextlib.closing(Spool(most=199)) as records, pytest.raises(FileError, match="more than 199 rows"):
        read(feed, io.BytesIO(body), records)


def test_a_period_for_each_row_is_none() -> None:
    feed = Feed(name="gl", pattern="*", key=("id",), dates="MM/DD/YYYY", replaces="period", period="month")
    body = b"id,month" + b"".join(b"\n%d,%d" % (n, n) for n in range(5001))
    with contextlib.closing(Spool()) as records, pytest.raises(FileError, match="month is no column of periods"):
        read(feed, io.BytesIO(body), records)


def test_several_members_are_one_file() -> None:
    assert _unpacked("x.gz", gzip.compress(_HEAD) + gzip.compress(_ROW)) == _GOOD
    assert unpack.LARGEST == 1 << 30
    with pytest.raises(FileError):
        _unpacked("x.gz", gzip.compress(_GOOD), 20)


@pytest.mark.parametrize(
    "said, decimal, thousands, meant",
    [("1.234,56", ",", ".", "1234.56"), ("(81,00)", ",", ".", "-81.00"), ("-0,5", ",", "", "-0.50"), ("0", ".", "", "0.00"),
     ("1,234,567.8", ".", ",", "1234567.80"), ("1234567", ".", ",", "1234567.00"), ("1'000.10", ".", "'", "1000.10"),
     ("007.00", ".", "", "7.00"), ("5.0000", ".", "", "5.00"), (" ", ".", "", None)],
)  # fmt: skip
def test_amounts_mean_what_the_feed_declares(said: str, decimal: str, thousands: str, meant: str | None) -> None:
    assert amount_reader(decimal, thousands)(said) == meant


def test_a_thousand_in_one_feed_is_no_number_in_another() -> None:
    assert amount_reader(".", ",")("1,234") == "1234.00"
    with pytest.raises(CellError):
        amount_reader(".", "")("1,234")
    assert date_reader("D-Mon-YYYY")("8-Nov-2026") == "2026-11-08"
    with pytest.raises(CellError):
        date_reader("D-Mon-YYYY")("8-Okt-2026")


@pytest.mark.parametrize(
    "change",
    [{"name": "../x"}, {"name": "GL"}, {"key": []}, {"dates": "YY"}, {"dates": None}, {"encoding": "rot13"}, {"surprise": 1},
     {"numbered": True}, {"replaces": "period"}, {"period": "Period"}, {"thousands": "."}, {"zone": "Mars/Olympus"},
     {"pattern": ""}, {"pattern": "*" * 6}, {"columns": {"amount": "Amount"}}, {"columns": {"nonsense": "x"}}, {"skip": -1},
     {"columns": {"transaction_id": "a", "txn_date": "b", "account": "c"}}],
)  # fmt: skip
async def test_a_declaration_is_refused_before_anything_is_read(tmp_path: Path, change: dict[str, Any]) -> None:
    here = place(tmp_path)
    here.declare({**here.netsuite.feed(), **change})
    here.netsuite.deliver(_GOOD)
    with pytest.raises(Broken) as caught:
        await here.world.collect()
    assert caught.value.code == "feeds_malformed"


async def test_a_sealed_text_that_is_no_declaration_is_said_and_not_shown(tmp_path: Path) -> None:
    here = place(tmp_path)
    for wrong in ("", "{", "[]", '{"feeds": []}', '{"feeds": "s3cret-token"}'):
        store = here.world.tokens
        store.tokens = store.tokens.__class__(Secret(wrong))
        with pytest.raises(Broken) as caught:
            await here.world.collect()
        assert "s3cret" not in str(caught.value)
    two = here.netsuite.feed()
    here.declare(two, {**two, "name": "again"})
    here.netsuite.deliver(_GOOD, at=here.at(60))
    with pytest.raises(Broken, match="claim the same file"):
        await here.world.collect()
    here.declare(two, two)
    with pytest.raises(Broken, match="two feeds have the same name"):
        await here.world.collect()


@pytest.mark.contracts
async def test_collected_samples_are_read(contracts: Path, tmp_path: Path) -> None:
    samples = contracts / "netsuite/synthetic"
    here = place(tmp_path)
    us = {"name": "us", "pattern": "us/*", "into": "transaction_lines", "key": ["Internal ID"], "numbered": True,
          "replaces": "period", "period": "Period", "dates": "MM/DD/YYYY",
          "columns": {"transaction_id": "Internal ID", "txn_date": "Date", "account": "Account", "memo": "Memo", "name": "Name",
                      "debit": "Amount (Debit)", "credit": "Amount (Credit)", "amount": "Amount"}}  # fmt: skip
    de = {"name": "de", "pattern": "de/*", "into": "transaction_lines", "key": ["Interne ID"], "dates": "DD.MM.YYYY",
          "encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": ".",
          "columns": {"transaction_id": "Interne ID", "txn_date": "Datum", "account": "Konto", "amount": "Betrag"}}  # fmt: skip
    sums = {"name": "sums", "pattern": "sums/*", "key": ["Account"], "dates": "MM/DD/YYYY", "replaces": "all",
            "columns": {"amount": "Sum of Amount"}, "ends_at": "Overall Total"}  # fmt: skip
    here.declare(us, de, sums)
    for feed, name in (("us", "gl_us_utf8_bom"), ("de", "gl_de_cp1252_semicolon"), ("sums", "summary_with_total")):
        here.netsuite.deliver((samples / f"saved_search_{name}.csv").read_bytes(), feed=feed, at=here.at(60))
    await here.world.collect()
    lines = here.rows().values()
    assert [row["amount"] for row in lines if row["feed"] == "us"] == [Decimal(81), Decimal(-75), Decimal(-6)]
    assert [(row["account"], row["amount"]) for row in lines if row["feed"] == "de"] == [
        ("1200 Forderungen", Decimal("1234.56")), ("4000 Erlöse", Decimal(-81)),
    ]  # fmt: skip
    assert sum(row["amount"] for row in here.rows("rows").values()) == Decimal("15290.55")
    here.netsuite.deliver((samples / "saved_search_zero_rows.csv").read_bytes(), feed="us", at=here.at(5))
    await here.world.collect()
    assert len([row for row in here.rows().values() if row["feed"] == "us"]) == 3
