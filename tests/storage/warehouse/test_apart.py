"""Questions are answered in a process that has no secrets, reaches nothing but the lake, and is bounded."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from storage.warehouse import NoLake, NotReadable, StorageFailed, Warehouse, checked
from storage.warehouse.apart import Apart, Caps, Changed, Question, TooMuch, ask_apart
from storage.warehouse.extensions import extension_path
from tests.storage.warehouse.company import READY, SOURCE, STREAMS, Invoice, invoices, run

#: The same process, in which the look at each question is left out: what is beneath it must hold by itself.
UNGUARDED = """
import sys; sys.path.insert(0, sys.argv[1])
from storage.warehouse import child, reader
reader.check_select = lambda *_: None
child.main()
"""
#: A twin that remembers answers of tables that questions made.
REMEMBERS = """
import re, sys; sys.path.insert(0, sys.argv[1])
from storage.warehouse import child
child._KEPT = re.compile("(?!)")
child.main()
"""
#: A twin that attaches and shuts nothing off.
OPEN = """
import json, sys; sys.path.insert(0, sys.argv[1])
import duckdb
order = json.loads(sys.stdin.readline())
rows = duckdb.connect().execute(order["questions"][0]["sql"]).fetchall()
json.dump({"answers": [[list(row) for row in rows]]}, sys.stdout)
"""
#: Says what it was given, and holds.
TELLS = """
import json, os, sys; sys.path.insert(0, sys.argv[1]); json.loads(sys.stdin.readline())
from storage.warehouse import child
json.dump({"answers": [[[dict(os.environ), sys.argv[2:], os.getcwd()]]]}, sys.stdout)
"""


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two organizations with a lake each."""
    folder_url = str(tmp_path_factory.mktemp("lakes"))
    for organization in ("org_1", "org_2"):
        warehouse = Warehouse(folder_url, organization, threads=1)
        with warehouse.begin(run("run_1"), STREAMS) as loader:
            loader.write(invoices([Invoice("i1"), Invoice("i2")]))
            loader.commit({})
        warehouse.process("run_1", SOURCE, READY)
    return folder_url


async def test_answers_come_back_exactly(lakes: str) -> None:
    question = Question(
        "SELECT id, total FROM ready_books_invoices WHERE _source = $1 AND list_contains($2, id) ORDER BY id",
        (SOURCE, ["i2", "'; DROP TABLE ready_books_invoices; --"]),
        ("ready_books_invoices",),
    )
    missing = Question("SELECT 1 FROM ready_books_nothing", (), ("ready_books_nothing",))
    assert await ask_apart(lakes, "org_1", [question, missing]) == [[["i2", "10.00"]], []]
    with pytest.raises(NoLake):
        await ask_apart(lakes, "org_3", [question])


def reaching(lakes: str, outside: Path) -> list[str]:
    """Return questions that want something else than the organization's tables."""
    other = next(Path(lakes, "org_2").rglob("*.parquet"))
    return [
        f"SELECT content FROM read_text('{outside}')",
        f"SELECT * FROM '{other}'",
    ]


async def test_nothing_outside_of_the_lake_is_read_by_either_of_two_walls(lakes: str, tmp_path: Path) -> None:
    outside = tmp_path / "keys.txt"
    outside.write_text("SECRET_KEYS")
    text, other = (Question(sql) for sql in reaching(lakes, outside))
    with pytest.raises(NotReadable):
        await ask_apart(lakes, "org_1", [text])
    with pytest.raises(StorageFailed, match=r"Permission|disabled"):
        await ask_apart(lakes, "org_1", [other], program=UNGUARDED)
    opened = await ask_apart(lakes, "org_1", [text], program=OPEN)
    assert opened == [[["SECRET_KEYS"]]], "the twin that shuts nothing off reads it, so the check can tell"


async def test_one_process_answers_several_orders(lakes: str) -> None:
    kept = Question("SELECT max(id) AS id FROM ready_books_invoices", keep="last")
    last = Question("SELECT id FROM made_last")
    async with Apart(lakes, "org_1") as apart:
        assert await apart.ask([kept]) == [[]]
        assert await apart.ask([last]) == [[["i2"]]]
        with pytest.raises(NotReadable):
            await apart.ask([Question("SELECT 1 FROM somewhere.else")])
        # What failed ended it: another one was not told to keep anything.
        with pytest.raises(NotReadable):
            await apart.ask([last])
    again = await ask_apart(lakes, "org_1", [kept, last])
    assert again == [[], [["i2"]]]


