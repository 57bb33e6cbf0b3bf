"""The product as a web process and workers, each a process of its own, moved by one clock and killed when wished."""

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.cli.demo_ground import DRAIN_SECONDS, Ground
from bot.cli.demo_process import Own, Plan, Wished, write
from bot.cli.say import stop

#: Four processes that start at once on a busy machine take more than a minute.
_START_SECONDS = 300.0
_END_SECONDS = 30.0
_WEB = "web"


@dataclass
class Life:
    """One process."""

    name: str
    process: Process
    #: where it says how far it is
    own: Path
    url: str = ""

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    def says(self) -> Own:
        """Return what it last said of itself."""
        return Own(**json.loads(self.own.read_text(encoding="utf-8"))) if self.own.exists() else Own()

    async def dies(self) -> None:
        """End it as by a power cut."""
        self.process.kill()
        await self.process.wait()


@dataclass
class Several:
    """All processes; one of them takes what Slack brings, the others work."""

    ground: Ground
    lives: list[Life] = field(default_factory=list)
    _wished: Wished = field(default_factory=Wished)

    @property
    def kills(self) -> bool:
        """Whether one worker is to be killed."""
        return self.ground.wishes.kill

    @property
    def workers(self) -> list[Life]:
        """Return those that live and work."""
        return [life for life in self.lives if life.alive and life.name != _WEB]

    @property
    def url(self) -> str:
        """Return the address of the web process."""
        return self.lives[0].url

    async def begin(self, name: str = "") -> Life:
        """Start one process more: a worker unless its name says otherwise; return when it takes requests."""
        name = name or f"worker-{len(self.lives)}"
        self._wish(self._wished)
        folder, settings = self.ground.folder, dict(self.ground.values)
        own = folder / f"{name}.json"
        # Only one of them has the address that providers know.
        settings |= {"ROLE": "web"} if name == _WEB else {"ROLE": "worker", "PORT": "0"}
        plan = Plan(
            settings=settings,
            clock=str(folder / "clock"),
            log=str(self.ground.log_of(name)),
            wished=str(folder / "wished.json"),
            own=str(own),
            quiet=self.ground.wishes.quiet.total_seconds(),
            drain=DRAIN_SECONDS,
        )
        command = (sys.executable, "-m", "bot.cli.demo_process")
        # Its settings come with the plan; what this process may know of secrets is nothing to it.
        life = Life(name, await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env={}), own)
        self.lives.append(life)
        assert life.process.stdin is not None
        assert life.process.stdout is not None
        life.process.stdin.write(json.dumps(asdict(plan)).encode() + b"\n")
        life.url = (await asyncio.wait_for(life.process.stdout.readline(), _START_SECONDS)).decode().strip()
        if not life.url:
            stop(f"{name} did not start:\n{plan.log}")
        return life

    async def end(self) -> None:
        """Ask all of them to end; whoever does not is killed."""
        for life in self.lives:
            if life.alive:
                life.process.send_signal(signal.SIGCONT)
                life.process.terminate()
        for life in self.lives:
            try:
                await asyncio.wait_for(life.process.wait(), _END_SECONDS)
            except TimeoutError:
                await life.dies()

    # What a story does to them

    async def loses_slots_of(self, source_ids: Collection[str]) -> None:
        """Let every clock lose them."""
        self._wish(replace(self._wished, lost=sorted(source_ids)))

    async def has_looked(self, since: datetime) -> bool:
        """Whether all of them have."""
        if self._wished.look != since.isoformat():
            self._wish(replace(self._wished, look=since.isoformat()))
        looked = [life.says().looked for life in self.workers]
        return all(one and datetime.fromisoformat(one) >= since for one in looked)

    async def clocks_beat(self, *, beating: bool) -> None:
        """Let each worker stop or start its clock."""
        self._wish(replace(self._wished, beating=beating))

    async def clocks_are(self, *, beating: bool) -> bool:
        """Whether each worker has done that."""
        return all(life.says().beating is beating for life in self.workers)

    async def kill_whoever_works_on(self, subject: str) -> str | None:
        """Kill the worker that says that it works on it."""
        for life in self.workers:
            if any(f":{subject}:" in work for work in life.says().works):
                await life.dies()
                return life.name
        return None

    def _wish(self, wished: Wished) -> None:
        self._wished = wished
        write(self.ground.folder / "wished.json", wished)


@contextlib.asynccontextmanager
async def several(ground: Ground) -> AsyncIterator[Several]:
    """Run a web process and as many workers as are wished for, until the block ends."""
    running = Several(ground)
    try:
        # The first one makes the tables of the engine.
        await running.begin(_WEB)
        await asyncio.gather(*(running.begin(f"worker-{each + 1}") for each in range(ground.wishes.workers)))
        yield running
    finally:
        await running.end()
