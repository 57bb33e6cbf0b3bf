"""The story of the exchange: on both databases under SOAK; what judges the far side is tried in every run."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.stories.exchanging import FILES, Rows, rows_of, wrong
from sandbox.providers.quickbooks import Books, Size, generate
from storage.facts.clock import OffsetClock

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_story_is_seen_to_its_end(kind: str, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", "exchange", "--size", "20"]
    if kind == "postgres":
        command += ["--database", request.getfixturevalue("postgres_database").url]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=880, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for seen in (
        "over SFTP",
        "the next night both files have the new name",
        "are held until Daniel lets them go",
        "is put back with one press",
        "becomes one Estimate",
        "a duplicate is refused",
        "becomes one SalesOrderAdd",
    ):
        assert seen in ran.stdout
    assert ran.stderr == ""


def _books() -> Books:
    return generate(1, Size.of(4), as_of=NOW, clock=OffsetClock(), company="Temerity Goods")


def _as_it_should_be(books: Books) -> dict[str, Rows]:
    """Return what the far side has where everything went well."""
    named = {
        name: [
            {
                key: str(one.get("Sku") or one["Id"]) if entity == "Item" else str(one["Id"]),
                "NAME": str(one.get("DisplayName") or one.get("Name")),
                "ACTIVE": "Y" if one.get("Active", True) else "N",
            }
            for one in books.truth(entity)
            if one.get("Type") != "Category" and (entity != "Employee" or one.get("Active", True))
        ]
        for name, (entity, key) in FILES.items()
        if entity != "Invoice"
    }
    invoices = [
        {"TXN_ID": str(one["Id"]), "LINE_NO": "1", "AMOUNT": str(one["TotalAmt"]), "TAX_TOTAL": "0", "DISC_AMT": "0"}
        for one in books.truth("Invoice")
    ]
    return {**named, "invoice.fil": invoices}


def _lost(found: dict[str, Rows]) -> None:
    found["customer.fil"].pop()


def _never_sent(found: dict[str, Rows]) -> None:
    del found["vendor.fil"]


def _old_name(found: dict[str, Rows]) -> None:
    found["item.fil"][0]["NAME"] = "what it was called before"


def _foreign(found: dict[str, Rows]) -> None:
    found["customer.fil"].append({"CUST_NO": "999999", "NAME": "somebody else's", "ACTIVE": "Y"})


def _a_cent(found: dict[str, Rows]) -> None:
    found["invoice.fil"][0]["AMOUNT"] += "1"


def test_what_is_as_it_should_be_has_nothing_against_it() -> None:
    books = _books()
    assert wrong(_as_it_should_be(books), books) == []


@pytest.mark.parametrize("spoil", [_lost, _never_sent, _old_name, _foreign, _a_cent])
def test_one_row_that_is_another_is_noticed(spoil: Callable[[dict[str, Rows]], None]) -> None:
    books = _books()
    found = _as_it_should_be(books)
    spoil(found)
    assert len(wrong(found, books)) == 1


def test_files_are_read_as_the_far_side_reads_them() -> None:
    assert rows_of(b"A\tB\r\n1\t\r\n\xe2\x82\xac\t2\r\n") == [{"A": "1", "B": ""}, {"A": "\u20ac", "B": "2"}]
