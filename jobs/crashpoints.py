"""Named places where a test may kill the process; inert unless TIDINGS_CRASH_AT names one."""

import os
import signal
import threading

_ENVIRONMENT = "TIDINGS_CRASH_AT"
_lock = threading.Lock()
_passed: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Die here as by a power cut (SIGKILL) if ``TIDINGS_CRASH_AT`` is ``name`` or ``name:nth`` at the nth pass."""
    wanted = os.environ.get(_ENVIRONMENT)
    if not wanted:
        return
    target, _, nth = wanted.partition(":")
    if name != target:
        return
    with _lock:
        _passed[name] = _passed.get(name, 0) + 1
        count = _passed[name]
    if count == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
