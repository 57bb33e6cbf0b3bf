"""The words for everything that has a machine name: providers, states, roles, actions and failures."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from storage.facts.people import Action, Role
from storage.facts.runs import Failure, FailureKind, Missing, Result, Run, RunState, Stage, Trigger
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider, Source
from templates.text import beginning, label, listed

#: Names that are not written as they are called in the code.
_WRITTEN = {
    Provider.QUICKBOOKS: "QuickBooks",
    Provider.NETSUITE: "NetSuite",
    Provider.POCKETADVANTAGE: "PocketAdvantage",
}
PROVIDERS = {provider: _WRITTEN.get(provider, provider.value.capitalize()) for provider in Provider}

#: What a permission of a provider lets Tidings read, by the provider's own name of it.
PERMISSIONS = {
    "read_orders": "orders",
    "read_all_orders": "orders older than 60 days",
    "read_products": "products",
    "read_customers": "customers",
    "read_inventory": "stock",
    "read_shopify_payments_accounts": "the balance of Shopify Payments",
    "read_shopify_payments_payouts": "payouts of Shopify Payments",
    "read_draft_orders": "draft orders",
    "read_discounts": "discounts",
}

FRESHNESS = {
    Freshness.FRESH: "fresh",
    Freshness.LATE: "late",
    Freshness.OVERDUE: "overdue",
    Freshness.NEVER: "no data yet",
}

CONNECTION = {
    ConnectionState.CONNECTED: "connected",
    ConnectionState.ATTENTION: "connected, needs attention",
    ConnectionState.DISCONNECTED: "disconnected",
}

STAGES = {Stage.COLLECTING: "collecting", Stage.PROCESSING: "processing"}

_HUMP = re.compile("(?<=[a-z])(?=[A-Z])")

#: What a run that ended did, after the source's name.
ENDINGS = {RunState.READY: "ready to import", RunState.FAILED: "failed", RunState.CANCELLED: "cancelled"}

#: What a run came to, in one line of the history.
RESULTS = {
    Result.CHANGED: "changed",
    Result.VERIFIED: "verified unchanged: checked, nothing new",
    Result.NOTHING_WAITED: "nothing new had been collected",
    Result.SUSPICIOUS: "suspicious empty",
    Result.PARTIAL: "partial",
    Result.FAILED: "failed",
    Result.CANCELLED: "cancelled",
}

#: What began a run.
TRIGGERS = {
    Trigger.REQUEST: "a person",
    Trigger.SCHEDULE: "the schedule",
    Trigger.FIRST_READ: "first read",
    Trigger.OLDER: "first read, older periods",
}

ROLES = {Role.VIEWER: "viewer", Role.REFRESHER: "refresher", Role.MANAGER: "manager", Role.ADMIN: "admin"}

#: `{metrics}` is what the organization calls them.
ACTIONS = {
    Action.SEE_STATUS: "see the status",
    Action.SEE_HISTORY: "see the history",
    Action.START_REFRESH: "start a refresh",
    Action.CANCEL_REFRESH: "cancel a refresh",
    Action.CONFIRM_EMAIL: "choose where confirmations go",
    Action.ACKNOWLEDGE_ESCALATION: "acknowledge an escalation",
    Action.RETRY_ESCALATED: "retry an escalated refresh",
    Action.CANCEL_ESCALATED: "cancel an escalated refresh",
    Action.LOAD_HELD: "load a read that is held",
    Action.CONNECT: "connect an account",
    Action.DISCONNECT: "disconnect an account",
    Action.ASK_FOR_HELP: "ask for help with a connection",
    Action.SHARE_ANSWER: "share an answer in a channel",
    Action.SEE_MEMBERS: "see who is a member",
    Action.MANAGE_MEMBERS: "change who may do what",
    Action.MANAGE_CHANNELS: "choose the channels where Tidings speaks",
    Action.MANAGE_WEBHOOKS: "manage the webhooks that Tidings sends",
    Action.MANAGE_API_KEYS: "manage the keys of programs",
    Action.MANAGE_DESKTOP: "let QuickBooks Desktop take orders",
    Action.CHANGE_SCHEDULE: "change when data is collected",
    Action.CHANGE_PROMISE: "change how fresh data must be",
    Action.CHANGE_METRICS: "make and change {metrics}",
    Action.NAME_METRICS: "choose what {metrics} are called",
    Action.REREAD: "read data again",
    Action.RUN_EXCHANGE: "run exchanges with PocketAdvantage",
    Action.CHANGE_EXCHANGE: "switch exchanges with PocketAdvantage on and off, or change their mapping",
    Action.ALLOW_ORDERS: "allow orders to be created in QuickBooks",
    Action.HANDLE_INCIDENT: "acknowledge or snooze alarms",
    Action.MUTE_ALARMS: "mute alarms",
    Action.CHANGE_ESCALATION: "choose who is called when a refresh does not end",
    Action.SEE_AUDIT: "see the audit",
    Action.SEND_AGAIN: "have a message sent again",
    Action.SEND_TEST: "send a test message to themselves",
    Action.CHOOSE_MESSAGES: "choose what they are told",
    Action.ASK_FOR_ACCESS: "ask for access to refreshes",
    Action.DECIDE_ACCESS: "decide about access to refreshes",
}


def action_words(action: Action, noun: str = "Metric") -> str:
    """Return what somebody does; `noun` is what the organization calls a metric."""
    return ACTIONS[action].format(metrics=f"{noun.lower()}s")


def permissions(scopes: Sequence[str]) -> str:
    """Return what permissions are for, in words; one without words shows the provider's own name of it."""
    return listed([PERMISSIONS.get(scope) or label(scope) for scope in scopes])


