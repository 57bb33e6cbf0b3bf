"""The dispatch table: all that Slack can ask of us, each with the right that it needs. What is not here is denied."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot import (
    access,
    actions,
    answering,
    audit,
    channels,
    commands,
    connections,
    disconnecting,
    escalations,
    exchange,
    exchange_mapping,
    exchange_writing,
    feedback,
    handing_out,
    home,
    hooks,
    incidents,
    keys,
    landed,
    metric_forms,
    mutes,
    notify,
    numbers,
    own,
    page_links,
    promises,
    prompting,
    receipts,
    refreshing,
    rereads,
    rows,
    schedules,
    share,
    shortcuts,
    telling,
    why,
)
from bot import help as help_
from bot import members as people
from bot.case import Case
from bot.interaction import Interaction, Kind
from bot.questions import Intent, Question
from bot.reply import Reply
from jobs.authorize import SUPPORT, authorize, authorize_support
from jobs.errors import NotAllowedError
from storage.facts.people import Action, Actor
from templates import actions as buttons
from templates.slack import action_name

Handler = Callable[[Case], Awaitable[Reply]]

COMMANDS = frozenset({Kind.COMMAND})
SPOKEN = frozenset({Kind.COMMAND, Kind.MENTION, Kind.DIRECT})
CLICKED = frozenset({Kind.ACTION})
SENT = frozenset({Kind.SUBMIT})
TYPED = frozenset({Kind.SEARCH})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be asked for, where, and the right that it needs before its handler runs."""

    handler: Handler
    needs: Action
    surfaces: frozenset[Kind]
    #: only written down now; the role is read again with the effect
    rechecked: bool = False


