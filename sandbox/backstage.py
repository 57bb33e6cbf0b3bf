"""Behind the scenes of the demo: a small page, and the same over HTTP, to let time pass and things go wrong.

`POST /act {"act": …, "minutes": …, "provider": …}` answers JSON; the page's buttons are plain forms of the same.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from html import escape

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.shopify import Shopify
from sandbox.world import Sandbox

_MOST_MINUTES = 60 * 24 * 40
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class UnknownActError(ValueError):
    """There is no such thing to do; the text lists what there is."""


class Backstage:
    """What can be done behind the scenes, by name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._done = ""
        self._acts: Mapping[str, Callable[[Mapping[str, str]], str]] = {
            "pass": self._pass,
            "business": self._business,
            "hang": self._hang,
            "slow": self._slow,
            "revoke": self._revoke,
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
        provider.revoke(catalogue.REALM if name == "quickbooks" else catalogue.SHOP)
        return f"the access to {name} was taken back"

    def _slack_down(self, _: Mapping[str, str]) -> str:
        self._sandbox.slack.lie("*", "server_error", status=503, times=None)
        return "Slack answers 503"

    def _mail_down(self, _: Mapping[str, str]) -> str:
        self._sandbox.mail.lie("tempfail", times=None)
        return "the mail server says: try again later"

    def _behave(self, _: Mapping[str, str]) -> str:
        for provider in (self._sandbox.quickbooks, self._sandbox.shopify):
            provider.script.clear()
        self._sandbox.slack.stop_lying()
        self._sandbox.mail.stop_lying()
        return "everybody behaves"

    def _provider(self, wishes: Mapping[str, str]) -> tuple[str, QuickBooks | Shopify]:
        name = wishes.get("provider", "")
        known: dict[str, QuickBooks | Shopify] = {
            "quickbooks": self._sandbox.quickbooks,
            "shopify": self._sandbox.shopify,
        }
        if name not in known:
            raise UnknownActError(f"provider must be one of {', '.join(known)}")
        return name, known[name]

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
        done = f'<p class="done" role="status">Done: {escape(self._done)}.</p>' if self._done else ""
        body = _PAGE.format(
            clock=escape(self._clock()), slack=escape(self._sandbox.slack.url), done=done, forms=_forms()
        )
        return HTMLResponse(body, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


async def _wishes(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found = msgspec.json.decode(await request.body(), type=dict[str, str | int])
        return {key: str(value) for key, value in found.items()}
    form = await request.form()
    return {key: str(value) for key, value in form.items()}


_BUTTONS: tuple[tuple[str, tuple[tuple[str, dict[str, str]], ...]], ...] = (
    ("Time", (
        ("15 minutes pass", {"act": "pass", "minutes": "15"}),
        ("1 hour passes", {"act": "pass", "minutes": "60"}),
        ("3 hours pass", {"act": "pass", "minutes": "180"}),
    )),
    ("Business", (("Let things happen now", {"act": "business"}),)),
    ("QuickBooks", (
        ("never answers", {"act": "hang", "provider": "quickbooks"}),
        ("answers slowly", {"act": "slow", "provider": "quickbooks"}),
        ("takes the access back", {"act": "revoke", "provider": "quickbooks"}),
    )),
    ("Shopify", (
        ("never answers", {"act": "hang", "provider": "shopify"}),
        ("answers slowly", {"act": "slow", "provider": "shopify"}),
        ("takes the access back", {"act": "revoke", "provider": "shopify"}),
    )),
    ("Slack and mail", (
        ("Slack is down", {"act": "slack_down"}),
        ("the mail server refuses for now", {"act": "mail_down"}),
    )),
    ("Enough", (("everybody behaves again", {"act": "behave"}),)),
)  # fmt: skip


def _forms() -> str:
    return "".join(
        f"<h2>{escape(title)}</h2><div>" + "".join(_form(words, wishes) for words, wishes in buttons) + "</div>"
        for title, buttons in _BUTTONS
    )


def _form(words: str, wishes: Mapping[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in wishes.items())
    return f'<form method="post" action="/act">{hidden}<button>{escape(words)}</button></form>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Behind the scenes</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
:root {{ --paper: light-dark(#fffdfa, #1b1d1e); --sheet: light-dark(#ffffff, #222527);
  --ink: light-dark(#1d2327, #e8e6e1); --soft: light-dark(#646c70, #a2a9ac); --line: light-dark(#e6e2d8, #34393b);
  --accent: light-dark(#0f5c57, #5fc2b4); --wash: light-dark(#e3efec, #1e3431) }}
body {{ font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; max-width: 42rem;
  margin: 2rem auto; padding: 0 1rem; background: var(--paper); color: var(--ink) }}
h1 {{ font-size: 1.4rem; margin: 0 0 .5rem }}
h2 {{ font-size: .9rem; font-weight: 600; color: var(--soft); margin: 1.4rem 0 .4rem }}
a {{ color: var(--accent) }}
div {{ display: flex; flex-wrap: wrap; gap: .5rem }}
button {{ font: inherit; font-weight: 600; font-size: .95rem; padding: .35rem .9rem; border-radius: .5rem;
  cursor: pointer; border: 1px solid var(--line); background: var(--sheet); color: var(--ink) }}
button:hover {{ border-color: var(--accent); background: var(--wash) }}
.done {{ background: var(--wash); color: var(--accent); padding: .5rem .9rem; border-radius: .5rem }}
</style></head><body>
<h1>Behind the scenes</h1>
<p>The clock of the demo says <strong>{clock}</strong>. <a href="{slack}/">To the workspace</a></p>
<p>To see an escalation: let Shopify never answer, ask for <code>/data refresh shopify</code>, confirm, then let three
hours pass. The post is in #data-support (act as Sam Keller).</p>
{done}{forms}
</body></html>
"""
