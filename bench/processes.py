"""Processes of their own, and what each of them used: processor time, memory, wall time (Linux)."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """A finished process: its answer and what it cost."""

    said: dict[str, Any]
    wall: float
    #: user and system time of the process and its children
    cpu: float
    #: highest resident size of the process
    rss_mb: float
    #: highest resident size of the process and its children together, looked at ten times a second
    tree_mb: float = 0.0


@dataclass(frozen=True)
class Running:
    """A process that runs and has said where it is."""

    pid: int
    said: dict[str, Any]

    def cpu(self) -> float:
        """Return the seconds of processor time so far, its own and its threads'."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self, *, peak: bool = False) -> float:
        """Return the resident size now, or the highest so far."""
        name = "VmHWM:" if peak else "VmRSS:"
        line = next(line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


def finished(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Used:
    """Run a command to its end; the last line that it prints is its answer, as JSON."""
    began = time.monotonic()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, env={**os.environ, **(environment or {})}, cwd=folder
    )
    assert process.stdout is not None
    with _watched(process.pid) as sizes:
        output = process.stdout.read()
    # Asked for here, since Popen does not give the usage of its child.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    wall = time.monotonic() - began
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    said = json.loads(output.decode().strip().splitlines()[-1])
    highest = usage.ru_maxrss / 1024
    return Used(said, wall, usage.ru_utime + usage.ru_stime, highest, max(highest, *sizes))


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Note the resident size, in MB, of a process and all below it while the block runs."""
    sizes, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            sizes.append(sum(map(_resident, _below(pid))))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


def _below(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _below(int(child))


def _resident(pid: int) -> float:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def python(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Used:
    """Run a module of ours in a fresh Python to its end."""
    return finished([sys.executable, "-m", module, *arguments], environment=environment)


@contextmanager
def serving(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> Iterator[Running]:
    """Run a module of ours that serves; its first line says where, as JSON. It is told to stop at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, **(environment or {})},
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} did not start")
        yield Running(process.pid, json.loads(line))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
