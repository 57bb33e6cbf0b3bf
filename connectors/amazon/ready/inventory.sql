-- One row per marketplace and product: the stock at the time of the collection. Sellers who share stock among marketplaces
-- see the same units in each of them: do not add marketplaces.
SELECT
    i.id AS inventory_id,
    i.marketplace_id,
    i.sku,
    i.asin,
    i.fnsku,
    i.condition,
    i.product_name,
    i.updated_at,
    COALESCE(i.total_quantity, 0) AS total_quantity,
    COALESCE(i.fulfillable_quantity, 0) AS fulfillable_quantity,
    COALESCE(i.reserved_quantity, 0) AS reserved_quantity,
    COALESCE(i.unfulfillable_quantity, 0) AS unfulfillable_quantity,
    COALESCE(i.researching_quantity, 0) AS researching_quantity,
    COALESCE(i.inbound_working_quantity, 0) + COALESCE(i.inbound_shipped_quantity, 0)
        + COALESCE(i.inbound_receiving_quantity, 0) AS inbound_quantity
FROM raw_amazon_inventory i
