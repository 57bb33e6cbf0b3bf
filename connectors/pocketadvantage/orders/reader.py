"""Reading orders from a customer's view: read-only, over one connection, page by page, each order whole.

A reading goes back an overlap behind the last one, so orders come again; whoever keeps them knows them by cust_id,
order_no and revision.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from connectors.errors import Broken, Retry
from connectors.pocketadvantage.orders import database, positions
from connectors.pocketadvantage.orders.database import LONGEST, Connection, View
from connectors.pocketadvantage.orders.places import (
    OPTIONAL,
    ORDER_COLUMNS,
    REQUIRED,
    Allowed,
    DatabasePlace,
    Engine,
)
from connectors.pocketadvantage.orders.reading import Group, grouped, read
from storage.facts.exchange_orders import OrderRead

T = TypeVar("T")
#: of one page
MOST_ORDERS, MOST_ROWS = 500, 50_000
_MOST_ODD = 200
#: rows that come at once, and signs of the texts of one page
_FETCHED, _MOST_SIGNS = 500, 32_000_000
#: stands for a text that is longer than any may be
_ENDLESS = "…" * (LONGEST + 1)
#: seconds that one step may take, however silent the server is
_PATIENCE = 300.0
#: of two such orders neither is taken
ALIKE = "another order has the same order_no and revision, but for spaces around the number: give it one of its own"
#: bytes that one step may bring, of which the drivers keep what is not read yet; seconds between two looks at them
_MOST_BYTES, _LOOK = 256_000_000, 0.1
_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders, each whole."""

    orders: tuple[OrderRead, ...]
    #: everything up to here was read, as far as the database's own time goes; empty: nothing was
    upto: str
    more: bool


@dataclass(frozen=True, slots=True)
class Probed:
    """What a look at the view found."""

    #: our names of the columns that it has
    columns: tuple[str, ...]
    missing: tuple[str, ...]
    #: orders that may be taken, counted to a thousand
    orders: int
    newest: str
    #: plain sentences
    notes: tuple[str, ...] = ()


