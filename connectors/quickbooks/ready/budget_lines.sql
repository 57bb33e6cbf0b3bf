-- One row per account and period of a budget.
SELECT
    d.id AS budget_id,
    l.position + 1 AS line_position,
    d.name AS budget_name,
    l.budget_date,
    l.account_id,
    l.account_name,
    l.customer_id,
    l.customer_name,
    l.class_id,
    l.class_name,
    l.department_id,
    l.department_name,
    l.amount
FROM raw_quickbooks_budgets d
JOIN raw_quickbooks_budget_lines l ON l.parent_id = d.id
