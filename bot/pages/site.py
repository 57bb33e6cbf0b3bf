"""All pages of one process, put together."""

from starlette.routing import BaseRoute

from bot.pages.browser import Browsers
from bot.pages.connect import ConnectPages
from bot.pages.fixed import fixed_pages
from bot.pages.install import PATH, InstallPages, Installs
from bot.pages.mail_off import MailOffPages
from bot.pages.port import Flows, MailOffs
from bot.pages.renew import RenewPages
from connectors.base import ProviderSettings
from connectors.grants import Pairs, ReturnRefusedError
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.settings import Settings


def pages(
    settings: Settings, flows: Flows, installs: Installs, offs: MailOffs, shopify: ProviderSettings, clock: Clock
) -> list[BaseRoute]:
    """Return every page's address."""
    keys = [Secret(key.get_secret_value()) for key in settings.secret_keys]
    secure = settings.public_url.startswith("https://")
    browsers, installers = Browsers(keys, secure=secure), Browsers(keys, secure=secure, path=PATH)

    def shop_of(query: Pairs) -> str | None:
        from connectors.shopify.grant import ShopifyGrants

        try:
            return ShopifyGrants().verify_install(shopify, query, now=clock.now())
        except ReturnRefusedError:
            return None

    connecting, installing = ConnectPages(flows, browsers, clock), InstallPages(installs, installers)
    renewing = RenewPages(flows, browsers)
    return [
        *renewing.routes(),
        *connecting.routes(),
        *installing.routes(),
        *MailOffPages(offs).routes(),
        *fixed_pages(shop_of),
    ]
