"""Connecting by a form of ours, where a provider has no page of consent: what is typed is tried, then taken.

What is refused before it is taken leaves the flow where it was, so that the person may correct it.
"""

from urllib.parse import parse_qsl, urlsplit

from connectors.grants import Filled, HintError, Pairs
from jobs.connecting import granting, reasons
from jobs.connecting.finding import admitted, in_browser, linked
from jobs.connecting.means import Means
from jobs.connecting.verdict import not_free
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError
from storage.facts.delivered import place_of
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from templates.words import PROVIDERS


async def fill(means: Means, link: Secret, browser: Secret, typed: Pairs) -> FlowView:
    """Take a form for a proven browser: HintError says what stands against it, and nothing was taken then."""
    flow = await means.desk.read(lambda session: in_browser(linked(session, link, means.clock.now()), browser))
    grants = means.grants_for(flow.provider)
    if not isinstance(grants, Filled) or flow.state not in {FlowState.PROVEN, FlowState.SENT}:
        raise FlowGoneError
    await admitted(means, flow)
    settings = means.providers[flow.provider]
    await grants.tried(settings, typed, means.clock)
    named = grants.returned(settings, typed, hint="", now=means.clock.now())
    place = place_of(flow.provider, flow.organization_id, named.account, named.code)
    if place is not None:
        against = await means.desk.read(lambda session: not_free(session, means, flow, named.account, place))
        if against is not None:
            raise HintError(reasons.said(against, PROVIDERS[flow.provider]))
    url = await granting.go(means, link, browser, "")
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    return await granting.returned(means, flow.provider, [("state", state), *typed], browser)
