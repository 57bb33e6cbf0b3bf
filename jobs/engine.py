"""The durable engine: work that is committed is run to its end, whatever dies in between.

The only module that imports dbos. What the engine does not do by itself is here or beside: an executor id per boot,
heartbeats and the reaper (the open-source engine recovers nothing of a dead process in a fleet), JSON instead of
pickle, one constant version (or a redeploy strands everything that waits), removal of finished work.
"""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from jobs.codec import JsonCodec, ReplayedError, plain
from jobs.crashpoints import crash_point
from jobs.heartbeat import Heartbeat, steady
from jobs.lookout import Lookout
from jobs.reaper import Held, Reaper
from jobs.turns import FairStore
from jobs.work import EXCHANGE_QUEUE, NOTIFY_QUEUE, REFRESH_QUEUE, Queue, Timings, Work, WorkState, WorkStatus
from storage.after_end import after_end
from storage.engine_inserts import EngineInserts
from storage.engine_pool import check_engine_pool, close_engine_pool, open_engine_pool
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.lock import FileLock
from storage.records import workers
from storage.records.instants import database_now
from storage.sessions import Database, Session

if TYPE_CHECKING:
    from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions

__all__ = [
    "NOTIFY_QUEUE",
    "REFRESH_QUEUE",
    "Engine",
    "EngineError",
    "Handler",
    "OnError",
    "Queue",
    "ReplayedError",
    "Timings",
    "Work",
    "WorkContext",
    "WorkState",
    "WorkStatus",
]

logger = logging.getLogger(__name__)
Handler = Callable[["WorkContext"], Awaitable[None]]
#: kind, subject, attempt, reference, error; must be idempotent: after a crash it is told again
OnError = Callable[[str, str, int, str, Exception], Awaitable[None]]

_APPLICATION = "tidings"
_WORKFLOW = "work"
_RUNNING = "PENDING"
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_RETENTION_BATCH = 1000
_NOT_URGENT = 10
#: work that was added later than so much from now comes of a clock that was set back
_AHEAD = timedelta(minutes=1)
_STATES = {
    "DELAYED": WorkState.DELAYED,
    "ENQUEUED": WorkState.QUEUED,
    "PENDING": WorkState.RUNNING,
    "SUCCESS": WorkState.DONE,
    "ERROR": WorkState.FAILED,
    "CANCELLED": WorkState.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": WorkState.FAILED,
}
#: dbos is one per process
_one_per_process = threading.Lock()


class EngineError(RuntimeError):
    """The engine cannot start or do this; the text says why."""


class WorkFailedError(Exception):
    """A handler raised; the log has the rest under the reference."""


class _ParkedError(BaseException):
    """Leaves the work marked as running and unfinished, for the reaper; no handler may catch it."""


