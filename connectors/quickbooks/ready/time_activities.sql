-- Work that was noted, in hours. What was deleted is noticed once a day.
SELECT
    d.id AS time_activity_id,
    d.txn_date AS activity_date,
    d.name_of AS person_type,
    COALESCE(d.employee_id, d.vendor_id) AS person_id,
    COALESCE(d.employee_name, d.vendor_name) AS person_name,
    d.customer_id,
    d.customer_name,
    d.item_id,
    d.item_name,
    d.class_id,
    d.class_name,
    d.department_id,
    d.department_name,
    d.billable_status,
    d.hourly_rate,
    CAST(COALESCE(d.hours, 0) + COALESCE(d.minutes, 0) / 60.0 AS DECIMAL(18, 4)) AS hours,
    d.start_time,
    d.end_time,
    d.description,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_time_activities d
