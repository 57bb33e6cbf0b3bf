"""Where an organization's lake lives: a folder, or a schema in a Postgres catalog beside a folder of Parquet files."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from storage.warehouse.names import organization_name, text

#: how long a writer of the SQLite catalog waits for another one; without it and without WAL readers stall
BUSY_MILLISECONDS = 5000

_POSTGRES = ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class Location:
    """One organization's lake; only `attach_target` and the options differ between the kinds of catalog."""

    #: the organization's own folder; nothing outside of it is ever opened
    home: Path
    extensions: tuple[str, ...]
    #: what follows ``ATTACH``; may hold a password, so it is never shown
    target: str = field(repr=False)
    options: tuple[str, ...]
    #: libpq words of the Postgres catalog, and its schema; empty for SQLite
    conninfo: str = field(default="", repr=False)
    schema: str = ""
    password: str = field(default="", repr=False)

    @property
    def data(self) -> Path:
        """The folder of Parquet files."""
        return self.home / "data"

    @property
    def staging(self) -> Path:
        """The folder of rows that are not committed yet, and of what DuckDB spills."""
        return self.home / "staging"

    @property
    def catalog(self) -> Path | None:
        """The file of the SQLite catalog; None for Postgres."""
        return None if self.conninfo else self.home / "catalog.sqlite"

    def create_folders(self) -> None:
        """Make the folders, for their owner only."""
        for folder in (self.home, self.data, self.staging):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def redact(self, message: str) -> str:
        """Return an engine's message without the catalog's credentials."""
        for secret in (self.conninfo, self.password):
            if secret:
                message = message.replace(secret, "•••")
        return message


def locate(url: str, organization_id: str) -> Location:
    """Return the place of an organization's lake for a warehouse URL (ValueError when either cannot be used).

    `url` is a folder, or ``postgresql://user:password@host:port/database?data=<folder>``; more words are libpq's.
    """
    name = organization_name(organization_id)
    parts = urlsplit(url)
    if parts.scheme in _POSTGRES:
        return _postgres(parts, name)
    if "://" in url or not url:
        raise ValueError("the warehouse is a folder or a postgresql:// URL")
    home = _inside(Path(url), name)
    options = (
        f"DATA_PATH {text(str(home / 'data'))}",
        # The catalog lies beside its data, so the two may be moved together; a Postgres catalog insists on its folder.
        "OVERRIDE_DATA_PATH true",
        "META_JOURNAL_MODE 'WAL'",
        f"META_BUSY_TIMEOUT {BUSY_MILLISECONDS}",
    )
    target = f"ducklake:sqlite:{home / 'catalog.sqlite'}"
    return Location(home=home, extensions=("sqlite_scanner", "ducklake"), target=target, options=options)


def _postgres(parts: SplitResult, name: str) -> Location:
    words = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    folder = words.pop("data", "")
    if not folder:
        raise ValueError("a Postgres warehouse needs ?data=<folder> for its Parquet files")
    password = unquote(parts.password or "")
    given = {
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        "user": unquote(parts.username or ""),
        "password": password,
        "dbname": parts.path.lstrip("/"),
    }
    conninfo = " ".join(f"{key}={_libpq(value)}" for key, value in {**words, **given}.items() if value)
    home = _inside(Path(folder), name)
    schema = f"lake_{name}"
    return Location(
        home=home,
        extensions=("postgres_scanner", "ducklake"),
        target=f"ducklake:postgres:{conninfo}",
        options=(f"DATA_PATH {text(str(home / 'data'))}", f"META_SCHEMA {text(schema)}"),
        conninfo=conninfo,
        schema=schema,
        password=password,
    )


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _inside(root: Path, name: str) -> Path:
    """Return the organization's folder; a symbolic link that leads out of the root is refused."""
    top = root.resolve()
    home = (top / name).resolve()
    if home != top / name:
        raise ValueError(f"{name} leads out of the warehouse folder")
    return home
