"""CSV files in a folder: the tables are what the files are, and a provider is one folder, one line and one page."""

import ast
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Access, ProviderSettings, ready_of
from connectors.errors import Broken, ConnectorError, Retry
from connectors.folder.connector import FolderConnector
from connectors.folder.manifest import read_manifest
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens, Tokens
from connectors.registry import connector_for
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.seed_file import parse_seed
from storage.warehouse.declared import declared_columns
from tests.connectors.worlds import Kept, World

#: what the seed of the demo and of the page take from the environment
_NAMES = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "STORES_MANIFEST")
ROOT = Path(__file__).parents[3]
TARGETS: dict[str, Any] = {
    "name": "targets",
    "key": ["store", "month"],
    "columns": {"store": "text", "opened": "date", "sales": "money", "share": "number"},
    "labels": {"sales": "Sales target"},
    "dates": "DD.MM.YYYY", "decimal": ",", "thousands": ".", "delimiter": ";",
}  # fmt: skip
STAFF: dict[str, Any] = {"name": "staff", "key": ["id"], "columns": {"person": "text"}, "labels": {"person": "name"}}
SHEET = "store;month;opened;Sales target;share\nKöln;10;01.02.2020;1.234,50;0,123456789\nBonn;10;;-3,00;\n"


class Shop:
    """A folder and a connection that reads there."""

    def __init__(self, folder: Path, *tables: dict[str, Any]) -> None:
        self.clock, self.kept = OffsetClock(), Kept()
        self.clock.advance(datetime(2026, 11, 22, 8, 0, tzinfo=UTC) - self.clock.now())
        self.folder = folder / "org_1" / "stores"
        self.folder.mkdir(parents=True)
        manifest = Secret(json.dumps({"folder": "stores", "tables": tables or (TARGETS, STAFF)}))
        settings = ProviderSettings("", Secret(""), str(folder), "", "", place="files")
        store = MemoryTokens(Tokens(manifest))
        access = Access("stores", settings, store, self.clock, Unlimited(), self.kept, organization="org_1")
        self.world = World(connector_for(Provider.FOLDER), access, self.clock, self.kept)

    def write(self, name: str, text: str, *, minutes: float) -> datetime:
        """Put a file there that was last changed so long ago."""
        at = (self.clock.now() - timedelta(minutes=minutes)).replace(microsecond=0)
        (self.folder / name).write_text(text, encoding="utf-8")
        os.utime(self.folder / name, (at.timestamp(), at.timestamp()))
        return at

    def rows(self, table: str) -> dict[str, tuple[object, ...]]:
        """Return the typed columns of what is kept, by key."""
        return {
            key: tuple(value for name, value in row.items() if name != "id" and not name.startswith("_"))
            for key, row in self.kept.rows[table].items()
        }


