"""What is wrong with a file, in words for people."""

import re

from connectors.errors import Broken


class FileError(ValueError):
    """A file cannot be read; the text goes on after its name: ``was cut off``. It holds nothing of the content."""

    def __init__(self, what: str, *, row: int | None = None) -> None:
        super().__init__(what)
        #: row of the file, the header being 1
        self.row = row


def file_broken(path: str, error: FileError) -> Broken:
    """Return the error that ends the run, with the file's name in plain characters."""
    name = re.sub(r"[^\w./-]", "?", path, flags=re.ASCII)[-100:]
    where = f", row {error.row}" if error.row is not None else ""
    return Broken(f"the file {name}{where} {error}", code="file_unreadable")
