"""`tidings sandbox`: the stand-ins alone, for a Tidings that is started separately."""

import asyncio
import shlex
import signal

from bot.cli.say import line
from sandbox.backstage import Backstage
from sandbox.providers.serve import serve
from sandbox.world import SEED_FILE, Plan, Sandbox, open_sandbox
from storage.seal import new_key


def run(*, only_env: bool, slack_port: int, size: int, request_url: str) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    asyncio.run(_run(only_env=only_env, plan=Plan(size=size, slack_port=slack_port), request_url=request_url))


async def _run(*, only_env: bool, plan: Plan, request_url: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_sandbox(plan) as sandbox, serve(Backstage(sandbox).app()) as backstage:
        sandbox.slack.request_url = request_url
        line(variables(sandbox) if only_env else _story(sandbox, backstage.url, request_url))
        await stop.wait()


def variables(sandbox: Sandbox) -> str:
    """Return shell lines that set everything `tidings migrate`, `seed` and `serve` need."""
    found = sandbox.environment() | sandbox.credentials() | {"SECRET_KEYS": new_key()}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items())


def _story(sandbox: Sandbox, backstage: str, request_url: str) -> str:
    return f"""\
Slack workspace   {sandbox.slack.url}
behind the scenes {backstage}
QuickBooks        {sandbox.quickbooks_url}
Shopify           {sandbox.shopify_url}
Amazon            {", ".join(sandbox.amazon_urls.values())} (North America, Europe, Far East)
mail              {sandbox.mail.smtp_url}

Slack's requests go to {request_url} (--request-url changes it).
To use all of it, in another shell:

{variables(sandbox)}
# for Socket Mode: export SLACK_APP_TOKEN={sandbox.slack.app.app_token.reveal()}
tidings migrate && tidings seed {shlex.quote(str(SEED_FILE))} && tidings serve

Ctrl-C stops."""
