"""What no stand-in sees: when collections began and ended, and when lives ended or froze."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Witness:
    """An append-only file of JSON lines, written by every process."""

    path: Path

    def write(self, kind: str, *, pid: int | None = None, **facts: Any) -> None:
        line = json.dumps({"kind": kind, "pid": pid or os.getpid(), "at": time.time(), **facts}) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def overlaps(self) -> list[str]:
        """Collections of one account that began while another one of a living process had not ended."""
        running: dict[str, set[int]] = {}
        found = []
        for entry in self.entries():
            if entry["kind"] == "gone":
                for pids in running.values():
                    pids.discard(entry["pid"])
                continue
            pids = running.setdefault(entry["account"], set())
            if entry["kind"] == "end":
                pids.discard(entry["pid"])
                continue
            if pids:
                found.append(f"two collections of {entry['account']} at once: {sorted(pids)} and {entry['pid']}")
            pids.add(entry["pid"])
        return found
