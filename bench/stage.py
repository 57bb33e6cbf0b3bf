"""The product and the stand-ins, each in a process of its own, and what a bench does with them."""

import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bench.processes import Running, serving

T = TypeVar("T")
MAYA, FINANCE = "U0MAYA", "C0FINANCE"


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    folder: Path
    outside: Running
    product: Running

    @property
    def marks(self) -> Path:
        """Where the product writes the times of its work."""
        return self.folder / "marks"

    def slack(self, what: str, body: dict[str, Any] | None = None) -> Any:
        """Read from the Slack stand-in, or act in it."""
        return asked(f"{self.outside.said['slack']}/_sandbox/{what}", body)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from the product's database."""
        with closing(sqlite3.connect(f"file:{self.folder / 'tidings.db'}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(sql, parameters).fetchall()

    def settled(self, runs: int = 2, *, seconds: float = 600) -> None:
        """Wait until that many runs are ready and none is under way (TimeoutError)."""

        def look() -> bool:
            found = dict(self.rows("SELECT state, count(*) FROM runs WHERE id NOT LIKE 'run_more_%' GROUP BY state"))
            failed = set(found) - {"ready", "queued", "running"}
            if failed:
                raise RuntimeError(f"runs ended as {failed}; the log is {self.folder / 'tidings.log'}")
            return set(found) == {"ready"} and found["ready"] >= runs

        until(look, seconds=seconds)

    def log(self) -> str:
        """Return the end of the product's log."""
        return "\n".join((self.folder / "tidings.log").read_text().splitlines()[-20:])


def asked(url: str, body: dict[str, Any] | None = None) -> Any:
    """Get, or post, JSON on this machine."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def until(look: Callable[[], T | None], *, seconds: float = 60, every: float = 0.02) -> T:
    """Return the first truthy thing that `look` gives (TimeoutError)."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(every)
    return found


def epoch(text: str) -> float:
    """Return the seconds of an instant in ISO form."""
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def staged(
    size: int,
    *,
    marks: bool = False,
    more_sources: int = 0,
    environment: dict[str, str] | None = None,
    credentials: dict[str, str] | None = None,
) -> Iterator[Stage]:
    """Start the stand-ins and the product and let them know each other; the last two replace what the former say."""
    with (
        TemporaryDirectory(prefix="tidings-bench-", ignore_cleanup_errors=True) as name,
        serving("bench.outside", "--size", str(size)) as outside,
    ):
        folder = Path(name)
        said = {
            **outside.said,
            "environment": {**outside.said["environment"], **(environment or {})},
            "credentials": {**outside.said["credentials"], **(credentials or {})},
        }
        (folder / "outside.json").write_text(json.dumps(said))
        options = ["--outside", str(folder / "outside.json"), "--more-sources", str(more_sources)]
        options += ["--marks", str(folder / "marks")] if marks else []
        with serving("bench.product", name, *options) as product:
            stage = Stage(folder, outside, product)
            stage.slack("request_url", {"url": product.said["request_url"]})
            yield stage
