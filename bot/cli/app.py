"""The commands and their options; each one's work is in a module of its own, imported when it runs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="tidings",
    help="Keeps a company's finance data fresh and tells the people who depend on it, in Slack and by e-mail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
keys = typer.Typer(help="Keys that seal the stored credentials.", no_args_is_help=True)
app.add_typer(keys, name="keys")
receipts = typer.Typer(help="Receipts: the immutable records of finished refreshes.", no_args_is_help=True)
app.add_typer(receipts, name="receipts")
escalations = typer.Typer(help="Escalations: calls for help about what does not end.", no_args_is_help=True)
app.add_typer(escalations, name="escalations")

EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="File of variables; .env when it is there. The environment wins.", metavar="FILE"),
]


@app.callback()
def _begin(context: typer.Context) -> None:
    """Prepare the process, where the command is one (and not a part of a test's process)."""
    if callable(context.obj):
        context.obj()


@app.command(short_help="Try all of it on this machine: providers, Slack and mail.")
def demo(
    *,
    headless: Annotated[bool, typer.Option("--headless", help="Play a story instead of waiting for people.")] = False,
    check: Annotated[
        str,
        typer.Option(
            help="The story to play: refresh, escalation, reconnect, sources, trust, home, metrics, exchange, or all.",
            metavar="STORY",
        ),
    ] = "refresh",
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="NUMBER", help="Port of the page; 0: any free one.")
    ] = 0,
    size: Annotated[
        int, typer.Option(min=1, max=200_000, metavar="NUMBER", help="Invoices and orders that are there at first.")
    ] = 200,
    speed: Annotated[
        float, typer.Option(min=0, metavar="NUMBER", help="How lively business is: 1 is a change every 20 s, 0 none.")
    ] = 1,
    let_pass: Annotated[
        str | None,
        typer.Option("--let-pass", help="Let time pass in the demo that runs now, such as 3h or 90m.", metavar="TIME"),
    ] = None,
    socket_mode: Annotated[bool, typer.Option("--socket-mode", help="Connect to Slack by Socket Mode.")] = False,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="An empty Postgres database for a story, instead of a file; it is left as it is then."
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=16,
            metavar="NUMBER",
            help="For a story on Postgres: a web process and so many workers; 0: one process.",
        ),
    ] = 0,
    kill: Annotated[bool, typer.Option("--kill", help="Kill a worker in the middle of a refresh (trust).")] = False,
) -> None:
    """Try everything on this machine: an organization, its QuickBooks and Shopify, a Slack workspace and mail."""
    from bot.cli import demo as command
    from bot.cli.demo_ground import Wishes

    if let_pass is not None:
        command.let_pass(let_pass)
    elif headless:
        command.play(
            check, Wishes(size=size, socket_mode=socket_mode, database_url=database, workers=workers, kill=kill)
        )
    else:
        wishes = Wishes(port, size, speed, socket_mode=socket_mode, documents=2, exchange=True, exchanging=True)
        command.show(wishes, open_page=open_page)


@app.command(short_help="Start the stand-ins alone, for a Tidings of your own.")
def sandbox(
    *,
    env: Annotated[bool, typer.Option("--env", help="Print only the variables, to be evaluated by a shell.")] = False,
    slack_port: Annotated[int, typer.Option(min=0, max=65535, metavar="NUMBER", help="0: any free one.")] = 0,
    size: Annotated[
        int, typer.Option(min=1, max=200_000, metavar="NUMBER", help="Invoices and orders that are there at first.")
    ] = 200,
    request_url: Annotated[
        str, typer.Option(help="Where the product takes Slack's requests.", metavar="URL")
    ] = "http://127.0.0.1:8000/slack/events",
) -> None:
    """Start the stand-ins only (providers, Slack workspace, mail) and say how to use them, until Ctrl-C."""
    from bot.cli import sandbox as command

    command.run(only_env=env, slack_port=slack_port, size=size, request_url=request_url)


