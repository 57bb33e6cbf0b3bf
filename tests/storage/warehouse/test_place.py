"""Where lakes live, what the process costs, and that the extensions are the right ones."""

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import duckdb
import pytest

from storage.warehouse import ExtensionMismatch, StorageFailed, Warehouse, check_extensions, extensions
from storage.warehouse.extensions import EXTENSIONS, extension_path
from storage.warehouse.location import locate
from storage.warehouse.names import organization_name, raw_table, ready_table
from tests.storage.warehouse.company import SOURCE, STREAMS, Invoice, invoices, run

ROOT = Path(__file__).parents[3]


def collect(warehouse: Warehouse, name: str) -> None:
    with warehouse.begin(run(name), STREAMS) as loader:
        loader.write(invoices([Invoice(name)]))
        loader.commit({})


def test_the_extensions_are_duckdbs_own_version_and_load_offline() -> None:
    """CI asserts this: a wheel of another version does not load, and nothing may be fetched instead."""
    check_extensions()
    for name in EXTENSIONS:
        assert version(f"duckdb_extension_{name}") == duckdb.__version__
        assert extension_path(name).is_file()
    connection = duckdb.connect(":memory:", config=extensions.QUIET)
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
        assert connection.execute(f"SELECT current_setting('{setting}')").fetchone() == (False,)
    connection.close()


def test_an_extension_that_was_tampered_with_does_not_load(tmp_path: Path) -> None:
    path = tmp_path / "ducklake.duckdb_extension"
    content = bytearray(extension_path("ducklake").read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ExtensionMismatch):
        extensions._verified(path)
    with pytest.raises(ExtensionMismatch):
        extension_path("json5")


@pytest.mark.parametrize(
    "bad", ["", "..", "a/b", "a\\b", "a b", "ä", "a\x00", "x" * 65, "org_1\n", "../org_1", ".", "~a"]
)
def test_an_organization_id_is_never_a_path(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError):
        Warehouse(str(tmp_path), bad)


def test_organizations_never_meet_in_one_place() -> None:
    ids = ["org", "Org", "ORG", "o" * 64, "o" * 63 + "p", "org_1", "org-1"]
    names = [organization_name(each) for each in ids]
    assert len({name.casefold() for name in names}) == len(ids)
    assert all(len(f"lake_{name}") <= 63 for name in names)
    assert organization_name("org_1") == "org_1"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lakes").mkdir()
    (tmp_path / "lakes" / "org_1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="leads out"):
        Warehouse(str(tmp_path / "lakes"), "org_1")


@pytest.mark.parametrize("url", ["", "mysql://x/y", "s3://bucket/x", "postgresql://host/db"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        locate(url, "org_1")


@pytest.mark.parametrize("name", ["", "1a", "a b", 'a"b', "a;b", "_a", "x" * 64])
def test_names_of_tables_are_plain(name: str) -> None:
    with pytest.raises(ValueError):
        raw_table("books", name)
    with pytest.raises(ValueError):
        ready_table(name)
    with pytest.raises(ValueError):
        raw_table(name or "A", "invoices")


def test_a_lake_may_be_moved(folder_url: str, tmp_path: Path) -> None:
    collect(Warehouse(folder_url, "org_1", threads=1), "one")
    shutil.move(folder_url, tmp_path / "moved")
    moved = Warehouse(str(tmp_path / "moved"), "org_1")
    collect(moved, "two")
    with moved.reader() as reader:
        assert reader.query("SELECT id FROM raw_books_invoices ORDER BY id") == [{"id": "one"}, {"id": "two"}]


def test_organizations_do_not_see_each_other(url: str) -> None:
    collect(Warehouse(url, "org_1", threads=1), "one")
    collect(Warehouse(url, "Org_1"), "two")
    for organization, expected in (("org_1", "one"), ("Org_1", "two")):
        with Warehouse(url, organization).reader() as reader:
            assert reader.query("SELECT id FROM raw_books_invoices") == [{"id": expected}]


@pytest.mark.postgres
def test_a_lost_catalog_is_no_empty_lake_and_its_password_is_not_told(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    lost = urlunsplit(parts._replace(netloc=f"tidings:hun'ter2@{parts.hostname}:{parts.port}", path="/nowhere"))
    for question in (lambda w: w.waiting(SOURCE), lambda w: w.find_run("one", "collect"), lambda w: collect(w, "one")):
        with pytest.raises(StorageFailed) as failure:
            question(Warehouse(lost, "org_1"))
        error: BaseException | None = failure.value
        while error is not None:
            assert "ter2" not in str(error)
            error = error.__cause__ or error.__context__
    assert "ter2" not in repr(locate(lost, "org_1"))


def test_a_spoiled_catalog_is_no_empty_lake(warehouse: Warehouse, folder_url: str) -> None:
    collect(warehouse, "one")
    Path(folder_url, "org_1", "catalog.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StorageFailed):
        warehouse.waiting(SOURCE)


def test_maintenance_tidies_up_and_loses_nothing(warehouse: Warehouse, folder_url: str) -> None:
    for number in range(4):
        collect(warehouse, f"run_{number}")
    data, staging = Path(folder_url, "org_1", "data"), Path(folder_url, "org_1", "staging")
    orphan = data / "main" / "raw_books_invoices" / "orphan.parquet"
    shutil.copyfile(next(orphan.parent.glob("*.parquet")), orphan)
    (staging / "load-killed").mkdir()
    long_ago = time.time() - timedelta(days=2).total_seconds()
    for path in (orphan, staging / "load-killed"):
        os.utime(path, (long_ago, long_ago))
    (staging / "load-running").mkdir()
    fresh = warehouse.maintain(now=datetime.now(UTC))
    assert (fresh.orphans, fresh.stale_staging, fresh.expired) == (1, 1, 0)
    assert fresh.merged
    assert not orphan.exists()
    assert [path.name for path in staging.iterdir()] == ["load-running"]
    changed = warehouse.changes(SOURCE, "raw_books_invoices", 1, warehouse.snapshot())
    assert [change.key for change in changed] == ["run_1", "run_2", "run_3"]
    before = len(list(data.rglob("*.parquet")))
    late = warehouse.maintain(now=datetime.now(UTC) + timedelta(days=37))
    assert late.expired
    assert len(list(data.rglob("*.parquet"))) < before
    assert warehouse.counts(SOURCE)["raw_books_invoices"] == 4


MEMORY = """
import sys
from storage.warehouse import Warehouse
from tests.storage.warehouse.test_place import collect
warehouse = Warehouse(sys.argv[1], "org_1")
for number in range(3):
    collect(warehouse, f"run_{number}")
warehouse.counts("src_1")
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmRSS")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_a_process_that_loaded_is_small_again(folder_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, folder_url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) / 1024 < 200
