"""`tidings keys`: making keys, and sealing everything anew with the newest one."""

from pathlib import Path

from bot.cli.ground import opened, read_seal, read_settings
from bot.cli.say import line, stop
from storage.seal import SealError, new_key


def new() -> None:
    """Print a key."""
    line(new_key())


def rotate(env_file: Path | None) -> None:
    """Seal everything that is sealed with the first key; may run beside a working Tidings, any number of times."""
    from storage.rotation import reseal

    settings = read_settings(env_file)
    seal = read_seal(settings)
    with opened(settings) as database:
        try:
            done = reseal(database, seal)
        except SealError as error:
            stop(f"stopped, nothing was lost: {error}")
    line(f"{done.sealed} sealed anew, {done.current} had the newest key already")
    if done.lost:
        line(
            f"{done.lost} short-lived texts (codes, events, half-finished connections) cannot be opened any more: "
            "their key is not in SECRET_KEYS. They were left alone; whoever waits for one starts again"
        )
    if done.busy:
        stop(f"{done.busy} are being changed right now: run this again in a minute, and keep the old key until then")
    line("once every process runs with the new key in front, older keys can be taken out of SECRET_KEYS")