def provider_name(provider: Provider) -> str:
    """Return the provider as people write it; a new one without a name here shows its own."""
    return PROVIDERS.get(provider, str(provider).title())


def stream_words(stream: str) -> str:
    """Return a stream's own name as words: ``JournalEntry`` becomes ``Journal entry``."""
    return _HUMP.sub(" ", stream).replace("_", " ").capitalize()


def source_name(source: Source) -> str:
    """Return provider and account, as one would say it: ``QuickBooks (quickbooks_934…)``, ``NetSuite via bucket``."""
    return account_name(source.provider, source.label)


def account_name(provider: Provider, account: str) -> str:
    """Return the name of a source by its provider and label alone."""
    name, shown = _called(provider, account), label(account)
    return name if name == shown else f"{name} ({shown})"


def _called(provider: Provider, account: str) -> str:
    """Return the provider's name; the label where that begins with it and says how its data comes."""
    name = provider_name(provider)
    return label(account) if account.startswith(f"{name} ") else name


def source_title(source: Source) -> str:
    """Return provider and company, for a heading: ``QuickBooks · Temerity Goods Inc.``."""
    company = label(source.company, empty="")
    return f"{_called(source.provider, source.label)} · {company}" if company else source_name(source)


def short_names(sources: Sequence[Source]) -> dict[str, str]:
    """Return a name per source id: the provider alone where it is the only one of its kind, else with its company."""
    kinds = Counter(source.provider for source in sources)
    titles = long_names(sources)
    return {
        source.id: provider_name(source.provider) if kinds[source.provider] == 1 else titles[source.id]
        for source in sources
    }


def long_names(sources: Sequence[Source]) -> dict[str, str]:
    """Return provider and company per source id; the account as well where two companies have the same name."""
    titles = [source_title(source) for source in sources]
    times = Counter(titles)
    return {
        source.id: title if times[title] == 1 else source_name(source)
        for source, title in zip(sources, titles, strict=True)
    }


def on_timer(source: Source) -> bool:
    """Whether the source is collected by the clock alone, whatever anybody presses."""
    return source.mode is CollectMode.TIMER


@dataclass(frozen=True, slots=True)
class FailureWords:
    """What went wrong, and the one next step."""

    what: str
    next_step: str


#: Codes that can be said better than by their kind. `{name}` is the source, `{admins}` who can act.
_BY_CODE = {
    "invalid_grant": "{provider} no longer accepts the connection.",
    "grant_refused": "{provider} no longer accepts the connection.",
    "token_rejected": "{provider} no longer accepts the connection.",
    "token_refused": "{provider} no longer accepts the connection.",
    "no_refresh_token": "The connection to {provider} has run out and cannot be renewed by us.",
    "scope_missing": "The connection to {provider} lacks a permission that this refresh needs.",
    "throttled": "{provider} asked us to slow down, again and again.",
    "timeout": "{provider} did not answer in time.",
    "connection": "{provider} could not be reached.",
    "unavailable": "{provider} could not be reached or answered with an error of its own.",
    "server_error": "{provider} answered with an error of its own.",
    "token_service": "{provider} could not renew our access just now; its sign-in service did not answer.",
    "report_fatal": "{provider} could not make its report.",
    "report_pending": "{provider} is still making its report.",
    "bulk_pending": "{provider} is still writing its file of these records.",
    "report_cancelled": "{provider} cancelled its report before it began to make it.",
    "shop_frozen": "The shop is frozen until its Shopify bill is paid.",
    "shop_inactive": "The shop is not active at Shopify.",
    "shop_locked": "The shop is locked at Shopify.",
    "storage_failed": "Tidings could not write to its own storage. Nothing that was there before is lost.",
    "unexpected": "Something went wrong in Tidings itself. Nothing that was there before is lost.",
    "write_refused": "Tidings refused to send a change to {provider}: this connection may only read.",
}

