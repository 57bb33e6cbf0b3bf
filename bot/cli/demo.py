"""`tidings demo`: everything on this machine, for people to try or for a story to play."""

import asyncio
import contextlib
import errno
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from bot.cli.demo_ground import Ground, Wishes, prepared
from bot.cli.say import line, stop
from bot.logs import configure_logging, own_secrets
from bot.main import serve
from sandbox.backstage import Backstage
from sandbox.providers.serve import Served, serve_in_thread

#: Where a running demo leaves the address of its page behind the scenes.
_ADDRESS = Path("data/demo/backstage")
_DURATION = re.compile(r"(?=.)(?:(?P<days>\d{1,2})d)?(?:(?P<hours>\d{1,3})h)?(?:(?P<minutes>\d{1,4})m)?", re.ASCII)


def show(wishes: Wishes, *, open_page: bool) -> None:
    """Run until Ctrl-C."""
    began = time.monotonic()
    with _port_told(wishes.port), prepared(wishes) as ground, _backstage(ground) as backstage:
        configure_logging("INFO", ground.log, own_secrets(ground.settings))

        def ready(address: str) -> None:
            ground.deliver_to(address)
            line(_welcome(ground, backstage, time.monotonic() - began))
            if open_page and _has_display():
                webbrowser.open(ground.outside.sandbox.slack.url)

        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(ground.app(), ready))
    line("stopped; nothing is left behind")


def play(name: str, wishes: Wishes) -> None:
    """Play one story, or all of them; ends with 0 when everything was seen, else 1."""
    from bot.cli.stories import STORIES, play_story

    names = list(STORIES) if name == "all" else [name]
    if unknown := [one for one in names if one not in STORIES]:
        stop(f"there is no story {unknown[0]!r}; there is {', '.join(STORIES)}, or all")
    if wishes.workers and not (wishes.database_url or "").startswith("postgres"):
        stop("several processes need Postgres: name an empty database with --database postgresql://…")
    if wishes.kill and wishes.workers < 2:
        stop("whoever kills a worker needs another one: --workers 2, or more")
    failed = [one for one in names if not play_story(one, wishes)]
    raise SystemExit(1 if failed else 0)


def let_pass(words: str) -> None:
    """Let time pass in the demo that runs in this folder."""
    body = json.dumps({"act": "pass", "minutes": minutes(words)}).encode()
    try:
        address = _ADDRESS.read_text().strip()
        request = urllib.request.Request(  # noqa: S310 - the address is one that we wrote, on this machine
            f"{address}/act", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            line(str(json.load(answer)["done"]))
    except (OSError, urllib.error.URLError):
        stop(f"no demo runs in this folder; start one with `{_called()} demo`")


def minutes(words: str) -> int:
    """Read a span such as 3h, 90m or 1d2h; ends the command when it is none."""
    found = _DURATION.fullmatch(words.strip().lower())
    if found is None:
        stop(f"{words!r} is no span of time: write 3h, 90m or 1d2h")
    parts = {name: int(value or 0) for name, value in found.groupdict().items()}
    return parts["days"] * 1440 + parts["hours"] * 60 + parts["minutes"]


@contextlib.contextmanager
def _port_told(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        stop(f"port {port} is taken: choose another one with --port, or leave it out")


@contextlib.contextmanager
def _backstage(ground: Ground) -> Iterator[Served]:
    with serve_in_thread(Backstage(ground.outside.sandbox).app()) as served:
        with contextlib.suppress(OSError):
            _leave(served.url)
        try:
            yield served
        finally:
            with contextlib.suppress(OSError):
                _ADDRESS.unlink()


def _leave(address: str) -> None:
    """Write the address down, for this user only; Tidings proper keeps its data in the same folder."""
    for folder in (_ADDRESS.parent.parent, _ADDRESS.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    _ADDRESS.touch(mode=0o600)
    _ADDRESS.write_text(address)


def _has_display() -> bool:
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _called() -> str:
    """Return the program as it can be typed here: by its name alone only where the shell finds it."""
    program = Path(sys.argv[0])
    found = shutil.which("tidings")
    if program.name != "tidings" or (found and Path(found).resolve() == program.resolve()):
        return "tidings"
    try:
        return str(program.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(program)


def _welcome(ground: Ground, backstage: Served, seconds: float) -> str:
    return f"""\
Temerity Goods is open ({seconds:.1f} s). QuickBooks and Shopify are being read for the first time.

  The workspace       {ground.outside.sandbox.slack.url}
  Behind the scenes   {backstage.url}    (let time pass, let things go wrong)
  Log                 {ground.log}

PocketAdvantage is connected by SFTP and by FTPS: last night's files go out once QuickBooks was read.

As Maya in #finance: type /data, then /data refresh all, confirm, watch the card, and say yes to mail.
As Daniel (choose him at the top left): type /data exchange for the files, /data metric new for a number of your own.
To see the three-hour escalation: behind the scenes let Shopify never answer, refresh it, then let three hours pass
(or in another terminal: {_called()} demo --let-pass 3h), and look into #data-support as Sam.

Ctrl-C stops and forgets everything."""