class Reader:
    """An open connection to one view; used from one task."""

    def __init__(
        self, place: DatabasePlace, connection: Connection, run: "Run", most: int, signs: int = _MOST_SIGNS
    ) -> None:
        self._place = place
        self._most = most
        #: of the texts of one page
        self._signs = signs
        self._connection = connection
        self._run = run
        self._names: Mapping[str, str] = {}
        self._texts: frozenset[str] = frozenset()

    async def pages(self, cursor: str) -> AsyncIterator[Page]:
        """Yield what changed since the cursor, less the overlap; first what no page can find."""
        view = await self._run(self._view)
        odd = await self._run(lambda: self._orders(view.odd(_MOST_ODD)))
        if odd[0]:
            yield Page(odd[0], "", more=True)
        since, after, more = positions.since(cursor), None, True
        while more:
            found, last = await self._run(lambda: self._orders(view.page(since, after, self._most, MOST_ROWS + 1)))  # noqa: B023 - awaited at once
            more = last is not None and last != after
            after = last
            yield Page(found, await self._run(lambda: self._upto(found)), more)  # noqa: B023 - awaited at once

    async def order(self, number: str, *, spaced: bool = False) -> tuple[OrderRead, ...]:
        """Return all revisions of one order as they stand in the view now.

        With `spaced` also what has that number but for spaces around it is looked for, whatever is found without.
        """
        view = await self._run(self._view)
        found: tuple[OrderRead, ...] = ()
        if not spaced:
            found, _ = await self._run(lambda: self._orders(view.of_order(number, MOST_ROWS)))
        if not found:
            # Every number has to be looked at for this.
            found, _ = await self._run(lambda: self._orders(view.of_order(number, MOST_ROWS, spaced=True)))
        return found

    async def probe(self) -> Probed:
        """Look at the view without taking anything."""
        names = await self._run(self._seen)
        missing = tuple(name for name in (*REQUIRED, self._place.cursor) if name not in names)
        if missing:
            return Probed(tuple(names), missing, 0, "")
        count, newest = await self._run(
            lambda: self._connection.execute(View(self._place, names).count(_COUNTED)).one()
        )
        without = [name for name in OPTIONAL if name not in names]
        notes = (f"The view has no {', '.join(without)}: that is left out of orders.",) if without else ()
        return Probed(tuple(names), (), count, (positions.position_of(newest) or "")[1:], notes)

    def _seen(self) -> Mapping[str, str]:
        """Return our name of each column that the view has, and the view's own."""
        there = {name.casefold(): name for name in database.columns_of(self._connection, self._place.view)}
        wanted = {name: self._place.column(name).casefold() for name in ORDER_COLUMNS}
        return {name: there[column] for name, column in wanted.items() if column in there}

    def _view(self) -> View:
        if not self._names:
            found = self._seen()
            missing = [name for name in (*REQUIRED, self._place.cursor) if name not in found]
            if missing:
                words = f"the view of orders has no {', '.join(missing)}: add them, or say what they are called there"
                raise Broken(words, code="columns_missing")
            self._names, self._texts = found, database.texts_of(self._connection, self._place.view)
        return View(self._place, self._names, self._texts)

    def _orders(self, statement: Any) -> tuple[tuple[OrderRead, ...], tuple[Any, Any, Any] | None]:
        """Return the orders of a statement, and where the next page begins; None: there is none."""
        groups, cut = self._groups(statement)
        if not groups:
            return (), None
        after = self._place_of(groups[-1][1])
        more = (cut or len(groups) >= self._most) and after[0] is not None
        orders = _one_of_each(read(self._place, _bare(group)) for group, _ in groups)
        return orders, after if more else None

    @staticmethod
    def _place_of(row: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Return where an order stands among all, by its number as the database compares it: spaces and all."""
        return row["newest_"], row.get("number_"), row["revision"]

    def _groups(self, statement: Any) -> tuple[list[tuple[Group, Mapping[str, Any]]], bool]:
        """Return whole orders, as many as fit into memory however long their texts are, and whether there are more."""
        groups: list[tuple[Group, Mapping[str, Any]]] = []
        count = signs = 0
        # Where the database does not cut long texts, fewer of them are held at once.
        fetched = _FETCHED if self._texts else _FETCHED // 10
        with closing(self._connection.execute(statement, execution_options={"yield_per": fetched})) as result:

            def rows() -> Iterator[dict[str, Any]]:
                nonlocal count
                for row in result.mappings():
                    count += 1
                    yield _plain(row)

            for group in grouped(rows()):
                groups.append((group, group.rows[0]))
                signs += sum(len(cell) for row in group.rows for cell in row.values() if isinstance(cell, str))
                if signs > self._signs:
                    # The row that showed that this order is whole is read again.
                    return groups, True
        cut = count > MOST_ROWS
        if cut and len(groups) > 1:
            # The last one is not whole.
            groups.pop()
        return groups, cut

    def _upto(self, orders: tuple[OrderRead, ...]) -> str:
        newest = max((one.position for one in orders), default="")
        if not newest:
            return ""
        return positions.capped(newest, database.now_of(self._connection, zoned=positions.is_zoned(newest)))


def _one_of_each(orders: Iterable[OrderRead]) -> tuple[OrderRead, ...]:
    """Return the orders; of two whose numbers differ in spaces alone neither is taken, since one would be lost."""
    found: dict[tuple[str, str, int], OrderRead] = {}
    for one in orders:
        same = found.get(one.key)
        if same is not None:
            print_ = "".join(sorted([same.fingerprint, one.fingerprint]))
            print_ = sha256(print_.encode()).hexdigest()[: len(one.fingerprint)]
            one = replace(one, fingerprint=print_, order=None, problem=ALIKE)  # noqa: PLW2901 - both of them
        found[one.key] = one
    return tuple(found.values())


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name).removeprefix("o_"): _bounded(value) for name, value in row.items()}


def _bounded(value: Any) -> Any:
    """Keep no text that is longer than any order's may be: it is refused as that, whatever is in it."""
    if isinstance(value, str | bytes) and len(value) > LONGEST:
        value = value.rstrip()
        return value if len(value) <= LONGEST else _ENDLESS
    return value


def _bare(group: Group) -> Group:
    rows = [{name: value for name, value in row.items() if name not in {"newest_", "number_"}} for row in group.rows]
    return Group(rows, group.too_many)


class _EndlessError(Exception):
    """More came than any page of orders is."""


class Run:
    """Runs the driver's work in one thread, in which its connection lives."""

    def __init__(self, patience: float = _PATIENCE, most: int = _MOST_BYTES) -> None:
        self._executor = ThreadPoolExecutor(1, "orders")
        self._patience = patience
        #: bytes that one step may bring
        self._most = most
        #: ends the connection, whatever the thread waits for
        self.breaks: Callable[[], None] = lambda: None
        self._received: Callable[[], int] = lambda: 0

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run it, and turn the driver's errors into ours."""

        def translated() -> T:
            with database.translated():
                return work()

        task = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._executor, translated))
        try:
            async with asyncio.timeout(self._patience):
                return await self._answer(task)
        except _EndlessError:
            await self._broken(task)
            words = f"the database sent more than {self._most // 1_000_000} MB at once: is that the view of orders?"
            raise Broken(words, code="database_unreadable") from None
        except TimeoutError:
            await self._broken(task)
            words = "the database fell silent while it was asked"
            raise Retry(None, words, code="database_unreachable") from None
        except asyncio.CancelledError:
            await self._broken(task)
            raise

    async def _answer(self, task: "asyncio.Future[T]") -> T:
        """Wait for it, as long as no more comes than may."""
        before = self._bytes()
        while True:
            # Whoever gives up waiting does not stop it: a thread cannot be, and its connection must not be closed yet.
            await asyncio.wait([task], timeout=_LOOK)
            if task.done():
                return task.result()
            if self._bytes() - before > self._most:
                raise _EndlessError

    def _bytes(self) -> int:
        try:
            return self._received()
        except OSError:
            return 0

    async def _broken(self, task: "asyncio.Future[Any]") -> None:
        """End the connection, so that the thread ends: a silent server holds it for ever."""
        with suppress(OSError):
            self.breaks()
        await asyncio.gather(task, return_exceptions=True)

    def heard(self, breaks: Callable[[], None], received: Callable[[], int]) -> None:
        """Keep what ends the connection, and what says how much came over it."""
        self.breaks, self._received = breaks, received

    def close(self) -> None:
        """Let the thread end."""
        self._executor.shutdown(wait=False)


