"""The stand-ins in a thread of their own, for callers that have no event loop or that may block theirs."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.mail import MailSink
from sandbox.slack.workspace import SlackWorkspace
from sandbox.slack.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Apart:
    """Both stand-ins as they run; facts may be read from any thread, acts go through `call`."""

    slack: SlackWorkspace
    mail: MailSink
    loop: asyncio.AbstractEventLoop

    def call(self, act: Coroutine[Any, Any, T], seconds: float = 30.0) -> T:
        """Carry out an act of `slack` or `mail` and return its answer."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(seconds)


@contextlib.contextmanager
def in_thread(world: World, *, port: int = 0, **how: Any) -> Iterator[Apart]:
    """Serve Slack and mail in a thread while the block runs; `how` is what SlackWorkspace takes."""
    started: list[Apart | BaseException] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        try:
            async with MailSink().serve() as mail, SlackWorkspace(world, mail=mail, **how).serve(port) as slack:
                started.append(Apart(slack, mail, asyncio.get_running_loop()))
                ready.set()
                await asyncio.to_thread(stop.wait)
        except OSError as problem:
            started.append(problem)
            ready.set()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="sandbox", daemon=True)
    thread.start()
    ready.wait()
    try:
        if isinstance(started[0], BaseException):
            raise started[0]
        yield started[0]
    finally:
        stop.set()
        thread.join()
