"""A QuickBooks with many invoices in a process of its own: `python -m bench.pages --invoices 100000`.

The stand-in makes every answer; what it answered once to the same question it gives again from memory, so that readers
are measured and not the stand-in; only questions for changes are always asked. `POST /bench/change` changes a hundred
invoices. The first line says where it is and what it holds, as JSON: count, sum and lines.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.far_side import main, stand
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks, Size
from sandbox.providers.quickbooks.values import stamp
from storage.facts.clock import Clock, SystemClock

CHANGE = "/bench/change"
CHANGED = 100


class Remembering:
    """Gives an answer to a GET of the company's API again, byte for byte."""

    def __init__(self, app: ASGIApp, change: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self._change = change
        self._answers: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == CHANGE:
            await JSONResponse(self._change())(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/v3/"):
            await self._app(scope, receive, send)
            return
        question = f"{scope['path']}?{scope['query_string'].decode()}"
        if scope["path"].endswith("/cdc") or "LastUpdatedTime" in question:
            await self._app(scope, receive, send)
            return
        if question not in self._answers:
            kept: list[Message] = []

            async def keep(message: Message) -> None:
                kept.append(message)

            await self._app(scope, receive, keep)
            if kept[0]["status"] != 200:
                for message in kept:
                    await send(message)
                return
            self._answers[question] = kept
        for message in self._answers[question]:
            await send(message)


def change(books: Any, clock: Clock) -> dict[str, Any]:
    """Write a note on a hundred invoices; return since when they are changed."""
    at = clock.now()
    found = books.truth("Invoice")
    step = max(1, len(found) // CHANGED)
    moment = stamp(int(at.timestamp()), books.zone)
    put = [
        {
            **one,
            "SyncToken": str(int(one["SyncToken"]) + 1),
            "PrivateNote": "looked at by the bench",
            "MetaData": {**one["MetaData"], "LastUpdatedTime": moment},
        }
        for one in found[::step][:CHANGED]
    ]
    books.change(put=[("Invoice", one) for one in put], remove=[], at=at)
    return {"since": moment, "count": len(put)}


def truth(books: Any) -> dict[str, Any]:
    """Say what the books hold, for those who check what was read."""
    invoices = books.truth("Invoice")
    return {
        "count": len(invoices),
        "total": str(sum((Decimal(str(one["TotalAmt"])) for one in invoices), Decimal(0))),
        "lines": sum(len(one["Line"]) for one in invoices),
    }


async def run(invoices: int) -> None:
    """Serve until SIGTERM."""
    clock = SystemClock()
    size = Size(invoices, max(12, min(500, invoices)), bills=0, journal_entries=0, paid=0.0)
    quickbooks = QuickBooks.generated(seed=1, size=size, as_of=clock.now(), clock=clock)
    books = quickbooks.books[catalogue.REALM]
    await stand(Remembering(quickbooks.app, partial(change, books, clock)), quickbooks, truth(books))


if __name__ == "__main__":
    main(run, __doc__)
