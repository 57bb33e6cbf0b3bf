"""structlog and httpx without rich and pygments, which are installed for `tidings status` alone.

Where they find these they import them: the one for coloured tracebacks that no process of ours prints, the other for a
command line that is not ours; some 80 ms and 7 MB of every start. What begins a process imports the two from here,
before anything else does. From there to `imports_are_over` nobody looks for garbage either: what is imported stays, and
to go through it again and again took a tenth of the time.
"""

import gc
import sys

_collects = gc.isenabled()
gc.disable()

_kept_out = {"rich", "pygments"} - sys.modules.keys()
try:
    for _name in _kept_out:
        # None is the import system's own way to say "not installed"; it is taken back at once.
        sys.modules[_name] = None  # type: ignore[assignment]  # the stubs know modules only
    import httpx
    import structlog
finally:
    for _name in _kept_out:
        del sys.modules[_name]

__all__ = ["httpx", "imports_are_over", "structlog"]


def imports_are_over() -> None:
    """Look for garbage again, unless whoever began the import had stopped it."""
    if _collects:
        gc.enable()
