"""The page behind the scenes: switches in plain words, grouped by whom they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


@dataclass(frozen=True, slots=True)
class Scene:
    """What the page shows."""

    clock: str
    slack: str
    #: what was done last
    done: str
    #: what the product may read at each provider, in words
    held: Mapping[str, str]
    #: names of the shops by domain
    shops: Mapping[str, str]
    #: Seller Central's "Manage your apps": region and address
    seller_centrals: tuple[tuple[str, str], ...]
    #: how NetSuite's files are connected
    files: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """One button: its words, and the act that it is."""

    words: str
    wishes: Mapping[str, str]
    #: set apart: it takes something away
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Buttons about one thing."""

    title: str
    switches: tuple[Switch, ...]
    note: str = ""
    #: words and address
    links: tuple[tuple[str, str], ...] = ()


def draw_page(scene: Scene) -> HTMLResponse:
    """Return the page."""
    done = f'<p class="done" role="status">Done: {escape(scene.done)}.</p>' if scene.done else ""
    body = _PAGE.format(
        clock=escape(scene.clock), slack=escape(scene.slack), done=done,
        groups="".join(_group(group) for group in groups(scene)),
    )  # fmt: skip
    return HTMLResponse(body, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def groups(scene: Scene) -> tuple[Group, ...]:
    """Return all switches."""
    return (
        Group("Time", (
            Switch("15 minutes pass", {"act": "pass", "minutes": "15"}),
            Switch("1 hour passes", {"act": "pass", "minutes": "60"}),
            Switch("3 hours pass", {"act": "pass", "minutes": "180"}),
            Switch("1 day passes", {"act": "pass", "minutes": "1440"}),
        )),
        Group("Business", (Switch("Let things happen now", {"act": "business"}),)),
        Group("QuickBooks", (
            Switch("Disconnect QuickBooks at Intuit's side", {"act": "revoke", "provider": "quickbooks"}, grave=True),
            Switch("Change records and tell Tidings", {"act": "changed"}),
            *_weather("quickbooks"),
        ), _note(scene, "QuickBooks")),
        Group("Shopify", (
            *(Switch(f"Uninstall the app in {name}", {"act": "uninstall", "account": shop}, grave=True)
              for shop, name in scene.shops.items()),
            Switch("Take the access back without a word", {"act": "revoke", "provider": "shopify"}, grave=True),
            Switch("A customer asks to be forgotten", {"act": "redact"}),
            Switch("The next consent leaves out customers", {"act": "withhold", "scope": "read_customers"}),
            *_weather("shopify"),
        ), _note(scene, "Shopify")),
        Group("Amazon", (
            Switch("Withdraw the authorization in Seller Central", {"act": "revoke", "provider": "amazon"},
                   grave=True),
            Switch("Suspend the seller accounts", {"act": "suspend"}, grave=True),
            *_weather("amazon"),
        ), _note(scene, "Amazon"),
              tuple((f"Seller Central {region}: manage your apps", url) for region, url in scene.seller_centrals)),
        Group("NetSuite", (
            Switch("Deliver the general ledger to the bucket", {"act": "deliver"}),
            Switch("Mail the general ledger as a report", {"act": "mail_report"}),
        ), scene.files),
        Group("Slack and mail", (
            Switch("Uninstall Tidings from Temerity Goods' workspace", {"act": "leave_slack"}, grave=True),
            Switch("Slack is down", {"act": "slack_down"}),
            Switch("The mail server refuses for now", {"act": "mail_down"}),
        )),
        Group("Enough", (Switch("Everybody behaves again", {"act": "behave"}),),
              "Ends troubles. It does not bring back an access that was taken: reconnect it in Tidings."),
    )  # fmt: skip


def _note(scene: Scene, name: str) -> str:
    return f"Tidings {scene.held.get(name, 'has no access')}."


def _weather(provider: str) -> tuple[Switch, Switch]:
    return (
        Switch("It never answers", {"act": "hang", "provider": provider}),
        Switch("It answers slowly", {"act": "slow", "provider": provider}),
    )


def _group(group: Group) -> str:
    note = f"<p>{escape(group.note)}</p>" if group.note else ""
    links = " · ".join(f'<a href="{escape(url)}">{escape(words)}</a>' for words, url in group.links)
    more = f'<p class="links">{links}</p>' if links else ""
    forms = "".join(map(_form, group.switches))
    return f"<section><h2>{escape(group.title)}</h2>{note}<div>{forms}</div>{more}</section>"


def _form(switch: Switch) -> str:
    hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in switch.wishes.items())
    mark = ' class="grave"' if switch.grave else ""
    return f'<form method="post" action="/act">{hidden}<button{mark}>{escape(switch.words)}</button></form>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Behind the scenes</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
:root {{ --paper: light-dark(#fffdfa, #1b1d1e); --sheet: light-dark(#ffffff, #222527);
  --ink: light-dark(#1d2327, #e8e6e1); --soft: light-dark(#646c70, #a2a9ac); --line: light-dark(#e6e2d8, #34393b);
  --accent: light-dark(#0f5c57, #5fc2b4); --wash: light-dark(#e3efec, #1e3431);
  --danger: light-dark(#b3352a, #f0887c); --danger-wash: light-dark(#fbe9e6, #3a2220) }}
body {{ font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; background: var(--paper); color: var(--ink) }}
h1 {{ font-size: 1.4rem; margin: 0 0 .5rem }}
h2 {{ font-size: 1rem; font-weight: 650; margin: 0 }}
a {{ color: var(--accent) }}
section {{ margin-top: .8rem; padding: .9rem 1rem 1rem; border: 1px solid var(--line); border-radius: .8rem;
  background: var(--sheet) }}
section p {{ margin: .1rem 0 0; font-size: .9rem; color: var(--soft) }}
div {{ display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .6rem }}
button {{ font: inherit; font-weight: 600; font-size: .95rem; padding: .35rem .9rem; border-radius: .5rem;
  cursor: pointer; border: 1px solid var(--line); background: var(--sheet); color: var(--ink); text-align: left }}
button:hover {{ border-color: var(--accent); background: var(--wash) }}
section .links {{ margin-top: .6rem }}
.grave {{ color: var(--danger) }}
.grave:hover {{ border-color: var(--danger); background: var(--danger-wash) }}
.done {{ background: var(--wash); color: var(--accent); padding: .5rem .9rem; border-radius: .5rem }}
</style></head><body>
<h1>Behind the scenes</h1>
<p>The clock of the demo says <strong>{clock}</strong>. <a href="{slack}/">To the workspace</a></p>
<p>To see an escalation: let Shopify never answer, ask for <code>/data refresh shopify</code>, confirm, then let three
hours pass. The post is in #data-support (act as Sam Keller).</p>
<p>To see a reconnect: disconnect QuickBooks below, wait for the warning in #finance, and press its button as Daniel
Kim.</p>
{done}{groups}
</body></html>
"""
