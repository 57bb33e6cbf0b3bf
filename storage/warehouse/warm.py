"""Lakes that were just used stay open for a moment.

To open DuckDB, load its extensions and read the catalog's tables costs some 40 ms of CPU, which one small refresh would
pay four times. What is kept is the engine with the lake attached; each use is a connection of its own, so that nothing
temporary is left to the next one. A use that fails, for whatever reason, takes the engine with it.
"""

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache

from storage.warehouse.location import Location
from storage.warehouse.memory import give_back, set_libraries_aside
from storage.warehouse.session import Limits, Session, connect, opened

#: an idle engine holds some 30 MB
KEEP_SECONDS = 30.0
#: engines kept at once; a process that serves more organizations at a time opens again what it let go
MOST = 8

Key = tuple[Location, Limits, bool]


class _Pin:
    """Holds on to a catalog file, so that no other file gets its number while its engine is kept.

    It is opened by path only: closing a plain descriptor of the catalog would drop the locks that SQLite holds on it.
    """

    def __init__(self, location: Location) -> None:
        self.identity = _identity(location)
        if location.catalog is None or self.identity is None or not hasattr(os, "O_PATH"):
            return
        descriptor = os.open(location.catalog, os.O_PATH)
        weakref.finalize(self, os.close, descriptor)
        found = os.fstat(descriptor)
        self.identity = (found.st_dev, found.st_ino)


@dataclass(slots=True)
class _Kept:
    session: Session
    #: which file the catalog was: one that was replaced meanwhile is another lake
    pin: _Pin
    used: float
    users: int = 0


class Keeper:
    """Keeps engines open between uses, for a bounded time and in bounded number; shared by threads."""

    def __init__(
        self, seconds: float = KEEP_SECONDS, most: int = MOST, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._steady = steady
        self._kept: dict[Key, _Kept] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._ended = False

    @contextmanager
    def opened(self, location: Location, limits: Limits, *, write: bool) -> Iterator[Session]:
        """Give a session of its own on an engine that may have been open already; see `session.opened`."""
        key = (location, limits, write)
        kept = self._taken(key)
        try:
            session = kept.session.another()
            try:
                yield session
            finally:
                session.close()
        except BaseException:
            self._drop(key, kept)
            raise
        finally:
            self._given_back(kept)

    def tidy(self) -> int:
        """Close what nobody used for the time, and the longest unused beyond the number; return how many are left."""
        with self._lock:
            idle = sorted((key for key, item in self._kept.items() if not item.users), key=self._used)
            old = [key for key in idle if self._steady() - self._used(key) >= self._seconds]
            spare = idle[: max(0, len(self._kept) - self._most)]
            closing = [self._kept.pop(key).session for key in dict.fromkeys([*old, *spare])]
            left = len(self._kept)
        for session in closing:
            session.close()
        if closing and not left:
            give_back()
            set_libraries_aside()
        return left

    def close(self) -> None:
        """Close everything that nobody uses."""
        with self._lock:
            idle = [key for key, item in self._kept.items() if not item.users]
            closing = [self._kept.pop(key).session for key in idle]
        for session in closing:
            session.close()

    def end(self) -> None:
        """Close everything that nobody uses, and keep no thread; for the end of the process.

        A thread that is in the engine's code when the interpreter goes away is ended there, and ends the process with
        "terminate called without an active exception".
        """
        with self._lock:
            self._ended = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()
        self.close()

    def _used(self, key: Key) -> float:
        return self._kept[key].used

    def _taken(self, key: Key) -> _Kept:
        location, limits, write = key
        identity = _identity(location)
        stale = None
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.pin.identity == identity:
                kept.users += 1
                return kept
            if kept is not None:
                stale = self._kept.pop(key)
        if stale is not None and not stale.users:
            stale.session.close()
        session = connect(location, limits, write=write)
        made = _Kept(session, _Pin(location), self._steady(), users=1)
        with self._lock:
            # Somebody else may have been as quick: then this one lives for its one use.
            self._kept.setdefault(key, made)
        return made

    def _given_back(self, kept: _Kept) -> None:
        with self._lock:
            kept.users -= 1
            kept.used = self._steady()
            held = any(item is kept for item in self._kept.values())
            if held and self._timer is None and not self._ended:
                self._timer = self._started_timer(self._seconds)
        if not held and not kept.users:
            kept.session.close()
        if len(self._kept) > self._most:
            self.tidy()

    def _drop(self, key: Key, kept: _Kept) -> None:
        with self._lock:
            if self._kept.get(key) is kept:
                del self._kept[key]

    def _started_timer(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._ring)
        timer.daemon = True
        timer.start()
        return timer

    def _ring(self) -> None:
        self.tidy()
        with self._lock:
            ages = [self._steady() - item.used for item in self._kept.values()]
            # At least a second, so that an engine in use is not looked at all the time.
            again = max(1.0, self._seconds - max(ages)) if ages and not self._ended else None
            self._timer = None if again is None else self._started_timer(again)


@cache
def keeper() -> Keeper:
    """Return the one of this process."""
    made = Keeper()
    atexit.register(made.end)
    return made


def lake_open(
    location: Location, limits: Limits, *, write: bool, many: bool = False
) -> AbstractContextManager[Session]:
    """Open a lake for little work, on an engine that may be kept; or for much (`many` rows), on one of its own."""
    if many:
        return _for_much(location, limits, write=write)
    return keeper().opened(location, limits.small(), write=write)


@contextmanager
def _for_much(location: Location, limits: Limits, *, write: bool) -> Iterator[Session]:
    try:
        with opened(location, limits, write=write) as session:
            yield session
    finally:
        give_back()


def _identity(location: Location) -> tuple[int, int] | None:
    if location.catalog is None:
        return None
    try:
        found = location.catalog.stat()
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino)
