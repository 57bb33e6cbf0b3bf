"""The organization's warehouse: raw and ready tables in a lake, loaded and built one whole run at a time.

The only package that knows DuckDB and DuckLake. Everything here blocks; call it from threads.
"""

from storage.warehouse.errors import (
    ColumnChanged,
    Conflict,
    DetailExpired,
    Disagreement,
    ExtensionMismatch,
    NoLake,
    NotReadable,
    Shrunk,
    StorageFailed,
    WarehouseError,
    WrongBatch,
    WrongReadyTable,
)
from storage.warehouse.extensions import check_extensions
from storage.warehouse.loader import Loader
from storage.warehouse.reader import Reader
from storage.warehouse.results import Change, ChangeKind, LoadResult, LoadRun, ProcessResult, Upkeep
from storage.warehouse.warehouse import Warehouse

__all__ = [
    "Change",
    "ChangeKind",
    "ColumnChanged",
    "Conflict",
    "DetailExpired",
    "Disagreement",
    "ExtensionMismatch",
    "LoadResult",
    "LoadRun",
    "Loader",
    "NoLake",
    "NotReadable",
    "ProcessResult",
    "Reader",
    "Shrunk",
    "StorageFailed",
    "Upkeep",
    "Warehouse",
    "WarehouseError",
    "WrongBatch",
    "WrongReadyTable",
    "check_extensions",
]
