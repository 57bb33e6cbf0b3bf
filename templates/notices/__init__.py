"""The words of the product: functions from facts to a neutral Message, one module per subject."""

from templates.notices.access import access_asked, access_decided, access_request, no_access
from templates.notices.address import address_confirmed, address_declined, ask_address, not_confirmed
from templates.notices.answers import (
    accepted,
    already_waiting,
    cancel_requested,
    cannot_speak,
    disconnected,
    failure,
    form_not_opened,
    joined,
    no_room,
    no_sources,
    not_a_member,
    not_allowed,
    not_found,
    nothing_started,
    too_late,
    try_again,
    unknown_command,
    unknown_source,
)
from templates.notices.asking_help import help_text
from templates.notices.audit import audit_list
from templates.notices.calls import escalation_again, escalation_step
from templates.notices.card import refresh_card
from templates.notices.confirm import confirm_refresh, dismissed, queued
from templates.notices.connect import (
    already_connected,
    catalogue,
    choose_reconnect,
    connect_link,
    not_connectable,
)
from templates.notices.disconnect import (
    choose_disconnect,
    disconnect_button,
    disconnect_card,
    disconnect_ended,
    disconnected_now,
    disconnected_told,
    wrong_name,
)
from templates.notices.escalation import escalation, escalation_told
from templates.notices.finished import refresh_finished
from templates.notices.held import confirm_held
from templates.notices.help import connection_help, connection_tested, connection_ticket, ticket_opened
from templates.notices.history import history
from templates.notices.incident import IncidentFacts, expiry_warning, incident, incident_reminder
from templates.notices.members import (
    group_changed,
    group_not_admin,
    group_usage,
    member_list,
    members_usage,
    no_such_group,
    not_admissible,
    role_granted,
    role_revoked,
)
from templates.notices.receipt import no_receipt, receipt, receipt_usage
from templates.notices.status import source_status, status

__all__ = [
    "IncidentFacts",
    "accepted",
    "access_asked",
    "access_decided",
    "access_request",
    "address_confirmed",
    "address_declined",
    "already_connected",
    "already_waiting",
    "ask_address",
    "audit_list",
    "cancel_requested",
    "cannot_speak",
    "catalogue",
    "choose_disconnect",
    "choose_reconnect",
    "confirm_held",
    "confirm_refresh",
    "connect_link",
    "connection_help",
    "connection_tested",
    "connection_ticket",
    "disconnect_button",
    "disconnect_card",
    "disconnect_ended",
    "disconnected",
    "disconnected_now",
    "disconnected_told",
    "dismissed",
    "escalation",
    "escalation_again",
    "escalation_step",
    "escalation_told",
    "expiry_warning",
    "failure",
    "form_not_opened",
    "group_changed",
    "group_not_admin",
    "group_usage",
    "help_text",
    "history",
    "incident",
    "incident_reminder",
    "joined",
    "member_list",
    "members_usage",
    "no_access",
    "no_receipt",
    "no_room",
    "no_sources",
    "no_such_group",
    "not_a_member",
    "not_admissible",
    "not_allowed",
    "not_confirmed",
    "not_connectable",
    "not_found",
    "nothing_started",
    "queued",
    "receipt",
    "receipt_usage",
    "refresh_card",
    "refresh_finished",
    "role_granted",
    "role_revoked",
    "source_status",
    "status",
    "ticket_opened",
    "too_late",
    "try_again",
    "unknown_command",
    "unknown_source",
    "wrong_name",
]
