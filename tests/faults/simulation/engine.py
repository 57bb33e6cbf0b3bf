"""A small engine behind the engine's port: durable like the real one, and run by hand, one piece of work at a time.

Work is a row of its own in the same database, added in the caller's transaction, so that what is rolled back never
was; results of steps are kept, so that a second start skips what the first one did. Everything else is forgotten when
a process dies: work that ran is given back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from jobs.codec import plain
from jobs.engine import Handler, WorkContext
from jobs.work import Work, WorkState, WorkStatus
from storage.facts.clock import Clock
from storage.sessions import Database, Session

_TABLE = text(
    "CREATE TABLE IF NOT EXISTS simulated_work (number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, subject TEXT,"
    " attempt INTEGER, due REAL, state TEXT, starts INTEGER DEFAULT 0, error TEXT)"
)
_ADD = text(
    "INSERT OR IGNORE INTO simulated_work (id, kind, subject, attempt, due, state)"
    " VALUES (:id, :kind, :subject, :attempt, :due, 'queued')"
)
#: Asked at every step, so without the ways through the layers above the driver.
_NEXT = "SELECT kind, subject, attempt, due FROM simulated_work WHERE state = 'queued' ORDER BY due, number LIMIT 1"
_STATE = text("UPDATE simulated_work SET state = :state, error = :error WHERE id = :id")
_START = text("UPDATE simulated_work SET state = 'running', starts = starts + 1 WHERE id = :id")
_LOOK = text("SELECT state, starts, error, due FROM simulated_work WHERE id = :id")
_GIVE_BACK = text("UPDATE simulated_work SET state = 'queued' WHERE state = 'running'")
_INDEX = text("CREATE INDEX IF NOT EXISTS simulated_work_due ON simulated_work (state, due, number)")

OnError = Callable[[str, str, int, str, Exception], Awaitable[None]]


class DiedError(BaseException):
    """The process dies here; nothing may catch it."""


class Kept(WorkContext):
    """A piece of work under way."""

    def __init__(self, engine: "SmallEngine", work: Work) -> None:
        self._small = engine
        self.id, self.kind, self.subject, self.attempt = work.id, work.kind, work.subject, work.attempt
        self.epoch = engine.epoch

    async def step(self, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        results = self._small.results.setdefault(self.id, {})
        if name not in results:
            self._small.point(f"step.{name}.before")
            await self._small.pause()
            found = await fn(*args) if asyncio.iscoroutinefunction(fn) else await asyncio.to_thread(fn, *args)
            self._small.point(f"step.{name}.ran")
            await self._small.pause()
            results.setdefault(name, plain(found))
            self._small.point(f"step.{name}.recorded")
        return results[name]

    def may_act(self) -> bool:
        return self._small.epoch == self.epoch


class SmallEngine:
    """Outlives the processes: bind its port to each of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        #: called where a process may die
        self.point: Callable[[str], None] = lambda _name: None
        self.results: dict[str, dict[str, Any]] = {}
        self.handled = 0
        #: grows when a process is taken for dead that is not
        self.epoch = 0

        def make(session: Session) -> None:
            session.connection().execute(_TABLE)
            session.connection().execute(_INDEX)

        database.in_write(make)

    def enqueue(self, session: Session, work: Work) -> str:
        due = self._clock.now() + (work.delay or timedelta(0))
        session.connection().execute(
            _ADD,
            {
                "id": work.id,
                "kind": work.kind,
                "subject": work.subject,
                "attempt": work.attempt,
                "due": due.timestamp(),
            },
        )
        return work.id

    def status(self, work_id: str) -> WorkStatus | None:
        with self._database.read() as session:
            row = session.connection().execute(_LOOK, {"id": work_id}).one_or_none()
        if row is None:
            return None
        return WorkStatus(work_id, WorkState(row.state), row.starts, row.error)

    def due(self) -> tuple[datetime, Work] | None:
        """Return what is to be run next, and when."""
        with self._database.read() as session:
            row = session.connection().exec_driver_sql(_NEXT).one_or_none()
        if row is None:
            return None
        at = datetime.fromtimestamp(row.due, self._clock.now().tzinfo)
        return at, Work(row.kind, row.subject, attempt=row.attempt)

    async def run(self, work: Work, handlers: Mapping[str, Handler], on_error: OnError) -> None:
        """Run a piece of work to its end, or until the process dies."""
        self.handled += 1
        epoch = self.epoch
        self._write(_START, id=work.id)
        try:
            self.point("work.claimed")
            await handlers[work.kind](Kept(self, work))
            self.point("work.finishing")
        except Exception as error:  # noqa: BLE001 - the edge of a piece of work, as in the real engine
            await on_error(work.kind, work.subject, work.attempt, f"ref_{self.handled}", error)
            self._ended(work, epoch, "failed", type(error).__name__)
        else:
            self._ended(work, epoch, "done", None)

    async def pause(self) -> None:
        """Go on at once; another engine may let a worker stand still here."""

    def _ended(self, work: Work, epoch: int, state: str, error: str | None) -> None:
        if epoch == self.epoch:
            self._write(_STATE, id=work.id, state=state, error=error)
            self.results.pop(work.id, None)

    def give_back(self) -> None:
        """Give back what a process that died was at."""
        self._write(_GIVE_BACK)

    def _write(self, statement: Any, **values: Any) -> None:
        self._database.in_write(lambda session: session.connection().execute(statement, values))
