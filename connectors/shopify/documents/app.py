"""The app itself: the version of the API, what we ask to be allowed, whose shop it is, and the way out."""

API_VERSION = "2026-10"

#: What the documents need; ``read_all_orders`` lifts Shopify's limit of 60 days of orders.
SCOPES = (
    "read_orders",
    "read_all_orders",
    "read_products",
    "read_customers",
    "read_inventory",
    "read_shopify_payments_accounts",
    "read_shopify_payments_payouts",
    "read_draft_orders",
    "read_discounts",
)

SHOP = "query Shop { shop { id name myshopifyDomain } }"

#: The only document that changes anything: the app removes itself. Not among DOCUMENTS, which only read.
UNINSTALL = "mutation Uninstall { appUninstall { userErrors { code } } }"
