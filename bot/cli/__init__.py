"""The `tidings` command. Everything heavy is imported when a command runs, so that `--help` is quick."""


def main() -> None:
    """Run the command line; a fault of ours leaves as one line of the log, without secrets, and code 70."""
    from bot.cli.app import app

    try:
        app(obj=prepare)
    except Exception:  # noqa: BLE001 - the edge of the process: the interpreter would print secrets that are in the error
        prepare()
        from bot.logs import logger

        logger.exception("uncaught")
        raise SystemExit(70) from None


def prepare() -> None:
    """Let nothing out of this process that was not redacted; commands that log more configure it once again."""
    from bot.logs import configure_logging, log_what_nobody_caught

    configure_logging("WARNING")
    log_what_nobody_caught()
    _no_core_dumps()


def _no_core_dumps() -> None:
    """Keep a crash from writing the memory of this process, and with it keys and tokens, to the disk."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
