"""Amazon's three regions: a grant works in one of them, and each seller site belongs to one."""

import re

#: What a person chooses from.
REGIONS = {
    "na": "North America (United States, Canada, Mexico, Brazil)",
    "eu": "Europe, Middle East, Africa and India",
    "fe": "Far East (Japan, Australia, Singapore)",
}

#: Every host at which Amazon may ask for a seller's sign-in, and its region. Compared whole, never by prefix or ending.
SELLER_CENTRALS = {
    "sellercentral.amazon.com": "na",
    "sellercentral.amazon.ca": "na",
    "sellercentral.amazon.com.mx": "na",
    "sellercentral.amazon.com.br": "na",
    "sellercentral-europe.amazon.com": "eu",
    "sellercentral.amazon.com.be": "eu",
    "sellercentral.amazon.nl": "eu",
    "sellercentral.amazon.se": "eu",
    "sellercentral.amazon.pl": "eu",
    "sellercentral.amazon.ie": "eu",
    "sellercentral.amazon.co.za": "eu",
    "sellercentral.amazon.eg": "eu",
    "sellercentral.amazon.com.tr": "eu",
    "sellercentral.amazon.sa": "eu",
    "sellercentral.amazon.ae": "eu",
    "sellercentral.amazon.in": "eu",
    "sellercentral.amazon.co.jp": "fe",
    "sellercentral.amazon.com.au": "fe",
    "sellercentral.amazon.sg": "fe",
}

SELLER = re.compile(r"[A-Z0-9]{6,32}", re.ASCII)

#: Where Amazon keeps report documents; the links it hands out lead there and nowhere else.
STORAGE_HOSTS = (".amazonaws.com",)
