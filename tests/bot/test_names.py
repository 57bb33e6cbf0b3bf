"""Which source is meant: nicknames, labels, company names, typing errors; never another organization's."""

import pytest

from bot.names import find, is_everything, mentioned
from storage.facts.sources import Provider, Source
from tests.bot.twins.world import QBO, SHOP, source

SECOND = source("src_shop2", Provider.SHOPIFY, "temerity-outlet.myshopify.com", company="Temerity Outlet")
KNOWN = [QBO, SHOP]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("qbo", QBO), ("QB", QBO), ("quickbooks", QBO), ("QuickBooks Online", QBO), ("the books", QBO), ("quickbooks_9341", QBO),
        ("Temerity Goods LLC", QBO), ("src_qbo", QBO), ("quikbooks", QBO), ("quickboks", QBO), ("“QBO”", QBO), ("my books", QBO),
        ("shop", SHOP), ("the store", SHOP), ("Shopify", SHOP), ("shopfy", SHOP), ("shoppify", SHOP), ("the shopify data", SHOP),
        ("temeritygoods", SHOP), ("temeritygoods.myshopify.com", SHOP), ("temerity goods store", SHOP), ("ｓｈｏｐ", SHOP),
    ],
)  # fmt: skip
def test_a_typed_name_finds_its_source(text: str, expected: Source) -> None:
    assert find(text, KNOWN).sources == (expected,)


@pytest.mark.parametrize(
    "text", ["amz", "amazon", "netsuite", "zendesk", "coffee", "x", "", "🦊", "temerity goods st0re llc of delaware"]
)
def test_what_is_not_connected_is_not_found(text: str) -> None:
    assert find(text, KNOWN).sources == ()


def test_a_near_miss_is_a_guess() -> None:
    assert find("quickbx", KNOWN).guess == "quickbooks"
    assert find("zzzzzz", KNOWN).guess is None


def test_a_nickname_means_every_source_of_the_provider_and_a_label_one() -> None:
    assert find("shopify", [QBO, SHOP, SECOND]).sources == (SHOP, SECOND)
    assert find("outlet", [QBO, SHOP, SECOND]).sources in ((), (SECOND,))
    assert find("temerity outlet", [QBO, SHOP, SECOND]).sources == (SECOND,)


@pytest.mark.parametrize(
    "sentence, expected",
    [
        ("is shopify fresh?", (SHOP,)), ("are qbo and the shop up to date", (QBO, SHOP)), ("is shoppify fresh", (SHOP,)),
        ("is everything fresh", ()), ("the workshop is late", ()), ("how are the books", (QBO,)),
    ],
)  # fmt: skip
def test_a_sentence_names_its_sources(sentence: str, expected: tuple[Source, ...]) -> None:
    assert mentioned(sentence, KNOWN).sources == expected


def test_words_for_everything() -> None:
    assert all(is_everything(words) for words in ("all", "Everything!", "all the data", "ALL sources", "the data"))
    assert not any(is_everything(words) for words in ("shopify", "allegro", "", "all of shopify"))


def test_a_hostile_name_costs_no_time() -> None:
    find("a" * 100_000, KNOWN)
    mentioned("b " * 50_000, KNOWN)
