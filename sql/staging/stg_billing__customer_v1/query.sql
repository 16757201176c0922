-- One row per billing customer, as last read; those too that were deleted before the first read and that only events
-- and invoices still name.
with

stripe_customers as (
    select * from raw_stripe.customers
),

stripe_events as (
    select * from raw_stripe.events
    where object_type = 'customer' and object_id is not null
),

stripe_invoices as (
    select * from raw_stripe.invoices
    where customer_id is not null
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

-- A deleted customer comes without its fields: they are taken from what was read before, from the events about it,
-- and the name and address from its invoices.
mentions as (
    select
        id,
        email,
        name,
        json_value(metadata, '$.account_id') as account_id,
        json_value(metadata, '$.product_account_id') as product_account_id,
        created,
        false as is_deletion,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from stripe_customers
    where not coalesce(is_deleted, false)
    union all
    select
        object_id as id,
        json_value(object, '$.email') as email,
        json_value(object, '$.name') as name,
        json_value(object, '$.metadata.account_id') as account_id,
        json_value(object, '$.metadata.product_account_id') as product_account_id,
        timestamp_seconds(safe_cast(json_value(object, '$.created') as int64)) as created,
        type = 'customer.deleted' as is_deletion,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from stripe_events
    union all
    select
        customer_id as id,
        json_value(payload, '$.customer_email') as email,
        json_value(payload, '$.customer_name') as name,
        cast(null as string) as account_id,
        cast(null as string) as product_account_id,
        cast(null as timestamp) as created,
        false as is_deletion,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from stripe_invoices
),

known_stripe as (
    select
        id,
        max(email) as email,
        max(name) as name,
        max(account_id) as account_id,
        max(product_account_id) as product_account_id,
        min(created) as created,
        logical_or(is_deletion) as is_deleted,
        min(source_name) as source_name,
        min(batch_id) as batch_id,
        min(loaded_at) as loaded_at
    from mentions
    group by id
),

newest_billing as (
    select billing_customers.*
    from billing_customers
    where true
    qualify row_number() over (
        partition by customer_id
        order by
            coalesce(updated_at, created_at) desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            email desc,
            name desc
    ) = 1
),

final as (
    select
        coalesce(newest_stripe.id, known_stripe.id) as customer_id,
        lower(trim(coalesce(newest_stripe.email, known_stripe.email))) as email_text,
        split(lower(trim(coalesce(newest_stripe.email, known_stripe.email))), '@')[safe_offset(1)] as domain_name,
        coalesce(newest_stripe.name, known_stripe.name) as customer_name,
        nullif(
            trim(coalesce(
                json_value(newest_stripe.metadata, '$.account_id'),
                json_value(newest_stripe.metadata, '$.product_account_id'),
                known_stripe.account_id,
                known_stripe.product_account_id
            )),
            ''
        ) as metadata_account_id,
        coalesce(newest_stripe.created, known_stripe.created) as created_at,
        coalesce(newest_stripe.is_deleted, false) or coalesce(known_stripe.is_deleted, false) as is_deleted,
        coalesce(newest_stripe._ripen_source, known_stripe.source_name) as source_name,
        coalesce(newest_stripe._ripen_load_id, known_stripe.batch_id) as batch_id,
        coalesce(newest_stripe._ripen_loaded_at, known_stripe.loaded_at) as loaded_at
    from newest_stripe
    full outer join known_stripe
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
