"""Asking Shopify: one query at a time against the shop's bucket of points, which is never allowed to run dry."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.errors import Broken, Retry
from connectors.http import Http
from connectors.limits import tidy_wait
from connectors.reads import Call
from connectors.shopify.documents.app import API_VERSION
from connectors.shopify.judge import Envelope, ThrottleStatus, envelope
from connectors.wire import Answer
from storage.facts.clock import Clock

#: After this long of being throttled the rest is left to a later run.
LONGEST_THROTTLED = timedelta(minutes=15)
#: What a single query may cost, by Shopify's rules.
LARGEST_COST = 1000.0
_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 20.0


class TooCostly(Exception):  # noqa: N818 - a turn of the conversation, not an error
    """The query would cost more than Shopify allows: ask for fewer at once."""


class Bucket:
    """The shop's bucket as last told, and as it must have refilled since."""

    def __init__(self) -> None:
        self._status: ThrottleStatus | None = None
        self._at: datetime | None = None
        #: by name of the document: what it cost when last asked
        self.costs: dict[str, float] = {}

    @property
    def ceiling(self) -> float:
        """What one query should cost at most."""
        maximum = self._status.maximum_available if self._status else LARGEST_COST
        return min(LARGEST_COST * 0.9, maximum * 0.5)

    def told(self, name: str, said: Envelope, now: datetime) -> None:
        """Take in what an answer says about costs."""
        if said.status is not None:
            self._status, self._at = said.status, now
        if said.requested is not None:
            self.costs[name] = said.requested

    def pause(self, name: str, now: datetime) -> float:
        """Return the seconds until the bucket holds what this document costs."""
        status = self._status
        if status is None or self._at is None or status.restore_rate <= 0:
            return 0.0
        level = status.currently_available + max(0.0, (now - self._at).total_seconds()) * status.restore_rate
        missing = min(self.costs.get(name, 0.0), status.maximum_available) - level
        return min(max(missing / status.restore_rate, 0.0), _LONGEST_PAUSE)

    def spend(self, name: str) -> None:
        """Count a query that is on its way, so that the ones beside it do not spend the same points."""
        if self._status is not None:
            self._status.currently_available -= self.costs.get(name, 0.0)


class Graph:
    """Sends documents and gives back their data as bytes."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.bucket = Bucket()

    @property
    def clock(self) -> Clock:
        """The connection's clock."""
        return self._http.clock

    async def ask(self, name: str, document: str, variables: dict[str, Any]) -> msgspec.Raw:
        """Return the data; waits when throttled, raises TooCostly when the query must be made smaller."""
        body = msgspec.json.encode({"query": document, "operationName": name, "variables": variables})
        call = Call(
            "POST",
            f"/admin/api/{API_VERSION}/graphql.json",
            f"query {name}",
            body=body,
            content_type="application/json",
        )
        clock = self._http.clock
        give_up = clock.now() + LONGEST_THROTTLED
        while True:
            await self._wait(self.bucket.pause(name, clock.now()))
            self.bucket.spend(name)
            answer = await self._http.send(call)
            said = _said(answer)
            self.bucket.told(name, said, clock.now())
            if "MAX_COST_EXCEEDED" in said.codes:
                raise TooCostly
            if "THROTTLED" not in said.codes:
                return said.data
            if clock.now() > give_up:
                raise Retry(
                    60, "Shopify throttled us for a quarter of an hour", code="throttled", request_id=answer.request_id
                )
            await self._wait(max(self.bucket.pause(name, clock.now()), _SHORTEST_PAUSE))

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._http.clock.sleep(tidy_wait(seconds))


def _said(answer: Answer) -> Envelope:
    said = envelope(answer)
    if said is None:
        raise Broken("an answer that was judged good cannot be read", code="unexpected")
    return said
