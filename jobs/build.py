"""Builds everything in this package from settings, for the composition root."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from connectors.base import Connector
from connectors.grants import Grants
from connectors.outgoing.posting import Poster
from connectors.registry import connector_for, grants_for
from connectors.slack_signin import SlackApp
from connectors.wire import HttpLimits
from jobs.access import AccessService
from jobs.access_policy import AccessPolicy
from jobs.addresses import AddressService
from jobs.admitting import Admissions
from jobs.api_keys import ApiKeyService
from jobs.asks import AskService
from jobs.audit_view import AuditService
from jobs.audit_work import WorkAudit
from jobs.bot_tokens import BotTokens
from jobs.channels import ChannelService
from jobs.clock import Sweep
from jobs.connecting.disconnect import DisconnectService
from jobs.connecting.means import Means
from jobs.connecting.service import ConnectService
from jobs.connecting.severing import Severing
from jobs.deliver.bounces import BounceAddresses, BounceMailbox, Bounces
from jobs.deliver.cards import CardEditor
from jobs.deliver.handler import QUIET, DeliveryHandler
from jobs.deliver.mail import MailSender
from jobs.deliver.mailing import Mailing
from jobs.deliver.places import Places
from jobs.deliver.posting import Posting
from jobs.deliver.slack import SEND_SECONDS, SlackSender
from jobs.desk import Desk
from jobs.engine import Handler
from jobs.engine_port import EnginePort
from jobs.escalating.leaving import taken_out
from jobs.escalating.service import PolicyService
from jobs.escalation import EscalationService
from jobs.exchange.adapting import MappingService
from jobs.exchange.desktop.qwc import QwcLinks
from jobs.exchange.desktop.registering import Registering
from jobs.exchange.desktop.sessions import WebConnectorSessions
from jobs.exchange.desktop.settling import orders_settled
from jobs.exchange.far_sides import DeclaredSides
from jobs.exchange.mappings import chosen
from jobs.exchange.orders_in import DeclaredOrders
from jobs.exchange.running import ExchangeHandler
from jobs.exchange.service import ExchangeService
from jobs.exchange.writing import OrderWriting
from jobs.expectations.beats import ClockBeat
from jobs.expectations.canary import CANARY, Canary
from jobs.expectations.customers import of_sources
from jobs.expectations.judging import Judge
from jobs.expectations.ledger import Ledger
from jobs.expectations.missed_view import MISSED_KINDS
from jobs.expectations.reporting import Reporter, SupportPlaces
from jobs.explain.asking import LandedService
from jobs.explain.service import ExplainService
from jobs.feedback import FeedbackService
from jobs.ground import Ground, Warehouses
from jobs.home import HomeService
from jobs.incidents.handling import IncidentService
from jobs.incidents.help import ConnectionHelp
from jobs.incidents.keeping import GrantKeeper
from jobs.incidents.muting import MuteService
from jobs.installs.service import InstallMeans, InstallService
from jobs.installs.tokens import InstallTokens
from jobs.leasing import LEASE_SECONDS
from jobs.leavers import Leavers
from jobs.members import MemberService
from jobs.metrics.calculating import Calculating
from jobs.metrics.files import FileLinks, MetricFiles
from jobs.metrics.making import MetricMaking
from jobs.metrics.posting import MetricPosting
from jobs.metrics.service import MetricService
from jobs.notify.notifier import Notifier
from jobs.outgoing.sending import Sending
from jobs.outgoing.service import OutgoingService
from jobs.own_words import mail_words, post_words
from jobs.pages.links import PageLinks
from jobs.pages.service import PageService
from jobs.people import People
from jobs.promising import PromiseService
from jobs.provider_settings import provider_settings
from jobs.receipt_view import ReceiptService
from jobs.refresh.alone import MissingService
from jobs.refresh.clicks import ClickService
from jobs.refresh.handler import RunHandler
from jobs.refresh.held import HeldService
from jobs.refresh.rereading import RereadService
from jobs.refresh.retry import RetryPlan, retry_now
from jobs.refresh.service import RefreshService
from jobs.schedule import schedules_loader, slots_submitter
from jobs.schedules import ScheduleService
from jobs.services import Services
from jobs.sharing import ShareService
from jobs.slots import Schedule, Slot
from jobs.status import StatusService
from jobs.subscriptions.capping import Caps
from jobs.subscriptions.channels import ChannelSubscriptionService
from jobs.subscriptions.digests import DigestService
from jobs.subscriptions.links import MailLinks
from jobs.subscriptions.mail_off import MailChoice, MailOffService
from jobs.subscriptions.own import OwnMessages
from jobs.subscriptions.quieting import QuietService
from jobs.subscriptions.service import SubscriptionService
from jobs.sweeps import Sweepers, all_sweeps
from jobs.talk import TalkService
from jobs.timelines import TimelineService
from jobs.user_groups import UserGroups
from jobs.webhooks.handler import WebhookHandler
from jobs.webhooks.service import KIND as WEBHOOK
from jobs.webhooks.service import WebhookService
from jobs.work import EXCHANGE
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.seal import Seal
from storage.sessions import Database
from storage.settings import Settings


@dataclass(frozen=True, slots=True)
class Tuning:
    """Waits that tests and the demo shorten."""

    retries: RetryPlan = field(default_factory=RetryPlan)
    quiet: timedelta = QUIET
    slack_seconds: float = SEND_SECONDS
    http: HttpLimits = field(default_factory=HttpLimits)
    audit_every_seconds: float = 60.0
    lease_seconds: float = LEASE_SECONDS
    caps: Caps = field(default_factory=Caps)


@dataclass(frozen=True)
class Jobs:
    """Everything that the composition root wires up."""

    services: Services
    handlers: Mapping[str, Handler]
    sweeps: Sequence[Sweep]
    load_schedules: Callable[[datetime | None], Sequence[Schedule]]
    submit_slots: Callable[[Sequence[Slot]], None]
    on_error: Callable[[str, str, int, str, Exception], Awaitable[None]]
    engine: EnginePort
    ground: Ground
    tokens: BotTokens
    sender: SlackSender
    desk: Desk
    webhooks: WebhookService
    sending: Sending
    calculating: Calculating
    #: what is expected; swept by the clock, and by a thread of the process beside it
    ledger: Ledger
    beat: ClockBeat

    async def close(self) -> None:
        """Let go of connections; the database is the caller's."""
        await self.services.installs.drain()
        await self.sending.close()
        await self.calculating.close()
        await self.services.making.close()
        await self.sender.close()
        await asyncio.get_running_loop().run_in_executor(None, self.desk.close)


