"""A file is built from one state of the lake and what the far side has by the ledger; the same again, byte by byte.

A full pair holds every live record each time. The file of invoices is that of one night: what is new since the nights
before, once for each revision, and it grows over the night, because it takes the place of what was there an hour ago
and may not have been read by then.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from connectors.pocketadvantage.transfer.port import LARGEST, too_large
from jobs.exchange import reading
from jobs.exchange.fil import Column, FilRules, FilWriter, RowRefused, Written
from jobs.exchange.mapping.results import Mapped, Rejected, Skipped
from storage.facts.exchange import Counts, ExchangePair, Mode, Pair, Reject
from storage.records.exchange_given import Given, Moves

if TYPE_CHECKING:
    from storage.warehouse import Reader

#: what is written down of what was left out; the rest is counted
MOST_REJECTS = 1000
#: bytes of rows in memory; two files may be built at once
_HELD = 4_000_000
_ACTIVE, _DELETED = "A", "D"
#: what people call a record of each pair: the first of these fields that says anything
_NAMES: Mapping[Pair, tuple[str, ...]] = {
    Pair.CUSTOMERS: ("DisplayName",),
    Pair.ITEMS: ("Sku", "Name"),
    Pair.VENDORS: ("DisplayName",),
    Pair.SALES_REPS: ("DisplayName",),
    Pair.INVOICES: ("DocNumber",),
}
_LONGEST_NAME = 100


class Maps(Protocol):
    """One mapping, ready to be used."""

    @property
    def version(self) -> str:
        """Which, and which version."""
        ...

    @property
    def file(self) -> str:
        """Name of the file, without its ending."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that its rows are sorted by."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables that it looks up."""
        ...

    def begin(self, tables: Mapping[str, Mapping[str, object]]) -> "Map":
        """Return what maps, with the tables that it looks up."""
        ...


class Map(Protocol):
    """Turns records into rows."""

    def __call__(self, record: dict[str, Any], *, deleted: bool = False) -> Mapped | Skipped | Rejected:
        """Return what became of a record."""
        ...


@dataclass(slots=True)
class Built:
    """A file that lies here and nowhere else, and what the ledger says once the far side has it."""

    path: Path
    written: Written
    moves: Moves
    skipped: int = 0
    #: how many records were left out
    rejected: int = 0
    #: some of them
    rejects: list[Reject] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """What it does to what the far side has."""
        return Counts(len(self.moves.added), len(self.moves.updated), len(self.moves.removed))


def build(
    reader: "Reader",
    pair: ExchangePair,
    maps: Maps,
    rules: FilRules,
    given: Mapping[str, Given],
    night: str,
    folder: Path,
    making: "type[Making] | None" = None,
    *,
    largest: int = LARGEST,
) -> Built:
    """Build a pair's file below a folder, of `largest` bytes at most; blocks (Broken, MappingError, WarehouseError)."""
    path = folder / rules.file_name(maps.file)
    with path.open("wb") as out:
        made = (making or Making)(reader, pair, maps, rules, given, night, out, largest=largest)
        if pair.pair.mode is Mode.FULL:
            made.everything()
        else:
            made.what_is_new()
        written = made.writer.close()
    return Built(path, written, made.moves(), made.skipped, made.rejected, made.rejects)


