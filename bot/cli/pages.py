"""For authors of connectors: ``python -m bot.cli.pages`` writes the tables of docs/sources and of docs/tables.md."""

import sys
from pathlib import Path

from bot.cli.say import line
from connectors import finance, pages
from connectors.base import Connector
from connectors.registry import connector_for
from storage.facts.sources import Provider
from storage.warehouse.declared import declared_columns

FOLDER = Path("docs/sources")
#: The tables that people import, beside that folder.
IMPORTS = "tables.md"


def tables_of(connector: Connector) -> str:
    """Return the tables of a connector's page, their types asked of the engine."""
    columns = declared_columns(connector.provider, connector.streams, connector.ready)
    return pages.tables(connector, columns)


def write(folder: Path) -> list[Path]:
    """Bring every provider's page up to the code; return those that were not. A missing page is begun."""
    changed = []
    for provider in Provider:
        connector, path = connector_for(provider), folder / f"{provider}.md"
        there = path.read_text(encoding="utf-8") if path.is_file() else ""
        page = pages.with_tables(there or pages.skeleton(connector), tables_of(connector))
        if page != there:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
            changed.append(path)
    return changed


def write_imports(path: Path) -> bool:
    """Bring the page of the tables that people import up to the code; say whether it was not."""
    there = path.read_text(encoding="utf-8")
    page = pages.with_tables(there, finance.page(finance.finance_tables()))
    if page != there:
        path.write_text(page, encoding="utf-8")
    return page != there


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for found in write(folder):
        line(f"{found} was brought up to the code")
    if write_imports(folder.parent / IMPORTS):
        line(f"{IMPORTS} was brought up to the code")
