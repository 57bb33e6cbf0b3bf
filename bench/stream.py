"""A QuickBooks with any number of invoices, made as they are asked for: `python -m bench.stream --invoices 5000000`.

The stand-in makes one page of a thousand invoices; every further page is that page with the next thousand ids, so a
page costs a millisecond and no memory whatever the number. Each thousand spans the same dates. All other questions go
to the stand-in. The first line says where it is and what it holds, as JSON, like `bench.pages`.
"""

import re
from bisect import bisect_left
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.far_side import main, stand
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks, Size
from sandbox.providers.quickbooks.values import encode
from storage.facts.clock import SystemClock

PAGE = 1000
NOTHING: dict[str, Any] = {"bills": 0, "journal_entries": 0, "paid": 0.0}
_ASKED = re.compile(
    r"SELECT (?P<what>\*|Id|COUNT\(\*\)) FROM Invoice"
    r"(?: WHERE (?P<terms>TxnDate (?:>=|<) '[0-9-]{10}'(?: AND TxnDate < '[0-9-]{10}')?))?"
    r"(?: ORDERBY Id STARTPOSITION (?P<start>[0-9]+) MAXRESULTS [0-9]+)?",
    re.ASCII,
)
_TERM = re.compile(r"TxnDate (>=|<) '([0-9-]{10})'", re.ASCII)


class Repeating:
    """Answers for the invoices itself and hands everything else on."""

    def __init__(self, app: ASGIApp, records: list[dict[str, Any]], count: int) -> None:
        self._app = app
        self._count = count
        self._dates = [str(one["TxnDate"]) for one in records]
        #: each record around its id, which comes first
        self._bodies = [encode({key: one[key] for key in one if key != "Id"})[1:] for one in records]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope) if scope["type"] == "http" and scope["path"].endswith("/query") else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await Response(answer, media_type="application/json")(scope, receive, send)

    def _answer(self, scope: Scope) -> bytes | None:
        asked = _ASKED.fullmatch(parse_qs(scope["query_string"].decode()).get("query", [""])[0])
        if asked is None:
            return None
        places = self._within(asked["terms"] or "")
        whole, rest = divmod(self._count, PAGE)
        count = whole * len(places) + bisect_left(places, rest)
        stamp = SystemClock().now().isoformat().encode()
        if asked["what"] == "COUNT(*)":
            return b'{"QueryResponse":{"totalCount":%d},"time":"%s"}' % (count, stamp)
        first = int(asked["start"] or 1) - 1
        found = range(first, min(first + PAGE, count))
        records = b",".join([self._record(n // len(places), places[n % len(places)]) for n in found])
        return b'{"QueryResponse":{"Invoice":[%s]},"time":"%s"}' % (records, stamp)

    def _within(self, terms: str) -> list[int]:
        """Return the places in the page of the records that the terms let pass."""
        found = list(range(PAGE))
        for sign, day in _TERM.findall(terms):
            found = [place for place in found if (self._dates[place] >= day) == (sign == ">=")]
        return found

    def _record(self, page: int, place: int) -> bytes:
        return b'{"Id":"%d",%s' % (page * PAGE + place + 1, self._bodies[place])


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
    clock = SystemClock()
    made = QuickBooks.generated(seed=1, size=Size(PAGE, 500, **NOTHING), as_of=clock.now(), clock=clock)
    records = made.books[catalogue.REALM].truth("Invoice")
    # The other has none, or it would tell changes of them under ids that are on other pages here.
    quickbooks = QuickBooks.generated(seed=1, size=Size(0, 500, **NOTHING), as_of=clock.now(), clock=clock)
    await stand(Repeating(quickbooks.app, records, invoices), quickbooks, truth(records, invoices))


if __name__ == "__main__":
    main(run, __doc__)
