-- One row per return to Amazon's warehouses.
SELECT
    r.id AS return_id,
    r.returned_at,
    r.order_id,
    r.sku,
    r.asin,
    r.fnsku,
    r.product_name,
    r.quantity,
    r.disposition,
    r.disposition = 'SELLABLE' AS is_sellable,
    r.reason,
    r.status,
    r.fulfillment_center_id
FROM raw_amazon_returns r