class WorkContext:
    """What a handler gets: which work it is, and steps."""

    def __init__(self, engine: "Engine", work: Work) -> None:
        self._engine = engine
        self.id = work.id
        self.kind = work.kind
        self.subject = work.subject
        self.attempt = work.attempt

    async def step(self, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        """Run the function as a step: its JSON result is kept, and a later start of this work skips it.

        Functions run in a thread, coroutine functions on the loop. It may run again if the process dies inside.
        """
        from dbos import DBOS

        await self._engine.until_may_act()
        result = await DBOS.run_step_async({"name": name}, self._engine.guarded(name, fn), *args)
        self._engine.crash(f"step.{name}.recorded")
        return result

    def may_act(self) -> bool:
        """Whether this process may still start something outside."""
        return self._engine.may_act()


class Engine:
    """Runs handlers durably on queues in our database; in the web role it only enqueues."""

    #: never changes: rows that wait belong to every version of this program
    version: ClassVar[str] = "tidings-1"

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        role: str = "all",
        handlers: Mapping[str, Handler] | None = None,
        queues: Iterable[Queue] = (REFRESH_QUEUE, NOTIFY_QUEUE, EXCHANGE_QUEUE),
        crash: Callable[[str], None] = crash_point,
        timings: Timings | None = None,
        on_error: OnError | None = None,
    ) -> None:
        self.executor_id = f"{role}-{socket.gethostname()}-{os.getpid()}-{new_id('x')[2:]}"
        self.crash = crash
        self._database = database
        self._clock = clock
        self._role = role
        self._handlers = dict(handlers or {})
        self._queues = {queue.name: queue for queue in queues}
        self._timings = timings or Timings()
        self._on_error = on_error
        self._codec = JsonCodec()
        self._inserts = EngineInserts()
        self._pool = open_engine_pool(database)
        self._client = self._open_client()
        self._dbos: DBOS | None = None
        self._lock = _file_lock(database)
        self._lookouts = {name: Lookout() for name in self._queues}
        self._heartbeat = Heartbeat(database, self.executor_id, role, self._timings, self._drop_what_others_took)
        self._reaper = Reaper(database, self.executor_id, self, self._timings, alone=database.is_sqlite)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.Task[None] | None = None
        self._running: dict[asyncio.Task[Any], str] = {}
        self._in_threads = 0
        self._count = threading.Lock()
        self._closing = False
        self._owns_process = False

    # Life

    async def launch(self) -> None:
        """Start; from now on handlers run on the calling event loop. Refuses what would lose work (EngineError, …)."""
        self._loop = asyncio.get_running_loop()
        if self._role == "web":
            await asyncio.to_thread(self._prepare)
            return
        self._owns_process = _one_per_process.acquire(blocking=False)
        if not self._owns_process:
            raise EngineError("this process already runs an engine")
        try:
            await asyncio.to_thread(self._prepare_worker)
            self._launch_dbos()
        except BaseException:
            await asyncio.to_thread(self._let_go)
            raise
        self._watch = asyncio.create_task(self._watch_loop())
        self._reaper.start()

    async def close(self, drain_seconds: float = 5.0) -> None:
        """Let running work end for a while, park the rest for the next process, and stop."""
        if self._dbos is not None:
            self._closing = True
            await self._drain(drain_seconds)
            await asyncio.to_thread(self._reaper.stop)
            await asyncio.to_thread(self._stop_looking)
            await self._destroy_dbos()
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.to_thread(self._let_go)

    # Use

    def enqueue(self, session: Session, work: Work) -> str:
        """Add the work in the caller's transaction and return its id; it starts only if that commits, and only once."""
        queue = self._queues.get(work.queue)
        if queue is None:
            raise EngineError(f"no queue is named {work.queue!r}")
        if ":" in work.kind:
            raise EngineError(f"a kind of work holds no colon: {work.kind!r}")
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": work.queue,
            "workflow_id": work.id,
            "app_version": self.version,
        }
        if queue.partition_concurrency is not None:
            if work.partition is None:
                raise EngineError(f"queue {work.queue!r} is fair between organizations: {work.id} needs a partition")
            options["queue_partition_key"] = work.partition
        if not work.urgent:
            # Of what waits in a queue the engine starts the lowest number first, then the oldest; without one it is 0.
            options["priority"] = _NOT_URGENT
        if work.delay is not None:
            options["delay_seconds"] = work.delay.total_seconds()
        connection = cast("Any", self._inserts.on(session))
        self._client.enqueue_in_transaction(connection, options, work.kind, work.subject, work.attempt)
        if self._dbos is not None and work.delay is None:
            after_end(session, self._lookouts[work.queue].call)
        return work.id

    def cancel(self, work_id: str) -> None:
        """Mark the work as cancelled; code that runs stops at its next step. Nothing happens if it has ended."""
        self._client.cancel_workflow(work_id)

    def status(self, work_id: str) -> WorkStatus | None:
        """Return how the work stands; None if the engine does not know it (any more)."""
        found = self._client.list_workflows(workflow_ids=[work_id], load_input=False)
        if not found:
            return None
        error = found[0].error
        return WorkStatus(
            work_id, _STATES[found[0].status], found[0].recovery_attempts or 0, None if error is None else str(error)
        )

    def may_act(self) -> bool:
        """Whether this process may start something outside: nobody can hold it for dead yet."""
        return self._dbos is None or self._heartbeat.fresh()

    async def until_may_act(self) -> None:
        """Wait until this process may start something outside; the work is cancelled meanwhile if others took it."""
        if self.may_act():
            return
        while not self.may_act():
            await self._clock.sleep(0.05)
        # The heartbeat sends its cancellations before it allows to act again: let the loop deliver them.
        await self._clock.sleep(0)

    # What the reaper asks

    def held(self) -> list[Held]:
        """Return all work that is marked as running, by anybody."""
        rows = self._client.list_workflows(status=_RUNNING, name=_WORKFLOW, load_input=False, load_output=False)
        return [Held(row.workflow_id, row.executor_id or "") for row in rows]

    def requeue(self, held: Held) -> bool:
        """Give the work back to its queue if that process still holds it."""
        # The public way (resume) would also revive what was cancelled meanwhile; this one is guarded by the holder.
        return self._client._sys_db.reenqueue_for_recovery(held.id, [held.executor_id], REFRESH_QUEUE.name)  # noqa: SLF001 - no public call is guarded; dbos is pinned and a test holds it to this

    def running_here(self) -> Collection[str]:
        """Return the ids of the work that runs in this process."""
        return set(self._running.copy().values())

    def remove_finished(self) -> int:
        """Remove one batch of work that ended before the term; return how many."""
        before = (datetime.now(UTC) - self._timings.keep).isoformat()
        rows = self._client.list_workflows(
            status=_FINISHED, completed_before=before, limit=_RETENTION_BATCH, load_input=False, load_output=False
        )
        if rows:
            self._client.delete_workflows([row.workflow_id for row in rows])
        return len(rows)

    def hasten(self) -> list[str]:
        """Let work go at once that was put off by a machine's clock that was set back since; return its ids.

        The engine compares with that clock: such work would wait until it is as late again. When work was added is the
        database's word, so that machines whose clocks differ hurry nothing of each other's.
        """
        ahead = (self._database.in_read(database_now) + _AHEAD).isoformat()
        rows = self._client.list_workflows(
            status="DELAYED", name=_WORKFLOW, start_time=ahead, limit=_RETENTION_BATCH, load_input=False,
            load_output=False,
        )  # fmt: skip
        for row in rows:
            self._client.set_workflow_delay(row.workflow_id, delay_seconds=0)
        return [row.workflow_id for row in rows]

    # Inside

    def guarded(self, name: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a step's function: crash points around it, plain JSON out of it."""
        if asyncio.iscoroutinefunction(fn):

            async def on_loop(*args: Any) -> Any:
                self.crash(f"step.{name}.before")
                result = plain(await fn(*args))
                self.crash(f"step.{name}.ran")
                return result

            return on_loop

        def in_thread(*args: Any) -> Any:
            self._add_in_threads(1)
            try:
                self.crash(f"step.{name}.before")
                result = plain(fn(*args))
                self.crash(f"step.{name}.ran")
                return result
            finally:
                self._add_in_threads(-1)

        return in_thread

    def _open_client(self) -> "DBOSClient":
        _scrub_environment()
        _quieten()
        from dbos import DBOSClient

        return DBOSClient(
            system_database_engine=self._pool,
            serializer=cast("Any", self._codec),
            application_name=_APPLICATION,
            lazy=True,
        )

    def _prepare(self) -> None:
        self._database.check()
        check_engine_pool(self._pool)
        self._client._sys_db.run_migrations()  # noqa: SLF001 - the public way opens connections without our set-up

    def _prepare_worker(self) -> None:
        if self._lock is not None:
            self._lock.take()
        self._prepare()
        self._heartbeat.start()
        for queue in self._queues.values():
            self._client.register_queue(
                queue.name,
                global_concurrency=queue.global_concurrency,
                partition_concurrency=queue.partition_concurrency,
                worker_concurrency=queue.worker_concurrency,
                polling_interval_sec=queue.poll_seconds,
            )

    def _launch_dbos(self) -> None:
        from dbos import DBOS

        config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_engine": self._pool,
            "executor_id": self.executor_id,
            "application_version": self.version,
            "serializer": cast("Any", self._codec),
            "log_level": "WARNING",
            "use_listen_notify": False,
            "run_migrations": False,
            "notification_listener_polling_interval_sec": 0.25,
        }
        self._dbos = DBOS(config=config)

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        async def work(kind: str, subject: str, attempt: int) -> None:
            await self._run(Work(kind, subject, attempt))

        # The engine's own threads sleep out their time between two looks; ours are the same code, woken by an enqueue.
        DBOS.listen_queues([])
        DBOS.launch()
        for name, queue in self._queues.items():
            if queue.partition_concurrency is not None:
                self._share(name, queue.worker_concurrency)
        for name, lookout in self._lookouts.items():
            lookout.start(f"queue-{name}", partial(self._look_after, name))

    def _share(self, name: str, places: int | None) -> None:
        """Let organizations take turns where the engine would draw by lot."""
        assert self._dbos is not None

        def holders() -> list[tuple[str, str]]:
            rows = self._client.list_workflows(
                status=_RUNNING, queue_name=name, load_input=False, load_output=False, name=_WORKFLOW
            )
            return [(row.queue_partition_key or "", row.executor_id or "") for row in rows]

        store = self._dbos._sys_db  # noqa: SLF001 - no public setting orders partitions; dbos is pinned and a test holds it to this
        FairStore(store, name, self.executor_id, places, holders, self._lookouts[name].call)

    def _look_after(self, name: str, lookout: Lookout) -> None:
        from dbos._queue import queue_worker_thread

        dbos = self._dbos
        assert dbos is not None
        queue = dbos._sys_db.get_queue(name)  # noqa: SLF001 - no public call gives a queue its own thread; dbos is pinned and tests hold it to this
        assert queue is not None
        queue_worker_thread(cast("threading.Event", lookout), dbos, queue)

    async def _run(self, work: Work) -> None:
        """Run the handler of the work; the body that never changes, so that any version can go on with any row."""
        if self._closing:
            raise _ParkedError
        task = asyncio.current_task()
        assert task is not None
        for other, work_id in list(self._running.items()):
            if work_id == work.id:
                # The database gave the work to us again: the earlier execution has lost it.
                other.cancel()
        self._running[task] = work.id
        try:
            self.crash("work.claimed")
            await self._handle(work)
            self.crash("work.finishing")
        finally:
            del self._running[task]

    async def _handle(self, work: Work) -> None:
        try:
            await self._handler(work.kind)(WorkContext(self, work))
        except Exception as error:
            reference = new_id("ref")
            logger.exception("work_failed", extra={"work": work.id, "reference": reference})
            await self._tell(work, reference, error)
            raise WorkFailedError(f"{type(error).__name__}, reference {reference}") from None

    def _handler(self, kind: str) -> Handler:
        if kind not in self._handlers:
            raise EngineError(f"no handler for work of kind {kind!r}")
        return self._handlers[kind]

    async def _tell(self, work: Work, reference: str, error: Exception) -> None:
        if self._on_error is None:
            return
        try:
            await self._on_error(work.kind, work.subject, work.attempt, reference, error)
        except Exception as second:
            # Nobody knows yet that it failed: keep it unfinished, the reaper starts it again.
            logger.exception("work_failure_not_noted", extra={"work": work.id, "reference": reference})
            raise _ParkedError from second

    def _drop_what_others_took(self) -> None:
        mine = {held.id for held in self.held() if held.executor_id == self.executor_id}
        loop = self._loop
        if loop is None:
            return
        for task, work_id in self._running.copy().items():
            if work_id not in mine:
                logger.warning("work_was_taken_over", extra={"work": work_id})
                loop.call_soon_threadsafe(task.cancel)

    async def _watch_loop(self) -> None:
        while True:
            self._heartbeat.loop_turned()
            await asyncio.sleep(min(1.0, self._timings.hang / 4))

    async def _drain(self, seconds: float) -> None:
        deadline = steady() + seconds
        while self._running and steady() < deadline:
            await self._clock.sleep(0.02)
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        while self._in_threads and steady() < deadline + 5:
            await self._clock.sleep(0.02)

    def _stop_looking(self) -> None:
        for lookout in self._lookouts.values():
            lookout.stop()

    async def _destroy_dbos(self) -> None:
        from dbos import DBOS

        loop = asyncio.get_running_loop()
        executor = ThreadPoolExecutor(thread_name_prefix="tidings")
        await loop.run_in_executor(executor, lambda: DBOS.destroy(destroy_registry=True))
        # The engine had made its own threads the loop's default, and they are gone.
        loop.set_default_executor(executor)

    def _let_go(self) -> None:
        self._stop_looking()
        self._heartbeat.stop()
        if self._dbos is not None and not self._in_threads:
            # Says "dead" at once, so that parked work need not wait; not while a step still runs in a thread.
            with self._database.write() as session:
                workers.forget(session, self.executor_id)
        self._client.destroy()
        close_engine_pool(self._pool)
        if self._lock is not None:
            self._lock.release()
        if self._owns_process:
            self._owns_process = False
            _one_per_process.release()
        self._dbos = None

    def _add_in_threads(self, number: int) -> None:
        with self._count:
            self._in_threads += number


def _file_lock(database: Database) -> FileLock | None:
    path = database.sqlite_path
    return None if path is None else FileLock(Path(f"{path}.lock"))


def _scrub_environment() -> None:
    """Remove the variables that change how dbos behaves; done before dbos is imported, since it reads them then."""
    for name in [name for name in os.environ if name.startswith("DBOS_")]:
        logger.warning("environment_ignored", extra={"variable": name})
        del os.environ[name]


def _quieten() -> None:
    """Let dbos speak of trouble only, and where our log goes instead of by a handler of its own."""
    log = logging.getLogger("dbos")
    log.setLevel(logging.WARNING)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
