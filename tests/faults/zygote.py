"""The fork server: imports the product once, then forks one process per life, so that a life begins in no time.

It reads one JSON plan per line and answers with JSON lines: forked, ready (told by the life itself) and died. It has
one thread and no connections, so that its children inherit nothing but the imports. When its input ends, it kills its
children and ends.
"""

import gc
import json
import os
import select
import signal
import sys
from typing import Any

from tests.faults import product


def tell(**facts: Any) -> None:
    """Write one line; shorter than a pipe's atomic write, so that lives may share the pipe."""
    os.write(1, (json.dumps(facts) + "\n").encode())


def main() -> None:
    lives: dict[int, int] = {}
    pending = b""
    while True:
        readable, _, _ = select.select([0, *lives], [], [])
        for descriptor in readable:
            if descriptor in lives:
                _bury(lives, descriptor)
        if 0 in readable:
            chunk = os.read(0, 65536)
            if not chunk:
                break
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                _fork(lives, json.loads(line))
    for pid in lives.values():
        os.kill(pid, signal.SIGKILL)


def _fork(lives: dict[int, int], plan: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        for descriptor in lives:
            os.close(descriptor)
        product.live(plan, lambda url: tell(event="ready", pid=os.getpid(), url=url))
    lives[os.pidfd_open(pid)] = pid
    tell(event="forked", pid=pid, number=plan["number"])


def _bury(lives: dict[int, int], descriptor: int) -> None:
    pid = lives.pop(descriptor)
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    tell(event="died", pid=pid, status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    product.warm_up()
    # The lives share what was imported as long as nobody writes to it, as the collector would.
    gc.collect()
    gc.freeze()
    tell(event="warm")
    sys.stdout.flush()
    main()
