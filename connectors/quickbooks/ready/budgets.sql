-- Budgets, with the sum of their lines.
SELECT
    d.id AS budget_id,
    d.name AS budget_name,
    d.type AS budget_type,
    d.entry_type,
    d.start_date,
    d.end_date,
    d.active AS is_active,
    TRY_CAST(COALESCE(SUM(l.amount), 0) AS DECIMAL(18, 2)) AS total_amount,
    COUNT(l.position) AS line_count,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_budgets d
LEFT JOIN raw_quickbooks_budget_lines l ON l.parent_id = d.id
GROUP BY ALL
