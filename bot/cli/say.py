"""How the commands speak: plain lines on standard output, problems on standard error, exit codes."""

import os
import sys
from enum import StrEnum
from typing import NoReturn


class Mark(StrEnum):
    """How a line stands."""

    OK = "ok"
    WARN = "look"
    FAIL = "fail"
    NOTE = "note"


_COLORS = {Mark.OK: "32", Mark.WARN: "33", Mark.FAIL: "31", Mark.NOTE: "36"}


def marked(mark: Mark, text: str) -> str:
    """Return a line with its mark in front, in color on a terminal that wants colors."""
    word = f"{mark.value:<4}"
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        word = f"\x1b[{_COLORS[mark]}m{word}\x1b[0m"
    return f"{word}  {text}"


def line(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def stop(text: str, code: int = 1) -> NoReturn:
    """Say why the command cannot go on, and end it."""
    print(text, file=sys.stderr, flush=True)
    raise SystemExit(code)
