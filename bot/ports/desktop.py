"""What the bot asks of registrations of QuickBooks Desktop."""

from typing import Protocol

from jobs.exchange.desktop.registering import Handed, QwcFile, Registered
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Actor
from storage.facts.web_connector import WebConnector


class Desktops(Protocol):
    """Which QuickBooks Desktop may call."""

    async def all(self, actor: Actor) -> list[Registered]:
        """Return those of the actor's organization."""
        ...

    async def new(self, actor: Actor, trigger: TriggerKey, account: str = "") -> Handed:
        """Let one call for the orders of an account; of several it must be named (TooLateError)."""
        ...

    async def renew(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> Handed:
        """Give it another password."""
        ...

    async def link(self, actor: Actor, registration_id: str) -> Handed:
        """Return another link to its file."""
        ...

    async def agree(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        """Let orders go into the company file that was open last."""
        ...

    async def withdraw(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        """Let it call no more."""
        ...

    async def file(self, ticket: str) -> QwcFile | None:
        """Return the file of a link."""
        ...
