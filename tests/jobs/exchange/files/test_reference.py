"""docs/exchange-mapping.md lists every function with an example that is true, and its layer is one that works."""

import os
import re
from pathlib import Path

from jobs.exchange.mapping.functions import FUNCTIONS
from jobs.exchange.mapping.layers import merged, read_layers
from jobs.exchange.mapping.reading import load_profile

PAGE = Path(__file__).parents[4] / "docs" / "exchange-mapping.md"
_BETWEEN = re.compile(r"(<!-- functions:[^\n]*-->\n)(.*?)(<!-- end of functions -->)", re.DOTALL)


def table() -> str:
    rows = [
        f"| `{name}({each.takes})` | {each.says} | `{each.example}` | `{each.gives}` |"
        for name, each in FUNCTIONS.items()
    ]
    return "\n".join(["", "| function | gives | example | comes to |", "|---|---|---|---|", *rows, "", ""])


def test_the_page_lists_the_functions_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        page = _BETWEEN.sub(lambda found: found[1] + table() + found[3], page)
        PAGE.write_text(page, encoding="utf-8")
    found = _BETWEEN.search(page)
    assert found is not None
    assert found[2] == table()


def test_the_layer_of_the_page_works() -> None:
    layer = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert layer is not None
    pair = merged(load_profile(), read_layers(layer[1])).profile.pair("customers")
    assert pair.columns[0].name == "ACTIVE"
    assert (pair.column("REGION") is not None, pair.column("FAX")) == (True, None)