def build_jobs(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    checkpoint: Callable[[str], None] = lambda _name: None,
    connectors: Callable[[Provider], Connector] = connector_for,
    grants: Callable[[Provider], Grants] = grants_for,
    tuning: Tuning | None = None,
    warehouses: Warehouses | None = None,
) -> Jobs:
    """Build services, handlers and sweeps. Bind `jobs.engine` to the engine before anything runs."""
    tuning = tuning or Tuning()
    seal = Seal([Secret(key.get_secret_value()) for key in settings.secret_keys])
    port = EnginePort()
    ground = Ground(
        database=database,
        clock=clock,
        seal=seal,
        warehouses=warehouses or Warehouses(settings.warehouse_url),
        providers={provider: provider_settings(settings, provider, tuning.http) for provider in Provider},
        connector_for=connectors,
        read_budget=settings.quickbooks_monthly_reads,
        checkpoint=checkpoint,
        lease_seconds=tuning.lease_seconds,
    )
    slack_app = SlackApp(
        settings.slack_client_id, Secret(settings.slack_client_secret.get_secret_value()), settings.slack_api_url
    )
    public_url = settings.public_url.rstrip("/")
    link_keys = [Secret(key.get_secret_value()) for key in settings.secret_keys]
    mail_links, file_links = MailLinks(link_keys, public_url), FileLinks(link_keys, public_url)
    returned = BounceAddresses(
        [Secret(key.get_secret_value()) for key in settings.secret_keys], settings.bounce_address
    )
    install_tokens = InstallTokens(
        database, clock, seal, slack_app, checkpoint=checkpoint, lease_seconds=tuning.lease_seconds
    )
    default_token = Secret(settings.slack_bot_token.get_secret_value())
    tokens = BotTokens(database, clock, seal, default_token, usable=install_tokens.usable)
    sender = SlackSender(settings.slack_api_url, tokens.token, seconds=tuning.slack_seconds, closed=tokens.closed)
    places = Places(database, clock, sender.room, support_channel=settings.support_channel)
    notifier = Notifier(port.enqueue, support_channel=settings.support_channel, support_email=settings.support_email)
    desk = Desk(settings.database_url)
    user_groups = UserGroups(database, clock, sender.group)
    people = People(desk, clock, sender.profile, Admissions(desk, clock, user_groups))
    policy = AccessPolicy(settings.refresh_access)
    refresh = RefreshService(desk, clock, port.enqueue, notifier, read_budget=ground.read_budget, access=policy)
    keeper = GrantKeeper(ground, notifier, port.enqueue, grants)
    means = Means(
        desk=desk,
        database=database,
        clock=clock,
        seal=seal,
        people=people,
        enqueue=port.enqueue,
        notifier=notifier,
        grants_for=grants,
        connector_for=connectors,
        providers=ground.providers,
        slack=slack_app,
        public_url=public_url,
        read_budget=ground.read_budget,
        checkpoint=checkpoint,
    )
    channels = ChannelService(desk, clock, sender.room)
    subscriptions, digests = SubscriptionService(desk, clock), DigestService(desk, clock)
    quiet = QuietService(desk, clock)
    calculating = Calculating(ground, may_act=port.may_act)
    shown = MetricService(desk, clock, ground, calculating)
    sides = DeclaredSides(ground)
    services = Services(
        clock=clock,
        people=people,
        asks=AskService(desk, database, clock, seal, port.enqueue),
        status=StatusService(desk, clock, read_budget=ground.read_budget),
        home=HomeService(desk, database, clock, read_budget=ground.read_budget),
        talk=TalkService(desk, database, clock),
        feedback=FeedbackService(desk, clock, seal),
        refresh=refresh,
        clicks=ClickService(desk, clock, refresh, checkpoint),
        held=HeldService(desk, clock, port.enqueue, notifier, policy),
        rereads=RereadService(desk, clock, port.enqueue, notifier, policy, connectors),
        missing=MissingService(desk, clock, port.enqueue, notifier, policy),
        incidents=IncidentService(desk, clock, notifier),
        mutes=MuteService(desk, clock, notifier),
        policies=PolicyService(desk, clock),
        escalation=EscalationService(desk, clock, notifier, retry_now(clock, port.enqueue)),
        access=AccessService(desk, clock, notifier, policy),
        addresses=AddressService(desk, clock, people),
        members=MemberService(desk, clock, people, user_groups, on_leaving=partial(taken_out, notifier=notifier)),
        help=ConnectionHelp(desk, clock, notifier, keeper),
        audit=AuditService(desk),
        outgoing=OutgoingService(desk, clock, seal, here=settings.webhooks_to_this_machine),
        receipts=ReceiptService(desk),
        explain=ExplainService(desk, clock, read_budget=ground.read_budget, sender=settings.mail_from),
        sharing=ShareService(desk, clock, port.enqueue, channels.look),
        landed=LandedService(desk, clock, ground.warehouses),
        timelines=TimelineService(desk, clock, notifier),
        subscriptions=subscriptions,
        quiet=quiet,
        digests=digests,
        own=OwnMessages(desk, clock, subscriptions, quiet, digests),
        mail_off=MailOffService(desk, clock, notifier, mail_links),
        channels=channels,
        channel_choices=ChannelSubscriptionService(desk, clock, channels.look),
        schedules=ScheduleService(desk, clock),
        promises=PromiseService(desk, clock),
        metrics=shown,
        making=MetricMaking(desk, clock, ground, shown),
        posting=MetricPosting(desk, clock, channels.look),
        api_keys=ApiKeyService(desk, clock, people),
        exchange=ExchangeService(desk, clock, port.enqueue, sides, chosen),
        adapting=MappingService(desk, clock, ground.warehouses, sides),
        order_writing=OrderWriting(desk, clock, port.enqueue),
        desktops=Registering(desk, clock, QwcLinks(link_keys, public_url)),
        web_connector=WebConnectorSessions(desk, clock, orders_settled(clock), checkpoint=checkpoint),
        files=MetricFiles(desk, clock, file_links),
        pages=PageService(desk, clock, PageLinks(link_keys, public_url), file_links),
        installs=InstallService(
            InstallMeans(
                desk=desk,
                database=database,
                clock=clock,
                seal=seal,
                app=slack_app,
                notifier=notifier,
                tokens=install_tokens,
                profile=sender.profile,
                forget=tokens.forget,
                public_url=public_url,
                support_team=settings.support_channel.partition("/")[0],
                checkpoint=checkpoint,
            )
        ),
        connect=ConnectService(means),
        disconnect=DisconnectService(means),
    )
    severing = Severing(means, ground, tuning.retries, port.status)
    runs = RunHandler(ground, notifier, port.enqueue, tuning.retries)
    exchanging = ExchangeHandler(
        ground, notifier, port.enqueue, sides, chosen, DeclaredOrders(ground, sides), may_act=port.may_act
    )
    deliveries = DeliveryHandler(
        database,
        clock,
        port.enqueue,
        notifier,
        Posting(
            database,
            clock,
            sender,
            own_words=post_words(seal, connectors, ground.read_budget),
            places=places,
        ),
        Mailing(
            database,
            clock,
            MailSender(
                Secret(settings.smtp_url.get_secret_value()),
                settings.mail_from,
                envelope=returned.sender if settings.bounce_address else None,
            ),
            own_words=mail_words(public_url),
            choice_of=MailChoice(mail_links).of,
        ),
        may_act=port.may_act,
        checkpoint=checkpoint,
        quiet=tuning.quiet,
        figures=ground.figures,
        caps=tuning.caps,
    )
    support = SupportPlaces(settings.support_channel, settings.support_email)
    beat = ClockBeat(database, clock)
    canary = Canary(database, clock, port.enqueue, support, sender.find, settings.canary_at)
    ledger = Ledger(
        database,
        clock,
        Judge(own_kinds=MISSED_KINDS | {CANARY}),
        Reporter(database, port.enqueue, support),
        [of_sources(notifier)],
        figures=ground.figures,
    )
    editor = CardEditor(database, clock, sender, may_act=port.may_act, places=places)

    sending = Sending(
        database,
        clock,
        seal,
        Poster(here=settings.webhooks_to_this_machine),
        port.enqueue,
        may_act=port.may_act,
        checkpoint=checkpoint,
    )

    bounces = Bounces(
        database,
        clock,
        notifier,
        returned,
        BounceMailbox(Secret(settings.bounce_mailbox.get_secret_value())),
        may_act=port.may_act,
    )

    sweepers = Sweepers(
        beat=beat,
        ledger=ledger,
        canary=canary,
        editor=editor,
        audit=WorkAudit(database, clock, port.enqueue, port.status),
        keeper=keeper,
        bounces=bounces if settings.bounce_address else None,
        sending=sending,
        calculating=calculating,
        severing=severing,
        user_groups=user_groups,
        leavers=Leavers(database, sender.profile, notifier, people.left, clock.now),
    )

    async def on_error(kind: str, subject: str, attempt: int, reference: str, error: Exception) -> None:
        if kind == "run":
            await runs.failed_unexpectedly(subject, attempt, reference, error)
        elif kind == EXCHANGE:
            await exchanging.failed_unexpectedly(subject, attempt, reference, error)

    return Jobs(
        services=services,
        handlers={
            "run": runs.handle,
            "delivery": deliveries.handle,
            "disconnect": severing.handle,
            EXCHANGE: exchanging.handle,
            WEBHOOK: WebhookHandler(ground, notifier, port.enqueue).handle,
        },
        sweeps=all_sweeps(ground, notifier, port.enqueue, services, sweepers, tuning.audit_every_seconds),
        load_schedules=schedules_loader(database),
        submit_slots=slots_submitter(database, clock, port.enqueue, ground.figures),
        on_error=on_error,
        engine=port,
        ground=ground,
        tokens=tokens,
        sender=sender,
        desk=desk,
        webhooks=WebhookService(desk, clock, seal, port.enqueue),
        sending=sending,
        calculating=calculating,
        ledger=ledger,
        beat=beat,
    )
