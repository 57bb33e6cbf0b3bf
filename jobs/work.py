"""What the engine runs, in our own words: pieces of work, queues, states, timings."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of durable work. The same id starts once, however often it is enqueued; a retry is the next attempt."""

    #: which handler runs it; holds no colon
    kind: str
    #: what it is about: an id of ours
    subject: str
    attempt: int = 1
    queue: str = "refresh"
    #: the organization, for queues that are fair between organizations
    partition: str | None = None
    #: for retries only; the engine compares with the real time
    delay: timedelta | None = None
    #: goes before everything in its queue that is not
    urgent: bool = False

    @property
    def id(self) -> str:
        """The same on every machine for the same piece of work."""
        return f"{self.kind}:{self.subject}:a{self.attempt}"


@dataclass(frozen=True, slots=True)
class Queue:
    """A line of waiting work with its limits; None means without limit."""

    name: str
    #: seconds between two looks; the longest wait of work that could start, if another process enqueued it
    poll_seconds: float = 0.25
    #: pieces running at once in this process
    worker_concurrency: int | None = None
    #: pieces running at once in all processes
    global_concurrency: int | None = None
    #: pieces running at once per organization; work then needs a partition
    partition_concurrency: int | None = None


REFRESH_QUEUE = Queue("refresh", worker_concurrency=16, partition_concurrency=4)
#: four places for each of several workspaces that do not answer (jobs/deliver/pacing.py), and some for the others
NOTIFY_QUEUE = Queue("notify", worker_concurrency=16)
#: the kind of work that is a run of the exchange
EXCHANGE = "exchange"
#: runs of the exchange that one process works on at once: most of that is waiting for others (jobs/exchange/places.py)
EXCHANGE_PLACES = 8
#: one at a time for each connection: old file servers allow no more; looked at seldom, since an enqueue here wakes it
EXCHANGE_QUEUE = Queue("exchange", poll_seconds=2.0, worker_concurrency=EXCHANGE_PLACES, partition_concurrency=1)


class WorkState(StrEnum):
    """Where a piece of work stands."""

    DELAYED = "delayed"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """A piece of work as the engine knows it."""

    id: str
    state: WorkState
    #: how often a process started it
    starts: int
    #: what its handler raised; never a secret
    error: str | None


@dataclass(frozen=True, slots=True)
class Timings:
    """How the engine keeps watch, in seconds unless named otherwise."""

    #: between two heartbeats
    beat: float = 5.0
    #: a process without a heartbeat for that long is dead, and its work goes to others
    dead: float = 30.0
    #: a process that could not beat for that long starts no outside effect; less than dead
    mute: float = 20.0
    #: an event loop that did not turn for that long hangs, and the process stops beating
    hang: float = 10.0
    #: between two looks for abandoned work
    reap: float = 5.0
    #: how long finished work is kept
    keep: timedelta = timedelta(days=7)
    #: between two removals of finished work
    retention: float = 3600.0
