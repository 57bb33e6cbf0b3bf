"""A file's bytes to rows of text: encoding, quotes, header and width are what is declared, or it is refused.

It is read from its beginning to its end, and never whole in memory.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO

from connectors.files.forms import Form
from connectors.files.in_parts import InParts
from connectors.files.wrong import FileError

_MOST_COLUMNS = 500
#: characters of one line; a cell has at most 131,072, which is the csv reader's own limit
_LONGEST_LINE = 8 << 20
_CHUNK = 1 << 20
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class Header:
    """The labels of a file. They may repeat: a repeated one that is used must hold the same in every row."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(label.strip() for label in labels)
        if not any(self.labels) or len(self.labels) > _MOST_COLUMNS:
            raise FileError("has no header, or too many columns")

    def places(self, label: str) -> tuple[int, ...]:
        """Return where a label stands; FileError when it does not."""
        found = tuple(n for n, here in enumerate(self.labels) if here == label)
        if not found:
            raise FileError(f"has no column {label!r}: its header is not the declared one")
        return found


def cell(row: Sequence[str], places: tuple[int, ...], label: str, number: int) -> str:
    """Return the value under a label."""
    first = row[places[0]]
    if any(row[n] != first for n in places[1:]):
        raise FileError(f"has two columns {label!r} that differ", row=number)
    return first


def rows(form: Form, body: IO[bytes]) -> tuple[Header, Iterator[tuple[int, list[str]]]]:
    """Return the header and the rows with their numbers (the header's is 1); FileError, also while they are read."""
    reader = csv.reader(_decoded(form, body), delimiter=form.delimiter, strict=True)
    lines = _lines(reader, form)
    header = next(lines, None)
    if header is None:
        raise FileError("is empty: not even its header is there")
    head = Header(header[1])
    return head, _checked(lines, len(head.labels), form)


class _Text(InParts):
    """Bytes that may be text in the declared encoding; FileError for those that cannot."""

    def __init__(self, form: Form, body: IO[bytes]) -> None:
        super().__init__()
        self._form, self._body = form, body
        self._begun = False

    def part(self, most: int) -> bytes:
        """Hand some on that were looked at."""
        part, encoding = self._body.read(most), self._form.encoding
        if b"\0" in part and encoding != "utf-16":
            raise FileError("is no text in the declared encoding")
        if not self._begun and (
            (part.startswith(_UTF8) and encoding != "utf-8") or (part.startswith(_UTF16) and encoding != "utf-16")
        ):
            raise FileError(f"says itself that it is not {encoding}, as its feed declares")
        self._begun = True
        return part


def _decoded(form: Form, body: IO[bytes]) -> Iterator[str]:
    """Yield lines, as they end in the file."""
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    text = io.TextIOWrapper(io.BufferedReader(_Text(form, body), _CHUNK), encoding, errors="strict", newline="")
    try:
        while line := text.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise FileError("has a line that is longer than any row")
            yield line
    except UnicodeError:
        raise FileError(f"is not {form.encoding}, as its feed declares") from None


def _lines(reader: Iterator[list[str]], form: Form) -> Iterator[tuple[int, list[str]]]:
    number = -form.skip
    while True:
        number += 1
        try:
            line = next(reader, None)
        except csv.Error:
            raise FileError("has a quote that is not closed, or text after one", row=max(number, 1)) from None
        if line is None:
            return
        if number > 0 and line:
            yield number, line


def _checked(lines: Iterator[tuple[int, list[str]]], width: int, form: Form) -> Iterator[tuple[int, list[str]]]:
    ended = False
    for number, line in lines:
        if ended:
            raise FileError(f"goes on after {form.ends_at!r}", row=number)
        if form.ends_at and line[0].strip() == form.ends_at:
            ended = True
            continue
        if len(line) != width:
            raise FileError(f"has {len(line)} cells where the header has {width}", row=number)
        yield number, line
    if form.ends_at and not ended:
        raise FileError(f"ends without {form.ends_at!r}: it may be cut off")
