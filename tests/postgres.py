"""A private Postgres for the tests: in a temporary folder, as an unprivileged user, stopped by its own process id."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

USER = "tidings"


class PrivatePostgres:
    """One server with durable settings (fsync on), reachable on loopback only."""

    def __init__(self, programs: Path, more: Mapping[str, str] | None = None) -> None:
        self._programs = programs
        self._more = dict(more or {})
        self._account = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="tidings-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address of its maintenance database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Make a fresh cluster and start it."""
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C")
        for _ in range(5):
            self.port = _free_port()
            self.launch()
            if self._ready():
                return
        raise RuntimeError(f"Postgres did not start:\n{(self.folder / 'log').read_text(errors='replace')}")

    def launch(self) -> None:
        """Start the server process on the cluster that is there."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": str(self.folder),
            "fsync": "on",
            "max_connections": 300,
            "shared_buffers": "64MB",
            **self._more,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._as_user(command), cwd=self.folder, stdout=log, stderr=log)

    def give(self, name: str, text: bytes) -> Path:
        """Put a file into its folder that it alone may read."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(text)
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)
        return path

    def reload(self) -> None:
        """Let it read its files again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server (immediately: as by a crash); the cluster stays."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
        self._process.wait(timeout=30)
        self._process = None

    def remove(self) -> None:
        """Stop the server and delete the cluster."""
        self.stop(immediately=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _run(self, program: str, *arguments: str) -> None:
        command = self._as_user([str(self._programs / program), *arguments])
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _as_user(self, command: list[str]) -> list[str]:
        """Run it as the unprivileged user, and let it end with us even if we are killed, where the system can do that."""
        setpriv = shutil.which("setpriv")
        if self._account is None:
            return [setpriv, "--pdeathsig", "INT", *command] if setpriv else command
        user, group = self._account.pw_uid, self._account.pw_gid
        if setpriv:
            identity = [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
            return [setpriv, "--pdeathsig", "INT", *identity, *command]
        return ["runuser", "-u", self._account.pw_name, "--", *command]


def find_programs() -> Path | None:
    """Return the folder of Postgres' programs: the newest that the system installed, else the one on PATH."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0])
    )
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    if found and (Path(found).parent / "postgres").exists():
        return Path(found).parent
    return None


def _unprivileged() -> pwd.struct_passwd | None:
    """Return who shall run the server; None: we ourselves, since we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("Postgres does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
