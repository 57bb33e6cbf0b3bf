-- One row per amount of a settlement; the amounts of a settlement add up to its total. Positive is money to the seller.
SELECT
    l.id AS settlement_line_id,
    l.settlement_id,
    l.line_number,
    s.deposited_at,
    s.currency,
    l.posted_at,
    l.transaction_type,
    l.amount_type,
    l.amount_description,
    CAST(l.amount AS DECIMAL(18, 3)) AS amount,
    l.marketplace_name,
    l.order_id,
    l.sku,
    l.quantity_purchased,
    l.adjustment_id,
    l.shipment_id,
    l.fulfillment_id,
    l.order_item_code,
    l.promotion_id
FROM raw_amazon_settlement_lines l
LEFT JOIN raw_amazon_settlements s ON s.id = l.settlement_id
