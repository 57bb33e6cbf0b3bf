-- Terms of payment, active or not.
SELECT
    d.id AS term_id,
    d.name AS term_name,
    d.type AS term_type,
    d.due_days,
    d.discount_days,
    d.discount_percent,
    d.day_of_month_due,
    d.due_next_month_days,
    d.discount_day_of_month,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_terms d
