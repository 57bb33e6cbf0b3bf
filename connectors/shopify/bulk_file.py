"""The file of a bulk operation: fetched by its signed link, and its lines put together to records.

Lines come in any order, children far from their parents, and the file may be larger than memory. So each line goes to
the part of its record, by the record's id, into files without a name: a process that dies leaves nothing behind. Each
part is put together by itself. Nothing is handed on before the whole file is there and its lines are counted.
"""

import asyncio
import contextlib
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

import httpx
import msgspec

from connectors.errors import Broken, Retry
from connectors.shopify.bulk_documents import Bulk
from connectors.shopify.lists import Parts
from connectors.wire import HttpLimits, Wire, storage_link
from storage.facts.secret import Secret

#: Where Shopify keeps the files of bulk operations.
STORAGE_HOST = "storage.googleapis.com"
#: No larger file is read, packed or unpacked.
LARGEST = 16 << 30
#: One line is one record or one element of a list.
LONGEST_LINE = 8 << 20
_PART, _MOST_PARTS = 8 << 20, 128
_GZIP = b"\x1f\x8b"
#: A file takes longer than a call.
_PATIENCE = 20


class BulkUnusable(Exception):  # noqa: N818 - a turn of the conversation, not an error
    """This file cannot be used: read by pages instead. The text says why."""


class _Line(msgspec.Struct):
    id: str | None = None
    parent: str | None = msgspec.field(default=None, name="__parentId")


_LINE = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class Promised:
    """What an operation says of its file."""

    url: Secret
    objects: int
    roots: int
    #: bytes
    size: int


class Sorting:
    """Takes a file's bytes as they come and sorts its lines by record."""

    #: bytes of one part, which is put together in memory; parts are few where the file was said to be small
    largest_part = 1 << 30

    def __init__(self, promised: Promised, stack: contextlib.ExitStack) -> None:
        count = min(max(promised.size // _PART + 1, 1), _MOST_PARTS)
        #: files without a name, which the stack closes
        self.parts: list[IO[bytes]] = []
        for _ in range(count):
            part = tempfile.TemporaryFile()  # noqa: SIM115 - the stack closes it
            self.parts.append(stack.enter_context(part))
        self._promised = promised
        self._rest = b""
        self._unpack: zlib._Decompress | None = None
        self._begun = False
        self._taken = self._objects = self._roots = 0

    def take(self, chunk: bytes) -> None:
        """Sort some more bytes; Broken for what no such file holds."""
        if not self._begun and chunk:
            self._begun = True
            self._unpack = zlib.decompressobj(wbits=31) if chunk.startswith(_GZIP) else None
        pending = chunk
        while pending:
            plain, pending = self._plain(pending)
            self._taken += len(plain)
            if self._taken > LARGEST:
                raise Broken(f"a file of more than {LARGEST >> 30} GB was refused", code="bulk_too_large")
            *lines, self._rest = (self._rest + plain).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LONGEST_LINE:
                raise Broken("a line of a bulk file is longer than any record", code="bulk_too_large")

    def finish(self) -> None:
        """Count at the end of the file; BulkUnusable when something is missing or too much."""
        if self._unpack is not None and not self._unpack.eof:
            raise BulkUnusable("cut")
        self._line(self._rest)
        self._rest = b""
        if (self._objects, self._roots) != (self._promised.objects, self._promised.roots):
            raise BulkUnusable("cut")
        if max(part.tell() for part in self.parts) > self.largest_part:
            raise BulkUnusable("too much belongs together, or it is larger than it was said to be")

    def _plain(self, chunk: bytes) -> tuple[bytes, bytes]:
        if self._unpack is None:
            return chunk, b""
        try:
            return self._unpack.decompress(chunk, _PART), self._unpack.unconsumed_tail
        except zlib.error:
            raise BulkUnusable("damaged") from None

    def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            said = _LINE.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise BulkUnusable("damaged") from None
        owner = said.parent or said.id
        if owner is None:
            raise BulkUnusable("a line without an id")
        self._objects += 1
        self._roots += said.parent is None
        part = self.parts[zlib.crc32(owner.encode()) % len(self.parts)]
        part.write(line + b"\n")


async def fetch(promised: Promised, sorting: Sorting, *, home: str, limits: HttpLimits) -> None:
    """Fetch a file into its parts; Retry when the storage fails, BulkUnusable when the link has ended or lines lack."""
    address = storage_address(promised.url.reveal(), home)
    patient = replace(limits, total=limits.total * _PATIENCE)

    async def take(chunk: bytes) -> None:
        await asyncio.to_thread(sorting.take, chunk)

    async with Wire(str(address.copy_with(raw_path=b"/")), limits=patient) as wire:
        answer = await wire.pour(wire.fetch(address), take)
    if answer.status in {400, 403, 404, 410}:
        raise BulkUnusable("the link had ended")
    if answer.status != 200:
        raise Retry(None, f"Shopify's storage failed (HTTP {answer.status})", code="server_error")
    await asyncio.to_thread(sorting.finish)


def storage_address(url: str, home: str) -> httpx.URL:
    """Check a link: https to Shopify's storage; plain http only where the shop itself is on this machine."""
    refused = Broken("Shopify named a file at an address that is not its storage", code="host_refused")
    return storage_link(url, home, lambda link: link.host == STORAGE_HOST and link.port is None, refused)


def records(part: IO[bytes], bulk: Bulk) -> Iterator[Parts]:
    """Put the lines of one part together to whole records."""
    part.seek(0)
    roots: dict[str, Parts] = {}
    elements: dict[str, dict[str, dict[str, Parts]]] = {}
    for line in part:
        parts = msgspec.json.decode(line, type=Parts)
        parent = parts.pop("__parentId", None)
        if parent is None:
            roots[_text(parts["id"])] = parts
            continue
        field = bulk.lists.get(_text(parts.get("__typename", msgspec.Raw(b'""'))))
        if field is None:
            raise BulkUnusable("a line of an unknown kind")
        if field not in bulk.typed:
            del parts["__typename"]
        siblings = elements.setdefault(_text(parent), {}).setdefault(field, {})
        # A record that changed while the file was written may stand there twice: its elements are the same ones.
        siblings[bytes(parts.get("id", parts.get("index", msgspec.Raw(b"%d" % len(siblings))))).decode()] = parts
    if not elements.keys() <= roots.keys():
        raise BulkUnusable("a line without its record")
    for key, record in roots.items():
        lists = elements.get(key, {})
        for field in bulk.fields:
            record[field] = msgspec.Raw(msgspec.json.encode({"nodes": list(lists.get(field, {}).values())}))
        yield record


def _text(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        raise BulkUnusable("damaged") from None
