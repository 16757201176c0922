-- One row per billing customer, as last read.
with

stripe_customers as (
    select * from raw_stripe.customers
),

billing_customers as (
    select * from raw_billing.customers
),

newest_stripe as (
    select stripe_customers.*
    from stripe_customers
    where true
    qualify row_number() over (
        partition by id
        order by _ripen_loaded_at desc, _ripen_load_id desc, coalesce(is_deleted, false) desc, payload desc
    ) = 1
),

-- A deleted customer comes without its fields: what was known of it before is kept.
known_stripe as (
    select
        id,
        max(email) as email,
        max(name) as name,
        max(metadata) as metadata,
        min(created) as created
    from stripe_customers
    where not coalesce(is_deleted, false)
    group by id
),

newest_billing as (
    select billing_customers.*
    from billing_customers
    where true
    qualify row_number() over (
        partition by customer_id
        order by coalesce(updated_at, created_at) desc, _ripen_loaded_at desc, _ripen_load_id desc, email desc, name desc
    ) = 1
),

final as (
    select
        newest_stripe.id as customer_id,
        lower(trim(coalesce(newest_stripe.email, known_stripe.email))) as email_text,
        split(lower(trim(coalesce(newest_stripe.email, known_stripe.email))), '@')[safe_offset(1)] as domain_name,
        coalesce(newest_stripe.name, known_stripe.name) as customer_name,
        nullif(trim(coalesce(
            json_value(newest_stripe.metadata, '$.account_id'),
            json_value(newest_stripe.metadata, '$.product_account_id'),
            json_value(known_stripe.metadata, '$.account_id'),
            json_value(known_stripe.metadata, '$.product_account_id')
        )), '') as metadata_account_id,
        coalesce(newest_stripe.created, known_stripe.created) as created_at,
        coalesce(newest_stripe.is_deleted, false) as is_deleted,
        newest_stripe._ripen_source as source_name,
        newest_stripe._ripen_load_id as batch_id,
        newest_stripe._ripen_loaded_at as loaded_at
    from newest_stripe
    left join known_stripe
        on newest_stripe.id = known_stripe.id
    union all
    select
        customer_id,
        lower(trim(email)) as email_text,
        split(lower(trim(email)), '@')[safe_offset(1)] as domain_name,
        name as customer_name,
        nullif(trim(product_account_id), '') as metadata_account_id,
        created_at,
        coalesce(is_deleted, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest_billing
)

select * from final
