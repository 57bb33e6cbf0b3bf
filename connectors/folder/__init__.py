"""CSV files in a folder: one table per file, replaced whole when the file changes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector


def make_connector() -> "Connector":
    """Return what reads it; it brings Arrow."""
    from connectors.folder.connector import FolderConnector

    return FolderConnector()
