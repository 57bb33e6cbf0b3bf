"""What goes wrong at a file server, by script: each fault once, at the byte or command that was named."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

#: how a connection is cut at a command: before it had any effect, or after it had, with the answer lost
When = Literal["before", "after"]


@dataclass
class Faults:
    """The script of one server. It is written by one thread and read by another."""

    #: of the conversation since `begin`: cut at the command of this number (from 1 on)
    cut_at: int | None = None
    cut_when: When = "before"
    #: cut when so many bytes of files were taken or given since `begin`
    cut_upload: int | None = None
    cut_download: int | None = None
    #: so many bytes of each file are kept, and all of them acknowledged
    keep_only: int | None = None
    #: command -> answer instead of doing it, as often as it comes
    refuse: dict[str, str] = field(default_factory=dict)
    #: a rename over a file that is there is refused
    no_replace: bool = False
    #: seconds before each answer
    slow: float = 0.0
    #: commands since `begin`, without what was behind them
    said: list[str] = field(default_factory=list)
    #: a cut has happened since `begin`
    cut: bool = False
    #: called at every command and every piece of a file; stays over `begin`
    watch: Callable[[], None] = lambda: None
    _taken: int = 0
    _given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, **faults: object) -> None:
        """Forget what was, and script what comes."""
        with self._lock:
            self.cut_at = self.cut_upload = self.cut_download = self.keep_only = None
            self.cut_when, self.no_replace, self.slow, self.cut = "before", False, 0.0, False
            self.refuse, self.said = {}, []
            self._taken = self._given = 0
            for name, value in faults.items():
                if name.startswith("_") or not hasattr(self, name):
                    raise ValueError(f"no such fault: {name}")
                setattr(self, name, value)

    def command(self, name: str) -> When | None:
        """Note a command; say whether, and when, the connection is cut there."""
        if self.slow:
            time.sleep(self.slow)
        self.watch()
        with self._lock:
            self.said.append(name)
            if self.cut or self.cut_at != len(self.said):
                return None
            self.cut = True
            return self.cut_when

    def taken(self, size: int) -> int | None:
        """Note bytes that came; return how many of them are still taken when the cut is among them."""
        self.watch()
        with self._lock:
            before, self._taken = self._taken, self._taken + size
            return self._among(self.cut_upload, before, size)

    def given(self, size: int) -> int | None:
        """Note bytes that go; return how many of them still go when the cut is among them."""
        self.watch()
        with self._lock:
            before, self._given = self._given, self._given + size
            return self._among(self.cut_download, before, size)

    def _among(self, at: int | None, before: int, size: int) -> int | None:
        if self.cut or at is None or not before <= at < before + size:
            return None
        self.cut = True
        return at - before

    @property
    def transferred(self) -> tuple[int, int]:
        """Bytes of files that came and went since `begin`."""
        with self._lock:
            return self._taken, self._given
