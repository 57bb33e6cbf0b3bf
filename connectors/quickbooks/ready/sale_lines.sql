-- One row per line that carries money: items and discounts (negative). Subtotals and group headings repeat other lines and are
-- left out, so that the lines add up to the amount before tax. A line without a class of its own has that of its document.${note}
SELECT
    d.id AS ${document}_id,
    l.position + 1 AS line_position,
    l.line_id,
    d.doc_number AS ${document}_number,
    d.txn_date AS ${document}_date,
    d.customer_id,
    d.customer_name,
    l.detail_type,
    l.item_id,
    l.item_name,
    COALESCE(l.item_account_id, l.discount_account_id) AS account_id,
    COALESCE(l.item_account_name, l.discount_account_name) AS account_name,
    COALESCE(l.class_id, d.class_id) AS class_id,
    COALESCE(l.class_name, d.class_name) AS class_name,
    l.description,
    l.quantity,
    l.unit_price,
    CAST(CASE WHEN l.detail_type = 'DiscountLineDetail' THEN -l.amount ELSE l.amount END AS DECIMAL(18, 2)) AS amount,
    d.currency,
    TRY(CAST(
        CASE WHEN l.detail_type = 'DiscountLineDetail' THEN -l.amount ELSE l.amount END * COALESCE(d.exchange_rate, 1)
        AS DECIMAL(18, 2)
    )) AS home_amount,
    l.tax_code_id,
    l.service_date,
    l.in_group AS is_in_group,
    d.department_id,
    d.department_name
FROM raw_quickbooks_${document}s d
JOIN raw_quickbooks_${document}_lines l ON l.parent_id = d.id
WHERE l.detail_type IN ('SalesItemLineDetail', 'DiscountLineDetail')
