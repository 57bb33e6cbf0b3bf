"""The pages of docs/sources name every stream, table and column of the code, and nothing else."""

from pathlib import Path

import pytest

from bot.cli.pages import FOLDER, tables_of, write
from connectors import pages
from connectors.amazon.connector import AmazonConnector
from connectors.registry import connector_for
from storage.facts.ready import ReadyTable
from storage.facts.sources import Provider
from storage.facts.streams import ChildTable, Column, ColumnType, Stream
from storage.warehouse import WrongReadyTable

ROOT = Path(__file__).parents[2]
WAY_OUT = "run: python -m bot.cli.pages"

LINES = ChildTable("order_lines", (Column("sku"), Column("price", ColumnType.NUMBER)))
ORDERS = Stream("orders", "Orders", (Column("id"), Column("total", ColumnType.MONEY)), (LINES,))
SQL = "-- One row per order.\nSELECT id AS order_id, total * 2 AS twice, count(sku) AS lines FROM raw_amazon_orders o LEFT JOIN raw_amazon_order_lines l ON l.parent_id = o.id GROUP BY ALL"
READY = ReadyTable("amazon_orders", SQL, "raw_amazon_orders", "order_id", lines=("raw_amazon_order_lines",))


class Small(AmazonConnector):
    """A connector with one stream, lines and a ready table."""

    streams = (ORDERS,)
    ready = (READY,)


class Wider(Small):
    """The same with a column more."""

    streams = (Stream("orders", "Orders", (*ORDERS.columns, Column("note")), ORDERS.children),)


class Broken(Small):
    """The same with SQL that reads a column which is not there."""

    ready = (ReadyTable("amazon_orders", "SELECT id, gone FROM raw_amazon_orders", "raw_amazon_orders"),)


@pytest.mark.parametrize("provider", Provider)
def test_pages_are_those_of_the_code(provider: Provider) -> None:
    page = (ROOT / FOLDER / f"{provider}.md").read_text(encoding="utf-8")
    assert page == pages.with_tables(page, tables_of(connector_for(provider))), WAY_OUT
    prose = page.partition(pages.BEGIN)[0]
    for title in ("What is read", "As of", "Limits", "Conventions"):
        assert prose.partition(f"## {title}\n")[2].strip().partition("##")[0], f"{provider}: nothing under {title}"


def test_a_page_tells_columns_with_their_types() -> None:
    told = tables_of(Small())
    for line in (
        "| Orders | `orders` | changes | `order_lines` |",
        "One row per order.",
        "| `order_id` | VARCHAR |",
        "| `twice` | DECIMAL(18,2) |",
        "| `lines` | BIGINT |",
        "| `total` | DECIMAL(18,2) |",
        "| `price` | DECIMAL(28,9) |",
        "| `position` | BIGINT |",
    ):
        assert line in told


def test_a_missing_and_a_stale_column_are_noticed() -> None:
    page = pages.with_tables(pages.skeleton(Small()), tables_of(Small()))
    assert page == pages.with_tables(page, tables_of(Small()))
    assert page != pages.with_tables(page, tables_of(Wider())), "a column that the page lacks"
    wider = pages.with_tables(page, tables_of(Wider()))
    assert wider != pages.with_tables(wider, tables_of(Small())), "a column that is no more"


def test_sql_that_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongReadyTable, match="gone"):
        tables_of(Broken())


@pytest.mark.parametrize("page", ["", pages.BEGIN, f"{pages.END}{pages.BEGIN}", f"{pages.BEGIN}{pages.END}" * 2])
def test_a_page_without_its_place_is_refused(page: str) -> None:
    with pytest.raises(pages.NoPlaceError):
        pages.with_tables(page, "")


def test_prose_stays_and_a_missing_page_is_begun(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    assert {path.stem for path in write(folder)} == {str(provider) for provider in Provider}
    page = folder / f"{Provider.AMAZON}.md"
    page.write_text(page.read_text().replace("## As of\n", "## As of\n\nMonday.\n").replace("| `name` |", "| `nome` |"))
    assert write(folder) == [page]
    assert "Monday." in page.read_text()
    assert "`nome`" not in page.read_text()
    assert write(folder) == []
