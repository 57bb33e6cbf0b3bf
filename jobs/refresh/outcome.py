"""What a step of a run hands to the next one: small JSON, so that it survives a crash in between."""

import errno
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from connectors.errors import ConnectorError, Partial, Reconnect, Retry
from storage.facts.runs import Failure, FailureKind, RunState, Stage
from storage.warehouse import StorageFailed, WarehouseError

#: Another execution holds the run now; this one must not touch it any more.
LOST = "lost"
_HELD = "_tidings_generation"
#: what the system says of a disk that is full, may not be written, or is broken; the second also of connections
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class StoppedError(Exception):
    """The stage ends without a result; `verdict` says how."""

    verdict: str = LOST


class FencedError(StoppedError):
    """Another execution took the run over; nothing of this one may become visible."""


class CancelledByPersonError(StoppedError):
    """Somebody asked the run to stop."""

    verdict = RunState.CANCELLED


@contextmanager
def holding(generation: int) -> Iterator[None]:
    """Note on whatever nobody foresaw which generation of the run its execution held."""
    try:
        yield
    except Exception as error:
        setattr(error, _HELD, generation)
        raise


def held_generation(error: Exception) -> int | None:
    """Return the generation that the execution held which raised this; None when it held none, or nobody knows."""
    found = getattr(error, _HELD, None)
    return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: `verdict` None means go on with the next step."""

    generation: int
    verdict: str | None = None
    failure: Failure | None = None
    retry_after: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the engine keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Outcome":
        """Read what the engine kept."""
        failure = body["failure"]
        return cls(
            generation=body["generation"],
            verdict=body["verdict"],
            failure=None
            if failure is None
            else Failure(
                kind=FailureKind(failure["kind"]),
                code=failure["code"],
                detail=failure["detail"],
                stage=Stage(failure["stage"]),
                reference=failure["reference"],
            ),
            retry_after=body["retry_after"],
        )


def kind_of(error: ConnectorError) -> FailureKind:
    """Return what to do about a connector's error; its class says it."""
    match error:
        case Retry():
            return FailureKind.RETRY
        case Reconnect():
            return FailureKind.RECONNECT
        case Partial():
            return FailureKind.PARTIAL
        case _:
            return FailureKind.BROKEN


def failed(generation: int, error: ConnectorError, stage: Stage, reference: str) -> Outcome:
    """Turn a connector's error into an outcome; the class says what to do."""
    after = error.after if isinstance(error, Retry) else None
    failure = Failure(kind=kind_of(error), code=error.code, detail=error.detail, stage=stage, reference=reference)
    return Outcome(generation, RunState.FAILED, failure, after)


def warehouse_failed(generation: int, error: WarehouseError, stage: Stage, reference: str) -> Outcome:
    """Turn the warehouse's error into an outcome; its text may quote a customer's values, so people see none of it."""
    kind = FailureKind.RETRY if isinstance(error, StorageFailed) else FailureKind.BROKEN
    code = "storage_failed" if isinstance(error, StorageFailed) else "warehouse_refused"
    failure = Failure(kind=kind, code=code, detail=type(error).__name__, stage=stage, reference=reference)
    return Outcome(generation, RunState.FAILED, failure)


def unforeseen(error: Exception, stage: Stage, reference: str) -> Failure:
    """Turn what nobody foresaw into a failure: of the disk that files are read onto, or of the program.

    The text of a foreign error may quote a customer's values: its name is kept, the log has the rest.
    """
    code = "storage_failed" if isinstance(error, OSError) and _of_the_disk(error) else "unexpected"
    return Failure(FailureKind.RETRY, code, type(error).__name__, stage, reference)


def _of_the_disk(error: OSError) -> bool:
    # Those of TLS have numbers of their own, which are the same as some of the system's.
    if isinstance(error, ssl.SSLError):
        return False
    return error.errno in _DISK or (error.errno in _DENIED and error.filename is not None)
