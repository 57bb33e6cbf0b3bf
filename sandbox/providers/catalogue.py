"""What Temerity Goods sells, to whom and from whom it buys: the words that generated companies are made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the brand; amounts in cents."""

    name: str
    sku: str
    category: str
    price: int
    cost: int
    options: tuple[str, ...]
    option: str = "Color"


COMPANY = "Temerity Goods"
SHOP = "temeritygoods.myshopify.com"
REALM = "9341450000000001"
#: What else the same person may choose on a consent page: another shop of theirs, and a company of somebody else.
OUTLET = "Temerity Outlet"
OUTLET_SHOP = "temerityoutlet.myshopify.com"
HARBOUR = "Harbour & Pine LLC"
HARBOUR_REALM = "9341450000000002"
ZONE = "America/Los_Angeles"

_COLORS = ("Ink", "Sand", "Moss")
_SIZES = ("S", "M", "L", "XL")

PRODUCTS = (
    Product("Ridgeline Daypack 22L", "TG-RDP22", "Bags", 12800, 4630, _COLORS),
    Product("Harbor Tote", "TG-HTOTE", "Bags", 6800, 2145, _COLORS),
    Product("Switchback Sling", "TG-SLING", "Bags", 5400, 1790, _COLORS),
    Product("Overnighter Duffel 40L", "TG-DUF40", "Bags", 16800, 6120, ("Ink", "Moss")),
    Product("Field Notebook Cover", "TG-NBCVR", "Desk", 4200, 1165, ("Tan", "Black")),
    Product("Brass Pencil Set", "TG-BPNCL", "Desk", 2400, 610, ("Set of 4",), "Pack"),
    Product("Desk Tray, Walnut", "TG-TRAYW", "Desk", 5800, 2090, ("Walnut",), "Wood"),
    Product("Canteen Bottle 750ml", "TG-BTL75", "Kitchen", 3400, 985, ("Ink", "Sand", "Moss", "Clay")),
    Product("Enamel Mug", "TG-EMUG1", "Kitchen", 1800, 420, ("Ink", "Sand", "Moss", "Clay")),
    Product("Pour-Over Kit", "TG-POUR1", "Kitchen", 6400, 2380, ("Clay", "Ink")),
    Product("Chef's Apron", "TG-APRON", "Kitchen", 4800, 1505, ("Ink", "Sand")),
    Product("Cast Iron Skillet 10in", "TG-SKL10", "Kitchen", 7200, 2960, ("10 in",), "Size"),
    Product("Everyday Tee", "TG-TEE01", "Apparel", 3600, 915, _SIZES, "Size"),
    Product("Merino Crew", "TG-MCREW", "Apparel", 11800, 4410, _SIZES, "Size"),
    Product("Chore Jacket", "TG-CHORE", "Apparel", 16400, 6035, _SIZES, "Size"),
    Product("Watch Cap", "TG-WTCAP", "Apparel", 2800, 705, _COLORS),
    Product("Trail Socks, 3 Pack", "TG-SOCK3", "Apparel", 3200, 890, ("S", "M", "L"), "Size"),
    Product("Waxed Canvas Belt", "TG-BELT1", "Apparel", 4600, 1310, ("S", "M", "L"), "Size"),
    Product("Camp Blanket", "TG-BLNKT", "Outdoor", 9800, 3725, ("Ember", "Pine")),
    Product("Lantern, Rechargeable", "TG-LNTRN", "Outdoor", 6200, 2210, ("Black", "Olive")),
    Product("Folding Stool", "TG-STOOL", "Outdoor", 5200, 1985, ("Oak",), "Wood"),
    Product("Picnic Roll", "TG-PICNC", "Outdoor", 7600, 2840, ("Ember", "Pine")),
    Product("Soy Candle, Cedar", "TG-CNDLC", "Home", 2900, 735, ("8 oz", "14 oz"), "Size"),
    Product("Linen Throw Pillow", "TG-LPLLW", "Home", 5600, 1875, ("Sand", "Moss")),
    Product("Stoneware Planter", "TG-PLNTR", "Home", 3900, 1230, ("Small", "Large"), "Size"),
    Product("Gift Card Sleeve", "TG-GSLEV", "Home", 500, 95, ("Kraft",), "Paper"),
)

