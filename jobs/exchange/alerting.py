"""Tells every admin, by direct message and mail, that a file is held or that one is missing: once, then it is quiet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.authorize import NEEDED
from jobs.deliver.posting import Words
from jobs.work import Work
from storage.facts.deliveries import Channel, Delivery
from storage.facts.exchange import ExchangeRun, RunState
from storage.facts.exchange_view import RunView
from storage.facts.messages import Message
from storage.facts.people import Action, Role
from storage.records import deliveries, exchange, organizations
from storage.sessions import Session
from templates.notices.exchange_pair import exchange_held
from templates.notices.exchange_said import exchange_ended

EXCHANGE_ALERT = "exchange_alert"
_KEEP_TRYING = timedelta(hours=24)
_STEERING = (Action.RUN_EXCHANGE, Action.CHANGE_EXCHANGE)


def alert(session: Session, run: ExchangeRun, enqueue: Enqueue, now: datetime) -> None:
    """Tell each admin of a run that was held or failed, once."""
    for admin in organizations.admins(session, run.organization_id):
        ways = {Channel.SLACK: f"{admin.team_id}/{admin.user_id}"}
        if admin.email_confirmed and admin.email:
            ways[Channel.EMAIL] = admin.email
        for channel, destination in ways.items():
            delivery_id = deliveries.add(
                session,
                organization_id=run.organization_id,
                kind=EXCHANGE_ALERT,
                subject=f"{run.id}.{run.state.value}",
                channel=channel,
                destination=destination,
                member_id=admin.id,
                now=now,
                expires_at=now + _KEEP_TRYING,
            )
            if delivery_id is not None:
                enqueue(session, Work("delivery", delivery_id, queue="notify"))


def alert_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours, for both channels."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        run = exchange.run(session, delivery.subject.partition(".")[0])
        if run.state is RunState.HELD:
            name = organizations.organization(session, run.organization_id).name
            may = [action for action in _STEERING if Role.ADMIN.includes(NEEDED[action])]
            return exchange_held(name, run, may=may)
        return exchange_ended(RunView(run, exchange.pair(session, run.pair_id), exchange.rejects_of(session, run.id)))

    return {EXCHANGE_ALERT: told}
