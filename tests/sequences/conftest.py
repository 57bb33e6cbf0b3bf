"""Where sequences are played: all in files, and all that can be on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.sessions import Database
from tests.databases import lakes_on
from tests.sequences.frame import Deployment


@pytest.fixture
def deployment(database: Database, request: pytest.FixtureRequest) -> Deployment:
    """Database and catalog of the lakes on one kind of database; every test that takes it runs on both kinds."""
    url: str = request.getfixturevalue("folder_lakes" if database.is_sqlite else "postgres_lakes")
    return Deployment(database, url)


@pytest.fixture
def folder_lakes(tmp_path: Path) -> str:
    return str(tmp_path / "lakes")


@pytest.fixture
def postgres_lakes(postgres_server: str, tmp_path: Path) -> Iterator[str]:
    with lakes_on(postgres_server, tmp_path / "lakes") as url:
        yield url
