-- One row per day and marketplace, as Amazon counts them; the last one to three days are not there yet. Days are those of
-- the marketplace's own time zone.
SELECT
    s.id AS sales_and_traffic_id,
    s.marketplace_id,
    s.date,
    s.currency,
    CAST(s.ordered_product_sales AS DECIMAL(18, 3)) AS ordered_product_sales,
    CAST(s.ordered_product_sales_b2b AS DECIMAL(18, 3)) AS ordered_product_sales_b2b,
    CAST(s.shipped_product_sales AS DECIMAL(18, 3)) AS shipped_product_sales,
    CAST(s.claims_amount AS DECIMAL(18, 3)) AS claims_amount,
    s.units_ordered,
    s.total_order_items,
    s.units_shipped,
    s.orders_shipped,
    s.units_refunded,
    s.page_views,
    s.sessions,
    s.buy_box_percentage,
    s.unit_session_percentage
FROM raw_amazon_sales_and_traffic s
