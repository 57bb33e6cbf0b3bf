"""Time that passes only while everybody waits: what is decided by timers, tried without the speed of a machine."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


class _Jumping(selectors.DefaultSelector):
    """Waits for no time to pass: it has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        found = super().select(0)
        if not found and timeout > 0:
            self.passed += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose clock goes to the next timer when nothing else is left to do, and stands still otherwise."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def in_virtual_time(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Play a test in such a loop; only where no thread, process or socket has a part: they would get no time."""

    @functools.wraps(story)
    def played(*given: P.args, **named: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(story(*given, **named))

    return played
