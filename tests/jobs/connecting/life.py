"""One step of a flow in a process of its own, which dies where it is told to."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.base import ProviderSettings
from connectors.grants import Grants, Pairs
from connectors.slack_signin import SlackApp
from jobs.connecting.marks import hash_of
from jobs.connecting.means import Means
from jobs.connecting.service import ConnectService
from jobs.connecting.views import Connected
from jobs.crashpoints import crash_point
from jobs.desk import Desk
from jobs.errors import RequestError
from storage.facts.clock import OffsetClock
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.seal import Seal
from storage.sessions import Database, open_database
from tests.jobs.connecting.openid import SECRET
from tests.jobs.connecting.pretend import PretendProvider
from tests.jobs.connecting.stage import PEOPLE, make_means, rewrite


class EndsFirst(ConnectService):
    """A twin whose yes is two transactions: the flow is over before the grant is stored."""

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        rewrite(self._means.database, flow_id, state=FlowState.DONE, grant=None)
        self._means.checkpoint("flow.confirming")
        return await super().confirm(browser, flow_id=flow_id, as_new=as_new)


async def step(plan: dict[str, Any]) -> None:
    database = open_database(plan["url"])
    clock = OffsetClock()
    clock.advance(timedelta(seconds=plan.get("late", 0)))
    means = make_means(
        database,
        Desk(plan["url"]),
        clock,
        Seal([Secret(plan["key"])]),
        PretendProvider(Path(plan["folder"])),
        [],
        dict.fromkeys(PEOPLE, True),
        slack=SlackApp(plan["slack"][1], Secret(SECRET), plan["slack"][0]) if plan["slack"] else None,
        checkpoint=_checkpoint(plan, database),
    )
    if plan["step"] == "fill":
        means = with_form(means, plan["bucket"])
    service = (EndsFirst if plan["twin"] == "ends first" else ConnectService)(means)
    with suppress(RequestError):
        await _call(service, plan["step"], plan["browser"], plan["arguments"])


def with_form(means: Means, bucket: str, grants: Grants | None = None) -> Means:
    """Let the form of delivered files be the only way, to a bucket at that address."""
    from connectors.netsuite.grant import NetSuiteGrants

    settings = ProviderSettings("", Secret(""), "", "", "", endpoints=(bucket,), place="files")
    return replace(
        means,
        grants_for=lambda _provider: grants or NetSuiteGrants(),
        providers={**means.providers, Provider.NETSUITE: settings},
    )


async def filled_and_confirmed(service: ConnectService, link: Secret, browser: Secret, typed: Pairs) -> None:
    view = await service.fill(link, browser, typed)
    await service.confirm(browser, flow_id=view.id)


async def _call(service: ConnectService, step: str, browser: str, arguments: list[Any]) -> None:
    cookie = Secret(browser)
    match step:
        case "send_code" | "sign_in":
            await getattr(service, step)(Secret(arguments[0]), cookie)
        case "prove_code":
            await service.prove_code(Secret(arguments[0]), cookie, arguments[1])
        case "signed_in":
            await service.signed_in(arguments[0], cookie)
        case "go":
            await service.go(Secret(arguments[0]), cookie)
        case "returned":
            await service.returned(Provider.SHOPIFY, arguments[0], cookie)
        case "confirm" | "give_up":
            await getattr(service, step)(cookie, flow_id=arguments[0])
        case "fill":
            await filled_and_confirmed(service, Secret(arguments[0]), cookie, arguments[1])
        case "sweep":
            await service.sweep()


def _checkpoint(plan: dict[str, Any], database: Database) -> Callable[[str], None]:
    def checkpoint(name: str) -> None:
        if plan["twin"] == "claims late" and name == "flow.exchanged":
            # A twin that takes the state only once the exchange is over: at this point it would still be there.
            state = dict(plan["arguments"][0])["state"]
            rewrite(database, plan["flow"], state_hash=hash_of("state", Secret(state)))
        crash_point(name)

    return checkpoint
