"""The engine as the rest of this package sees it, before there is one."""

from collections.abc import Callable

from jobs.work import Work, WorkStatus
from storage.sessions import Session


class EnginePort:
    """The engine as jobs see it; bound once the engine, which needs the handlers, exists."""

    def __init__(self) -> None:
        self._enqueue: Callable[[Session, Work], object] | None = None
        self._status: Callable[[str], WorkStatus | None] = lambda _work_id: None
        self._may_act: Callable[[], bool] = lambda: True

    def bind(
        self,
        enqueue: Callable[[Session, Work], object],
        status: Callable[[str], WorkStatus | None],
        may_act: Callable[[], bool],
    ) -> None:
        """Connect to the engine."""
        self._enqueue, self._status, self._may_act = enqueue, status, may_act

    def enqueue(self, session: Session, work: Work) -> object:
        """Start the work when the session's transaction commits."""
        if self._enqueue is None:
            raise RuntimeError("the engine is not bound yet")
        return self._enqueue(session, work)

    def status(self, work_id: str) -> WorkStatus | None:
        """Return what the engine knows of a piece of work."""
        return self._status(work_id)

    def may_act(self) -> bool:
        """Whether this process may start outside effects now."""
        return self._may_act()
