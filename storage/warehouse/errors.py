"""What can go wrong in the warehouse; callers match on the class, never on the text."""

# ruff: noqa: N818 - the design names errors by what to do about them, not by a suffix


class WarehouseError(Exception):
    """Anything the warehouse reports; the storage engine's own errors never leave the package."""


class ExtensionMismatch(WarehouseError):
    """DuckDB and one of its extension wheels are missing or not of exactly one version."""


class StorageFailed(WarehouseError):
    """The storage engine refused or failed; the message is its own words, without credentials."""


class NoMemory(StorageFailed):
    """It takes more memory, or more room beside it, than it may have."""


class NoLake(StorageFailed):
    """Nothing was ever written for this organization."""


class Conflict(StorageFailed):
    """Somebody else committed first; the whole transaction may be tried again."""


class WrongBatch(WarehouseError, ValueError):
    """A batch does not have the shape that its stream declares; the connector must be corrected."""


class ColumnChanged(WarehouseError):
    """A stream declares another type for a column that the lake already has; that needs a migration by hand."""


class Disagreement(WarehouseError):
    """What was read back is not what was written; the run must not be called ready."""


class NotReadable(WarehouseError, ValueError):
    """A query reads something else than the raw and ready tables of the organization."""


class WrongReadyTable(WarehouseError, ValueError):
    """The SQL of a ready table does not keep its contract; the connector must be corrected."""


class DetailExpired(WarehouseError):
    """The snapshot asked for was expired or never existed; receipts keep their totals."""


class Shrunk(WarehouseError):
    """A full read found far fewer records than are there; a person must say whether that is right.

    Raised before anything is written; `before` and `after` are live rows.
    """

    def __init__(self, stream: str, before: int, after: int) -> None:
        super().__init__(f"{stream}: a full read would leave {after} of {before} records")
        self.stream = stream
        self.before = before
        self.after = after
