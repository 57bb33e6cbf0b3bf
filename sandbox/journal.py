"""The witness: what a stand-in was asked, what it did and when, in the order in which it happened."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from storage.facts.clock import Clock


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request that a stand-in accepted, and what came of it."""

    #: position in the journal, from 1, in the order of the requests' beginnings
    number: int
    began: datetime
    method: str
    path: str
    #: place in the one order of all beginnings and ends; two requests overlapped if their spans do
    began_tick: int
    ended: datetime | None = None
    ended_tick: int | None = None
    #: what was asked, in the stand-in's own words: query, report, token …
    operation: str = ""
    #: what it was about: Invoice, ProfitAndLoss, orders …
    entity: str = ""
    #: realm, shop, workspace
    account: str = ""
    #: the statement or variables, as sent; never a credential
    detail: str = ""
    #: first characters of the SHA-256 of the token that came with it
    token: str = ""
    #: whether it asked for a change of the provider's data
    mutating: bool = False
    #: None: no answer was sent
    status: int | None = None
    #: answered, reset, truncated, hung, cancelled; "" while it runs
    outcome: str = ""
    #: what it changed in the stand-in ("created Invoice 7", "rotated refresh token"), also where no answer was sent
    effects: tuple[str, ...] = ()
    #: the scripted misbehaviour that it met
    fault: str = ""
    #: bytes of body sent
    size: int = 0


class Journal:
    """Append-only list of entries, in memory and, if a path is given, as one JSON line per finished request."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._entries: list[Entry] = []
        self._tick = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything accepted so far; a request that still runs has no end."""
        return tuple(self._entries)

    def begin(
        self,
        *,
        method: str,
        path: str,
        operation: str = "",
        entity: str = "",
        account: str = "",
        detail: str = "",
        token: str = "",
        mutating: bool = False,
    ) -> int:
        """Write down that a request was accepted; returns its number for `finish`."""
        number = len(self._entries) + 1
        entry = Entry(
            number=number,
            began=self._clock.now(),
            began_tick=self._next_tick(),
            method=method,
            path=path,
            operation=operation,
            entity=entity,
            account=account,
            detail=detail,
            token=token,
            mutating=mutating,
        )
        self._entries.append(entry)
        return number

    def finish(
        self, number: int, *, outcome: str, status: int | None, effects: tuple[str, ...], **facts: str | int
    ) -> Entry:
        """Complete an entry with what came of the request."""
        entry = msgspec.structs.replace(
            self._entries[number - 1],
            ended=self._clock.now(),
            ended_tick=self._next_tick(),
            outcome=outcome,
            status=status,
            effects=effects,
            **facts,
        )
        self._entries[number - 1] = entry
        self._write(entry)
        return entry

    def select(
        self, *, operation: str | None = None, entity: str | None = None, account: str | None = None
    ) -> list[Entry]:
        """Entries of one operation, entity or account."""
        return [
            entry
            for entry in self._entries
            if operation in (None, entry.operation)
            and entity in (None, entry.entity)
            and account in (None, entry.account)
        ]

    def mutating(self) -> list[Entry]:
        """Requests that asked to change the provider's data: a reader must cause none."""
        return [entry for entry in self._entries if entry.mutating]

    def overlapping(self, account: str) -> Iterator[tuple[Entry, Entry]]:
        """Pairs of requests about one account that ran at the same time."""
        running: list[Entry] = []
        for entry in (entry for entry in self._entries if entry.account == account):
            running = [other for other in running if other.ended_tick is None or other.ended_tick > entry.began_tick]
            yield from ((other, entry) for other in running)
            running.append(entry)

    def _next_tick(self) -> int:
        self._tick += 1
        return self._tick

    def _write(self, entry: Entry) -> None:
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
