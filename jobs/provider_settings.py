"""A provider's addresses and app credentials, from the settings."""

from connectors.amazon.regions import REGIONS
from connectors.base import Addresses, ProviderSettings
from connectors.wire import HttpLimits
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.settings import Settings


def provider_settings(settings: Settings, provider: Provider, limits: HttpLimits) -> ProviderSettings:
    """Return one provider's addresses and app credentials; the plain addresses are those of its first region."""
    name = provider.value
    if provider is Provider.POCKETADVANTAGE:
        # Nothing is collected: files and orders are exchanged with servers that customers name.
        servers = settings.exchange_servers
        return ProviderSettings(
            "", Secret(""), settings.exchange_folder, "", "", limits, endpoints=servers, place="exchange"
        )
    if not hasattr(settings, f"{name}_client_id"):
        # Files that are delivered to a folder: no app, no tokens.
        folder = getattr(settings, f"{name}_folder", f"{settings.files_folder}/{name}")
        return ProviderSettings("", Secret(""), folder, "", "", limits, endpoints=settings.buckets, place="files")
    regions = {region: _addresses(settings, f"_{region}", name) for region in REGIONS} if _regional(provider) else {}
    first = next(iter(regions.values())) if regions else _addresses(settings, "", name)
    return ProviderSettings(
        client_id=getattr(settings, f"{name}_client_id"),
        client_secret=Secret(getattr(settings, f"{name}_client_secret").get_secret_value()),
        previous_secret=Secret(getattr(settings, f"{name}_client_secret_previous").get_secret_value()),
        api_url=first.api_url,
        auth_url=first.auth_url,
        token_url=first.token_url,
        limits=limits,
        regions=regions,
        application_id=settings.amazon_application_id if _regional(provider) else "",
        draft=settings.amazon_draft and _regional(provider),
    )


def _regional(provider: Provider) -> bool:
    return provider is Provider.AMAZON


def _addresses(settings: Settings, ending: str, name: str) -> Addresses:
    return Addresses(*(getattr(settings, f"{name}_{kind}_url{ending}") for kind in ("api", "auth", "token")))
