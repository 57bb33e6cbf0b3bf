"""Files that are made while they are read."""

import io
from abc import abstractmethod


class InParts(io.RawIOBase):
    """A file of which a subclass returns one part after the other."""

    @abstractmethod
    def part(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at its end."""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill in the next part."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever BufferedReader brings is a buffer
        part = self.part(len(view))
        view[: len(part)] = part
        return len(part)
