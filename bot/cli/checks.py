"""What `tidings doctor` looks at; each check returns one line with what to do, and changes nothing."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.cli.say import Mark
from jobs.escalating import auditing
from storage.records import audit, authority, delivered, sealed, seeds, sources, workers
from storage.seal import Seal, SealError
from storage.sessions import Database, DatabaseUnavailableError, Session
from storage.settings import Settings
from storage.shape import is_current

_DEAD_SECONDS = 30.0
_ANY_ORGANIZATION = "org_any"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    mark: Mark
    subject: str
    text: str


def ok(subject: str, text: str) -> Finding:
    """All is well."""
    return Finding(Mark.OK, subject, text)


def fail(subject: str, text: str) -> Finding:
    """It will not work like this."""
    return Finding(Mark.FAIL, subject, text)


def look(subject: str, text: str) -> Finding:
    """It works, and a person should look."""
    return Finding(Mark.WARN, subject, text)


def about_settings(settings: Settings) -> Iterator[Finding]:
    """What is configured, and what a missing choice means."""
    mode = "Socket Mode" if settings.socket_mode else f"HTTP at {settings.public_url}/slack/events"
    yield ok("settings", f"ROLE={settings.role}, Slack by {mode}")
    if not settings.socket_mode and settings.public_url.startswith("http://"):
        yield look("settings", "PUBLIC_URL is this machine only: Slack reaches it by https or by Socket Mode")
    if not settings.support_channel and not settings.support_email:
        yield look("settings", "no SUPPORT_CHANNEL and no SUPPORT_EMAIL: escalations reach only those of a seed file")


def about_database(database: Database) -> Iterator[Finding]:
    """Whether the database is there, safe and current."""
    kind = "SQLite" if database.is_sqlite else "Postgres"
    try:
        database.check()
    except DatabaseUnavailableError as error:
        yield fail("database", str(error))
        return
    yield ok("database", f"{kind}, durable settings are in force")
    if not is_current(database.engine):
        yield fail("database", "not in the newest shape: run `tidings migrate`")


def about_workers(database: Database) -> Iterator[Finding]:
    """Whether something works on the database now."""
    with database.read() as session:
        working = len(workers.alive(session, _DEAD_SECONDS))
    if working:
        yield ok("workers", f"{working} running")
    else:
        yield look("workers", "none is running: start `tidings serve`")


def about_keys(database: Database, seal: Seal) -> Iterator[Finding]:
    """Whether every sealed credential opens, and whether an older key sealed anything."""
    with database.read() as session:
        held = [
            (place, sealed.held(session, place, key)) for place in sealed.PLACES for key in sealed.keys(session, place)
        ]
    texts = [(place, *found) for place, found in held if found]
    # What is needed for minutes may have lost its key; whoever waits for it starts again.
    lasting = [partial(seal.open, text, *binding) for place, text, binding in texts if not place.passing]
    total, broken = len(lasting), sum(not opens(work) for work in lasting)
    old = sum(not seal.is_current(text) for _, text, _ in texts)
    if broken:
        yield fail(
            "keys", f"{broken} of {total} stored credentials do not open: add the older key to SECRET_KEYS again"
        )
    elif old:
        yield look("keys", f"{old} of {len(texts)} sealed texts have an older key: run `tidings keys rotate`")
    else:
        yield ok("keys", f"all {total} stored credentials open with the newest key")


def about_deliveries(database: Database, seal: Seal) -> Iterator[Finding]:
    """Whether two sources read the same delivered files."""
    with database.read() as session:
        pairs = delivered.overlaps(session, seal)
    for one, other in pairs:
        yield fail(
            "deliveries",
            f"{one.label} of {one.organization_id} reads {one.place}, and {other.label} of {other.organization_id} "
            f"reads {other.place}: the same files. Disconnect one of them with /data disconnect",
        )


def about_escalations(database: Database, now: datetime) -> Iterator[Finding]:
    """Whether support was called in the last day whenever it should have been."""
    with database.read() as session:
        missed = auditing.past(session, now, timedelta(days=1))
    if missed:
        counted = "1 call" if len(missed) == 1 else f"{len(missed)} calls"
        yield fail(
            "escalations",
            f"{counted} to support of the last day were not made; `tidings escalations audit` names "
            "each. Look whether the workers ran, and report it",
        )
    else:
        yield ok("escalations", "every call to support that was due in the last day was made")


def about_organizations(database: Database, settings: Settings) -> Iterator[Finding]:
    """Whether there is somebody to work for, and whether the audit is whole."""
    with database.read() as session:
        found = seeds.organizations(session)
        for organization in found:
            listed = sources.sources_of(session, organization.id)
            people = len(seeds.members(session, organization.id))
            yield ok("organization", f"{organization.name}: {people} members, {len(listed)} sources")
            broken = audit.broken_entries(session, organization.id)
            yield from _about_rights(session, organization.id, organization.name)
            if broken:
                yield fail(
                    "audit", f"{organization.name}: entries {broken[:5]} were changed: keep a copy, tell support"
                )
        yield from _about_rights(session, authority.OPERATOR, "support team")
        providers = {source.provider for source in sources.every_connection(session)}
    if not found:
        yield look("organization", "none yet: run `tidings seed FILE.yaml`")
    for provider in sorted(providers):
        name = provider.upper()
        # Who has no app of ours has no such setting: files are delivered.
        if not getattr(settings, f"{provider}_client_id", provider):
            yield fail(provider, f"{name}_CLIENT_ID is empty: tokens cannot be renewed; set it and its secret")


def _about_rights(session: Session, chain: str, name: str) -> Iterator[Finding]:
    """Whether every role, and the access to refreshes, was given by somebody who may."""
    for right, stands in authority.unexplained(session, chain).items():
        yield fail(
            "rights",
            f"{name}: {right} is {stands or 'gone'}, and no entry of the audit says so: somebody wrote it into the"
            " database. Find out who; decide anew with /data members, `tidings seed` or `tidings access`",
        )


def about_warehouse(settings: Settings) -> Iterator[Finding]:
    """Whether the extensions fit and the folder can be written."""
    from storage.warehouse import ExtensionMismatch, check_extensions
    from storage.warehouse.location import locate

    try:
        check_extensions()
        yield ok("warehouse", "DuckDB and its extensions fit together and load without a network")
    except ExtensionMismatch as error:
        yield fail("warehouse", f"{error}: install the pinned requirements again")
    try:
        folder = locate(settings.warehouse_url, _ANY_ORGANIZATION).home.parent
    except ValueError as error:
        yield fail("warehouse", f"WAREHOUSE_URL: {error}")
        return
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free / 1e9
    if not os.access(nearest, os.W_OK):
        yield fail("warehouse", f"{folder} cannot be written by this user")
    elif free < 2:
        yield look("warehouse", f"only {free:.1f} GB free at {nearest}: make room before the next full read")
    else:
        yield ok("warehouse", f"{folder} can be written, {free:.0f} GB free")


def about_mail_headers() -> Iterator[Finding]:
    """Whether a hostile name could smuggle a header into a mail."""
    from templates.mail import UnsafeHeader, safe_header

    for hostile in ("Name\r\nBcc: everyone@example.com", "=?utf-8?q?x?=", "a\u2028b"):
        try:
            safe_header(hostile)
        except UnsafeHeader:
            continue
        yield fail("mail headers", "a hostile name gets through: a fault of this version, do not send mail with it")
        return
    yield ok("mail headers", "control characters and encoded words are refused")


def opens(work: Callable[[], object]) -> bool:
    """Whether a sealed text opens."""
    try:
        work()
    except SealError:
        return False
    return True
