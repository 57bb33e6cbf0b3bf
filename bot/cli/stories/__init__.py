"""Stories that `tidings demo --headless --check NAME` plays; each is one module, and has its name here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.cli.demo_ground import Wishes
from bot.cli.stories import escalation, exchange, home, metrics, reconnect, refresh, sources, trust
from bot.cli.stories.stage import Stage, play

#: Plays on a running product; StoryError when something that should be seen is not.
Story = Callable[[Stage], Awaitable[None]]

STORIES: Mapping[str, Story] = {
    "refresh": refresh.story,
    "escalation": escalation.story,
    "reconnect": reconnect.story,
    "sources": sources.story,
    "trust": trust.story,
    "home": home.story,
    "metrics": metrics.story,
    "exchange": exchange.story,
}

#: What a story needs to be otherwise: here everything is connected by the story, and there is some of every record;
#: there Slack is down for a while, and nobody waits half a minute to look what it took.
_GROUNDS: Mapping[str, Mapping[str, Any]] = {
    "sources": {"connected": False, "documents": 2},
    "trust": {"quiet": timedelta(seconds=1)},
    "exchange": {"exchange": True, "documents": 4},
}


def play_story(name: str, wishes: Wishes) -> bool:
    """Play one story on a fresh demo, print a line per step, and return whether all of it was seen."""
    return play(name, STORIES[name], replace(wishes, **_GROUNDS.get(name, {})))