FIRST_NAMES = (
    "Amara", "Ben", "Carla", "Dev", "Elena", "Farid", "Grace", "Hugo", "Imani", "Jonas", "Keiko", "Liam", "Maya",
    "Noor", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tessa", "Uma", "Victor", "Wren", "Xiomara", "Yusuf",
    "Zoë", "Søren", "Chloé",
)  # fmt: skip
LAST_NAMES = (
    "Abernathy", "Bianchi", "Castillo", "Dubois", "Eriksen", "Fujimoto", "García", "Haddad", "Ivanov", "Jensen",
    "Kowalski", "Lindqvist", "Mbeki", "Novak", "O'Brien", "Petrova", "Quigley", "Ramaswamy", "Sato", "Thompson",
    "Ueda", "Vargas", "Whitfield", "Xu", "Yamada", "Zimmerman",
)  # fmt: skip
STORE_WORDS = (
    "Anchor", "Birch", "Copper", "Driftwood", "Evergreen", "Foundry", "Granite", "Hearth", "Indigo", "Juniper",
    "Kestrel", "Lantern", "Meridian", "Northfield", "Orchard", "Prairie", "Quarry", "Redwood", "Saltwater",
    "Timber", "Union", "Vista", "Willow", "Yarrow",
)  # fmt: skip
STORE_KINDS = (
    "Outfitters", "Mercantile", "General Store", "Supply Co.", "& Daughters", "Home", "Provisions", "Trading LLC",
)  # fmt: skip
STREETS = (
    "Alder St", "Bay Rd", "Cedar Ave", "Division St", "Elm Ct", "Front St", "Grove Ln", "Harbor Blvd",
    "Mission St",
)  # fmt: skip
#: city, state, first five digits of the postal code
PLACES = (
    ("Oakland", "CA", "94607"),
    ("Sacramento", "CA", "95814"),
    ("Portland", "OR", "97209"),
    ("Seattle", "WA", "98101"),
    ("Boise", "ID", "83702"),
    ("Denver", "CO", "80205"),
    ("Austin", "TX", "78702"),
    ("Chicago", "IL", "60614"),
    ("Brooklyn", "NY", "11201"),
    ("Portland", "ME", "04101"),
    ("Asheville", "NC", "28801"),
    ("San Diego", "CA", "92103"),
)
#: name, the expense or asset account that their bills post to, smallest and largest line in cents
VENDORS = (
    ("Cascade Contract Sewing", "Inventory Asset", 180000, 1450000),
    ("Pacific Rim Freight", "Freight In", 32000, 410000),
    ("Bayside Fulfillment", "Fulfillment and Warehousing", 90000, 620000),
    ("Meta Platforms", "Social Ads", 120000, 980000),
    ("Google Ads", "Search Ads", 80000, 760000),
    ("Parcelworks Shipping", "Outbound Shipping", 45000, 530000),
    ("Packright Boxes", "Packaging", 15000, 240000),
    ("Telegraph Avenue Properties", "Rent", 845000, 845000),
    ("East Bay Utilities", "Utilities", 18000, 74000),
    ("Wexler & Finch CPAs", "Accounting and Legal", 65000, 380000),
    ("Northstar Insurance", "Insurance", 42000, 128000),
    ("Cloudsmith Software", "Software", 4900, 89000),
    ("Studio Marrow", "Product Photography", 60000, 290000),
    ("Lumen Office Supply", "Office Supplies", 2300, 41000),
    ("Sierra Textiles", "Inventory Asset", 95000, 870000),
    ("Kiln & Clay Co-op", "Inventory Asset", 40000, 320000),
)
