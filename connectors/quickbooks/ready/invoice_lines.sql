-- One row per line that carries money: sold items and discounts. Subtotals and group headings repeat other lines and are left
-- out, so that the lines of an invoice add up to its amount before tax; discounts are negative.
SELECT
    i.id AS invoice_id,
    l.position + 1 AS line_position,
    l.line_id,
    i.doc_number AS invoice_number,
    i.txn_date AS invoice_date,
    i.customer_id,
    i.customer_name,
    l.detail_type,
    l.item_id,
    l.item_name,
    COALESCE(l.item_account_id, l.discount_account_id) AS account_id,
    COALESCE(l.item_account_name, l.discount_account_name) AS account_name,
    l.class_id,
    l.class_name,
    l.description,
    l.quantity,
    l.unit_price,
    CAST(CASE WHEN l.detail_type = 'DiscountLineDetail' THEN -l.amount ELSE l.amount END AS DECIMAL(18, 2)) AS amount,
    i.currency,
    CAST(
        CASE WHEN l.detail_type = 'DiscountLineDetail' THEN -l.amount ELSE l.amount END * COALESCE(i.exchange_rate, 1)
        AS DECIMAL(18, 2)
    ) AS home_amount,
    l.tax_code_id,
    l.service_date,
    l.in_group AS is_in_group
FROM raw_quickbooks_invoices i
JOIN raw_quickbooks_invoice_lines l ON l.parent_id = i.id
WHERE l.detail_type IN ('SalesItemLineDetail', 'DiscountLineDetail')
