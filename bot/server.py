"""The HTTP server of a process, which only a process that listens imports."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import uvicorn


class Server(uvicorn.Server):
    """uvicorn, which stops cleanly on SIGTERM and SIGINT and says its address when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the two signals end the server."""
        # The library raises the signal again at the end, so that a clean stop would look like a kill.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # sockets, as the library passes them
        """Start, and say the address."""
        await super().startup(sockets)  # type: ignore[arg-type]  # as above
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._on_ready(f"http://{host}:{port}")
