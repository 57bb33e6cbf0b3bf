"""Amazon's calls and their limits: a bucket per seller and operation, refilled as fast as Amazon's answers say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from connectors.amazon.judge import THROTTLE_SECONDS, judge
from connectors.errors import THROTTLED, Broken, ConnectorError, Retry
from connectors.http import Http
from connectors.limits import Rate
from connectors.reads import Call
from connectors.wire import Answer

#: What each operation allows unless an answer says otherwise (usage plans of Amazon's published models).
PLANS: Mapping[str, Rate] = {
    "participations": Rate(0.016, 15),
    "transactions": Rate(0.5, 10),
    "create report": Rate(0.0167, 15),
    "list reports": Rate(0.0222, 10),
    "look at report": Rate(2, 15),
    "open document": Rate(0.0167, 15),
    "inventory": Rate(2, 2),
}
_HEADER = "x-amzn-ratelimit-limit"
_RATE = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6})?", re.ASCII)


@dataclass
class Pace:
    """The refill rates of one seller, as far as they were heard; kept from one collection to the next."""

    heard: dict[str, float] = field(default_factory=dict)

    def rate(self, operation: str) -> Rate:
        """Return what an operation allows."""
        return _spared(replace(PLANS[operation], per_second=self.heard.get(operation, PLANS[operation].per_second)))

    def hear(self, operation: str, answer: Answer) -> None:
        """Take in what an answer says about the rate; a header that is no plain rate says nothing."""
        said = answer.headers.get(_HEADER, "").strip()
        if _RATE.fullmatch(said) and 0.0001 <= float(said) <= 1000:
            self.heard[operation] = float(said)


def _spared(plan: Rate) -> Rate:
    """Leave one call of the bucket unused: calls do not arrive in the rhythm in which they are sent."""
    return replace(plan, burst=max(plan.burst - 1, 1))


@dataclass(frozen=True, slots=True)
class Calls:
    """Sends the calls of one seller's connection at the seller's pace."""

    http: Http
    pace: Pace

    async def send(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        name: str = "",
        body: object = None,
    ) -> Answer:
        """Ask; with a body it is a POST of JSON."""
        rate = self.pace.rate(operation)

        def heard(answer: Answer) -> ConnectorError | None:
            self.pace.hear(operation, answer)
            problem = judge(answer)
            if isinstance(problem, Retry) and problem.code == THROTTLED:
                # Amazon names no time: one call's worth of the bucket is how long the next one takes.
                after = min(THROTTLE_SECONDS, 1 / self.pace.rate(operation).per_second)
                return Retry(after, problem.detail, code=THROTTLED, request_id=problem.request_id)
            return problem

        return await self.http.send(call(operation, path, params, name=name, body=body, rate=rate), heard)


def call(
    operation: str,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    name: str = "",
    body: object = None,
    rate: Rate | None = None,
) -> Call:
    """Return a call that is booked against its operation's own bucket."""
    posted = None if body is None else msgspec.json.encode(body)
    return Call(
        "GET" if posted is None else "POST",
        path,
        name or operation,
        dict(params or {}),
        body=posted,
        content_type=None if posted is None else "application/json",
        bucket=operation.replace(" ", "_"),
        rates=(rate or _spared(PLANS[operation]),),
    )


def unreadable(what: str, answer: Answer) -> Broken:
    """Return the error for an answer of another shape than Amazon documents."""
    return Broken(f"Amazon sent {what} of an unknown shape", code="page_unreadable", request_id=answer.request_id)
