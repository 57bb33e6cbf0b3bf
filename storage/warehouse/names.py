"""Names from outside become folders, tables and columns here, and only after they were checked."""

import hashlib
import re

_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLAIN = re.compile(r"[a-z0-9_-]{1,48}")
_PROVIDER = re.compile(r"[a-z][a-z0-9]{0,31}")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def organization_name(organization_id: str) -> str:
    """Return the name of an organization's folder or schema (ValueError: letters, digits, ``_`` and ``-``, at most 64).

    Ids in lower case stand for themselves. Others get a digest, because some file systems and catalogs fold case or cut
    long names, and two organizations must never meet in one place; ``~`` is not in an id, so the two kinds differ.
    """
    if _ORGANIZATION.fullmatch(organization_id) is None:
        raise ValueError(f"not an organization id: {organization_id!r}")
    if _PLAIN.fullmatch(organization_id):
        return organization_id
    digest = hashlib.sha256(organization_id.encode()).hexdigest()[:32]
    return f"{organization_id[:12].lower()}~{digest}"


def identifier(name: str) -> str:
    """Return the name of a column or table if it is plain (ValueError): a letter, then letters, digits or ``_``."""
    if _IDENTIFIER.fullmatch(name) is None:
        raise ValueError(f"not a plain name: {name!r}")
    return name


def raw_table(provider: str, name: str) -> str:
    """Return ``raw_<provider>_<name>`` for a stream or a child table."""
    if _PROVIDER.fullmatch(provider) is None:
        raise ValueError(f"not a provider's name: {provider!r}")
    return identifier(f"raw_{provider}_{identifier(name)}")


def ready_table(name: str) -> str:
    """Return ``ready_<name>``."""
    return identifier(f"ready_{identifier(name)}")


def quote(name: str) -> str:
    """Return an identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a string as an SQL literal, for the few places where values cannot be bound (views, ATTACH, paths)."""
    if "\x00" in value:
        raise ValueError("a text with a zero byte is not SQL")
    return "'" + value.replace("'", "''") + "'"


def literal(value: str | int | None) -> str:
    """Return a value as SQL."""
    return "NULL" if value is None else text(value) if isinstance(value, str) else str(int(value))


def of_source(source_id: str, *, alone: bool = False) -> str:
    """Return the condition for the rows of a source.

    DuckLake asks the catalog for statistics of every file to leave out those that cannot hold the value, and that is
    half of what a look into a small table costs. Where the source is `alone` there is nothing to leave out, and the
    column is compared in a way that the engine does not look through.
    """
    return f"{'concat(_source)' if alone else '_source'} = {text(source_id)}"


#: rows up to which a table is read through instead of asking for the statistics of its files
FEW_ROWS = 50_000


def is_in(column: str, ids: str, rows: int) -> str:
    """Return the condition for rows whose column is among the ids that a SELECT gives, in a table of so many rows.

    The engine passes what it is looking for on to DuckLake, which then asks the catalog for statistics of every file:
    some 4 ms, a third of a look into a small table. There the column is compared in a way that is not looked through.
    """
    return f"{opaque(column, rows)} IN ({ids})"


def opaque(column: str, rows: int) -> str:
    """Return a text column for a comparison in a table of so many rows; see `is_in`."""
    return f"concat({column})" if rows <= FEW_ROWS else column


def lake(table: str) -> str:
    """Return a table of the attached lake as SQL."""
    return f"lake.main.{quote(table)}"
