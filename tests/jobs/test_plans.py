"""Schedules as people type them."""

from datetime import time

import pytest

from jobs.plans import Plan, PlanRefusedError, read_plan, split
from storage.facts.schedules import Rhythm, Rule, read_rule
from storage.facts.sources import Provider

READ = {
    "every 6 hours": Plan(360),
    "every 6h": Plan(360),
    "every hour": Plan(60),
    "hourly": Plan(60),
    "Every 90 Minutes": Plan(90),
    "every １５ min": Plan(15),
    "every 24 hours": Plan(1440),
    "at 07:30": Plan(1440, Rule(Rhythm.DAILY, time(7, 30))),
    "7:30": Plan(1440, Rule(Rhythm.DAILY, time(7, 30))),
    "daily at 7:30 pm": Plan(1440, Rule(Rhythm.DAILY, time(19, 30))),
    "every day at 12 am": Plan(1440, Rule(Rhythm.DAILY, time(0))),
    "daily 12:00": Plan(1440, Rule(Rhythm.DAILY, time(12))),
    "weekdays at 07:30": Plan(1440, Rule(Rhythm.WEEKDAYS, time(7, 30))),
    "every weekday at 7am": Plan(1440, Rule(Rhythm.WEEKDAYS, time(7))),
    "business days at 18:05": Plan(1440, Rule(Rhythm.WEEKDAYS, time(18, 5))),
    "off": Plan(1440, Rule(Rhythm.OFF)),
}


@pytest.mark.parametrize("words", READ)
def test_what_people_type_is_understood_and_its_own_words_mean_the_same(words: str) -> None:
    plan = read_plan(words, Provider.SHOPIFY)
    assert plan == READ[words]
    assert read_plan(plan.words, Provider.SHOPIFY) == plan
    if plan.rule is not None:
        assert read_rule(str(plan.rule)) == plan.rule
    assert split(f"the Temerity shop {words}") == ("the temerity shop", split(words)[1])
    assert split(words)[0] == ""


@pytest.mark.parametrize(
    "words", ["", "often", "every", "every day", "every 6", "every -6 hours", "every 1.5 hours", "at", "at noon", "weekdays", "at ٠٧:٣٠",
              "at 07:30 and 09:30", "every 6 hours off", "0730", "at 7"]
)  # fmt: skip
def test_other_words_mean_no_schedule(words: str) -> None:
    assert read_plan(words, Provider.SHOPIFY) is None


@pytest.mark.parametrize(
    "words, reason",
    [("every 4 minutes", "short"), ("every 0 hours", "short"), ("every 25 hours", "long"), ("every 99999 h", "long"),
     ("at 24:00", "time"), ("at 07:60", "time"), ("13 pm", "time"), ("0:30 am", "time")],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_reason(words: str, reason: str) -> None:
    with pytest.raises(PlanRefusedError) as caught:
        read_plan(words, Provider.SHOPIFY)
    assert caught.value.reason == reason


def test_default_is_the_providers_own() -> None:
    assert read_plan("default", Provider.AMAZON) == Plan(360)
    assert read_plan("DEFAULT", Provider.QUICKBOOKS) == Plan(60)


@pytest.mark.parametrize("text", ["daily", "daily 7:30", "weekdays 25:00", "off 07:30", "never", "", "daily 07:30 "])
def test_a_text_that_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_rule(text)


def test_a_source_is_named_before_its_schedule() -> None:
    assert split("shopify every 6 hours") == ("shopify", "every 6 hours")
    assert split("every 6 hours") == ("", "every 6 hours")
    assert split("temeritygoods.myshopify.com") == ("temeritygoods.myshopify.com", "")
    assert split("qbo weekdays at 7:30") == ("qbo", "weekdays at 7:30")
