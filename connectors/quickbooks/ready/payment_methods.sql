-- Ways of paying, active or not.
SELECT
    d.id AS payment_method_id,
    d.name AS payment_method_name,
    d.type AS payment_method_type,
    d.active AS is_active,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_payment_methods d