@asynccontextmanager
async def connection_to(
    place: DatabasePlace,
    allowed: Allowed,
    *,
    write: bool = False,
    patience: float = _PATIENCE,
    kind: Callable[[float], Run] = Run,
) -> AsyncIterator[tuple[Connection, Run]]:
    """Give a connection and the thread, of that kind, in which it may be used (Retry, Reconnect, Broken)."""
    address, file = await _found(place, allowed)
    run, stack = kind(patience), ExitStack()
    async with AsyncExitStack() as ending:
        ending.callback(run.close)
        ending.push_async_callback(run, stack.close)
        opened = database.connected(place, address, file, write=write, heard=run.heard)
        yield await run(lambda: stack.enter_context(opened)), run


@asynccontextmanager
async def reader(
    place: DatabasePlace, allowed: Allowed, *, most: int = MOST_ORDERS, signs: int = _MOST_SIGNS
) -> AsyncIterator[Reader]:
    """Open the view for reading, so many orders at a time, and no more when their texts have so many signs."""
    async with connection_to(place, allowed) as (connection, run):
        yield Reader(place, connection, run, most, signs)


async def probe(place: DatabasePlace, allowed: Allowed) -> Probed:
    """Look once whether orders can be read there; nothing is taken (Retry, Reconnect, Broken)."""
    async with reader(place, allowed) as opened:
        return await opened.probe()


async def _found(place: DatabasePlace, allowed: Allowed) -> tuple[str, Path | None]:
    """Return the address that may be connected to, or SQLite's file."""
    if place.engine is not Engine.SQLITE:
        try:
            return (await allowed.reach.addresses(place.host, place.at))[0], None
        except Retry:
            raise Retry(None, "the name of the database's server is not known", code="host_unknown") from None
    if allowed.sqlite_folder is None:
        raise Broken("files are no database of orders in this installation", code="database_place")
    folder = await asyncio.to_thread(allowed.sqlite_folder.resolve)
    file = await asyncio.to_thread((folder / place.database).resolve)
    if not file.is_relative_to(folder):
        raise Broken("this file lies outside of the folder that is meant for it", code="database_place")
    return "", file
