"""DuckDB's extensions come as wheels of exactly DuckDB's version and are loaded by path, never from the network."""

import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import duckdb

from storage.warehouse import checked
from storage.warehouse.errors import ExtensionMismatch

#: the extensions a lake may need; each has a wheel ``duckdb-extension-<name>``
EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner")

#: nothing is installed or loaded by itself, and SQL cannot reach Python variables
QUIET: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def extension_path(name: str) -> Path:
    """Return the file of an extension of DuckDB's version (ExtensionMismatch when the wheel is missing or another)."""
    package = f"duckdb_extension_{name}"
    try:
        found = version(package.replace("_", "-"))
    except PackageNotFoundError as error:
        raise ExtensionMismatch(f"the wheel {package} is not installed") from error
    if found != duckdb.__version__:
        raise ExtensionMismatch(f"{package} is {found}, DuckDB is {duckdb.__version__}: they must be equal")
    spec = find_spec(package)
    origin = spec.origin if spec is not None else None
    if origin is None:
        raise ExtensionMismatch(f"the wheel {package} cannot be found")
    path = Path(origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        raise ExtensionMismatch(f"{path.name} is not in its wheel {package}")
    return path


def load(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    """Load extensions by path into a connection without signature check, done once per file (ExtensionMismatch).

    The check hashes some 35 MB, 0.1 to 0.3 s for each connection otherwise. What is checked is also what runs: the
    library stays mapped in the process, and the system gives the same mapping for the same path again. A process that
    was started by another one takes its word for the same file, see `checked`.
    """
    _without_pandas()
    for name in names:
        path = extension_path(name)
        _checked(path)
        _load(connection, path)


def without_libraries() -> None:
    """Let this process load neither Arrow nor numpy nor pandas: the engine looks for them and does without.

    For a process that only answers questions in rows: to load them takes longer than most answers.
    """
    for name in ("pandas", "numpy", "pyarrow"):
        # None means: importing it fails at once.
        sys.modules[name] = None  # type: ignore[assignment]  # the types know modules only


def check_extensions() -> None:
    """Say whether all extensions are there and load with no network: for the doctor and for CI (ExtensionMismatch).

    A file that this process checked, and that nobody touched since, is not checked again.
    """
    for name in EXTENSIONS:
        _checked(extension_path(name))


@cache
def _without_pandas() -> None:
    """Say once that there is no pandas, where there is none.

    DuckDB looks for it three times in every statement, and a module that is missing is looked for in all folders of the
    path each time: some tenth of what a small load costs.
    """
    if "pandas" not in sys.modules and find_spec("pandas") is None:
        import pyarrow as pa

        # Arrow looks once, with its first timestamp, and would take the None for a module: it must have looked before.
        pa.array([datetime.min.replace(tzinfo=UTC)]).to_pylist()
        # None means: importing it fails at once.
        sys.modules["pandas"] = None  # type: ignore[assignment]  # the types know modules only


def _checked(path: Path) -> None:
    """Check a file unless this process knows that it is as it was when it was checked."""
    changed = path.stat().st_mtime_ns
    if not checked.is_known(path, changed):
        _verified(path)
        checked.note(path, changed)


def _verified(path: Path) -> None:
    """Let DuckDB check a file's signature and version, in a connection that only does that."""
    connection = duckdb.connect(":memory:", config=QUIET)
    try:
        _load(connection, path)
    finally:
        connection.close()


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    try:
        connection.execute(f"LOAD '{quoted}'")
    except duckdb.Error as error:
        raise ExtensionMismatch(f"{path.name} does not load: {error}") from error
