"""One of several processes of a demo: started by the demo, moved by its clock, told by a file what to lose.

Its plan is one line of JSON on its standard input, as it holds keys; when the demo is gone, that ends, and the process
does, too.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.cli.isolated import isolated_settings
from bot.logs import configure_logging, own_secrets
from bot.main import App, Options, build_app
from jobs.build import Tuning
from jobs.clock import SubmitSlots
from jobs.slots import Slot
from sandbox.providers.serve import serve
from sandbox.shared_clock import SharedClock

#: Seconds between two looks at what is wished.
_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process is told once; paths are of files that it shares with the demo."""

    settings: Mapping[str, str]
    clock: str
    log: str
    #: where the demo writes a `Wished`
    wished: str
    #: where the process writes an `Own`
    own: str
    #: seconds, see Wishes.quiet
    quiet: float
    drain: float


@dataclass(frozen=True, slots=True)
class Wished:
    """What the demo wishes of every process now."""

    #: ids of sources whose slots are lost on their way from the clock
    lost: Sequence[str] = ()
    #: whether clocks beat
    beating: bool = True
    #: the ledger shall look once after that instant
    look: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """What a process says of itself."""

    #: when the ledger began its newest look, while nothing that the clock has not submitted is due; else empty
    looked: str = ""
    beating: bool = True
    #: ids of the work that runs in it
    works: Sequence[str] = ()


def write(path: Path, what: Wished | Own) -> None:
    """Write it, whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(what)), encoding="utf-8")
    new.replace(path)


def main() -> None:
    """Run until told to stop."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    settings = isolated_settings(plan.settings)
    configure_logging("INFO", Path(plan.log), own_secrets(settings))
    follows = _Follows(plan)
    options = Options(
        clock=SharedClock(path=Path(plan.clock)),
        tuning=Tuning(quiet=timedelta(seconds=plan.quiet)),
        drain_seconds=plan.drain,
        slots=lambda submit: partial(follows.submit, submit),
    )
    asyncio.run(follows.live(build_app(settings, options)))


class _Follows:
    """Does what the demo wishes, and says how far it is."""

    def __init__(self, plan: Plan) -> None:
        self._from = Path(plan.wished)
        self._to = Path(plan.own)
        self._wished = Wished()
        self._beating = True
        self._told: Own | None = None

    def submit(self, submit: SubmitSlots, slots: Sequence[Slot]) -> None:
        """Submit what is not to be lost."""
        submit([slot for slot in slots if slot.source_id not in self._wished.lost])

    async def live(self, app: App) -> None:
        """Be the process."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        loop.add_reader(sys.stdin.fileno(), ended.set)
        async with app.running(), serve(app.asgi, port=app.settings.port) as served:
            sys.stdout.write(f"{served.url}\n")
            sys.stdout.flush()
            while not ended.is_set():
                await self._follow(app)
                try:
                    await asyncio.wait_for(ended.wait(), _LOOK)
                except TimeoutError:
                    continue

    async def _follow(self, app: App) -> None:
        self._wished = Wished(**json.loads(self._from.read_text(encoding="utf-8")))
        if app.works:
            if self._wished.beating is not self._beating:
                await (app.clockwork.start() if self._wished.beating else app.clockwork.stop())
                self._beating = self._wished.beating
            if self._wished.look and not self._has_looked(app):
                await app.jobs.beat.sweep()()
                await asyncio.to_thread(app.jobs.ledger.tick)
        due, looked = app.clockwork.next_due, app.jobs.ledger.looked_at
        waits = looked is None or (due is not None and due <= app.clock.now())
        own = Own("" if waits else str(looked), self._beating, sorted(app.engine.running_here()))
        if own != self._told:
            write(self._to, own)
            self._told = own

    def _has_looked(self, app: App) -> bool:
        looked = app.jobs.ledger.looked_at
        return looked is not None and looked >= datetime.fromisoformat(self._wished.look)


if __name__ == "__main__":
    main()
