"""What a listener may call: one object per subject, each of them authorizing for itself."""

from dataclasses import dataclass

from jobs.access import AccessService
from jobs.addresses import AddressService
from jobs.api_keys import ApiKeyService
from jobs.asks import AskService
from jobs.audit_view import AuditService
from jobs.channels import ChannelService
from jobs.connecting.disconnect import DisconnectService
from jobs.connecting.service import ConnectService
from jobs.escalating.service import PolicyService
from jobs.escalation import EscalationService
from jobs.exchange.adapting import MappingService
from jobs.exchange.desktop.registering import Registering
from jobs.exchange.desktop.sessions import WebConnectorSessions
from jobs.exchange.service import ExchangeService
from jobs.exchange.writing import OrderWriting
from jobs.explain.asking import LandedService
from jobs.explain.service import ExplainService
from jobs.feedback import FeedbackService
from jobs.home import HomeService
from jobs.incidents.handling import IncidentService
from jobs.incidents.help import ConnectionHelp
from jobs.incidents.muting import MuteService
from jobs.installs.service import InstallService
from jobs.members import MemberService
from jobs.metrics.files import MetricFiles
from jobs.metrics.making import MetricMaking
from jobs.metrics.posting import MetricPosting
from jobs.metrics.service import MetricService
from jobs.outgoing.service import OutgoingService
from jobs.pages.service import PageService
from jobs.people import People
from jobs.promising import PromiseService
from jobs.receipt_view import ReceiptService
from jobs.refresh.alone import MissingService
from jobs.refresh.clicks import ClickService
from jobs.refresh.held import HeldService
from jobs.refresh.rereading import RereadService
from jobs.refresh.service import RefreshService
from jobs.schedules import ScheduleService
from jobs.sharing import ShareService
from jobs.status import StatusService
from jobs.subscriptions.channels import ChannelSubscriptionService
from jobs.subscriptions.digests import DigestService
from jobs.subscriptions.mail_off import MailOffService
from jobs.subscriptions.own import OwnMessages
from jobs.subscriptions.quieting import QuietService
from jobs.subscriptions.service import SubscriptionService
from jobs.talk import TalkService
from jobs.timelines import TimelineService
from storage.facts.clock import Clock


@dataclass(frozen=True)
class Services:
    """Everything that Slack, the web edge and the command line ask for."""

    clock: Clock
    people: People
    asks: AskService
    status: StatusService
    home: HomeService
    talk: TalkService
    feedback: FeedbackService
    refresh: RefreshService
    clicks: ClickService
    held: HeldService
    rereads: RereadService
    missing: MissingService
    escalation: EscalationService
    policies: PolicyService
    mutes: MuteService
    incidents: IncidentService
    access: AccessService
    addresses: AddressService
    members: MemberService
    help: ConnectionHelp
    audit: AuditService
    outgoing: OutgoingService
    receipts: ReceiptService
    explain: ExplainService
    sharing: ShareService
    landed: LandedService
    timelines: TimelineService
    subscriptions: SubscriptionService
    quiet: QuietService
    digests: DigestService
    channel_choices: ChannelSubscriptionService
    own: OwnMessages
    mail_off: MailOffService
    connect: ConnectService
    disconnect: DisconnectService
    channels: ChannelService
    schedules: ScheduleService
    promises: PromiseService
    metrics: MetricService
    making: MetricMaking
    posting: MetricPosting
    files: MetricFiles
    pages: PageService
    api_keys: ApiKeyService
    desktops: Registering
    web_connector: WebConnectorSessions
    exchange: ExchangeService
    adapting: MappingService
    order_writing: OrderWriting
    installs: InstallService
