"""Connecting by a form of ours, where a provider has no page of consent: what is typed is tried, then taken.

What is refused before it is taken leaves the flow where it was, so that the person may correct it.
"""

from urllib.parse import parse_qsl, urlsplit

from connectors.grants import Filled, FormAnswer, Helped, HintError, Pairs, Sample, Tested
from jobs.connecting import granting, reasons
from jobs.connecting.companies import EXCHANGED, settings_here
from jobs.connecting.finding import admitted, in_browser, linked
from jobs.connecting.means import Means
from jobs.connecting.verdict import not_free
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError
from storage.facts.delivered import place_of
from storage.facts.flows import Flow, FlowState
from storage.facts.secret import Secret
from templates.words import PROVIDERS


async def fill(means: Means, link: Secret, browser: Secret, typed: Pairs) -> FlowView:
    """Take a form for a proven browser: HintError says what stands against it, and nothing was taken then."""
    flow, form = await _opened(means, link, browser)
    grants = means.grants_for(flow.provider)
    settings = await means.desk.read(lambda session: settings_here(session, means, flow))
    if flow.provider in EXCHANGED and not settings.companies:
        raise HintError(reasons.said(reasons.NO_BOOKS, PROVIDERS[flow.provider]))
    await form.tried(settings, typed, means.clock)
    named = grants.returned(settings, typed, hint="", now=means.clock.now())
    place = place_of(flow.provider, flow.organization_id, named.account, named.code)
    if place is not None:
        against = await means.desk.read(lambda session: not_free(session, means, flow, named.account, place))
        if against is not None:
            raise HintError(reasons.said(against, PROVIDERS[flow.provider]))
    url = await granting.go(means, link, browser, "")
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    return await granting.returned(means, flow.provider, [("state", state), *typed], browser)


async def try_form(means: Means, link: Secret, browser: Secret, typed: Pairs) -> FormAnswer:
    """Say of each block of a form what lies there; takes and changes nothing. HintError."""
    flow, grants = await _opened(means, link, browser)
    if not isinstance(grants, Helped):
        return FormAnswer({})
    return await grants.looked(means.settings_for(flow), typed, means.clock)


async def try_part(means: Means, link: Secret, browser: Secret, typed: Pairs, test: str) -> FormAnswer:
    """Try one part of a form; takes and changes nothing. HintError."""
    flow, grants = await _opened(means, link, browser)
    if not isinstance(grants, Tested) or test not in {one.name for one in grants.tests}:
        raise FlowGoneError
    return await grants.tested(means.settings_for(flow), typed, test, means.clock)


async def detect(
    means: Means, link: Secret, browser: Secret, typed: Pairs, number: int, sample: Sample | None
) -> FormAnswer:
    """Fill one block of a form in from a file; takes and changes nothing. HintError."""
    flow, grants = await _opened(means, link, browser)
    if not isinstance(grants, Helped):
        raise FlowGoneError
    return await grants.detected(means.settings_for(flow), typed, number, sample, means.clock)


async def _opened(means: Means, link: Secret, browser: Secret) -> tuple[Flow, Filled]:
    """Return the flow of a proven browser whose member may connect, and its form; FlowGoneError."""
    flow = await means.desk.read(lambda session: in_browser(linked(session, link, means.clock.now()), browser))
    grants = means.grants_for(flow.provider)
    if not isinstance(grants, Filled) or flow.state not in {FlowState.PROVEN, FlowState.SENT}:
        raise FlowGoneError
    await admitted(means, flow)
    return flow, grants
