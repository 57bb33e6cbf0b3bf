"""Behind the scenes of the demo: a small page, and the same over HTTP, to let time pass and things go wrong.

`POST /act {"act": …, "minutes": …, "provider": …}` answers JSON; the page's buttons are plain forms of the same.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.backstage_page import Scene, draw_page
from sandbox.delivering import Delivering
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.providers.amazon import Amazon
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.shopify import Shopify
from sandbox.world import Sandbox

_MOST_MINUTES = 60 * 24 * 40


class UnknownActError(ValueError):
    """There is no such thing to do; the text lists what there is."""


class Backstage:
    """What can be done behind the scenes, by name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._delivering = Delivering(sandbox.bucket)
        self._done = ""
        self._acts: Mapping[str, Callable[[Mapping[str, str]], str]] = {
            "pass": self._pass,
            "business": self._business,
            "hang": self._hang,
            "slow": self._slow,
            "revoke": self._revoke,
            "uninstall": self._uninstall,
            "changed": self._changed,
            "redact": self._redact,
            "withhold": self._withhold,
            "deliver": lambda _: self._delivering.file(),
            "mail_report": lambda _: self._delivering.mail(),
            "suspend": self._suspend,
            "leave_slack": self._leave_slack,
            "slack_down": self._slack_down,
            "mail_down": self._mail_down,
            "behave": self._behave,
        }

    def app(self) -> Starlette:
        """Return the page and its one route for acts."""
        return Starlette(routes=[Route("/", self._page), Route("/act", self._act, methods=["POST"])])

    def act(self, name: str, wishes: Mapping[str, str]) -> str:
        """Do it and say what was done (UnknownActError, ValueError)."""
        if name not in self._acts:
            raise UnknownActError(f"there is no {name!r}; there is {', '.join(self._acts)}")
        self._done = self._acts[name](wishes)
        return self._done

    def _pass(self, wishes: Mapping[str, str]) -> str:
        minutes = int(wishes.get("minutes", "60"))
        if not 0 < minutes <= _MOST_MINUTES:
            raise ValueError(f"minutes must be between 1 and {_MOST_MINUTES}")
        self._sandbox.pass_time(timedelta(minutes=minutes))
        return f"{minutes} minutes passed; the clock says {self._clock()}"

    def _business(self, _: Mapping[str, str]) -> str:
        self._sandbox.business(new=3, changed=5, deleted=1)
        return "new, changed and deleted records at both providers"

    def _hang(self, wishes: Mapping[str, str]) -> str:
        name, provider = self._provider(wishes)
        provider.script.add(Rule(Kind.HANG, times=None, accept=False))
        return f"{name} takes requests and never answers"

    def _slow(self, wishes: Mapping[str, str]) -> str:
        name, provider = self._provider(wishes)
        provider.script.add(Rule(Kind.LATENCY, times=None, seconds=3.0))
        return f"{name} answers 3 seconds late"

    def _revoke(self, wishes: Mapping[str, str]) -> str:
        name, provider = self._provider(wishes)
        for account in provider.names():
            provider.revoke(account)
        return f"the access to {name} was taken back"

    def _uninstall(self, wishes: Mapping[str, str]) -> str:
        """Uninstall the app in one shop; Shopify tells the product by a webhook."""
        shop = self._shop(wishes)
        self._sandbox.shopify.revoke(shop)
        self._sandbox.tell("shopify", {"topic": "app/uninstalled", "account": shop})
        return f"the app was uninstalled in {shop}, and Tidings is told by webhook"

    def _changed(self, _: Mapping[str, str]) -> str:
        """Change records at Intuit and tell the product of them."""
        change = self._sandbox.quickbooks.mutate(catalogue.REALM, seed=self._sandbox.draw(), new=1, changed=1)
        events = [
            {"realm": catalogue.REALM, "entity": entity, "id": id_, "operation": operation}
            for operation, which in (("Create", change["new"]), ("Update", change["changed"]))
            for entity, id_ in which
        ]
        self._sandbox.tell("quickbooks", {"events": events})
        return "records changed in QuickBooks, and Tidings is told by webhook"

    def _redact(self, wishes: Mapping[str, str]) -> str:
        """Let a customer of a shop ask to be forgotten."""
        shop = self._shop(wishes)
        self._sandbox.tell("shopify", {"topic": "customers/redact", "account": shop})
        return f"a customer of {shop} asks to be forgotten"

    def _withhold(self, wishes: Mapping[str, str]) -> str:
        """Let the next consent at Shopify leave out a scope."""
        scope = wishes.get("scope", "read_customers")
        self._sandbox.shopify.oauth.withheld = frozenset({scope})
        return f"the next consent at Shopify leaves out {scope}"

    def _suspend(self, _: Mapping[str, str]) -> str:
        for seller in self._sandbox.amazon.sellers.values():
            seller.state = "suspended"
        return "the seller accounts are suspended: Amazon refuses every call"

    def _leave_slack(self, wishes: Mapping[str, str]) -> str:
        team = wishes.get("team", "T0TEMERITY")
        if not self._sandbox.slack.app.serves(team):
            raise ValueError(f"the app is not installed in {team}")
        self._sandbox.start(self._sandbox.slack.uninstall(team))
        return f"Tidings was uninstalled from {self._sandbox.slack.world.teams[team].name}"

    def _slack_down(self, _: Mapping[str, str]) -> str:
        self._sandbox.slack.lie("*", "server_error", status=503, times=None)
        return "Slack answers 503"

    def _mail_down(self, _: Mapping[str, str]) -> str:
        self._sandbox.mail.lie("tempfail", times=None)
        return "the mail server says: try again later"

    def _behave(self, _: Mapping[str, str]) -> str:
        for provider in (self._sandbox.quickbooks, self._sandbox.shopify, self._sandbox.amazon):
            provider.script.clear()
        self._sandbox.shopify.oauth.withheld = frozenset()
        for seller in self._sandbox.amazon.sellers.values():
            seller.state = "active"
        self._sandbox.slack.stop_lying()
        self._sandbox.mail.stop_lying()
        return "everybody behaves"

    def _provider(self, wishes: Mapping[str, str]) -> tuple[str, QuickBooks | Shopify | Amazon]:
        name = wishes.get("provider", "")
        known: dict[str, QuickBooks | Shopify | Amazon] = {
            "quickbooks": self._sandbox.quickbooks,
            "shopify": self._sandbox.shopify,
            "amazon": self._sandbox.amazon,
        }
        if name not in known:
            raise UnknownActError(f"provider must be one of {', '.join(known)}")
        return name, known[name]

    def _shop(self, wishes: Mapping[str, str]) -> str:
        shop = wishes.get("account", catalogue.SHOP)
        if shop not in self._sandbox.shopify.shops:
            raise ValueError(f"account must be one of {', '.join(self._sandbox.shopify.shops)}")
        return shop

    def _clock(self) -> str:
        return self._sandbox.clock.now().strftime("%Y-%m-%d %H:%M UTC")

    async def _act(self, request: Request) -> Response:
        from_page = not request.headers.get("content-type", "").startswith("application/json")
        try:
            wishes = await _wishes(request)
            done = self.act(wishes.get("act", ""), wishes)
        except (UnknownActError, ValueError) as mistake:
            return Response(f"{mistake}\n", 400, media_type="text/plain")
        if from_page:
            return RedirectResponse("/", 303)
        return Response(msgspec.json.encode({"done": done, "clock": self._clock()}), media_type="application/json")

    async def _page(self, _: Request) -> Response:
        sandbox = self._sandbox
        held = {
            name: _held(provider)
            for name, provider in (("QuickBooks", sandbox.quickbooks), ("Shopify", sandbox.shopify),
                                   ("Amazon", sandbox.amazon))
        }  # fmt: skip
        return draw_page(
            Scene(
                self._clock(),
                sandbox.slack.url,
                self._done,
                held,
                sandbox.shopify.names(),
                _manage(sandbox),
                self._delivering.how(sandbox.bucket_url),
            )
        )


def _manage(sandbox: Sandbox) -> tuple[tuple[str, str], ...]:
    return tuple((region.upper(), f"{url}/apps/manage") for region, url in sandbox.amazon_urls.items())


def _held(provider: QuickBooks | Shopify | Amazon) -> str:
    """Say to which accounts the product has access now."""
    names = provider.names()
    oauth = provider.oauth
    alive = [name for account, name in names.items() if any(not grant.revoked for grant in oauth.grants(account))]
    return f"has access to {', '.join(alive)}" if alive else "has no access"


async def _wishes(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found = msgspec.json.decode(await request.body(), type=dict[str, str | int])
        return {key: str(value) for key, value in found.items()}
    form = await request.form()
    return {key: str(value) for key, value in form.items()}
