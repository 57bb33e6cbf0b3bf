"""From the environment to what a connector is given: addresses, regions, both secrets."""

import pytest

from connectors.errors import Broken
from connectors.wire import HttpLimits
from jobs.provider_settings import provider_settings
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.settings import Settings

NEEDED = {"slack_bot_token": "xoxb-1", "slack_signing_secret": "0123456789abcdef", "secret_keys": "x" * 44}
#: where files are delivered there is no app of ours
WITH_APP = [provider for provider in Provider if f"{provider}_client_id" in Settings.model_fields]


def settings(**more: object) -> Settings:
    """Return settings that are complete."""
    return Settings.model_validate({**NEEDED, **more})


@pytest.mark.parametrize("provider", WITH_APP)
def test_every_provider_has_https_addresses_of_its_own(provider: Provider) -> None:
    found = provider_settings(settings(), provider, HttpLimits())
    for address in (found.api_url, found.auth_url, found.token_url):
        assert address.startswith("https://")
    assert found.client_secrets == (Secret(""),)
    assert not found.draft


def test_amazon_has_three_regions_and_the_others_none() -> None:
    amazon = provider_settings(settings(amazon_application_id="amzn1.sp.solution.1"), Provider.AMAZON, HttpLimits())
    assert list(amazon.regions) == ["na", "eu", "fe"]
    assert amazon.at("eu").api_url == "https://sellingpartnerapi-eu.amazon.com"
    assert amazon.at("fe").auth_url.startswith("https://sellercentral.amazon.co.jp/")
    assert amazon.environment("A2", "fe") == "api.amazon.com"
    assert amazon.application_id == "amzn1.sp.solution.1"
    for region in ("", "us"):
        with pytest.raises(Broken):
            amazon.at(region)
    shopify = provider_settings(settings(), Provider.SHOPIFY, HttpLimits())
    assert shopify.at("") is shopify
    assert shopify.environment("a.myshopify.com") == "a.myshopify.com"
    with pytest.raises(Broken):
        shopify.at("na")


@pytest.mark.parametrize("provider", WITH_APP)
def test_a_former_secret_counts_while_it_is_set(provider: Provider) -> None:
    given = {f"{provider}_client_secret": "new", f"{provider}_client_secret_previous": "old"}
    found = provider_settings(settings(**given), provider, HttpLimits())
    assert found.client_secrets == (Secret("new"), Secret("old"))
    assert "old" not in repr(found)


def test_netsuite_has_a_folder_and_no_app() -> None:
    assert provider_settings(settings(netsuite_folder="/srv/in"), Provider.NETSUITE, HttpLimits()).api_url == "/srv/in"
