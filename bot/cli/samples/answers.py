"""Answers to questions in plain words."""

from datetime import timedelta

from bot.cli.samples import facts as s
from storage.facts.begun import Asker, Begun
from storage.facts.messages import Message
from storage.facts.runs import RunState, Stage, Trigger
from storage.facts.sources import Source
from templates import notices
from templates.notices import answering, began, linked


def answer_messages() -> dict[str, Message]:
    """Return an answer of every kind."""
    shop, books, gone = s.status(last_ready=s.run(counts=s.COUNTS)), s.status(s.QUICKBOOKS), s.cut_off()
    busy = s.status(active=s.run(state=RunState.RUNNING, stage=Stage.COLLECTING, rows=12_400, expected=18_200))
    both, every = [books, shop], [books, gone]
    since = s.NOW - timedelta(hours=5)
    maya, daniel = Asker("Maya Ortiz <b>", "U0MAYA"), Asker("Daniel Kim", "U0DANIEL")
    runs = [
        Begun(s.run(counts=s.COUNTS), (maya, daniel)),
        Begun(s.run(s.QUICKBOOKS, asked=64, trigger=Trigger.SCHEDULE)),
        Begun(s.run(state=RunState.FAILED, failed=s.failure(), asked=90), (maya,)),
    ]
    sources = [s.QUICKBOOKS, s.SHOPIFY]
    return {
        "answer_last_one": answering.when_last([shop], s.NOW, s.ZONE, since=since, value="shop"),
        "answer_last_all": answering.when_last(every, s.NOW, s.ZONE),
        "answer_next": answering.when_next(every, s.NOW, s.ZONE),
        "answer_started": began.who_started(sources, runs, s.NOW, s.ZONE),
        "answer_started_by": began.who_started(sources, runs, s.NOW, s.ZONE, person="Maya"),
        "answer_started_not": began.who_started(
            sources, runs, s.NOW, s.ZONE, person="Priya Nair", when=began.period(since, None, None, s.ZONE)
        ),
        "answer_long": answering.how_long(both, s.NOW, s.ZONE, value="all"),
        "answer_long_running": answering.how_long([busy], s.NOW, s.ZONE, by=s.NOW + timedelta(hours=1)),
        "answer_running": answering.is_running([books, busy], s.NOW, s.ZONE),
        "answer_running_none": answering.is_running(both, s.NOW, s.ZONE),
        "answer_changed": answering.what_changed([shop], s.NOW, s.ZONE),
        "answer_changed_since": began.changed_since(
            sources, runs, s.NOW, when=began.period(since, None, None, s.ZONE), cut=True
        ),
        "answer_disconnected": linked.disconnected(every, s.NOW, s.ZONE, admins=s.ADMINS, may=_yes),
        "answer_disconnected_none": linked.disconnected(both, s.NOW, s.ZONE, admins=s.ADMINS, may=_no),
        "answer_reconnect": linked.how_reconnect(every, s.NOW, admins=s.ADMINS, may=_no, asks=False),
        "answer_refreshable": linked.what_can_refresh(both, s.NOW, may=True, admins=s.ADMINS, value="all"),
        "answer_which": answering.which_source("is it <fresh>?", ["quickbooks_9341", "temeritygoods.myshopify.com"]),
        "answer_lost": answering.not_understood("tell me a <b>joke</b>", ["is shopify fresh?", "what can I refresh?"]),
        "answer_about": answering.not_understood("and amazon?", ["is amazon fresh?"], about="Amazon"),
        "answer_declined": answering.not_understood("don't refresh", ["is shopify fresh?"], declined=True),
        "answer_several": answering.together(
            [
                answering.is_running(both, s.NOW, s.ZONE),
                notices.unknown_source("stripe", ["quickbooks_9341"]),
                answering.when_next([shop], s.NOW, s.ZONE),
            ]
        ),
    }


def _yes(_source: Source) -> bool:
    return True


def _no(_source: Source) -> bool:
    return False
