"""The Messages tab of the app: questions that are suggested there, and a line while an answer is looked for.

Both are additions. A workspace that does not have them is asked once a day, and answers are the same there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.interaction import Interaction
from bot.slack import NotShownError, Slack
from storage.facts.clock import Clock
from storage.facts.talk import Prompt

log = structlog.get_logger("bot.agent")

TITLE = "What you can ask now"
STATUS = "is looking at your data…"
_PROMPTS, _STATUS = "assistant.threads.setSuggestedPrompts", "assistant.threads.setStatus"
#: Slack's ways of saying that the app has no such tab there; whatever else it says may be over in a minute.
_LACKS = frozenset({"missing_scope", "not_agent_app", "unknown_method", "invalid_arguments", "access_denied"})
_ASKED_AGAIN = timedelta(days=1)
_MOST_KNOWN = 10_000


class Agent:
    """Suggests, and says that it is working."""

    def __init__(self, slack: Slack, clock: Clock) -> None:
        self._slack = slack
        self._clock = clock
        #: workspaces that lack a method, and until when they are not asked
        self._lacks: dict[tuple[str, str], datetime] = {}

    async def suggest(self, request: Interaction, prompts: Sequence[Prompt]) -> None:
        """Suggest these in the tab that was opened."""
        said = [{"title": prompt.title, "message": prompt.message} for prompt in prompts]
        # No thread: with one Slack takes the call, and shows nothing.
        await self._call(request, _PROMPTS, {"channel_id": request.channel_id, "title": TITLE, "prompts": said})

    @asynccontextmanager
    async def working(self, request: Interaction) -> AsyncIterator[None]:
        """Say that an answer is looked for while the block runs, however it ends; the answer waits for none of it."""
        where = {"channel_id": request.channel_id, "thread_ts": request.thread_ts or request.trigger.rpartition(":")[2]}
        begun = asyncio.create_task(self._call(request, _STATUS, {**where, "status": STATUS}))
        try:
            yield
        finally:
            # Slack takes it away with an answer in the thread; not with one beside it, and not without one.
            if await begun:
                await self._call(request, _STATUS, {**where, "status": ""})

    async def _call(self, request: Interaction, method: str, arguments: dict[str, Any]) -> bool:
        key = (request.team_id, method)
        until = self._lacks.get(key)
        if until is not None and self._clock.now() < until:
            return False
        try:
            await self._slack.call(request.team_id, method, arguments)
        except NotShownError as error:
            log.info("agent_call_refused", team=request.team_id, method=method, reason=error.code)
            if error.code in _LACKS:
                self._remember(key)
            return False
        return True

    def _remember(self, key: tuple[str, str]) -> None:
        if len(self._lacks) >= _MOST_KNOWN:
            self._lacks.clear()
        self._lacks[key] = self._clock.now() + _ASKED_AGAIN
