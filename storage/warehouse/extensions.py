"""DuckDB's extensions come as wheels of exactly DuckDB's version and are loaded by path, never from the network."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import duckdb

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
    """Load extensions by path; DuckDB checks their signature and version itself (ExtensionMismatch)."""
    for name in names:
        path = str(extension_path(name)).replace("'", "''")
        try:
            connection.execute(f"LOAD '{path}'")
        except duckdb.Error as error:
            raise ExtensionMismatch(f"{name} does not load: {error}") from error


def check_extensions() -> None:
    """Say whether all extensions are there and load with no network: for the start and for CI (ExtensionMismatch)."""
    connection = duckdb.connect(":memory:", config=QUIET)
    try:
        load(connection, EXTENSIONS)
    finally:
        connection.close()
