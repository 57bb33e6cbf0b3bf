"""Databases for tests: migrated, the engine's tables included, a fresh one for each test, on SQLite and on Postgres."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

import storage
from jobs.engine import Engine
from storage.facts.clock import SystemClock
from storage.migrate import migrate
from storage.sessions import Database, open_database
from tests.postgres import PrivatePostgres, find_programs
from tests.recycled import Recycled

POSTGRES_VARIABLE = "TEST_POSTGRES_URL"
HOW_TO_ALLOW = (
    f"no Postgres: install its server programs (on PATH or in /usr/lib/postgresql), or set {POSTGRES_VARIABLE} "
    "to a server where databases may be created"
)
_TEMPLATE_LOCK = 5_031_977


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh migrated database; every test that takes it runs on SQLite and on Postgres."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh migrated SQLite file."""
    path = tmp_path / "tidings.db"
    shutil.copyfile(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres_server: str, postgres_pool: Recycled) -> Iterator[Database]:
    """A migrated Postgres database without rows."""
    name = postgres_pool.take()
    database = open_database(with_database(postgres_server, name))
    yield database
    database.close()
    postgres_pool.give_back(name)


@pytest.fixture(scope="session")
def postgres_pool(postgres_server: str, postgres_template: str) -> Iterator[Recycled]:
    """Databases that are copied from the template, and emptied after each test."""
    pool = Recycled(postgres_server, postgres_template)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """The address of a Postgres server: the given one, else a private one that lives as long as this run."""
    start_postgres(request.config)
    url = os.environ.get(POSTGRES_VARIABLE)
    if not url:
        pytest.skip(HOW_TO_ALLOW)
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table; tests copy it."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database with every table, made once per server and shape; tests are copied from it."""
    name = f"tidings_template_{_shape()}"
    with _alone(postgres_server) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            admin.execute(f"DROP DATABASE IF EXISTS {name}_new")
            admin.execute(f"CREATE DATABASE {name}_new")
            prepare(with_database(postgres_server, f"{name}_new"))
            admin.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name


def prepare(url: str) -> None:
    """Give the database our tables and the engine's."""
    database = open_database(url)
    migrate(database)

    async def engine_tables() -> None:
        engine = Engine(database, SystemClock(), role="web")
        await engine.launch()
        await engine.close()

    asyncio.run(engine_tables())
    database.close()


@contextmanager
def lakes_on(server: str, folder: Path) -> Iterator[str]:
    """Create a catalog of lakes of its own on the server, with the files in the folder, and drop it afterwards."""
    name = f"tidings_lake_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield f"{with_database(server, name)}?data={folder}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def with_database(url: str, name: str) -> str:
    """Return the server's address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


_PRIVATE = pytest.StashKey[PrivatePostgres]()


def start_postgres(config: pytest.Config) -> None:
    """Start a private server unless one is given; does nothing where Postgres is not installed."""
    if os.environ.get(POSTGRES_VARIABLE) or _PRIVATE in config.stash:
        return
    programs = find_programs()
    if programs is None:
        return
    server = PrivatePostgres(programs)
    config.stash[_PRIVATE] = server
    server.start()
    os.environ[POSTGRES_VARIABLE] = server.url


def stop_postgres(config: pytest.Config) -> None:
    """Stop the private server, if this process started one."""
    server = config.stash.get(_PRIVATE, None)
    if server is not None:
        server.remove()
        os.environ.pop(POSTGRES_VARIABLE, None)


@contextmanager
def _alone(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (_TEMPLATE_LOCK,))
        yield admin


def _shape() -> str:
    folder = Path(storage.__file__).parent / "migrations" / "versions"
    parts = [version("dbos"), *(path.read_text() for path in sorted(folder.glob("*.py")))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
