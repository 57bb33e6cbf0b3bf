"""The words of what is told by one part of the house alone: kind of delivery to what writes its message."""

from collections.abc import Callable, Mapping

from connectors.base import Connector
from jobs.connecting.telling import disconnect_words, flow_words
from jobs.deliver.dead import dead_words
from jobs.deliver.posting import Words
from jobs.escalating.leaving import on_call_words
from jobs.escalating.view import call_words
from jobs.exchange.alerting import alert_words
from jobs.exchange.writing import writing_words
from jobs.expectations.canary import canary_words
from jobs.expectations.missed_view import missed_words
from jobs.explain.watching import landed_words
from jobs.forged import forgery_words
from jobs.installs.telling import install_words, welcome_words
from jobs.leavers import leaver_words
from jobs.metrics.weekly import weekly_words
from jobs.outgoing.telling import outgoing_words
from jobs.refresh.beats import beat_words
from jobs.sharing import shared_words
from jobs.subscriptions.bundle import with_bundles
from jobs.subscriptions.digesting import digest_words
from jobs.subscriptions.mail_off import mail_off_words
from jobs.subscriptions.telling import subscriber_words
from jobs.webhooks.telling import privacy_words
from storage.facts.sources import Provider
from storage.seal import Seal


def post_words(seal: Seal, connectors: Callable[[Provider], Connector], read_budget: int) -> Mapping[str, Words]:
    """Return what is posted in Slack, one by one or several in one message."""
    return with_bundles(
        {
            **flow_words(seal, connectors),
            **disconnect_words(),
            **writing_words(),
            **privacy_words(),
            **landed_words(),
            **shared_words(read_budget),
            **welcome_words(),
            **forgery_words(),
            **outgoing_words(),
            **beat_words(),
            **leaver_words(),
            **on_call_words(),
            **dead_words(),
            **subscriber_words(),
            **digest_words(),
            **weekly_words(),
            **mail_off_words(),
            **missed_words(),
            **canary_words(),
            **call_words(),
            **alert_words(),
        }
    )


def mail_words(public_url: str) -> Mapping[str, Words]:
    """Return what is mailed, one by one or several in one mail."""
    return with_bundles(
        {
            **install_words(public_url),
            **outgoing_words(),
            **leaver_words(),
            **subscriber_words(),
            **digest_words(),
            **missed_words(),
            **canary_words(),
            **call_words(),
            **alert_words(),
        }
    )