class Making:
    """One file while it is made."""

    def __init__(
        self,
        reader: "Reader",
        pair: ExchangePair,
        maps: Maps,
        rules: FilRules,
        given: Mapping[str, Given],
        night: str,
        out: Any,
        *,
        largest: int = LARGEST,
    ) -> None:
        self._reader, self._pair, self._given, self._night = reader, pair, given, night
        self._largest = largest
        self._map = maps.begin(reading.tables(reader, pair.books_id, maps.inputs))
        names = [column.name for column in maps.columns]
        self._status = names.index("STATUS") if "STATUS" in names else None
        self.writer = FilWriter(out, rules, maps.columns, maps.keys, held=_HELD)
        self.skipped = self.rejected = 0
        self.rejects: list[Reject] = []
        self._added: dict[str, Given] = {}
        self._updated: dict[str, Given] = {}
        self._withdrawn: dict[str, Given] = {}
        self._there: set[str] = set()

    def everything(self) -> None:
        """Put every live record in."""
        for record in reading.records(self._reader, self._pair.pair, self._pair.books_id):
            self._take(self._map(record), record)

    def what_is_new(self) -> None:
        """Put in what the far side does not have, and what went earlier in the same night."""
        standing = reading.invoices(self._reader, self._pair.books_id)
        wanted = [key for key, stands in standing if self._wants(key, stands)]
        for _, deleted, record in reading.chosen(self._reader, self._pair.books_id, wanted):
            self._take(self._map(record, deleted=deleted), record, deleted=deleted)

    def moves(self) -> Moves:
        """Return what is different for the far side."""
        gone = (
            [] if self._pair.pair.mode is Mode.INCREMENTAL else [one for one in self._given if one not in self._there]
        )
        return Moves(self._added, self._updated, sorted(gone), self._withdrawn)

    def _wants(self, key: str, stands: reading.Standing) -> bool:
        known = self._given.get(key)
        if known is None:
            # What came and went before it was ever sent is nothing to the far side.
            return not stands.deleted
        if known.night == self._night:
            return True
        if stands.deleted or known.status == _DELETED:
            return stands.deleted != (known.status == _DELETED)
        return _later(stands.revision, known.revision)

    def _take(self, result: Mapped | Skipped | Rejected, record: Mapping[str, Any], *, deleted: bool = False) -> None:
        match result:
            case Skipped():
                self.skipped += 1
                self._withdraw(result.key)
            case Rejected():
                self._refuse(Reject(result.key, result.field, result.reason, self._name(record)))
                self._withdraw(result.key)
            case Mapped():
                try:
                    self.writer.record(result.rows)
                    if self.writer.taken > self._largest:
                        # Before it fills the disk: it could not be handed over.
                        raise too_large(self._largest)
                except RowRefused as refused:
                    self._refuse(Reject(result.key, refused.field, refused.reason, self._name(record)))
                    self._withdraw(result.key)
                else:
                    self._note(result, deleted=deleted)

    def _refuse(self, reject: Reject) -> None:
        self.rejected += 1
        if len(self.rejects) < MOST_REJECTS:
            self.rejects.append(reject)

    def _name(self, record: Mapping[str, Any]) -> str:
        """Return what people call a record; nothing where its key says as much."""
        known = (record.get(one) for one in _NAMES.get(self._pair.pair, ()))
        return next((str(one)[:_LONGEST_NAME] for one in known if one), "")

    def _withdraw(self, key: str) -> None:
        """Take back that an earlier file of this night held it: nobody may have read that one.

        It goes, whatever its revision, as soon as it can: a deletion, too.
        """
        known = self._given.get(key)
        if self._pair.pair.mode is Mode.INCREMENTAL and known is not None and known.night == self._night:
            self._withdrawn[key] = Given("", _ACTIVE, "")

    def _note(self, result: Mapped, *, deleted: bool) -> None:
        incremental = self._pair.pair.mode is Mode.INCREMENTAL
        said = result.rows[0][self._status] if self._status is not None and result.rows else _ACTIVE
        # Whether it is gone is QuickBooks' word, however the column was mapped: else it would go each night again.
        status = _DELETED if deleted else _ACTIVE if said == _DELETED else said
        digest = _digest(result.rows)
        # A full file is another where its rows are, whatever QuickBooks counts.
        one = Given(result.revision, status, digest, self._night) if incremental else Given("", _ACTIVE, digest)
        known = self._given.get(result.key)
        if known is not None:
            self._there.add(result.key)
        if known is None:
            self._added[result.key] = one
        elif known != one:
            self._updated[result.key] = one


def _later(revision: str, known: str) -> bool:
    """Whether a revision is newer; QuickBooks counts them, and what goes back to an older one is not sent again."""
    if revision.isdecimal() and known.isdecimal():
        return int(revision) > int(known)
    return revision != known


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for row in rows:
        digest.update("\x1f".join(row).encode("utf-8", "surrogatepass"))
        digest.update(b"\x1e")
    return digest.hexdigest()
