"""A browser that says yes at a stand-in's consent page, and the settings that lead there."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from connectors.base import Addresses, ProviderSettings
from connectors.grants import Granted, Grants, Pairs, Returned
from connectors.wire import HttpLimits
from sandbox.providers.amazon import REGIONS, Amazon
from sandbox.providers.serve import serve
from storage.facts.clock import Clock
from storage.facts.secret import Secret

STATE = Secret("the-state-0123456789")
#: generous: what is slow here is the machine
PATIENT = HttpLimits(connect=10, read=20, total=30, attempts=2, retry_total=30, longest_wait=1)


def settings_of(environment: Mapping[str, str], prefix: str, **more: Any) -> ProviderSettings:
    """Return the settings that a stand-in wants."""
    first = "_NA" if prefix == "AMAZON" else ""
    return ProviderSettings(
        client_id=environment[f"{prefix}_CLIENT_ID"],
        client_secret=more.pop("secret", Secret(environment[f"{prefix}_CLIENT_SECRET"])),
        api_url=environment[f"{prefix}_API_URL{first}"],
        auth_url=environment[f"{prefix}_AUTH_URL{first}"],
        token_url=environment[f"{prefix}_TOKEN_URL{first}"],
        limits=PATIENT,
        regions={region: _addresses(environment, region) for region in REGIONS} if first else {},
        application_id=environment.get(f"{prefix}_APPLICATION_ID", ""),
        **more,
    )


def _addresses(environment: Mapping[str, str], region: str) -> Addresses:
    return Addresses(*(environment[f"AMAZON_{kind}_URL_{region.upper()}"] for kind in ("API", "AUTH", "TOKEN")))


async def walk(url: str, back: str) -> list[tuple[str, str]]:
    """Open a consent page that nobody has to click, and return the query with which it sends the browser back."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    location = urlsplit(answer.headers["location"])
    assert location._replace(query="").geturl() == back
    return parse_qsl(location.query, keep_blank_values=True)


@dataclass(frozen=True)
class Way:
    """One provider's consent from the first page to the proven grant."""

    grants: Grants
    settings: ProviderSettings
    clock: Clock
    hint: str = ""

    @property
    def back(self) -> str:
        """Where the browser comes back to."""
        return f"https://tidings.example/connect/{self.grants.provider}/callback"

    async def query(self) -> list[tuple[str, str]]:
        """Say yes."""
        consent = self.grants.consent(self.settings, hint=self.hint, redirect_uri=self.back, state=STATE)
        return await walk(consent.url, self.back)

    def returned(self, query: Pairs) -> Returned:
        """Look at what came back."""
        return self.grants.returned(self.settings, query, hint=self.hint, now=self.clock.now())

    async def exchange(self, returned: Returned, settings: ProviderSettings | None = None) -> Granted:
        """Turn the code into a grant."""
        return await self.grants.exchange(
            settings or self.settings, returned, hint=self.hint, redirect_uri=self.back, verifier=None, clock=self.clock
        )

    async def granted(self) -> Granted:
        """All of it."""
        return await self.exchange(self.returned(await self.query()))


def replaced(query: Pairs, **changes: str | None) -> list[tuple[str, str]]:
    """Return the query with some values changed, added or (None) left out."""
    kept = [(name, changes.get(name, value)) for name, value in query]
    added = [(name, value) for name, value in changes.items() if name not in dict(query)]
    return [(name, value) for name, value in [*kept, *added] if value is not None]


@contextlib.asynccontextmanager
async def served_amazon(app: Amazon) -> AsyncIterator[dict[str, str]]:
    """Serve Amazon's regions; yields their addresses."""
    async with contextlib.AsyncExitStack() as stack:
        yield {region: (await stack.enter_async_context(serve(app.apps[region]))).url for region in REGIONS}
