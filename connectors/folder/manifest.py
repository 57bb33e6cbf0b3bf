"""What a folder's files are: one table per file, with its key and the types of its columns. Nothing is guessed.

The manifest is kept like a token, sealed: it says which folder is read. Its form is JSON, see docs/sources/folder.md.
"""

import hashlib
import re
from functools import cached_property
from typing import Literal

import msgspec

from connectors.errors import Broken
from connectors.files.forms import Dates, Decimal, Delimiter, Encoding, Thousands
from connectors.shapes import Field, Shape
from storage.facts.ready import ReadyTable
from storage.facts.secret import Secret
from storage.facts.streams import ColumnType

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
_FOLDER = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)?", re.ASCII)
#: columns that every table has without its being declared
_OWN = frozenset({"id", "row_key"})
_MOST_TABLES, _MOST_COLUMNS = 50, 200

Kind = Literal["text", "money", "number", "date"]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One file, ``<name>.csv``, which holds all rows of its table."""

    name: str
    #: labels of the columns that make a row's key
    key: tuple[str, ...]
    #: our column -> what it holds
    columns: dict[str, Kind]
    #: our column -> label in the file's header, where that is another
    labels: dict[str, str] = {}
    dates: Dates = "YYYY-MM-DD"
    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    decimal: Decimal = "."
    thousands: Thousands = ""
    #: lines above the header
    skip: int = 0
    #: first cell of the line that ends the rows; without one a file that was cut at the end of a line is not noticed
    ends_at: str = ""

    @property
    def file(self) -> str:
        """The file's name in the folder."""
        return f"{self.name}.csv"

    @property
    def digest(self) -> str:
        """A digest of all that decides what rows come of the file."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:32]

    @cached_property
    def shape(self) -> Shape:
        """The stream."""
        fields = [Field(name, name, ColumnType(kind)) for name, kind in self.columns.items()]
        return Shape(self.name, self.file, (Field("id", "id"), *fields), updated="_none", full=True)

    def ready(self, provider: str) -> ReadyTable:
        """Return what people import of it: its key and its columns."""
        raw = f"raw_{provider}_{self.name}"
        columns = "".join(f', r."{name}"' for name in self.columns)
        # All names were checked to be plain words.
        sql = f"SELECT r.id AS row_key{columns} FROM {raw} r"  # noqa: S608 - see above
        return ReadyTable(f"{provider}_{self.name}", sql, parent=raw, key="row_key")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the files lie, and what they are."""

    tables: tuple[Table, ...]
    #: below the organization's own folder
    folder: str = ""
    company: str = ""


def read_manifest(sealed: Secret) -> Manifest:
    """Return the manifest; Broken says what is wrong with it, and never what stands in it."""
    try:
        manifest = msgspec.json.decode(sealed.reveal(), type=Manifest)
    except msgspec.ValidationError as error:
        raise _wrong(re.sub(r"[^\w `.,:$\[\]-]", "", str(error))[:200]) from None
    except msgspec.MsgspecError:
        raise _wrong("it is no JSON") from None
    if not 1 <= len(manifest.tables) <= _MOST_TABLES:
        raise _wrong(f"it must name 1 to {_MOST_TABLES} tables")
    if len({table.name for table in manifest.tables}) < len(manifest.tables):
        raise _wrong("two tables have the same name")
    if not _FOLDER.fullmatch(manifest.folder):
        raise _wrong("its folder is no plain path")
    for table in manifest.tables:
        _check(table)
    return manifest


def _check(table: Table) -> None:
    if not _NAME.fullmatch(table.name):
        raise _wrong("a table's name must be lower-case letters, digits and _")
    here = f"table {table.name}"
    if not table.key:
        raise _wrong(f"{here}: it needs a key")
    names = set(table.columns)
    if not 1 <= len(names) <= _MOST_COLUMNS or names & _OWN or not all(map(_NAME.fullmatch, names)):
        raise _wrong(f"{here}: columns are 1 to {_MOST_COLUMNS} lower-case words other than {', '.join(sorted(_OWN))}")
    if set(table.labels) - names:
        raise _wrong(f"{here}: a label belongs to a column that is not there")
    if table.thousands == table.decimal:
        raise _wrong(f"{here}: one sign cannot divide both thousands and decimals")
    if not 0 <= table.skip <= 100:
        raise _wrong(f"{here}: at most 100 lines can be skipped")


def _wrong(what: str) -> Broken:
    return Broken(f"the manifest of this source's files cannot be used: {what}", code="manifest_malformed")
