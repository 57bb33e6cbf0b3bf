-- One row for each thing that a refund gave back: a line, the shipping, and the difference between these and the money
-- that was paid back (a fee that was kept, goodwill, a return without money). Amounts are positive where money goes back
-- to the buyer; the rows of a refund add up to the money of its payments, cents included.
WITH said AS (
    SELECT o.id AS order_id, unnest(json_transform(o._raw -> '$.refunds', '[{
        "id": "VARCHAR",
        "createdAt": "VARCHAR",
        "processedAt": "VARCHAR",
        "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR"}},
        "refundLineItems": {"nodes": [{
            "id": "VARCHAR",
            "quantity": "VARCHAR",
            "restockType": "VARCHAR",
            "lineItem": {"id": "VARCHAR", "sku": "VARCHAR", "title": "VARCHAR"},
            "subtotalSet": {"shopMoney": {"amount": "VARCHAR"}},
            "totalTaxSet": {"shopMoney": {"amount": "VARCHAR"}}
        }]},
        "refundShippingLines": {"nodes": [{
            "id": "VARCHAR",
            "shippingLine": {"id": "VARCHAR", "title": "VARCHAR"},
            "subtotalAmountSet": {"shopMoney": {"amount": "VARCHAR"}},
            "taxAmountSet": {"shopMoney": {"amount": "VARCHAR"}}
        }]}
    }]')) AS refund
    FROM raw_shopify_orders o
    WHERE (o._raw -> '$.refunds[0]') IS NOT NULL
),
lines AS (
    SELECT order_id, refund.id AS refund_id, unnest(refund.refundLineItems.nodes) AS line FROM said
),
shipping AS (
    SELECT order_id, refund.id AS refund_id, unnest(refund.refundShippingLines.nodes) AS line FROM said
),
parts AS (
    SELECT
        order_id, refund_id, 'line' AS kind, line.id AS part_id, line.lineItem.id AS line_id,
        line.lineItem.sku AS sku, line.lineItem.title AS title, CAST(line.quantity AS BIGINT) AS quantity,
        line.restockType AS restock_type,
        CAST(line.subtotalSet.shopMoney.amount AS DECIMAL(28, 9)) AS amount,
        CAST(line.totalTaxSet.shopMoney.amount AS DECIMAL(28, 9)) AS tax
    FROM lines
    UNION ALL
    SELECT
        order_id, refund_id, 'shipping', line.id, line.shippingLine.id,
        NULL, line.shippingLine.title, NULL, NULL,
        CAST(line.subtotalAmountSet.shopMoney.amount AS DECIMAL(28, 9)),
        CAST(line.taxAmountSet.shopMoney.amount AS DECIMAL(28, 9))
    FROM shipping
),
rest AS (
    SELECT
        s.order_id, s.refund.id AS refund_id,
        -- Where prices include tax, so do the amounts that go back.
        ANY_VALUE(CAST(s.refund.totalRefundedSet.shopMoney.amount AS DECIMAL(28, 9))) - COALESCE(SUM(p.amount + CASE WHEN o.taxes_included THEN 0 ELSE p.tax END), 0) AS amount
    FROM said s
    JOIN raw_shopify_orders o ON o.id = s.order_id
    LEFT JOIN parts p ON p.order_id = s.order_id AND p.refund_id = s.refund.id
    GROUP BY ALL
),
every AS (
    FROM parts
    UNION ALL
    SELECT order_id, refund_id, 'difference', refund_id, NULL, NULL, NULL, NULL, NULL, amount, 0
    FROM rest
    WHERE amount <> 0
)
SELECT
    o.id AS order_id,
    e.refund_id,
    e.part_id,
    e.kind,
    o.name AS order_name,
    CAST(s.refund.createdAt AS TIMESTAMP WITH TIME ZONE) AS created_at,
    CAST(s.refund.processedAt AS TIMESTAMP WITH TIME ZONE) AS processed_at,
    COALESCE(o.test, FALSE) AS is_test,
    e.line_id,
    e.sku,
    e.title,
    e.quantity,
    e.restock_type,
    o.currency,
    CAST(CASE WHEN o.taxes_included THEN e.amount - e.tax ELSE e.amount END AS DECIMAL(18, 3)) AS amount_before_tax,
    CAST(e.tax AS DECIMAL(18, 3)) AS tax_amount,
    CAST(CASE WHEN o.taxes_included THEN e.amount ELSE e.amount + e.tax END AS DECIMAL(18, 3)) AS total_amount
FROM every e
JOIN raw_shopify_orders o ON o.id = e.order_id
JOIN said s ON s.order_id = e.order_id AND s.refund.id = e.refund_id
