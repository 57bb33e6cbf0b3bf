"""Sellers and the marketplaces in which they sell; a seller account lives in one region."""

from dataclasses import dataclass, field
from typing import Any

REGIONS = ("na", "eu", "fe")

#: id, region, country, name, currency, language, domain
_MARKETPLACES = (
    ("ATVPDKIKX0DER", "na", "US", "Amazon.com", "USD", "en_US", "www.amazon.com"),
    ("A2EUQ1WTGCTBG2", "na", "CA", "Amazon.ca", "CAD", "en_CA", "www.amazon.ca"),
    ("A1AM78C64UM0Y8", "na", "MX", "Amazon.com.mx", "MXN", "es_MX", "www.amazon.com.mx"),
    ("A1F83G8C2ARO7P", "eu", "GB", "Amazon.co.uk", "GBP", "en_GB", "www.amazon.co.uk"),
    ("A1PA6795UKMFR9", "eu", "DE", "Amazon.de", "EUR", "de_DE", "www.amazon.de"),
    ("A13V1IB3VIYZZH", "eu", "FR", "Amazon.fr", "EUR", "fr_FR", "www.amazon.fr"),
    ("A1VC38T7YXB528", "fe", "JP", "Amazon.co.jp", "JPY", "ja_JP", "www.amazon.co.jp"),
    ("A39IBJ37TRP1C6", "fe", "AU", "Amazon.com.au", "AUD", "en_AU", "www.amazon.com.au"),
)


@dataclass
class Seller:
    """One seller account; every field may be changed while it runs."""

    id: str
    name: str
    region: str
    #: country codes of the marketplaces in which it takes part
    countries: tuple[str, ...]
    #: active or suspended: a suspended account's calls are refused without a word why
    state: str = "active"
    #: whether the app has the role that finances need
    finance_role: bool = True
    #: whether there were transactions of late: only they name the seller
    transactions: bool = True
    #: marketplaces whose listings are suspended
    suspended_listings: frozenset[str] = field(default_factory=frozenset)

    def participations(self) -> list[dict[str, Any]]:
        """Return the payload of getMarketplaceParticipations: all of the region, those not taken part in as well."""
        return [
            {
                "marketplace": {
                    "id": id_,
                    "countryCode": country,
                    "name": name,
                    "defaultCurrencyCode": currency,
                    "defaultLanguageCode": language,
                    "domainName": domain,
                },
                "storeName": self.name,
                "participation": {
                    "isParticipating": country in self.countries,
                    "hasSuspendedListings": country in self.suspended_listings,
                },
            }
            for id_, region, country, name, currency, language, domain in _MARKETPLACES
            if region == self.region
        ]


def markets_of(seller: Seller) -> tuple[str, ...]:
    """Return the ids of the marketplaces in which a seller takes part."""
    return tuple(
        id_ for id_, region, country, *_ in _MARKETPLACES if region == seller.region and country in seller.countries
    )


def known_sellers() -> dict[str, Seller]:
    """Return the sellers that may be chosen, by id."""
    found = (
        Seller("A2TEMERITYUS01", "Temerity Goods", "na", ("US", "CA")),
        Seller("A3HARBOURPINE1", "Harbour & Pine", "na", ("US",)),
        Seller("A1TEMERITYEU01", "Temerity Goods Europe", "eu", ("GB", "DE")),
        Seller("A4TEMERITYJP01", "Temerity Goods Japan", "fe", ("JP",)),
    )
    return {seller.id: seller for seller in found}
