"""`tidings watch`: a process of its own that looks whether Tidings works, and mails when it does not."""

import asyncio
import signal
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.cli.ground import chosen_file
from bot.cli.say import line, stop
from bot.logs import configure_logging
from jobs.deliver.mail import MailSender
from jobs.deliver.results import Result
from jobs.watching.watcher import Watcher
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret
from storage.settings import SettingsError
from storage.watch_settings import WatchSettings, load_watch_settings
from templates.mail import Mail

#: Exit codes of --once.
STANDS_STILL = 1
CANNOT_TELL = 2


def run(env_file: Path | None, *, once: bool) -> None:
    """Look once, or until the process is told to stop."""
    if env_file is not None and not env_file.is_file():
        stop(f"{env_file} is not there", CANNOT_TELL)
    try:
        settings = load_watch_settings(chosen_file(env_file))
    except SettingsError as error:
        stop(str(error), CANNOT_TELL)
    configure_logging(settings.log_level, known=_secrets(settings))
    line(told_how(settings))
    watcher = watcher_of(settings)
    if once:
        found = asyncio.run(watcher.look())
        line(f"stands still: {', '.join(found)}" if found else "ok")
        raise SystemExit(STANDS_STILL if found else 0)
    asyncio.run(_watch(watcher, settings.watch_seconds))


def watcher_of(settings: WatchSettings) -> Watcher:
    """Return the watcher that those settings describe."""
    url, sender, told = settings.mail
    mail = MailSender(Secret(url), sender)

    async def send(letter: Mail, key: str, now: datetime) -> Result:
        return await mail.send(told, letter, key, now)

    return Watcher(settings.database_url, SystemClock(), send, Path(settings.watch_state))


def told_how(settings: WatchSettings) -> str:
    """Say who is told by which way; where the mail server is the one of Tidings, that it shares its fate."""
    url, _, told = settings.mail
    host = urlsplit(url).hostname
    own = "WATCH_SMTP_URL" if settings.own else "SMTP_URL, the mail server of Tidings itself: set WATCH_SMTP_URL"
    whose = "WATCH_EMAIL" if settings.watch_email else "SUPPORT_EMAIL, as WATCH_EMAIL is not set"
    return f"watching; tells {told} ({whose}) by {host} ({own}); remembers in {settings.watch_state}"


async def _watch(watcher: Watcher, seconds: float) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    while not ended.is_set():
        await watcher.look()
        try:
            await asyncio.wait_for(ended.wait(), seconds)
        except TimeoutError:
            continue


def _secrets(settings: WatchSettings) -> list[str]:
    found = []
    for url in (settings.smtp_url, settings.watch_smtp_url):
        if password := urlsplit(url.get_secret_value()).password:
            found += [password, url.get_secret_value()]
    if "://" in settings.database_url and (password := urlsplit(settings.database_url).password):
        found.append(password)
    return found
