"""The services over a database and the stand-in Slack, for installing; no engine runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from connectors.grants import Pairs
from jobs.build import Jobs, build_jobs
from jobs.installs.service import InstallService, InstallView
from jobs.work import Work
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.clock import OffsetClock
from storage.facts.installations import Installation, InstallKey
from storage.facts.people import Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.records import audit, authority, installations, organizations, workspaces
from storage.records.workspaces import Workspace
from storage.seal import new_key
from storage.sessions import Database, Session
from storage.settings import Settings

HARBOUR, EAST, WEST, NORTHWIND = "T0HARBOUR", "T0NWEAST", "T0NWWEST", "E0NORTHWIND"
BROWSER, OTHER = Secret("b" * 43), Secret("c" * 43)
PUBLIC = "https://tidings.example"


@dataclass
class Stage:
    """Everything that stands on it."""

    database: Database
    clock: OffsetClock
    slack: SlackWorkspace
    jobs: Jobs
    settings: Settings
    works: list[Work]

    @property
    def installs(self) -> InstallService:
        return self.jobs.services.installs

    async def allowed(self, place: str, *, browser: Secret = BROWSER, service: InstallService | None = None) -> Pairs:
        """Begin in a browser, say yes at Slack, and return what it sends back."""
        url = await (service or self.installs).begin(browser)
        self.slack.oauth.installs = place
        async with httpx.AsyncClient() as client:
            answer = await client.get(url)
        assert answer.status_code == 302, answer.text
        return parse_qsl(urlsplit(answer.headers["location"]).query)

    async def install(self, place: str) -> InstallView:
        """Install the app as its admin does it."""
        return await self.installs.returned(await self.allowed(place), BROWSER)

    def installation(self, enterprise_id: str, team_id: str) -> Installation | None:
        return self.database.in_read(lambda session: installations.find(session, InstallKey(enterprise_id, team_id)))

    def workspace(self, team_id: str) -> Workspace | None:
        return self.database.in_read(lambda session: workspaces.find(session, team_id))

    def member(self, team_id: str, user_id: str) -> Member | None:
        identity = SlackIdentity(team_id, user_id)
        return self.database.in_read(lambda session: organizations.member_by_identity(session, identity))

    def owner(self, team_id: str) -> str:
        found = self.workspace(team_id)
        assert found is not None
        assert found.organization_id is not None
        return found.organization_id

    async def speaks(self, team_id: str, user_id: str) -> Actor:
        """Learn who somebody is, as when they first write."""
        return await self.jobs.services.people.learn(SlackIdentity(team_id, user_id))

    async def posts(self, team_id: str) -> str | None:
        """Call Slack as the bot of a workspace; return the token's own workspace, None where there is no token."""
        token = await self.jobs.tokens.token(team_id)
        if token is None:
            return None
        async with httpx.AsyncClient(base_url=self.slack.api_url) as client:
            header = {"Authorization": f"Bearer {token.reveal()}"}
            said = (await client.post("auth.test", data={"team_id": team_id}, headers=header)).json()
        return str(said["team_id"] if said["ok"] else said["error"])

    def unexplained(self, organization_id: str) -> authority.Rights:
        """Return the rights in an organization that no entry of the audit gave."""
        return self.database.in_read(lambda session: authority.unexplained(session, organization_id))

    def entries(self, organization_id: str) -> list[tuple[str, str, str]]:
        """Return actor, action and object of the audit, oldest first; its chain must hold."""

        def read(session: Session) -> list[tuple[str, str, str]]:
            assert audit.broken_entries(session, organization_id) == []
            found = audit.newest(session, organization_id, 100)
            return [(entry.actor, entry.action, entry.object_id) for entry in reversed(found)]

        return self.database.in_read(read)

    def witnessed(self, kind: str) -> int:
        """Return how often something happened at Slack."""
        return sum(each.kind == kind for each in self.slack.oauth.witness)


@asynccontextmanager
async def staged(database: Database, folder: Path, **more: Any) -> AsyncIterator[Stage]:
    """Set it up; no workspace is known at first."""
    clock = OffsetClock()
    async with SlackWorkspace(temerity_goods(), clock=clock, rates=False).serve() as slack:
        slack.oauth.registered = frozenset({f"{PUBLIC}/slack/oauth/callback"})
        settings = Settings.model_validate(
            {
                "database_url": database.url,
                "warehouse_url": str(folder / "warehouse"),
                "secret_keys": [new_key()],
                "public_url": PUBLIC,
                "slack_signing_secret": "sandbox-signing-secret",
                "slack_client_id": "sandbox-client",
                "slack_client_secret": "sandbox-client-secret",
                "slack_api_url": slack.api_url,
                "support_channel": "T0SUPPORT/C0DATASUP",
                **more,
            }
        )
        jobs = build_jobs(settings, database, clock)
        works: list[Work] = []
        jobs.engine.bind(lambda _session, work: works.append(work), lambda _work: None, lambda: True)
        try:
            yield Stage(database, clock, slack, jobs, settings, works)
        finally:
            await jobs.close()
