"""The tables. Instants are aware, states are checked by the code that moves them, names never meet the engine's."""

from sqlmodel import SQLModel

from storage.tables.connecting import (
    AccessAskerRow,
    AccessRequestRow,
    DisconnectRow,
    FleetAlarmRow,
    FlowRow,
    FrozenRow,
    IncidentRow,
    InstallationRow,
    InstallBegunRow,
    RenewalBegunRow,
    WebhookRow,
)
from storage.tables.exchange import ExchangeGivenRow, ExchangePairRow, ExchangeRejectRow, ExchangeRunRow
from storage.tables.exchange_mappings import ExchangeMappingRow
from storage.tables.exchange_orders import ExchangeOrderCursorRow, ExchangeOrderRow
from storage.tables.expectations import ExpectationRow, MissedReportRow
from storage.tables.feedback import FeedbackRow
from storage.tables.handing_out import ApiKeyRow, MetricPostRow
from storage.tables.metrics import MetricRow, MetricTurnRow, MetricValueRow, MetricVersionRow
from storage.tables.operations import (
    AskRow,
    AuditRow,
    BucketRow,
    CallPlacesRow,
    ClickRow,
    DeadlineRow,
    LeaseRow,
    SeenTriggerRow,
    WorkerRow,
)
from storage.tables.organizations import ChannelRow, MemberRow, OrganizationRow, SupportPersonRow, WorkspaceRow
from storage.tables.outgoing import EndpointRow, OutgoingMessageRow, SendRow
from storage.tables.refreshes import EscalationCallRow, ReceiptRow, RefreshPersonRow, RefreshRow, RefreshRunRow, RunRow
from storage.tables.sources import ConnectionRow, ReadCountRow, SourceRow
from storage.tables.subscribing import ChannelSubscriptionRow, DigestRow, QuietRow, SubscriptionRow
from storage.tables.telling import CardRow, DeliveryRow
from storage.tables.watching import AskedLastRow, HomeViewRow, LandedWatchRow
from storage.tables.web_connector import DesktopRequestRow, WebConnectorRow, WebConnectorSessionRow

metadata = SQLModel.metadata

__all__ = [
    "AccessAskerRow",
    "AccessRequestRow",
    "ApiKeyRow",
    "AskRow",
    "AskedLastRow",
    "AuditRow",
    "BucketRow",
    "CallPlacesRow",
    "CardRow",
    "ChannelRow",
    "ChannelSubscriptionRow",
    "ClickRow",
    "ConnectionRow",
    "DeadlineRow",
    "DeliveryRow",
    "DesktopRequestRow",
    "DigestRow",
    "DisconnectRow",
    "EndpointRow",
    "EscalationCallRow",
    "ExchangeGivenRow",
    "ExchangeMappingRow",
    "ExchangeOrderCursorRow",
    "ExchangeOrderRow",
    "ExchangePairRow",
    "ExchangeRejectRow",
    "ExchangeRunRow",
    "ExpectationRow",
    "FeedbackRow",
    "FleetAlarmRow",
    "FlowRow",
    "FrozenRow",
    "HomeViewRow",
    "IncidentRow",
    "InstallBegunRow",
    "InstallationRow",
    "LandedWatchRow",
    "LeaseRow",
    "MemberRow",
    "MetricPostRow",
    "MetricRow",
    "MetricTurnRow",
    "MetricValueRow",
    "MetricVersionRow",
    "MissedReportRow",
    "OrganizationRow",
    "OutgoingMessageRow",
    "QuietRow",
    "ReadCountRow",
    "ReceiptRow",
    "RefreshPersonRow",
    "RefreshRow",
    "RefreshRunRow",
    "RenewalBegunRow",
    "RunRow",
    "SeenTriggerRow",
    "SendRow",
    "SourceRow",
    "SubscriptionRow",
    "SupportPersonRow",
    "WebConnectorRow",
    "WebConnectorSessionRow",
    "WebhookRow",
    "WorkerRow",
    "WorkspaceRow",
    "metadata",
]
