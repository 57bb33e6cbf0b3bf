"""Starting and ending lives of the product through the fork server."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.witness import Witness

ROOT = Path(__file__).parents[2]


@dataclass
class Life:
    """One process of the product."""

    number: int
    log: Path
    witness: Witness
    pid: int = 0
    url: str = ""
    status: int | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def is_ready(self, seconds: float = 60) -> "Life":
        """Wait until it takes requests; a life that dies before that is fine only if the caller looks."""
        self._wait(lambda: self.url or self.status is not None, seconds, "start")
        return self

    @property
    def alive(self) -> bool:
        return self.status is None

    def kill(self) -> None:
        """End it as by a power cut."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
        self.died()

    def stop(self) -> None:
        """Ask it to end in order."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
        self.died()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        self.frozen()

    def frozen(self, seconds: float = 60) -> "Life":
        """Wait until it stands still."""
        deadline = time.monotonic() + seconds
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert self.alive, self.tail()
            assert time.monotonic() < deadline, f"it did not freeze\n{self.tail()}"
            time.sleep(0.01)
        self.witness.write("gone", pid=self.pid)
        return self

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def died(self, seconds: float = 60) -> int:
        """Wait for its end and return the exit code (negative: the signal)."""
        self._wait(lambda: self.status is not None, seconds, "end")
        assert self.status is not None
        return self.status

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text().splitlines()[-lines:]) if self.log.exists() else "no log"

    def _wait(self, look: Any, seconds: float, what: str) -> None:
        with self.changed:
            if self.changed.wait_for(look, seconds):
                return
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(0.5)
        raise AssertionError(f"life {self.number} did not {what}\n{self.tail(200)}")


class ForkServer:
    """Talks to the fork server; a thread of it listens."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.faults.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline()) == {"event": "warm"}
        self._numbers: dict[int, Life] = {}
        self._pids: dict[int, Life] = {}
        #: what a life said before the fork server had told whose it is
        self._early: list[dict[str, Any]] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def live(self, plan: dict[str, Any], witness: Witness) -> Life:
        """Begin a life; returns at once."""
        number = len(self._numbers) + 1
        life = Life(number, Path(plan["log"]), witness)
        self._numbers[number] = life
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({**plan, "number": number}) + "\n").encode())
        self._process.stdin.flush()
        with life.changed:
            assert life.changed.wait_for(lambda: life.pid, 30), "the fork server does not answer"
        return life

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._listener.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            if facts["event"] == "forked":
                life = self._numbers[facts["number"]]
                self._pids[facts["pid"]] = life
                self._note(life, pid=facts["pid"])
                early, self._early = self._early, []
                for each in early:
                    self._hear(each)
            else:
                self._hear(facts)

    def _hear(self, facts: dict[str, Any]) -> None:
        life = self._pids.get(facts["pid"])
        if life is None:
            self._early.append(facts)
        elif facts["event"] == "ready":
            self._note(life, url=facts["url"])
        else:
            life.witness.write("gone", pid=life.pid)
            del self._pids[life.pid]
            self._note(life, status=facts["status"])

    def _note(self, life: Life, **facts: Any) -> None:
        with life.changed:
            for name, value in facts.items():
                setattr(life, name, value)
            life.changed.notify_all()


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    server = ForkServer()
    try:
        yield server
    finally:
        server.close()
