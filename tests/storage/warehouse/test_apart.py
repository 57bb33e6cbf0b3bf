"""Questions are answered in a process that has no secrets, reaches nothing but the lake, and is bounded."""

import json
from pathlib import Path

import pytest

from storage.warehouse import NoLake, NotReadable, StorageFailed, Warehouse
from storage.warehouse.apart import Caps, Question, TooMuch, ask_apart
from tests.storage.warehouse.company import READY, SOURCE, STREAMS, Invoice, invoices, run

#: The same process, in which the look at each question is left out: what is beneath it must hold by itself.
UNGUARDED = """
import sys; sys.path.insert(0, sys.argv[1])
from storage.warehouse import child, reader
reader.check_select = lambda *_: None
child.main()
"""
#: A twin that attaches and shuts nothing off.
OPEN = """
import json, sys; sys.path.insert(0, sys.argv[1])
import duckdb
order = json.load(sys.stdin)
rows = duckdb.connect().execute(order["questions"][0]["sql"]).fetchall()
json.dump({"answers": [[list(row) for row in rows]]}, sys.stdout)
"""
#: Says what it was given, and holds.
TELLS = """
import json, os, sys; sys.path.insert(0, sys.argv[1]); json.load(sys.stdin)
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
    ],
    ids=["rows", "time"],
)
async def test_it_is_bounded(lakes: str, question: str, caps: Caps) -> None:
    with pytest.raises(TooMuch):
        await ask_apart(lakes, "org_1", [Question(question)], caps=caps)
