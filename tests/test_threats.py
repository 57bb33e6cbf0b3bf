"""docs/threats.md names every threat from T27 to T67, T75 to T78, from T82 to T87 and from T96 to T110 once, and tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "threats.md"
_ROW = re.compile(r"^\| (T\d{2,3}|[MW]\d) \|.*\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
#: What the product has no door for yet; the row says so.
NOT_BUILT: set[str] = set()
#: rows of bad input
_WHOLE = {f"T{number}" for number in range(96, 104)} - {"T102"}


@cache
def _tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8")) if (ROOT / path).is_file() else ast.Module([], [])
    found = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def wrong(page: str) -> list[str]:
    """Return what is missing, doubled, without a test, or named and not there."""
    rows = {found[1]: found[0] for found in _ROW.finditer(page)}
    wanted = [f"T{number}" for number in (*range(27, 68), *range(75, 79), 90, 91, *range(82, 88), *range(96, 111))]
    problems = [f"{row}: {page.count(f'| {row} |')} rows" for row in wanted if page.count(f"| {row} |") != 1]
    for row, line in rows.items():
        named = _TEST.findall(line)
        if bool(named) == (row in NOT_BUILT):
            problems.append(f"{row}: {len(named)} tests")
        problems += [f"{row}: {path}::{name}" for path, name in named if name not in _tests(path)]
    # Of bad input one collection, or the product, must show that the old data stays; text alone spoils none.
    problems += [f"{row}: not whole" for row, line in rows.items() if row in _WHOLE and "; whole: `" not in line]
    return problems


def test_every_threat_has_its_row_and_every_test_exists() -> None:
    assert wrong(PAGE.read_text(encoding="utf-8")) == []


def test_a_page_that_lost_something_is_caught() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "T60: 0 rows" in wrong(page.replace("| T60 |", "| T99 |"))
    assert any("T27" in one for one in wrong(page.replace("test_a_strangers_consent_", "test_a_friends_consent_")))
    assert "T42: 0 tests" in wrong(re.sub(r"(\| T42 \|)[^\n]*\|", r"\1 a | b | c |", page))
    assert "T98: not whole" in wrong(
        page.replace("; whole: `tests/jobs/refresh/test_held", ", `tests/jobs/refresh/test_held")
    )