@app.command(short_help="Write an organization, its people and its sources.")
def seed(
    file: Annotated[Path, typer.Argument(help="Seed file; sandbox/temerity_goods.yaml explains the form.")],
    *,
    replace_credentials: Annotated[
        bool, typer.Option("--replace-credentials", help="Overwrite grants and bot tokens that are stored already.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the file.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Write an organization, its workspaces, people and sources into the database. Again means update."""
    from bot.cli import seed as command

    command.run(file, env_file, replace=replace_credentials, only_check=check)


@app.command(short_help="Run Tidings.")
def serve(env_file: EnvFile = None) -> None:
    """Run Tidings: ROLE=all (default), web or worker; Socket Mode when SLACK_APP_TOKEN is set."""
    import gc

    # A start makes 170,000 objects that stay: looking for garbage among them again and again is a quarter of its time.
    gc.disable()
    from bot.cli import serve as command

    command.run(env_file)


@app.command(short_help="Look at Tidings from outside, and mail when it stands still.")
def watch(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, for cron: ends with 0 when all is well, 1 when not, 2 on errors.")
    ] = False,
    env_file: EnvFile = None,
) -> None:
    """Look whether Tidings works, from outside, and mail by a server of its own when it stands still."""
    from bot.cli import watch as command

    command.run(env_file, once=once)


@app.command(short_help="Bring the database to the newest shape.")
def migrate(env_file: EnvFile = None) -> None:
    """Bring the database to the newest shape. Harmless when it is there already."""
    from bot.cli import migrate as command

    command.run(env_file)


@app.command(short_help="Print the manifest of the Slack app, with your address in it.")
def manifest(
    public_url: Annotated[str, typer.Argument(help="Where Slack and browsers reach Tidings, as in PUBLIC_URL.")],
    *,
    socket_mode: Annotated[bool, typer.Option("--socket-mode", help="For a Tidings with SLACK_APP_TOKEN.")] = False,
) -> None:
    """Print the manifest of the Slack app with your own address in it, to be pasted at Slack."""
    from bot.cli import manifest as command

    command.run(public_url, socket_mode=socket_mode)


@app.command(short_help="Check everything: one line each, with what to do.")
def doctor(
    *,
    env_file: EnvFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Leave out what needs the network.")] = False,
) -> None:
    """Check settings, database, keys, warehouse, Slack, channels, sources and mail: one line each, with what to do."""
    from bot.cli import doctor as command

    command.run(env_file, offline=offline)


@app.command(short_help="Show how every source stands.")
def status(
    organization: Annotated[str | None, typer.Argument(help="Key, name or id; all when left out.")] = None,
    env_file: EnvFile = None,
) -> None:
    """Show every source: its connection, its freshness, what runs, and when it is collected next."""
    from bot.cli import status as command

    command.run(organization, env_file)


@app.command(short_help="Ask for a refresh as a member of an organization.")
def refresh(
    organization: Annotated[str, typer.Argument(help="Key, name or id.")],
    source: Annotated[str, typer.Argument(help="Label or account of a source, or all.")] = "all",
    *,
    as_user: Annotated[
        str | None,
        typer.Option("--as", metavar="USER", help="Slack user id of the member in whose name; an admin when left out."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end and show it.")] = False,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="Let a read that is held for far fewer rows through, once.")
    ] = False,
    reread: Annotated[
        str | None,
        typer.Option("--reread", metavar="STREAM", help="Read one source once more: all, or the name of a stream."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="With --reread: only what changed since that day.",
        ),
    ] = None,
    env_file: EnvFile = None,
) -> None:
    """Ask for a refresh as a member of the organization; a running worker does it and tells them."""
    from bot.cli import refresh as command

    again = (reread, since.date() if since else None) if reread else None
    command.run(organization, source, as_user, env_file, wait=wait, allow_shrink=allow_shrink, again=again)


@app.command(short_help="Show or change which organizations may start refreshes.")
def access(
    organization: Annotated[str | None, typer.Argument(help="Key, name or id; all when left out.")] = None,
    *,
    give: Annotated[bool, typer.Option("--give", help="Let it start refreshes; answers an open request, too.")] = False,
    take: Annotated[bool, typer.Option("--take", help="Let it start none before support approves again.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Show or change which organizations may start refreshes, where REFRESH_ACCESS=by_request."""
    from bot.cli import access as command

    command.run(organization, env_file, give=give, take=take)


@app.command(short_help="Print any message as Slack or a mail program gets it.")
def preview(
    notice: Annotated[str | None, typer.Argument(help="Which one; lists them when left out.")] = None,
    form: Annotated[str, typer.Option("--as", help="slack (JSON), text or html.", metavar="FORM")] = "slack",
    page: Annotated[Path | None, typer.Option(help="Write all of them to one HTML page.", metavar="FILE")] = None,
) -> None:
    """Print a message as Slack or a mail program gets it, made of invented facts."""
    from bot.cli import preview as command

    command.run(notice, form, page)


@keys.command("new")
def keys_new() -> None:
    """Print a fresh key for SECRET_KEYS."""
    from bot.cli import keys as command

    command.new()


@keys.command("rotate", short_help="Seal everything anew with the first key of SECRET_KEYS.")
def keys_rotate(env_file: EnvFile = None) -> None:
    """Seal everything with the first key of SECRET_KEYS, so that the older ones can be taken out."""
    from bot.cli import keys as command

    command.rotate(env_file)


@receipts.command("verify", short_help="Check that every receipt is as it was written.")
def receipts_verify(
    file: Annotated[Path | None, typer.Argument(help="What `export` printed; the database when left out.")] = None,
    env_file: EnvFile = None,
) -> None:
    """Check that every receipt is as it was written; ends with 1 where one is not. A FILE needs no database."""
    from bot.cli import receipts as command

    command.verify(file, env_file)


@receipts.command("export", short_help="Print an organization's receipts, one per line.")
def receipts_export(
    organization: Annotated[str, typer.Argument(help="Key, name or id.")], env_file: EnvFile = None
) -> None:
    """Print an organization's receipts, one per line, to be kept or checked elsewhere."""
    from bot.cli import receipts as command

    command.export(organization, env_file)


@escalations.command("policy", short_help="Show or set who is called when a refresh does not end.")
def escalations_policy(
    organization: Annotated[str, typer.Argument(help="Key, name or id.")],
    steps: Annotated[list[str] | None, typer.Argument(help="3h:support 3h:email 5h:TEAM/CHANNEL=#name ...")] = None,
    *,
    default: Annotated[bool, typer.Option("--default", help="Go back to the default.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Show who is called when a refresh does not end, or set it; what runs already keeps the policy it began with."""
    from bot.cli import escalations as command

    command.policy(organization, steps or [], env_file, default=default)


@escalations.command("audit", short_help="Name every call that was due and was not made.")
def escalations_audit(
    days: Annotated[int, typer.Option(min=1, max=400, metavar="NUMBER", help="How many days back.")] = 30,
    env_file: EnvFile = None,
) -> None:
    """Name every call that was due and was not made, of what is over as well; ends with 1 where there is one."""
    from bot.cli import escalations as command

    command.audit(days, env_file)