def table() -> Mapping[str, Entry]:
    """Return the whole table, by `surface:name`."""
    spoken = {
        Intent.QUESTION: Entry(answering.question, Action.SEE_STATUS, SPOKEN),
        Intent.STATUS: Entry(commands.status, Action.SEE_STATUS, COMMANDS),
        Intent.REFRESH: Entry(commands.refresh, Action.START_REFRESH, COMMANDS),
        Intent.HISTORY: Entry(commands.history, Action.SEE_HISTORY, COMMANDS),
        Intent.HELP: Entry(commands.help_, Action.SEE_STATUS, COMMANDS),
        Intent.CONNECT: Entry(connections.connect, Action.CONNECT, COMMANDS),
        Intent.RECONNECT: Entry(connections.reconnect, Action.CONNECT, COMMANDS),
        Intent.DISCONNECT: Entry(disconnecting.disconnect, Action.DISCONNECT, COMMANDS),
        Intent.AUDIT: Entry(audit.audit, Action.SEE_AUDIT, COMMANDS),
        Intent.WEBHOOKS: Entry(hooks.webhooks, Action.MANAGE_WEBHOOKS, COMMANDS),
        Intent.API: Entry(keys.api, Action.MANAGE_API_KEYS, COMMANDS),
        Intent.RECEIPT: Entry(receipts.receipt, Action.SEE_HISTORY, COMMANDS),
        Intent.DELIVERIES: Entry(telling.deliveries, Action.SEE_HISTORY, COMMANDS),
        Intent.NOTIFY: Entry(notify.notify, Action.CHOOSE_MESSAGES, COMMANDS),
        Intent.LANDED: Entry(landed.landed, Action.SEE_STATUS, COMMANDS),
        Intent.WHY: Entry(why.why, Action.SEE_STATUS, COMMANDS),
        Intent.MEMBERS: Entry(people.members, Action.SEE_MEMBERS, COMMANDS),
        Intent.CHANNEL: Entry(channels.channel, Action.SEE_STATUS, COMMANDS),
        Intent.SCHEDULE: Entry(schedules.schedule, Action.SEE_STATUS, COMMANDS),
        Intent.PROMISE: Entry(promises.promise, Action.SEE_STATUS, COMMANDS),
        Intent.METRICS: Entry(numbers.metrics, Action.SEE_STATUS, COMMANDS),
        Intent.METRIC: Entry(numbers.metric, Action.SEE_STATUS, COMMANDS),
        Intent.ESCALATION: Entry(escalations.escalation, Action.CHANGE_ESCALATION, COMMANDS),
        Intent.SNOOZE: Entry(incidents.snooze_words, Action.HANDLE_INCIDENT, COMMANDS),
        Intent.MUTE: Entry(mutes.mute, Action.SEE_STATUS, COMMANDS),
        Intent.REREAD: Entry(rereads.reread, Action.REREAD, COMMANDS),
        Intent.EXCHANGE: Entry(exchange.exchange, Action.SEE_STATUS, COMMANDS),
        Intent.UNKNOWN: Entry(commands.unknown, Action.SEE_STATUS, COMMANDS),
    }
    clicked = {
        buttons.REFRESH_ASK: Entry(actions.ask, Action.START_REFRESH, CLICKED),
        buttons.FEEDBACK_UP: Entry(feedback.up, Action.SEE_STATUS, CLICKED),
        buttons.FEEDBACK_DOWN: Entry(feedback.down, Action.SEE_STATUS, CLICKED),
        buttons.REFRESH_FORM: Entry(refreshing.choose, Action.START_REFRESH, CLICKED),
        buttons.REFRESH_CONFIRM: Entry(actions.start, Action.START_REFRESH, CLICKED, rechecked=True),
        buttons.REFRESH_STALE: Entry(actions.start, Action.START_REFRESH, CLICKED, rechecked=True),
        buttons.REFRESH_DISMISS: Entry(actions.dismiss, Action.SEE_STATUS, CLICKED),
        buttons.REFRESH_CANCEL: Entry(actions.cancel, Action.CANCEL_REFRESH, CLICKED),
        buttons.HELD_ASK: Entry(actions.held_ask, Action.LOAD_HELD, CLICKED),
        buttons.HELD_LOAD: Entry(actions.held_load, Action.LOAD_HELD, CLICKED),
        buttons.MISSING_RETRY: Entry(actions.missing_retry, Action.START_REFRESH, CLICKED),
        buttons.METRIC_WHY: Entry(why.metric_pressed, Action.SEE_STATUS, CLICKED),
        buttons.METRIC_LIST: Entry(numbers.metrics, Action.SEE_STATUS, CLICKED),
        buttons.METRIC_SHOW: Entry(numbers.pressed, Action.SEE_STATUS, CLICKED),
        buttons.METRIC_FILE: Entry(handing_out.pressed, Action.SEE_STATUS, CLICKED),
        buttons.PAGE_LINK: Entry(page_links.pressed, Action.SEE_STATUS, CLICKED),
        buttons.METRIC_MAKE: Entry(numbers.made, Action.CHANGE_METRICS, CLICKED),
        buttons.METRIC_FORM: Entry(metric_forms.opened, Action.CHANGE_METRICS, CLICKED),
        buttons.METRIC_CHANGE: Entry(metric_forms.changing, Action.CHANGE_METRICS, CLICKED),
        buttons.METRIC_TURN: Entry(metric_forms.turned, Action.CHANGE_METRICS, CLICKED),
        buttons.METRIC_MORE: Entry(metric_forms.turned, Action.CHANGE_METRICS, CLICKED),
        buttons.METRIC_DELETE: Entry(metric_forms.deleted, Action.CHANGE_METRICS, CLICKED),
        buttons.PROMISE_SET: Entry(promises.confirmed, Action.CHANGE_PROMISE, CLICKED),
        buttons.SCHEDULE_SET: Entry(schedules.confirmed, Action.CHANGE_SCHEDULE, CLICKED),
        buttons.REREAD_START: Entry(rereads.confirmed, Action.REREAD, CLICKED),
        buttons.EXCHANGE_MAP: Entry(exchange.mapped, Action.SEE_STATUS, CLICKED),
        buttons.EXCHANGE_SHOW: Entry(exchange.shown, Action.SEE_STATUS, CLICKED),
        buttons.EXCHANGE_START: Entry(exchange.started, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_DRY: Entry(exchange.dry, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_PAUSE: Entry(exchange.paused, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_RESUME: Entry(exchange.resumed, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_ON: Entry(exchange.switched_on, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.EXCHANGE_OFF: Entry(exchange.switched_off, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.EXCHANGE_RELEASE: Entry(exchange.released, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_DISCARD: Entry(exchange.discarded, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_VERSIONS: Entry(exchange.files, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_RESTORE: Entry(exchange.restored, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_COMPANY: Entry(exchange.company_chosen, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.EXCHANGE_ALLOW: Entry(exchange_writing.allowed, Action.ALLOW_ORDERS, CLICKED),
        buttons.EXCHANGE_FORBID: Entry(exchange_writing.forbidden, Action.ALLOW_ORDERS, CLICKED),
        buttons.EXCHANGE_ORDER_AGAIN: Entry(exchange.ordered_again, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_REPLAY: Entry(exchange.replayed, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_RESEND: Entry(exchange.sent_again, Action.RUN_EXCHANGE, CLICKED),
        buttons.EXCHANGE_SCHEDULE: Entry(exchange.scheduled, Action.RUN_EXCHANGE, CLICKED),
        buttons.MAPPING_SHOW: Entry(exchange_mapping.shown, Action.SEE_STATUS, CLICKED),
        buttons.MAPPING_VERSIONS: Entry(exchange_mapping.versions, Action.SEE_STATUS, CLICKED),
        buttons.MAPPING_FORM: Entry(exchange_mapping.opened, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.MAPPING_LOOK: Entry(exchange_mapping.compared, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.MAPPING_SET: Entry(exchange_mapping.taken, Action.CHANGE_EXCHANGE, CLICKED),
        buttons.ACCESS_ASK: Entry(access.ask, Action.ASK_FOR_ACCESS, CLICKED),
        buttons.ACCESS_APPROVE: Entry(access.approve, Action.DECIDE_ACCESS, CLICKED),
        buttons.ACCESS_DECLINE: Entry(access.decline, Action.DECIDE_ACCESS, CLICKED),
        buttons.ESCALATION_ACKNOWLEDGE: Entry(actions.acknowledge, Action.ACKNOWLEDGE_ESCALATION, CLICKED),
        buttons.ESCALATION_RETRY: Entry(actions.retry_escalated, Action.RETRY_ESCALATED, CLICKED),
        buttons.ESCALATION_CANCEL: Entry(actions.cancel_escalated, Action.CANCEL_ESCALATED, CLICKED),
        buttons.INCIDENT_ACKNOWLEDGE: Entry(incidents.acknowledge, Action.HANDLE_INCIDENT, CLICKED),
        buttons.INCIDENT_SNOOZE_ASK: Entry(incidents.ask, Action.HANDLE_INCIDENT, CLICKED),
        buttons.INCIDENT_SNOOZE: Entry(incidents.snooze, Action.HANDLE_INCIDENT, CLICKED),
        buttons.POLICY_SET: Entry(escalations.confirmed, Action.CHANGE_ESCALATION, CLICKED),
        buttons.MUTE_SET: Entry(mutes.confirmed, Action.MUTE_ALARMS, CLICKED),
        buttons.EMAIL_YES: Entry(actions.email_yes, Action.CONFIRM_EMAIL, CLICKED),
        buttons.EMAIL_NO: Entry(actions.email_no, Action.CONFIRM_EMAIL, CLICKED),
        buttons.CONNECT_ASK: Entry(connections.connect, Action.CONNECT, CLICKED),
        buttons.CONNECT: Entry(connections.picked, Action.CONNECT, CLICKED),
        buttons.RECONNECT: Entry(connections.reconnect_picked, Action.CONNECT, CLICKED),
        buttons.CONNECTION_HELP: Entry(help_.ladder, Action.ASK_FOR_HELP, CLICKED),
        buttons.CONNECTION_TEST: Entry(help_.test, Action.ASK_FOR_HELP, CLICKED),
        buttons.CONNECTION_TICKET: Entry(help_.ticket, Action.ASK_FOR_HELP, CLICKED),
        buttons.DISCONNECT: Entry(disconnecting.asked, Action.DISCONNECT, CLICKED),
        buttons.DISCONNECT_FORM: Entry(disconnecting.form, Action.DISCONNECT, CLICKED),
        buttons.DELIVERIES: Entry(telling.pressed, Action.SEE_HISTORY, CLICKED),
        buttons.AGAIN_MAIL: Entry(telling.by_mail, Action.SEND_AGAIN, CLICKED),
        buttons.AGAIN_SLACK: Entry(telling.by_slack, Action.SEND_AGAIN, CLICKED),
        buttons.NOTIFY_FORM: Entry(own.opened, Action.CHOOSE_MESSAGES, CLICKED),
        buttons.NOTIFY_ABOUT: Entry(own.turned, Action.CHOOSE_MESSAGES, CLICKED),
        buttons.NOTIFY_TEST: Entry(telling.test, Action.SEND_TEST, CLICKED),
        buttons.WHY: Entry(why.pressed, Action.SEE_STATUS, CLICKED),
        buttons.RECEIPT_SHOW: Entry(receipts.pressed, Action.SEE_HISTORY, CLICKED),
        buttons.HOME_SHOW: Entry(home.shown, Action.SEE_STATUS, CLICKED),
        buttons.SOURCE_MORE: Entry(rows.more, Action.SEE_STATUS, CLICKED),
        buttons.HISTORY: Entry(rows.history, Action.SEE_HISTORY, CLICKED),
        buttons.SCHEDULE: Entry(rows.schedule, Action.SEE_STATUS, CLICKED),
        buttons.MUTE: Entry(rows.mute, Action.MUTE_ALARMS, CLICKED),
        buttons.SHARE: Entry(share.share, Action.SHARE_ANSWER, CLICKED),
        buttons.HELP: Entry(commands.help_, Action.SEE_STATUS, CLICKED),
        buttons.OPEN_LINK: Entry(actions.link, Action.SEE_STATUS, CLICKED),
    }
    submitted = {
        buttons.METRIC_FORM: Entry(metric_forms.looked, Action.CHANGE_METRICS, SENT),
        buttons.METRIC_SAVE: Entry(metric_forms.saved, Action.CHANGE_METRICS, SENT),
        buttons.MAPPING_FORM: Entry(exchange_mapping.looked, Action.CHANGE_EXCHANGE, SENT),
        buttons.MAPPING_SAVE: Entry(exchange_mapping.saved, Action.CHANGE_EXCHANGE, SENT),
        buttons.DISCONNECT_FORM: Entry(disconnecting.confirmed, Action.DISCONNECT, SENT),
        buttons.NOTIFY_FORM: Entry(own.saved, Action.CHOOSE_MESSAGES, SENT),
        buttons.FEEDBACK_DOWN: Entry(feedback.written, Action.SEE_STATUS, SENT),
        buttons.REFRESH_FORM: Entry(refreshing.chosen, Action.START_REFRESH, SENT),
    }
    entries = {f"say:{intent.value}": entry for intent, entry in spoken.items()}
    entries |= {f"click:{name}": entry for name, entry in clicked.items()}
    entries |= {f"submit:{name}": entry for name, entry in submitted.items()}
    entries |= {f"shortcut:{name}": entry for name, entry in _shortcuts().items()}
    entries |= {f"search:{name}": entry for name, entry in _searches().items()}
    entries["open:home"] = Entry(home.opened, Action.SEE_STATUS, frozenset({Kind.HOME}))
    entries["open:talk"] = Entry(prompting.opened, Action.SEE_STATUS, frozenset({Kind.TALK}))
    return MappingProxyType(entries)


def _shortcuts() -> Mapping[str, Entry]:
    chosen = frozenset({Kind.SHORTCUT})
    return {
        shortcuts.REFRESH: Entry(shortcuts.refresh_data, Action.START_REFRESH, chosen),
        shortcuts.CONNECT: Entry(shortcuts.connect_source, Action.CONNECT, chosen),
        shortcuts.EXPLAIN: Entry(shortcuts.explain_this, Action.SEE_STATUS, chosen),
    }


def _searches() -> Mapping[str, Entry]:
    """Return what menus ask while one types, by the name of the input."""
    return {
        buttons.REFRESH_SOURCES: Entry(refreshing.sought, Action.START_REFRESH, TYPED),
        buttons.METRIC_SEARCH: Entry(metric_forms.sought, Action.CHANGE_METRICS, TYPED),
    }


@dataclass(frozen=True, slots=True)
class Route:
    """Where an interaction goes, with the words that it carries along."""

    name: str
    question: Question


def route(request: Interaction) -> Route:
    """Return the entry that an interaction asks for."""
    match request.kind:
        case Kind.COMMAND:
            asked = commands.read_command(request.words)
            return Route(f"say:{asked.intent.value}", asked)
        case Kind.MENTION | Kind.DIRECT:
            return Route(f"say:{Intent.QUESTION.value}", Question(Intent.QUESTION, request.words))
        case Kind.ACTION:
            return Route(f"click:{action_name(request.name)}", Question(Intent.UNKNOWN))
        case Kind.SUBMIT | Kind.SHORTCUT | Kind.SEARCH:
            return Route(f"{request.kind.value}:{action_name(request.name)}", Question(Intent.UNKNOWN))
        case _:
            return Route(f"open:{request.kind.value}", Question(Intent.STATUS))


def permit(actor: Actor, needs: Action) -> None:
    """Pass when the person has the right at all; for the object it is decided again where that is looked up."""
    if needs in SUPPORT:
        authorize_support(actor, needs, named_in_post=True)
    else:
        authorize(actor, needs)


def may(actor: Actor, needs: Action) -> bool:
    """Whether the person has the right at all."""
    try:
        permit(actor, needs)
    except NotAllowedError:
        return False
    return True
