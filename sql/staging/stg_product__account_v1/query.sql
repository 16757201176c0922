-- One row per workspace of the product, as last described.
with

versions as (
    select * from staging.snap_product__account
),

-- A workspace that no group call describes is known by its events alone.
seen as (
    select
        product_account_id,
        min(event_at) as first_event_at,
        min(source_name) as source_name,
        min(loaded_at) as loaded_at
    from staging.stg_product__event
    where product_account_id is not null
    group by product_account_id
),

newest as (
    select * from versions
    where valid_to_at is null
),

final as (
    select
        coalesce(newest.product_account_id, seen.product_account_id) as product_account_id,
        newest.account_name,
        regexp_replace(
            regexp_replace(lower(trim(newest.domain_name)), r'^(https?://)?(www\.)?', ''),
            r'[/:?#].*$',
            ''
        ) as domain_name,
        newest.industry_name,
        newest.country_code,
        newest.employee_count,
        newest.seat_count,
        newest.plan_code,
        newest.acquisition_channel_name,
        newest.legacy_id,
        newest.crm_account_id,
        newest.billing_customer_id,
        newest.utm_json,
        coalesce(newest.created_at, seen.first_event_at, newest.valid_from_at) as created_at,
        newest.created_at is not null as is_created_at_recorded,
        coalesce(newest.is_deleted, false) as is_deleted,
        coalesce(newest.source_name, seen.source_name) as source_name,
        coalesce(newest.loaded_at, seen.loaded_at) as loaded_at
    from newest
    full outer join seen
        on newest.product_account_id = seen.product_account_id
)

select * from final