async def test_the_tables_are_the_files(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    oldest = shop.write("targets.csv", SHEET, minutes=90)
    shop.write("staff.csv", "id,name,desk\n1,Ada,7\n2,Cy,8\n", minutes=30)
    shop.write("notes.csv", "not declared, not read", minutes=1)
    done = await shop.world.collect()
    assert done.source_as_of == oldest
    assert shop.rows("targets") == {
        "Köln|10": ("Köln", date(2020, 2, 1), Decimal("1234.50"), Decimal("0.123456789")),
        "Bonn|10": ("Bonn", None, Decimal("-3.00"), None),
    }
    assert shop.rows("staff") == {"1": ("Ada",), "2": ("Cy",)}
    assert '["desk","7"]' in shop.kept.rows["staff"]["1"]["_raw"]
    batches = len(shop.kept.batches)
    await shop.world.collect()
    assert len(shop.kept.batches) == batches
    shop.write("staff.csv", "id,name,desk\n2,Cyd,8\n", minutes=5)
    done = await shop.world.collect()
    assert (done.full, shop.rows("staff")) == (("staff",), {"2": ("Cyd",)})
    assert len(shop.rows("targets")) == 2
    shop.write("staff.csv", "id,name,desk\n", minutes=4)
    await shop.world.collect()
    assert shop.rows("staff") == {}


async def test_ready_tables_have_the_declared_columns(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    ready = await ready_of(shop.world.connector, shop.world.access)
    tables = read_manifest(shop.world.tokens.tokens.access).tables
    columns = declared_columns("folder", [table.shape.stream for table in tables], ready)
    assert columns["ready_folder_targets"] == {
        "row_key": "VARCHAR", "store": "VARCHAR", "opened": "DATE", "sales": "DECIMAL(18,2)", "share": "DECIMAL(28,9)",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text, minutes, kind, said",
    [
        (None, 0, Broken, "targets.csv is not in the folder"),
        (SHEET, 0.5, Retry, "targets.csv may still grow"),
        (SHEET, -600_000, Broken, "targets.csv bears a time that is still to come"),
        (SHEET.replace("Sales target", "Sales"), 5, Broken, "no column 'Sales target'"),
        (SHEET.replace("1.234,50", "1,234.50"), 5, Broken, "row 2 'Sales target' is not an amount"),
        (SHEET + "Bonn;10;;-3,00;\n", 5, Broken, "row 4 has two rows of one store and month"),
        (SHEET + "Jena;\n", 5, Broken, "row 4 has 2 cells"),
        (SHEET + ";11;;1;\n", 5, Broken, "row 4 has a row without store and month"),
        (SHEET + "Jena;11;31.02.2020;1;\n", 5, Broken, "row 4 'opened' is a day that does not exist"),
    ],
)
async def test_a_file_that_is_not_as_declared_changes_nothing(
    tmp_path: Path, text: str | None, minutes: float, kind: type[ConnectorError], said: str
) -> None:
    shop = Shop(tmp_path, TARGETS)
    if text is not None:
        shop.write("targets.csv", text, minutes=minutes)
    with pytest.raises(kind, match=said):
        await shop.world.collect()
    assert not shop.kept.batches


async def test_a_file_that_cannot_be_read_stops_its_table_only(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    whole = shop.world.access
    shop.write("targets.csv", SHEET, minutes=90)
    shop.write("staff.csv", "id,name\n1,Ada\n", minutes=30)
    await shop.world.collect()
    shop.write("targets.csv", SHEET + "Jena;\n", minutes=20)
    at = shop.write("staff.csv", "id,name\n1,Ada\n2,Cy\n", minutes=10)
    done = await shop.world.collect(partly=True)
    (lost,) = done.aside
    assert (lost.streams, lost.label, lost.whole) == (("targets",), "targets.csv", False)
    assert "the file targets.csv, row 4 has 2 cells" in lost.error.detail
    assert (done.source_as_of, done.full, len(shop.rows("staff")), len(shop.rows("targets"))) == (at, ("staff",), 2, 2)
    at = shop.write("targets.csv", SHEET + "Jena;11;;1;\n", minutes=5)
    (shop.folder / "staff.csv").unlink()
    shop.world.access = replace(whole, only=frozenset({"targets"}))
    done = await shop.world.collect()
    assert (done.source_as_of, done.full, len(shop.rows("targets"))) == (at, ("targets",), 3)
    shop.world.access = whole
    (lost,) = (await shop.world.collect(partly=True)).aside
    assert (lost.error.code, len(shop.rows("staff"))) == ("file_missing", 2)


async def test_a_mark_is_of_the_file_that_is_older_than_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path, TARGETS)
    shop.write("targets.csv", SHEET, minutes=0.5)
    shop.write("targets.csv.done", "", minutes=0.4)
    await shop.world.collect()
    # The next delivery has begun; the mark of the one before still lies there.
    shop.clock.advance(timedelta(hours=1))
    shop.write("targets.csv", SHEET.rpartition("Bonn")[0], minutes=0.1)
    with pytest.raises(Retry, match="may still grow"):
        await shop.world.collect()
    assert len(shop.rows("targets")) == 2
    shop.write("targets.csv.done", "", minutes=0.1)
    await shop.world.collect()
    assert len(shop.rows("targets")) == 1


async def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    """Whoever delivers may make links in the organization's folder; only the operator makes that folder one."""
    shop = Shop(tmp_path, TARGETS)
    shop.write("targets.csv", SHEET, minutes=5)
    elsewhere = shop.folder.rename(tmp_path / "org_2_s")
    shop.folder.symlink_to(elsewhere)
    with pytest.raises(Broken, match="folder_missing"):
        await shop.world.collect()
    shop.folder.unlink()
    shop.folder.mkdir()
    (shop.folder / "targets.csv").symlink_to(elsewhere / "targets.csv")
    with pytest.raises(Broken, match="file_missing"):
        await shop.world.collect()
    assert not shop.kept.batches
    (shop.folder / "targets.csv").unlink()
    (elsewhere / "targets.csv").rename(shop.folder / "targets.csv")
    (tmp_path / "org_1").rename(tmp_path / "mounted")
    (tmp_path / "org_1").symlink_to(tmp_path / "mounted")
    await shop.world.collect()
    assert len(shop.rows("targets")) == 2


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"key": []}, "needs a key"),
        ({"name": "Targets"}, "lower-case"),
        ({"columns": {"id": "text"}, "labels": {}}, "other than id"),
        ({"columns": {'a" b': "text"}, "labels": {}}, "lower-case words"),
        ({"labels": {"gone": "x"}}, "not there"),
        ({"columns": {"a": "float"}, "labels": {}}, "Invalid enum value"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Broken, match=said):
        read_manifest(Secret(json.dumps({"tables": [{**TARGETS, **changed}]})))
    with pytest.raises(Broken, match="no plain path"):
        read_manifest(Secret(json.dumps({"folder": "../other", "tables": [TARGETS]})))


