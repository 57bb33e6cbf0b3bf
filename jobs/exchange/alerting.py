"""Tells people what became of files and orders: at once what is held, failed or missing, and in the morning the rest.

Admins and managers are told of what went wrong, because they decide, unless they chose otherwise with `/data notify`;
what went well is told only to who chose to hear of it, once for the night of a connection. Each person once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from jobs.asks import Enqueue
from jobs.authorize import NEEDED
from jobs.deliver.posting import Words
from jobs.exchange.timing import night_of
from jobs.notify.adding import add_message
from jobs.subscriptions.rooms import rooms
from jobs.subscriptions.routing import Recipient, recipients
from storage.facts.deliveries import Channel, Delivery
from storage.facts.exchange import FILES, ExchangePair, ExchangeRun, Pair, RunState, Trigger
from storage.facts.exchange_view import NightView, RunView
from storage.facts.messages import Message
from storage.facts.people import Action, Role
from storage.facts.sources import ConnectionState
from storage.facts.subscriptions import Topic
from storage.records import exchange, organizations, sources
from storage.sessions import Session
from templates.notices.exchange_night import exchange_night
from templates.notices.exchange_pair import exchange_held
from templates.notices.exchange_said import exchange_ended

EXCHANGE_ALERT = "exchange_alert"
#: a night of files is over. Its subject: the connection and the night
EXCHANGE_NIGHT = "exchange_night"
_STEERING = (Action.RUN_EXCHANGE, Action.CHANGE_EXCHANGE)
#: a window begins at most a day before the date of its night, wherever on earth that is
_REACH = timedelta(days=2)
#: records of each file that a summary names
_LEFT_OUT = 10


def alert(session: Session, run: ExchangeRun, enqueue: Enqueue, now: datetime) -> None:
    """Tell whoever decides, and whoever chose to hear of it, of a run that was held or failed: each once."""
    who = organizations.at_least(session, run.organization_id, NEEDED[Action.RUN_EXCHANGE])
    found = recipients(session, run.organization_id, Topic.EXCHANGE, [run.source_id], who, somebody=True)
    subject = f"{run.id}.{run.state.value}"
    _tell(session, run, EXCHANGE_ALERT, subject, Topic.EXCHANGE, found, enqueue, now)


def night_over(session: Session, run: ExchangeRun, enqueue: Enqueue, now: datetime) -> None:
    """Tell whoever chose to hear of it, once, what came of a night, as soon as the last file of it is over."""
    pairs = [pair for pair in exchange.pairs_of_source(session, run.source_id) if pair.pair in FILES]
    mine = next((pair for pair in pairs if pair.id == run.pair_id), None)
    if mine is None or run.trigger is not Trigger.SCHEDULE:
        return
    night = _night(mine, run.slot_at)
    if any(_goes_on(session, pair, night) for pair in pairs):
        return
    found = recipients(session, run.organization_id, Topic.SENT, [run.source_id], [])
    _tell(session, run, EXCHANGE_NIGHT, f"{run.source_id}.{night}", Topic.SENT, found, enqueue, now)


def night_without(session: Session, pair: ExchangePair, enqueue: Enqueue, now: datetime) -> None:
    """Tell of a night that is over because a pair was stopped that it waited for; `pair`: as it was before."""
    for run in reversed(exchange.scheduled(session, pair.source_id, now - _REACH)):
        if run.pair is not Pair.ORDERS and not run.state.active:
            mine = exchange.pair(session, run.pair_id)
            if (
                pair.pair in FILES
                and pair.due_at is not None
                and _night(pair, pair.due_at) <= _night(mine, run.slot_at)
            ):
                night_over(session, run, enqueue, now)
            return


def night_of_files(session: Session, source_id: str, night: str) -> NightView:
    """Return what came of a night of a connection's files, as it stands now."""
    pairs = {pair.id: pair for pair in exchange.pairs_of_source(session, source_id) if pair.pair in FILES}
    since = datetime.fromisoformat(night).replace(tzinfo=UTC) - _REACH
    last: dict[str, ExchangeRun] = {}
    for run in exchange.scheduled(session, source_id, since):
        if run.pair_id in pairs and _night(pairs[run.pair_id], run.slot_at) == night:
            last[run.pair_id] = run
    files = tuple((pair.pair, last.get(pair.id)) for pair in pairs.values() if pair.runs or pair.id in last)
    left = {pair: exchange.rejects_of(session, run.id)[:_LEFT_OUT] for pair, run in files if run and run.rejected}
    ordered = tuple(sorted(files, key=lambda one: FILES.index(one[0])))
    return NightView(sources.source(session, source_id), night, ordered, left)


def alert_words() -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are ours, for both channels."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        run = exchange.run(session, delivery.subject.partition(".")[0])
        source = sources.source(session, run.source_id)
        account, lost = source.account, source.connection is ConnectionState.DISCONNECTED
        if run.state is RunState.HELD:
            name = organizations.organization(session, run.organization_id).name
            may = [action for action in _STEERING if _role(session, delivery).includes(NEEDED[action])]
            return exchange_held(name, account, run, may=may)
        view = RunView(run, exchange.pair(session, run.pair_id), exchange.rejects_of(session, run.id), lost=lost)
        return exchange_ended(view, account)

    def over(session: Session, delivery: Delivery, _now: datetime) -> Message:
        source_id, _, night = delivery.subject.partition(".")
        name = organizations.organization(session, delivery.organization_id).name
        return exchange_night(name, night_of_files(session, source_id, night))

    return {EXCHANGE_ALERT: told, EXCHANGE_NIGHT: over}


def _role(session: Session, delivery: Delivery) -> Role:
    """Return as whom the reader reads: in a channel anybody does."""
    if delivery.member_id is None:
        return Role.VIEWER
    return organizations.member(session, delivery.member_id).role


def _night(pair: ExchangePair, at: datetime) -> str:
    return night_of(pair.schedule, pair.zone, at)


def _goes_on(session: Session, pair: ExchangePair, night: str) -> bool:
    """Whether a pair has, or will have, a run of that night that is not over."""
    run = exchange.active(session, pair.id)
    if run is not None and run.trigger is Trigger.SCHEDULE and _night(pair, run.slot_at) <= night:
        return True
    return pair.due_at is not None and _night(pair, pair.due_at) <= night


def _tell(
    session: Session,
    run: ExchangeRun,
    kind: str,
    subject: str,
    topic: Topic,
    people: list[Recipient],
    enqueue: Enqueue,
    now: datetime,
) -> None:
    """Write down who is told, by the ways that they chose, and the channels that chose to be."""
    organization_id = run.organization_id
    found: list[tuple[Channel, str, str | None]] = [
        (Channel.SLACK, room.place, None)
        for room in rooms(session, organization_id, topic, [run.source_id], anyway=False)
    ]
    for one in people:
        person = one.member
        if Channel.SLACK in one.ways:
            found.append((Channel.SLACK, f"{person.team_id}/{person.user_id}", person.id))
        if Channel.EMAIL in one.ways and person.email_confirmed and person.email:
            found.append((Channel.EMAIL, person.email, person.id))
    for channel, destination, member_id in found:
        add_message(
            session,
            enqueue,
            organization_id=organization_id,
            kind=kind,
            subject=subject,
            channel=channel,
            destination=destination,
            member_id=member_id,
            now=now,
        )
