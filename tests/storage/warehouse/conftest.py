"""Lakes for tests: each in a folder of its own, and the same on a Postgres catalog."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.warehouse import Warehouse
from tests.databases import lakes_on


@pytest.fixture
def folder_url(tmp_path: Path) -> str:
    return str(tmp_path / "lakes")


@pytest.fixture
def postgres_url(postgres_server: str, tmp_path: Path) -> Iterator[str]:
    with lakes_on(postgres_server, tmp_path / "lakes") as url:
        yield url


@pytest.fixture(params=["folder", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """Where the lakes live; every test that takes it runs on both kinds of catalog."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def warehouse(folder_url: str) -> Warehouse:
    return Warehouse(folder_url, "org_1", threads=1)