def test_the_page_shows_a_seed_and_a_manifest_that_are_in_order() -> None:
    page = (ROOT / "docs/sources/folder.md").read_text(encoding="utf-8")
    manifest = page.partition("```json\n")[2].partition("```")[0]
    assert [table.name for table in read_manifest(Secret(manifest)).tables] == ["targets"]
    seed = page.partition("```yaml\n")[2].partition("```")[0]
    whole = (ROOT / "sandbox/temerity_goods.yaml").read_text(encoding="utf-8").partition("\nsources:")[0]
    found = parse_seed(f"{whole}\n{seed}", "page", dict.fromkeys(_NAMES, manifest))
    assert [(one.provider, one.shown, one.schedule) for one in found.sources] == [
        (Provider.FOLDER, "Store sheets", 1440)
    ]


def _naming(root: Path) -> Iterator[str]:
    """Yield where the program names the provider: its member, its package, or its class."""
    for package in ("bot", "connectors", "jobs", "storage", "templates"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "FOLDER" not in text and "connectors.folder" not in text and "FolderConnector" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                match node:
                    case ast.Attribute(value=ast.Name(id="Provider"), attr="FOLDER") | ast.Name(id="FolderConnector"):
                        yield path.relative_to(root).as_posix()
                    case ast.ImportFrom(module=str(module)) if module.startswith("connectors.folder"):
                        yield path.relative_to(root).as_posix()
                    case ast.ClassDef(name="Provider", body=body):
                        yield from [path.relative_to(root).as_posix()] * _lines(body)
                    case _:
                        pass


def _lines(body: Sequence[ast.stmt]) -> int:
    return sum(isinstance(one, ast.Assign) and ast.unparse(one) == "FOLDER = 'folder'" for one in body)


def test_a_provider_is_one_folder_one_line_and_one_page(tmp_path: Path) -> None:
    assert isinstance(connector_for(Provider.FOLDER), FolderConnector)
    outside = [path for path in _naming(ROOT) if not path.startswith("connectors/folder/")]
    assert outside == ["storage/facts/sources.py"], "one line registers a provider; nothing else may know it"
    assert (ROOT / "docs/sources/folder.md").is_file()
    # The check sees somebody who knows more than that.
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "knows.py").write_text("SPECIAL = {Provider.FOLDER: 1}\n")
    assert list(_naming(tmp_path)) == ["jobs/knows.py"]