async def test_what_was_made_anew_is_read_anew(lakes: str) -> None:
    first = Question("SELECT min(id) AS id FROM ready_books_invoices", keep="one")
    other = Question("SELECT max(id) AS id FROM ready_books_invoices", keep="one")
    one, empty = Question("SELECT id FROM made_one"), Question("SELECT 1 AS id WHERE false", keep="one")
    if_any = Question("SELECT 'some' AS any", rows_in=("made_one",))
    order = [first, one, if_any, other, one, if_any, empty, one, if_any]
    some = [["some"]]
    assert await ask_apart(lakes, "org_1", order) == [[], [["i1"]], some, [], [["i2"]], some, [], [], []]
    stale = await ask_apart(lakes, "org_1", [first, one, other, one], program=REMEMBERS)
    assert stale[-1] == [["i1"]], "the twin that remembers too much says what was, so the check can tell"


async def test_a_process_that_ended_while_it_waited_is_followed_by_another(lakes: str) -> None:
    async with Apart(lakes, "org_1", caps=Caps(seconds=1)) as apart:
        first = await apart.ask([Question("SELECT 1 AS one")])
        process = apart._process
        assert process is not None
        await asyncio.wait_for(process.wait(), 60)
        assert await apart.ask([Question("SELECT 1 AS one")]) == first == [[[1]]]


def test_a_file_that_is_another_since_it_was_checked_is_not_known(lakes: str) -> None:
    """The process takes the word of whoever started it for the extensions' signatures."""
    assert Path(lakes).is_dir()
    path = extension_path("ducklake")
    assert dict(checked.known())[str(path)] == path.stat().st_mtime_ns
    assert not checked.is_known(path, path.stat().st_mtime_ns + 1)
    assert not checked.is_known(path.with_name("other"), path.stat().st_mtime_ns)


async def test_the_process_has_no_secrets(lakes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEYS", "of a test")
    (((environment, arguments, folder),),) = await ask_apart(lakes, "org_1", [], program=TELLS)
    assert "of a test" not in json.dumps([environment, arguments])
    assert set(environment) <= {"LC_CTYPE"}
    assert (arguments, folder) == ([], "/")


@pytest.mark.parametrize(
    "question, caps",
    [
        ("SELECT r.range FROM range(50) r", Caps(rows=49)),
        ("SELECT count(*) FROM range(4000000) a, range(4000000) b WHERE a.range + b.range = 3", Caps(seconds=1)),
        ("SELECT len(list(r.range)) FROM range(3000000) r", Caps(memory=16_000_000)),
    ],
    ids=["rows", "time", "memory"],
)
async def test_it_is_bounded(lakes: str, question: str, caps: Caps) -> None:
    with pytest.raises(TooMuch):
        await ask_apart(lakes, "org_1", [Question(question)], caps=caps)


async def test_it_answers_the_same_on_both_kinds_of_catalog(url: str, tmp_path: Path) -> None:
    """A catalog on Postgres is reached with its own address, by the pipe; what SQL may open is as narrow as elsewhere."""
    warehouse = Warehouse(url, "org_1", threads=1)
    snapshots = []
    for name, total in (("run_1", "10.00"), ("run_2", "12.50")):
        with warehouse.begin(run(name), STREAMS) as loader:
            loader.write(invoices([Invoice("i1"), Invoice("i2", total=Decimal(total))]))
            loader.commit({})
        snapshots.append(warehouse.process(name, SOURCE, READY).snapshot_after)
    table, gone = "ready_books_invoices", "raw_books_nothing"
    asked: list[Question | Changed] = [
        Changed(table, SOURCE, snapshots[0]),
        Changed(gone, SOURCE, snapshots[0]),
        Question(f"SELECT id, total FROM changed_{table}", (), (f"changed_{table}",), keep="moved"),
        Question("SELECT id, total FROM made_moved ORDER BY total", (), (f"changed_{table}",)),
        Question(f"SELECT 1 FROM changed_{gone}", (), (f"changed_{gone}",)),
    ]
    moved = [["i2", "10.00"], ["i2", "12.50"]]
    assert await ask_apart(url, "org_1", asked, snapshot=snapshots[1]) == [[[2]], [], [], moved, []]
    outside = tmp_path / "keys.txt"
    outside.write_text("SECRET_KEYS")
    for reaching_out in (f"SELECT * FROM '{outside}'", f"SELECT * FROM read_text('{outside}')",
                         "SELECT * FROM postgres_query('__ducklake_metadata_lake', 'SELECT current_user')",
                         "SELECT * FROM pg_catalog.pg_authid"):  # fmt: skip
        with pytest.raises((NotReadable, StorageFailed)):
            await ask_apart(url, "org_1", [Question(reaching_out)])
