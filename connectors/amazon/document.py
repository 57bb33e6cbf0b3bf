"""Report documents on disk: unpacked and turned into UTF-8 by pieces, so that none is ever whole in memory.

Everything about a document is checked here, to its last byte, before a row of it is read: its size, its gzip, its
encoding. The files have no name: a process that dies leaves nothing behind.
"""

import codecs
import contextlib
import mmap
import re
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import IO, Self

from connectors.errors import Broken, Retry

#: No document of more bytes is read, packed or unpacked.
LARGEST = 1 << 30
#: One row; Amazon's have some hundred characters.
LONGEST_LINE = 1 << 20
#: What is unpacked and decoded at once.
_PIECE = 1 << 20
#: What Amazon calls its encodings, and how they are read; anything else is refused rather than guessed.
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "cp1252": "cp1252",
    "iso8859-1": "cp1252",
    "ascii": "ascii",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "utf-16": "utf-16",
}
_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml|head|body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """A report's text, in UTF-8, on disk; it is forgotten at the end of its `with`."""

    file: IO[bytes]
    size: int

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def lines(self) -> Iterator[str]:
        """Yield the lines from the first one on, without their ends; Broken for one that is longer than any row."""
        self.file.seek(0)
        while line := self.file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise Broken("a line of a report is longer than any row", code="report_ragged")
            yield line.decode().removesuffix("\n").removesuffix("\r")

    def mapped(self) -> mmap.mmap | bytes:
        """Return the whole text as the system maps it: pages of the file, which the memory can do without."""
        return mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""


def text_of(
    packed: IO[bytes], compression: str | None, content_type: str, *, japanese: bool = False, most: int = LARGEST
) -> Text:
    """Unpack a document and decode it by the declared encoding, strictly; without one by UTF-8 or the region's old one.

    Retry when it was cut off or damaged, Broken when it is too large, packed or encoded in an unknown way.
    """
    declared = charset(content_type)
    for name in (declared,) if declared else ("utf-8", "cp932" if japanese else "cp1252"):
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            try:
                found = codecs.lookup(name).name
                if found not in _CHARSETS:
                    break
                _decode(_bounded(pieces(packed, compression), most), _CHARSETS[found], file)
            except (LookupError, UnicodeDecodeError):
                continue
            stack.pop_all()
            return Text(file, file.tell())
    raise Broken("a report is not in the encoding that Amazon names", code="report_encoding")


def charset(content_type: str) -> str:
    """Return the declared encoding; empty when there is none."""
    message = Message()
    message["content-type"] = content_type
    return str(message.get_param("charset") or "")[:40]


def pieces(packed: IO[bytes], compression: str | None) -> Iterator[bytes]:
    """Yield a document's content, never much at once; Retry for what is none, Broken for an unknown packing."""
    packed.seek(0)
    if _PAGE.match(packed.read(200)):
        raise Retry(None, "Amazon's storage sent a page instead of a report", code="not_report")
    packed.seek(0)
    if compression is None:
        while piece := packed.read(_PIECE):
            yield piece
    elif compression.upper() == "GZIP":
        yield from _unpacked(packed)
    else:
        raise Broken("a report is packed in a way that is not known", code="report_packed")


def _unpacked(packed: IO[bytes]) -> Iterator[bytes]:
    """Yield all members of a gzip, one after the other; each is held to its own checksum."""
    rest = packed.read(_PIECE)
    if not rest:
        raise Retry(None, "a report arrived empty", code="report_cut")
    while rest:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error as error:
                raise Retry(None, "a report arrived damaged", code="report_cut") from error
            if not piece and not rest and not member.eof:
                raise Retry(None, "a report was cut off on its way", code="report_cut")
            yield piece
            rest = member.unconsumed_tail or (b"" if member.eof else packed.read(_PIECE))
        rest = member.unused_data or packed.read(_PIECE)


def _bounded(found: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for piece in found:
        size += len(piece)
        if size > most:
            raise Broken(f"a report of more than {most >> 20} MB was refused", code="report_too_large")
        yield piece


def _decode(found: Iterator[bytes], encoding: str, into: IO[bytes]) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for piece in found:
        into.write(decoder.decode(piece).encode())
    into.write(decoder.decode(b"", final=True).encode())
    into.flush()
