"""The worker's side of a person who was not known well enough: learn the facts, then play the interaction again."""

from typing import Protocol

import structlog

from bot.front import Front
from bot.interaction import from_json
from bot.ports.services import Services
from bot.show import Shower
from jobs.engine import WorkContext

log = structlog.get_logger("bot.asks")

KIND = "ask"


class AskHandler(Protocol):
    """Handles one piece of work of the kind `ask`."""

    async def __call__(self, work: WorkContext) -> None:
        """Play what was kept."""
        ...


def ask_handler(services: Services, front: Front, shower: Shower) -> AskHandler:
    """Return the engine's handler for kept interactions."""

    async def play(ask_id: str) -> bool:
        kept = await services.asks.load(ask_id)
        if kept is None:
            return False
        request = from_json(kept)
        await shower.show_all(await front.learned(request), request, front.follow)
        return True

    async def handle(work: WorkContext) -> None:
        if not await work.step("play", play, work.subject):
            log.warning("ask_is_gone", ask=work.subject)

    return handle
