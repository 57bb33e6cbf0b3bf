"""`tidings keys`: making keys, and sealing everything anew with the newest one."""

from pathlib import Path

from bot.cli.ground import opened, read_seal, read_settings
from bot.cli.say import line, stop
from storage.seal import SealError, new_key


def new() -> None:
    """Print a key."""
    line(new_key())


def rotate(env_file: Path | None) -> None:
    """Seal every grant and bot token with the first key; may run beside a working Tidings, any number of times."""
    from storage.rotation import reseal

    settings = read_settings(env_file)
    seal = read_seal(settings)
    with opened(settings) as database:
        try:
            done = reseal(database, seal)
        except SealError as error:
            stop(f"stopped, nothing was lost: {error}")
    line(f"{done.sealed} sealed anew, {done.current} had the newest key already")
    if done.busy:
        stop(f"{done.busy} are being renewed right now: run this again in a minute, and keep the old key until then")
    line("older keys can be taken out of SECRET_KEYS an hour from now, when no request waits that they sealed")
