"""The shared client of a connection: read-only guard, bucket, token, retries. Providers add how to judge an answer."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.backoff import http_date, pause, retry_after
from connectors.errors import THROTTLED, TOKEN_REJECTED, ConnectorError, Reconnect, Retry
from connectors.limits import Limiter, Rate, tidy_wait
from connectors.oauth import TokenKeeper
from connectors.places import PlaceLost, Places
from connectors.reads import Call, refuse_writes
from connectors.wire import Answer, Wire
from storage.facts.clock import Clock
from storage.facts.secret import Secret

log = structlog.get_logger()

#: Says what is wrong with an answer, or None when it can be used.
Judge = Callable[[Answer], ConnectorError | None]
_FLUSH_READS = 25
#: by so much more than an answer takes our clock is ahead of a provider's only when it is wrong
_FAR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """A call that shows whose a token is, for providers whose addresses do not name the account."""

    call: Call
    #: what stands against the token; None: it is the account's, as far as the provider tells
    judge: Judge


class Http:
    """Sends the calls of one connection."""

    def __init__(
        self,
        wire: Wire,
        keeper: TokenKeeper,
        *,
        clock: Clock,
        limiter: Limiter,
        key: str,
        rates: tuple[Rate, ...],
        headers: Callable[[Secret], Mapping[str, str]],
        judge: Judge,
        writes: bool = False,
        proof: Proof | None = None,
        places: Places | None = None,
    ) -> None:
        self.wire = wire
        self.clock = clock
        self.limiter = limiter
        self.key = key
        #: metered calls sent so far
        self.reads = 0
        self._keeper = keeper
        self._rates = rates
        self._headers = headers
        self._judge = judge
        self._writes = writes
        self._proof = proof
        self._places = places
        #: the token that was last shown to be the account's
        self._proven: Secret | None = None
        self._proving = asyncio.Lock()
        self._recorded = 0
        #: how far the provider's clock is behind ours, from its first answer; a clock that is ahead counts as 0
        self.behind = timedelta(0)
        self._dated = False

    async def send(self, call: Call, judge: Judge | None = None) -> Answer:
        """Send until the answer can be used, within the caps; raise what is wrong with it otherwise."""
        if not self._writes:
            refuse_writes(call)
        began, attempt, renewed = self.clock.now(), 0, False
        while True:
            attempt += 1
            token = await self._keeper.token()
            answer, problem = None, await self._unproven(token)
            if problem is None:
                answer, problem = await self._attempt(call, token, judge or self._judge)
            if problem is None and answer is not None:
                return answer
            if isinstance(problem, Reconnect) and problem.code == TOKEN_REJECTED and not renewed:
                renewed = True
                await self._keeper.renew(token)
                continue
            if not isinstance(problem, Retry):
                raise problem or Retry(None, "no answer")
            await self._wait(call, problem, attempt, began)

    async def _unproven(self, token: Secret) -> ConnectorError | None:
        """Show a new token to be the account's before its first use; return what stands against it."""
        if self._proof is None or self._proven == token:
            return None
        async with self._proving:
            if self._proven == token:
                return None
            _, problem = await self._attempt(self._proof.call, token, self._proof.judge)
            if problem is None:
                self._proven = token
            return problem

    async def _attempt(self, call: Call, token: Secret, judge: Judge) -> tuple[Answer | None, ConnectorError | None]:
        # The place first: who waited for a place after its turn would send later than it was booked for.
        try:
            async with self._places.place(self.key) if self._places else contextlib.nullcontext():
                return await self._in_turn(call, token, judge)
        except PlaceLost as error:
            return None, error

    async def _in_turn(self, call: Call, token: Secret, judge: Judge) -> tuple[Answer | None, ConnectorError | None]:
        await self._turn(call)
        request = self.wire.request(call, self._headers(token))
        self.reads += 1
        await self._flush(_FLUSH_READS)
        try:
            answer = await self.wire.exchange(request)
        except Retry as error:
            return None, error
        self.compare_clocks(http_date(answer.headers.get("date")))
        return answer, judge(answer) or judge_status(answer, self.clock.now())

    def compare_clocks(self, said: datetime | None) -> None:
        """Take in what the provider's clock said; the first word counts."""
        if said is not None and not self._dated:
            self.behind = max(self.clock.now() - said, timedelta(0))
            self._dated = True

    def told(self, at: datetime) -> datetime:
        """Return an instant of ours as people may be told it: by the provider's clock, where ours is far ahead of it.

        Else data would be as of a time that has not come, and fresh for as long as that.
        """
        return at - self.behind if self.behind > _FAR else at

    async def _turn(self, call: Call) -> None:
        """Wait for our turn at the account's bucket, or at the call's own one."""
        key = self._bucket(call)
        waits = [await self.limiter.reserve(key, rate, call.cost) for rate in call.rates or self._rates]
        wait = max(waits, default=0.0) or await self.limiter.blocked(key)
        if wait > self.wire.limits.longest_wait:
            # What is not sent is not booked: else whoever asks again after the wait finds the same wait each time.
            for rate in call.rates or self._rates:
                await self.limiter.reserve(key, rate, -call.cost)
            raise Retry(wait, "the provider's limit for this account is used up for now", code=THROTTLED)
        if wait > 0:
            await self.clock.sleep(tidy_wait(wait))

    def _bucket(self, call: Call) -> str:
        return f"{self.key}:{call.bucket}" if call.bucket else self.key

    async def _wait(self, call: Call, problem: Retry, attempt: int, began: datetime) -> None:
        """Pause before the next attempt; raise the problem where no further attempt is due."""
        limits = self.wire.limits
        wait = pause(attempt) if problem.after is None else problem.after
        if problem.code == THROTTLED and problem.after:
            await self.limiter.block(self._bucket(call), problem.after)
        spent = (self.clock.now() - began).total_seconds()
        final = attempt >= limits.attempts or wait > limits.longest_wait or spent + wait > limits.retry_total
        log.info(
            "provider_call_failed",
            account=self.key.partition(":")[0],
            call=call.name,
            code=problem.code,
            request_id=problem.request_id,
            attempt=attempt,
            wait=None if final else wait,
        )
        if final or self._writes:
            raise problem
        await self.clock.sleep(tidy_wait(wait))

    async def _flush(self, least: int) -> None:
        waiting = self.reads - self._recorded
        if waiting >= least:
            self._recorded += waiting
            await self.limiter.record(self.key, waiting)

    async def close(self) -> None:
        """Give the places back and count the last reads."""
        try:
            await self._flush(1)
        finally:
            if self._places is not None:
                await self._places.close()


def judge_status(answer: Answer, now: datetime) -> ConnectorError | None:
    """Judge by the status alone what a provider's own judge let pass."""
    after = retry_after(answer.headers.get("retry-after"), now)
    if answer.status == 429:
        return Retry(after, "the provider asked us to slow down", code=THROTTLED, request_id=answer.request_id)
    if answer.status >= 500:
        return Retry(
            after, f"the provider failed (HTTP {answer.status})", code="server_error", request_id=answer.request_id
        )
    return None
