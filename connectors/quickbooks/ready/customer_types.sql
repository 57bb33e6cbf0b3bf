-- Kinds of customers. Read once a day.
SELECT
    d.id AS customer_type_id,
    d.name AS customer_type_name,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_customer_types d
