"""The Slack stand-in with its limits and many workspaces: `python -m bench.outbox_slack --teams 20`."""

import argparse
import asyncio
import json
import signal
import sys

from sandbox.slack import SlackWorkspace, temerity_goods
from sandbox.slack.world import Channel, Installation, Person, Team, World
from storage.facts.secret import Secret


def many(teams: int, channels: int) -> World:
    """Build a world with that many workspaces, where the app is a member of every channel."""
    world = temerity_goods()
    for number in range(teams):
        team, bot = f"T{number:05}", f"UBOT{number:05}"
        world.teams[team] = Team(team, f"Company {number}", f"company-{number}")
        world.people[bot] = Person(bot, team, "tidings", "Tidings", bot_id=f"B{number:05}")
        world.app.installations[team] = Installation(team, bot, f"B{number:05}", Secret(f"xoxb-bench-{number}"))
        for place in range(channels):
            channel = f"C{number:05}X{place:02}"
            world.channels[channel] = Channel(channel, team, f"finance-{number}-{place}", {bot})
    return world


async def run(teams: int, channels: int) -> None:
    """Serve until SIGTERM; the first line is JSON."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with SlackWorkspace(many(teams, channels), rates=True).serve() as slack:
        sys.stdout.write(json.dumps({"api": slack.api_url}) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=20)
    parser.add_argument("--channels", type=int, default=10)
    asked = parser.parse_args()
    asyncio.run(run(asked.teams, asked.channels))
