"""Installing the app into workspaces and enterprises by OAuth v2, and hearing that it was removed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from connectors.errors import Broken, ConnectorError, Reconnect
from connectors.grants import Pairs
from connectors.slack_install import Installed, install_address, installed, is_dead, teams
from connectors.slack_signin import SlackApp
from jobs.connecting.marks import STATE_LIVES, hash_of, new_mark
from jobs.desk import Desk
from jobs.errors import FlowGoneError, FlowRefusedError
from jobs.installs.leaving import Departure, Left, close, close_workspaces, leave
from jobs.installs.storing import Stored, link_teams, store, unlink_teams
from jobs.installs.tokens import InstallTokens
from jobs.manifest import manifest
from jobs.notify.notifier import Notifier
from jobs.people import FetchProfile
from storage.facts.clock import Clock
from storage.facts.installations import Installation
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.records import installations, members, organizations, workspaces
from storage.seal import Seal
from storage.sessions import ConflictError, Database, DatabaseBusyError, Session

T = TypeVar("T")

#: How often an enterprise is asked for its workspaces: some join without telling.
TEAMS_EVERY = timedelta(minutes=10)
_CALLBACK = "/slack/oauth/callback"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class InstallView:
    """What the page says after an installation."""

    #: the workspace, or the enterprise
    name: str
    whole: bool
    #: None for the operator's support workspace
    organization: str | None
    founded: bool
    #: whether the person who installed it is admin now
    made_admin: bool
    again: bool
    #: scopes that were asked for and not given
    missing: tuple[str, ...]
    #: names of workspaces, for an enterprise
    workspaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstallMeans:
    """What installing stands on."""

    desk: Desk
    database: Database
    clock: Clock
    seal: Seal
    app: SlackApp
    notifier: Notifier
    tokens: InstallTokens
    #: asks Slack who somebody is
    profile: FetchProfile
    #: told of each workspace whose token changed
    forget: Callable[[str], None]
    public_url: str
    #: the operator's own workspace; it belongs to no organization
    support_team: str = ""
    checkpoint: Callable[[str], None] = lambda _name: None


class InstallService:
    """What pages, events and the clock may call."""

    def __init__(self, means: InstallMeans) -> None:
        self._means = means
        self._finishing: set[asyncio.Task[Any]] = set()
        self._teams_due = means.clock.now() + TEAMS_EVERY

    @property
    def ready(self) -> bool:
        """Whether the app's own keys are set."""
        return self._means.app.complete

    @property
    def redirect_uri(self) -> str:
        """Where Slack sends the browser back to."""
        return f"{self._means.public_url}{_CALLBACK}"

    async def begin(self, browser: Secret) -> str:
        """Return Slack's page; what comes back counts once, within ten minutes, in this browser."""
        state = new_mark()
        now = self._means.clock.now()
        state_hash, browser_hash = hash_of("install", state), hash_of("browser", browser)
        await self._means.desk.write(
            lambda session: installations.begin(session, state_hash, browser_hash, now, now + STATE_LIVES)
        )
        scopes = manifest().scopes
        return install_address(self._means.app, scopes, redirect_uri=self.redirect_uri, state=state)

    async def returned(self, query: Pairs, browser: Secret) -> InstallView:
        """Take what Slack sent back, once, and store the installation.

        FlowGoneError: not ours, used, or too late. FlowRefusedError: the person or Slack said no; nothing was stored.
        """
        return await self._to_its_end(self._returned(query, browser))

    async def left(self, departure: Departure) -> Left:
        """Take what Slack says about a removal; UnavailableError: say it again."""
        means = self._means
        outcome = await means.desk.write(lambda session: leave(session, departure, means.clock.now(), means.notifier))
        means.forget(departure.team_id)
        log.info("app_removed", team=departure.team_id, outcome=outcome.value)
        if outcome is Left.LATE:
            # Clocks differ. Slack itself knows whether the token of now still works.
            self._start(self.look(departure.team_id))
        return outcome

    async def look(self, team_id: str) -> bool:
        """Ask Slack whether the workspace's token works, and close the installation when it says no."""
        means = self._means
        serving = await means.database.reading(lambda session: installations.serving(session, team_id))
        if serving is None or serving.installation is None:
            return False
        try:
            usable = await means.tokens.usable(serving.installation)
        except Broken:
            # Nobody can ask with it; it was logged, and what is stored stays.
            return False
        if usable is None or not await is_dead(means.app, usable.token):
            return False
        found, now = usable.installation, means.clock.now()
        await means.database.writing(lambda session: close(session, team_id, found, now, means.notifier))
        means.forget(team_id)
        return True

    async def sweep(self) -> None:
        """Renew tokens in time; from time to time ask enterprises for their workspaces. For the clock."""
        await self._means.tokens.sweep()
        if self._means.clock.now() >= self._teams_due:
            self._teams_due = self._means.clock.now() + TEAMS_EVERY
            await self.link_enterprises()

    async def link_enterprises(self) -> None:
        """Open the workspaces that enterprises' installations serve, close those that they serve no more."""
        for found in await self._means.database.reading(installations.active):
            if found.key.whole:
                try:
                    await self._link(found)
                except ConnectorError as error:
                    log.warning("workspaces_not_listed", enterprise=found.key.enterprise_id, reason=error.code)

    async def drain(self) -> None:
        """Wait for what still runs."""
        await asyncio.gather(*self._finishing, return_exceptions=True)

    async def _returned(self, query: Pairs, browser: Secret) -> InstallView:
        means = self._means
        said = _once(query)
        now = means.clock.now()
        state_hash, browser_hash = hash_of("install", Secret(said.get("state", ""))), hash_of("browser", browser)
        if not await means.desk.write(lambda session: self._claimed(session, state_hash, browser_hash, now)):
            raise FlowGoneError
        if "error" in said or not said.get("code"):
            raise FlowRefusedError("declined", "Slack says that it was not allowed. Nothing was installed.")
        try:
            found = await installed(means.app, Secret(said["code"]), redirect_uri=self.redirect_uri)
        except Reconnect:
            refused = "Slack did not accept its own code: it is older than ten minutes, or was used."
            raise FlowRefusedError("code_refused", refused) from None
        means.checkpoint("install.exchanged")
        stored = await self._stored(found)
        means.checkpoint("install.stored")
        log.info(
            "app_installed", team=stored.installation.key.team_id, enterprise=stored.installation.key.enterprise_id
        )
        if found.team is not None:
            means.forget(found.team.id)
        names = await self._completed(stored)
        return await means.desk.read(lambda session: _view(session, stored, names))

    def _claimed(self, session: Session, state_hash: str, browser_hash: str, now: datetime) -> bool:
        return installations.claim(session, state_hash, browser_hash, now)

    async def _stored(self, found: Installed) -> Stored:
        def work(session: Session) -> Stored:
            means = self._means
            now = means.clock.now()
            stored = store(session, means.seal, found, now, support_team=means.support_team)
            if stored.made_admin and found.team is not None:
                installer = organizations.member_by_identity(session, SlackIdentity(found.team.id, found.installer))
                if installer is not None:
                    means.notifier.welcome(session, installer, now)
            return stored

        try:
            return await self._means.database.writing(work)
        except ConflictError:
            # Two browsers installed at the same moment: the other one is there now.
            return await self._means.database.writing(work)

    async def _completed(self, stored: Stored) -> tuple[str, ...]:
        """Learn what only the new token can tell: an enterprise's workspaces, and who installed it."""
        found = stored.installation
        names: tuple[str, ...] = ()
        try:
            if found.key.whole:
                names = await self._link(found)
            elif stored.made_admin and found.organization_id is not None:
                await self._introduce(SlackIdentity(found.key.team_id, found.installed_by), found.organization_id)
        except (ConnectorError, DatabaseBusyError) as error:
            # It is installed; the sweep asks for workspaces again, and a name comes with the next word.
            log.warning("install_not_completed", workspace=found.name, reason=type(error).__name__)
        return names

    async def _link(self, found: Installation) -> tuple[str, ...]:
        means = self._means
        usable = await means.tokens.usable(found)
        if usable is None:
            return ()
        listed = await teams(means.app, usable.token)
        known = usable.installation

        def work(session: Session) -> list[str]:
            now = means.clock.now()
            gone = unlink_teams(session, known, listed)
            close_workspaces(session, gone, now, means.notifier)
            return [*gone, *link_teams(session, known, listed, now)]

        for team_id in await means.database.writing(work):
            means.forget(team_id)
        return tuple(place.name for place in listed)

    async def _introduce(self, identity: SlackIdentity, organization_id: str) -> None:
        """Give the member who installed it the name and zone of their profile, and the organization that zone."""
        profile = await self._means.profile(identity)
        if profile is None:
            return

        def work(session: Session) -> None:
            members.introduce(session, identity, profile.name or identity.user_id, profile.timezone)
            workspaces.set_zone(session, organization_id, profile.timezone)

        await self._means.database.writing(work)

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def _to_its_end(self, work: Awaitable[T]) -> T:
        # A browser that goes away between Slack's answer and our row must not leave an installation nowhere.
        task = asyncio.ensure_future(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return await asyncio.shield(task)


def _once(query: Pairs) -> dict[str, str]:
    """Return the parameters; a repeated one says nothing certain."""
    said = dict(query)
    if len(said) != len(list(query)):
        raise FlowGoneError
    return said


def _view(session: Session, stored: Stored, names: tuple[str, ...]) -> InstallView:
    found = stored.installation
    owner = found.organization_id
    return InstallView(
        name=found.name,
        whole=found.key.whole,
        organization=organizations.organization(session, owner).name if owner else None,
        founded=stored.founded,
        made_admin=stored.made_admin,
        again=stored.again,
        missing=manifest().missing(found.scopes),
        workspaces=names,
    )
