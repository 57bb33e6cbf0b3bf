"""The `tidings` command. Everything heavy is imported when a command runs, so that `--help` is quick."""


def main() -> None:
    """Run the command line."""
    from bot.cli.app import app

    app()