#: Codes of one stream whose detail names records and fields of the provider.
_UNREADABLE = frozenset(
    {"record_unreadable", "value_unreadable", "page_unreadable", "report_unreadable", "report_columns"}
)

_BY_KIND = {
    FailureKind.RETRY: "{provider} could not be read, and trying again did not help.",
    FailureKind.RECONNECT: "{provider} no longer accepts the connection.",
    FailureKind.BROKEN: "Something went wrong that trying again does not cure.",
    FailureKind.PARTIAL: "Only a part of {provider} could be read, so its data does not count as refreshed.",
    FailureKind.HELD: "Far fewer rows came than last time, so they were not loaded; nothing was replaced.",
}

_NEXT = {
    FailureKind.RETRY: "Try the refresh again in a while. If it fails again, give support the reference {reference}.",
    FailureKind.RECONNECT: "{admins} can reconnect {name} with /data reconnect. Refresh again after that.",
    FailureKind.BROKEN: "Give support the reference {reference}.",
    FailureKind.PARTIAL: "Try again. If the same part is missing, give support the reference {reference}.",
    FailureKind.HELD: "Check in {provider} whether so much was removed. If so, a manager or an admin can press Load it"
    " anyway; if not, give support the reference {reference}.",
}

#: Codes whose next step is another than that of their kind.
_NEXT_BY_CODE = {
    "scope_missing": "Ask {admins} to reconnect {name} and to allow everything that is asked for, then refresh again.",
    "file_unreadable": "Deliver the file anew, corrected. It is read by itself within half an hour.",
    "far_fewer_rows": "Deliver the file anew, or confirm it as said. It is read by itself within half an hour.",
    "mails_put_aside": "If reports are among them, {admins} can correct the senders or the receiving"
    " server with /data reconnect.",
    "nothing_delivered": "Look whether {provider} sends its files. They are read by themselves within half an hour.",
}


def failure_words(failure: Failure, source: Source, admins: Sequence[str] = ()) -> FailureWords:
    """Return a failure in plain words; an unknown code is said by its kind, never guessed at."""
    fill = {
        "provider": provider_name(source.provider),
        "name": source_name(source),
        "admins": who(admins),
        "reference": failure.reference,
    }
    known = _BY_CODE.get(failure.code)
    seen = label(failure.detail, empty="").rstrip(".")
    what = (known or _BY_KIND[failure.kind]).format(**fill)
    if seen and not known:
        what += f" Seen: {seen}."
    return FailureWords(what, beginning(_NEXT_BY_CODE.get(failure.code, _NEXT[failure.kind]).format(**fill)))


def missing_words(missing: Missing, source: Source) -> str:
    """Return why streams could not be read, in plain words, and what was seen where that helps them."""
    known = _BY_CODE.get(missing.code)
    if known:
        return known.format(provider=provider_name(source.provider))
    if missing.code in _UNREADABLE:
        return f"{provider_name(source.provider)} sent something there that cannot be understood."
    seen = label(missing.detail, empty="").rstrip(".")
    return f"{beginning(seen)}." if seen else _BY_KIND[missing.kind].format(provider=provider_name(source.provider))


def for_support(missing: Missing) -> str:
    """Return what was seen, where it tells support more than the people who read the message; else nothing."""
    return label(missing.detail, empty="").rstrip(".") if missing.code in _UNREADABLE else ""


def who(admins: Sequence[str]) -> str:
    """Return the people who can act, by name where known: ``an admin (Dana Reyes or Sam Ode)``."""
    return f"an admin ({listed(admins, joint='or', most=3)})" if admins else "an admin of your organization"


def run_words(run: Run | None) -> str:
    """Return what a source's run does now, without its numbers: ``nothing running``, ``collecting``."""
    if run is None:
        return "nothing running"
    if run.state is RunState.CANCELLING:
        return "stopping"
    if run.state is RunState.RUNNING and run.waits_turn:
        return "waiting for its turn: other collections of the same company make all the calls allowed at once"
    if run.state is RunState.RUNNING:
        return STAGES[run.stage] if run.stage else "starting"
    return ENDINGS.get(run.state, str(run.state))
