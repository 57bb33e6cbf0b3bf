"""The organization's warehouse: raw and ready tables in a lake, loaded and built one whole run at a time.

The only package that knows DuckDB and DuckLake. Everything here blocks; call it from threads.

What needs DuckDB and Arrow is imported when it is first asked for: 0.15 s and 60 MB that a process without runs (the
web role, most commands) never pays. A process with runs imports it at its start (`jobs.ground.Ground.warm`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from storage.warehouse.results import Change, ChangeKind, Erased, LoadResult, LoadRun, ProcessResult, Standing, Upkeep

if TYPE_CHECKING:
    from storage.warehouse.extensions import check_extensions
    from storage.warehouse.loader import Loader
    from storage.warehouse.reader import Reader
    from storage.warehouse.warehouse import Warehouse

__all__ = [
    "Change",
    "ChangeKind",
    "ColumnChanged",
    "Conflict",
    "DetailExpired",
    "Disagreement",
    "Erased",
    "ExtensionMismatch",
    "LoadResult",
    "LoadRun",
    "Loader",
    "NoLake",
    "NotReadable",
    "ProcessResult",
    "Reader",
    "Shrunk",
    "Standing",
    "StorageFailed",
    "Upkeep",
    "Warehouse",
    "WarehouseError",
    "WrongBatch",
    "WrongReadyTable",
    "check_extensions",
]

_LATER = {"Loader": "loader", "Reader": "reader", "Warehouse": "warehouse", "check_extensions": "extensions"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
