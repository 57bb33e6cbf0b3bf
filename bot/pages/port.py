"""What the pages need of the flows behind them; jobs.connecting has it all, tests bring a small twin."""

from typing import Protocol

from connectors.grants import FormAnswer, Pairs, Sample
from jobs.connecting.views import Connected, FlowView, Launch
from jobs.metrics.files import File
from jobs.pages.service import Opened
from jobs.subscriptions.mail_off import MailOff
from storage.facts.secret import Secret
from storage.facts.sources import Provider


class Flows(Protocol):
    """From a link to a stored grant; each step is taken by the flow's own person in one browser."""

    async def look(self, link: Secret, browser: Secret | None) -> FlowView:
        """Return what may be shown; changes nothing."""
        ...

    async def send_code(self, link: Secret, browser: Secret) -> None:
        """Send the person a code in Slack."""
        ...

    async def prove_code(self, link: Secret, browser: Secret, code: str) -> None:
        """Take the code."""
        ...

    async def sign_in(self, link: Secret, browser: Secret) -> str:
        """Return Slack's page to sign in."""
        ...

    async def signed_in(self, query: Pairs, browser: Secret) -> Secret:
        """Take what Slack sent back; returns the link to go on with."""
        ...

    def launch(self, query: Pairs) -> Launch:
        """Return what Amazon asks for, where a seller started there; changes nothing."""
        ...

    async def renew(self, query: Pairs, browser: Secret) -> str:
        """Begin what Amazon asks for; returns Slack's page to sign in."""
        ...

    async def go(self, link: Secret, browser: Secret, hint: str = "") -> str:
        """Return the provider's page."""
        ...

    async def fill(self, link: Secret, browser: Secret, typed: Pairs) -> FlowView:
        """Take our own form."""
        ...

    async def try_form(self, link: Secret, browser: Secret, typed: Pairs) -> FormAnswer:
        """Say what lies where our own form says; takes nothing."""
        ...

    async def try_part(self, link: Secret, browser: Secret, typed: Pairs, test: str) -> FormAnswer:
        """Try one part of our own form; takes nothing."""
        ...

    async def detect(
        self, link: Secret, browser: Secret, typed: Pairs, number: int, sample: Sample | None
    ) -> FormAnswer:
        """Fill a block of our own form in from a file."""
        ...

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        """Take what the provider sent back."""
        ...

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        """Store the grant."""
        ...

    async def give_up(self, browser: Secret, *, flow_id: str) -> None:
        """Give the grant back."""
        ...

    async def result(self, browser: Secret) -> FlowView:
        """Return the newest flow of the browser."""
        ...


class Files(Protocol):
    """What a download link leads to."""

    async def file(self, ticket: str) -> File | None:
        """Return the file; None for a link that does nothing."""
        ...


class Sheets(Protocol):
    """What a link to a page leads to."""

    async def open(self, ticket: str) -> Opened | None:
        """Return what stands on the page; None for a link that does nothing."""
        ...


class MailOffs(Protocol):
    """What a link in a mail does, which turns off such mails."""

    async def look(self, ticket: str) -> MailOff | None:
        """Return what the link is about; changes nothing."""
        ...

    async def stop(self, ticket: str) -> MailOff | None:
        """Turn it off, once."""
        ...
