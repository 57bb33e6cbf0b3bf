"""Processes of the tests that are there to die: forked from a server that imported the product once for all of them.

Importing it costs most of a second of processor time each; what is tested is how a process ends, not how it begins.
"""

import asyncio
import gc
import os
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

#: Whoever forks first says for the whole run what the server imports.
_PRELOAD = (
    "tests.jobs.connecting.life",
    "tests.jobs.connecting.parting",
    "tests.jobs.engine.worker",
    "tests.jobs.installs.test_kills",
    # Those that hand files over live in the long run alone.
    *(("tests.jobs.exchange.files_worker",) if os.environ.get("SOAK") else ()),
)


def begin(
    work: Callable[..., Awaitable[None]], *args: Any, variables: Mapping[str, str], errors: Path | None = None
) -> ForkServerProcess:
    """Run the coroutine function (picklable by name) in a process of its own; a failure is its exit code 1.

    `errors` is the file that takes what it says; without it that goes where ours goes.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOAD))
    process = context.Process(target=_live, args=(work, args, dict(variables), errors))
    process.start()
    return process


def die(step: Callable[[dict[str, Any]], Awaitable[None]], plan: dict[str, Any], seconds: float = 60) -> int | None:
    """Run a step that is to die at ``plan["crash_at"]``, and return its exit code: -9 when it did."""
    process = begin(step, plan, variables={"TIDINGS_CRASH_AT": plan["crash_at"]})
    process.join(seconds)
    code = process.exitcode
    process.close()
    return code


def _live(
    work: Callable[..., Awaitable[None]], args: tuple[Any, ...], variables: dict[str, str], errors: Path | None
) -> None:
    """Be that process; never returns."""
    if errors is not None:
        descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
    os.environ.update(variables)
    warnings.simplefilter("error")
    # What the server imported is shared with it as long as nobody writes to it, as the collector would.
    gc.freeze()
    code = 1
    try:
        asyncio.run(work(*args))  # type: ignore[arg-type]  # a coroutine function's
        code = 0
    except BaseException:  # noqa: BLE001 - the edge of the process
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
