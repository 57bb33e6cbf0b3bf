"""Connecting and reconnecting accounts: what listeners and pages may call."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from connectors.grants import FormAnswer, Pairs, Sample
from jobs.connecting import filling, giving_up, granting, linking, proving, renewing, storing
from jobs.connecting.means import Means
from jobs.connecting.showing import result_of, view
from jobs.connecting.views import Connected, FlowView, Launch, Link, Offer
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Actor
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.sessions import Session

T = TypeVar("T")


class ConnectService:
    """The way from a link to a stored grant.

    Every method that takes a browser or a link raises FlowGoneError where that leads nowhere (any more).
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._finishing: set[asyncio.Task[Any]] = set()

    def catalogue(self) -> tuple[Offer, ...]:
        """Return what can be connected."""
        return linking.catalogue(self._means)

    async def link(self, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None = None) -> Link:
        """Make a link of 15 minutes for the actor, to reconnect `source_id` or to connect a new account.

        The same trigger again gives the same flow a new link, and TooLateError once the first was used.
        NotAllowedError, NotFoundError; AlreadyConnectedError where the organization has its one account.
        """
        return await linking.make_link(self._means, actor, provider, trigger, source_id)

    async def look(self, link: Secret, browser: Secret | None) -> FlowView:
        """Return what the link's page shows; changes nothing."""
        return await linking.look(self._means, link, browser)

    async def send_code(self, link: Secret, browser: Secret) -> None:
        """Bind the flow to the browser and send a code to the member by DM. TooManyCodesError after three."""
        await proving.send_code(self._means, link, browser)

    async def prove_code(self, link: Secret, browser: Secret, code: str) -> None:
        """Take the typed code; WrongCodeError says how many tries are left, 0 ends the flow."""
        await proving.prove_code(self._means, link, browser, code)

    async def sign_in(self, link: Secret, browser: Secret) -> str:
        """Bind the flow to the browser and return Slack's page."""
        return await proving.begin_sign_in(self._means, link, browser)

    async def signed_in(self, query: Pairs, browser: Secret) -> Secret:
        """Take what Slack sent back and return a new link token to go on with.

        FlowRefusedError when Slack named somebody else, or nobody.
        """
        begun_there = await renewing.end_sign_in(self._means, query, browser)
        return begun_there or await proving.end_sign_in(self._means, query, browser)

    def launch(self, query: Pairs) -> Launch:
        """Return what Amazon asks for, where a seller started there. FlowRefusedError: it was not Amazon."""
        return renewing.launch(self._means, query)

    async def renew(self, query: Pairs, browser: Secret) -> str:
        """Begin what Amazon asks for and return Slack's page; `signed_in` takes what comes back."""
        return await renewing.begin(self._means, query, browser)

    async def go(self, link: Secret, browser: Secret, hint: str = "") -> str:
        """Return the provider's page for a proven browser; HintError when the hint cannot be the provider's."""
        return await granting.go(self._means, link, browser, hint)

    async def fill(self, link: Secret, browser: Secret, typed: Pairs) -> FlowView:
        """Take our own form in place of a provider's page; HintError: what must be corrected."""
        return await self._to_its_end(filling.fill(self._means, link, browser, typed))

    async def try_form(self, link: Secret, browser: Secret, typed: Pairs) -> FormAnswer:
        """Say what lies where our own form says, without taking it; HintError: what must be corrected."""
        return await filling.try_form(self._means, link, browser, typed)

    async def try_part(self, link: Secret, browser: Secret, typed: Pairs, test: str) -> FormAnswer:
        """Try one part of our own form, without taking it; HintError: what must be corrected."""
        return await filling.try_part(self._means, link, browser, typed, test)

    async def detect(
        self, link: Secret, browser: Secret, typed: Pairs, number: int, sample: Sample | None
    ) -> FormAnswer:
        """Fill a block of our own form in from a file, a sample or the newest that lies there; HintError."""
        return await filling.detect(self._means, link, browser, typed, number, sample)

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        """Take what the provider sent back, once: the view waits for a yes (RETURNED), or says why not (FAILED)."""
        return await self._to_its_end(granting.returned(self._means, provider, query, browser))

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        """Store the grant as active. FlowRefusedError: it cannot be stored like that, and nothing was changed."""
        return await self._to_its_end(storing.confirm(self._means, browser, flow_id, as_new=as_new))

    async def give_up(self, browser: Secret, *, flow_id: str) -> None:
        """End the flow; what the provider gave is given up there."""
        await self._to_its_end(giving_up.give_up(self._means, browser, flow_id))

    async def result(self, browser: Secret) -> FlowView:
        """Return the newest flow of the browser that came back: to confirm, done, or failed."""

        def work(session: Session) -> FlowView:
            now = self._means.clock.now()
            return view(session, self._means, result_of(session, browser, now), now)

        return await self._means.desk.read(work)

    async def sweep(self) -> None:
        """Expire, give up and forget what was left behind; for the clock."""
        await giving_up.sweep(self._means)

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        # A browser that goes away while a grant is between the provider and our row must not leave it there.
        task = asyncio.ensure_future(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return await asyncio.shield(task)
