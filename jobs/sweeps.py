"""Everything that the clock looks after regularly, and how often."""

from dataclasses import dataclass

from jobs.asks import Enqueue
from jobs.audit_work import WorkAudit
from jobs.clock import Sweep
from jobs.connecting.severing import Severing
from jobs.deliver.bounces import EVERY as BOUNCES_EVERY
from jobs.deliver.bounces import Bounces
from jobs.deliver.cards import CardEditor
from jobs.escalating.auditing import audit_sweep
from jobs.escalation import deadline_sweep
from jobs.exchange.due import EVERY as EXCHANGE_EVERY
from jobs.exchange.due import PAIRS_EVERY, exchange_sweep, pairs_sweep
from jobs.expectations.beats import EVERY as BEAT_EVERY
from jobs.expectations.beats import ClockBeat
from jobs.expectations.canary import Canary
from jobs.expectations.ledger import EVERY as LEDGER_EVERY
from jobs.expectations.ledger import Ledger
from jobs.explain.watching import LOOK_EVERY as WATCH_EVERY
from jobs.explain.watching import watch_sweep
from jobs.forged import forgery_sweep
from jobs.ground import Ground
from jobs.incidents.expiry import expiry_sweep
from jobs.incidents.fleet_keeping import fleet_sweep
from jobs.incidents.keeping import RESCUE_EVERY, GrantKeeper
from jobs.incidents.lateness import PASS_SECONDS, lateness_pass
from jobs.incidents.reminding import reminder_sweep
from jobs.leavers import LOOK_EVERY, Leavers
from jobs.metrics.calculating import SWEEP_SECONDS as METRICS_EVERY
from jobs.metrics.calculating import Calculating
from jobs.metrics.turning import EVERY as TURNS_EVERY
from jobs.metrics.turning import turning_sweep
from jobs.metrics.weekly import EVERY as WEEKLY_EVERY
from jobs.metrics.weekly import weekly_sweep
from jobs.notify.notifier import Notifier
from jobs.outgoing.sending import Sending
from jobs.refresh.beats import EVERY, beat_sweep
from jobs.services import Services
from jobs.subscriptions.digesting import EVERY as DIGESTS_EVERY
from jobs.subscriptions.digesting import digest_sweep
from jobs.subscriptions.holding import EVERY as HELD_EVERY
from jobs.subscriptions.holding import held_sweep
from jobs.upkeep import replay_memory_sweep, warehouse_sweep
from jobs.user_groups import ASK_EVERY, UserGroups
from jobs.webhooks.sweep import webhook_sweep


@dataclass(frozen=True)
class Sweepers:
    """What looks after something and keeps what it knows between two looks."""

    beat: ClockBeat
    ledger: Ledger
    canary: Canary
    editor: CardEditor
    audit: WorkAudit
    keeper: GrantKeeper
    #: None where returned mails come to no address of ours
    bounces: Bounces | None
    sending: Sending
    calculating: Calculating
    severing: Severing
    user_groups: UserGroups
    leavers: Leavers


def all_sweeps(
    ground: Ground, notifier: Notifier, enqueue: Enqueue, services: Services, by: Sweepers, audit_every: float
) -> list[Sweep]:
    """Return every sweep by its name; none waits for another one."""
    database, clock = ground.database, ground.clock
    return [
        Sweep("deadlines", 1.0, deadline_sweep(database, clock, notifier, enqueue)),
        Sweep("escalations", 60.0, audit_sweep(database, clock, notifier)),
        Sweep("clock_beat", BEAT_EVERY, by.beat.sweep()),
        Sweep("expectations", LEDGER_EVERY, by.ledger.sweep()),
        Sweep("canary", 60.0, by.canary.sweep),
        Sweep("cards", 1.0, by.editor.sweep),
        Sweep("stranded", audit_every, by.audit.sweep),
        Sweep("grants", 60.0, by.keeper.sweep()),
        Sweep("renewals", RESCUE_EVERY, by.keeper.rescue()),
        Sweep("lateness", PASS_SECONDS, lateness_pass(database, clock, notifier)),
        Sweep("fleet", 15.0, fleet_sweep(database, clock, notifier)),
        Sweep("expiry", 3600.0, expiry_sweep(database, clock, notifier)),
        Sweep("reminders", 30.0, reminder_sweep(database, clock, notifier)),
        Sweep("beats", EVERY, beat_sweep(database, clock, enqueue)),
        Sweep("digests", DIGESTS_EVERY, digest_sweep(database, clock, enqueue)),
        Sweep("metric-turns", TURNS_EVERY, turning_sweep(database, clock)),
        Sweep("metric-posts", WEEKLY_EVERY, weekly_sweep(database, clock, enqueue)),
        Sweep("held", HELD_EVERY, held_sweep(database, clock, enqueue)),
        *([Sweep("bounces", BOUNCES_EVERY, by.bounces.sweep)] if by.bounces is not None else ()),
        Sweep("exchange", EXCHANGE_EVERY, exchange_sweep(database, clock, enqueue)),
        Sweep("exchange-pairs", PAIRS_EVERY, pairs_sweep(database, clock)),
        Sweep("outgoing", 1.0, by.sending.sweep),
        Sweep("metrics", METRICS_EVERY, by.calculating.sweep),
        Sweep("outgoing-memory", 3600.0, by.sending.tidy),
        Sweep("webhooks", 600.0, webhook_sweep(database, clock, enqueue)),
        Sweep("flows", 15.0, services.connect.sweep),
        Sweep("installations", 60.0, services.installs.sweep),
        Sweep("user-groups", ASK_EVERY, by.user_groups.sweep),
        Sweep("landings", WATCH_EVERY, watch_sweep(database, clock, ground.warehouses, enqueue)),
        Sweep("disconnects", 15.0, by.severing.sweep),
        Sweep("leavers", LOOK_EVERY, by.leavers.sweep),
        Sweep("rights", 3600.0, forgery_sweep(database, clock, notifier, enqueue)),
        Sweep("homes-memory", 3600.0, services.home.forget),
        Sweep("talk-memory", 3600.0, services.talk.forget),
        Sweep("replay-memory", 3600.0, replay_memory_sweep(ground)),
        Sweep("warehouses", 3600.0, warehouse_sweep(ground)),
    ]
