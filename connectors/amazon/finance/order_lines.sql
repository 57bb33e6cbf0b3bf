SELECT
    l._source AS source,
    l.order_id,
    l.order_id || '|' || l.line_number AS line_id,
    l.line_number,
    l.purchased_at AS ordered_at,
    l.is_cancelled,
    FALSE AS is_test,
    l.sku,
    l.product_name,
    l.quantity,
    l.currency,
    l.item_price AS gross_amount,
    COALESCE(l.item_discount, 0) AS discount_amount,
    l.item_price - COALESCE(l.item_discount, 0) AS net_amount,
    l.item_tax AS tax_amount
FROM ready_amazon_order_lines l
