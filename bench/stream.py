"""A QuickBooks with any number of invoices, made as they are asked for: `python -m bench.stream --invoices 5000000`.

The stand-in makes one page of a thousand invoices; every further page is that page with the next thousand ids, so a
page costs a millisecond and no memory whatever the number. All other questions go to the stand-in. The first line says
where it is and what it holds, as JSON, like `bench.pages`.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks, Size
from sandbox.providers.quickbooks.values import encode
from sandbox.providers.serve import serve
from storage.facts.clock import SystemClock

PAGE = 1000
_PAGE = re.compile(
    r"SELECT (?:\*|Id) FROM Invoice ORDERBY Id STARTPOSITION (?P<start>[0-9]+) MAXRESULTS [0-9]+", re.ASCII
)
_COUNT = "SELECT COUNT(*) FROM Invoice"


class Repeating:
    """Answers for the invoices itself and hands everything else on."""

    def __init__(self, app: ASGIApp, records: list[dict[str, Any]], count: int) -> None:
        self._app = app
        self._count = count
        #: each record around its id, which comes first
        self._bodies = [encode({key: one[key] for key in one if key != "Id"})[1:] for one in records]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope) if scope["type"] == "http" and scope["path"].endswith("/query") else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await Response(answer, media_type="application/json")(scope, receive, send)

    def _answer(self, scope: Scope) -> bytes | None:
        (asked,) = parse_qs(scope["query_string"].decode()).get("query", [""])
        stamp = SystemClock().now().isoformat().encode()
        if asked == _COUNT:
            return b'{"QueryResponse":{"totalCount":%d},"time":"%s"}' % (self._count, stamp)
        page = _PAGE.fullmatch(asked)
        if page is None:
            return None
        return b'{"QueryResponse":{"Invoice":[%s]},"time":"%s"}' % (self._page(int(page["start"])), stamp)

    def _page(self, start: int) -> bytes:
        ids = range(start, min(start + PAGE, self._count + 1))
        return b",".join([b'{"Id":"%d",%s' % (number, body) for number, body in zip(ids, self._bodies, strict=False)])


def truth(records: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Say what the books hold: whole pages, and the beginning of one."""
    whole, rest = divmod(count, PAGE)
    amounts = [Decimal(str(one["TotalAmt"])) for one in records]
    lines = [len(one["Line"]) for one in records]
    return {
        "count": count,
        "total": str(whole * sum(amounts, Decimal(0)) + sum(amounts[:rest], Decimal(0))),
        "lines": whole * sum(lines) + sum(lines[:rest]),
    }


async def run(invoices: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = SystemClock()
    size = Size(PAGE, 500, bills=0, journal_entries=0, paid=0.0)
    quickbooks = QuickBooks.generated(seed=1, size=size, as_of=clock.now(), clock=clock)
    records = quickbooks.books[catalogue.REALM].truth("Invoice")
    async with serve(Repeating(quickbooks.app, records, invoices)) as served:
        found = {
            "url": served.url,
            "realm": catalogue.REALM,
            "environment": quickbooks.environment(served.url),
            "access_token": quickbooks.oauth.grant(catalogue.REALM).access_token,
            "refresh_token": quickbooks.oauth.grant(catalogue.REALM).refresh_token,
            "truth": truth(records, invoices),
        }
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=100_000)
    asyncio.run(run(parser.parse_args().invoices))
