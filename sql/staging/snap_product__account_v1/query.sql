-- One row per workspace and span of time in which the product described it in the same version.
-- Segment's group calls carry the time of the change; a product database's row carries updated_at, or only its
-- first arrival. Columns are as then known: a call that leaves a trait out keeps the former value.
with

calls as (
    select * from raw_segment.events
    where type = 'group' and group_id is not null
),

accounts as (
    select * from raw_product.accounts
),

first_calls as (
    select calls.*
    from calls
    where true
    qualify row_number() over (
        partition by message_id
        order by coalesce(received_at, timestamp), timestamp, _ripen_loaded_at, _ripen_load_id, traits
    ) = 1
),

unioned as (
    select
        group_id as product_account_id,
        timestamp as valid_from_at,
        message_id as tie_text,
        json_value(traits, '$.name') as account_name,
        json_value(traits, '$.domain') as domain_name,
        json_value(traits, '$.industry') as industry_name,
        json_value(traits, '$.country') as country_code,
        safe_cast(json_value(traits, '$.employees') as int64) as employee_count,
        safe_cast(json_value(traits, '$.seats') as int64) as seat_count,
        json_value(traits, '$.plan') as plan_code,
        json_value(traits, '$.channel') as acquisition_channel_name,
        json_value(traits, '$.legacy_id') as legacy_id,
        cast(null as string) as crm_account_id,
        cast(null as string) as billing_customer_id,
        safe_cast(json_value(traits, '$.created_at') as timestamp) as created_at,
        campaign as utm_json,
        false as is_deleted,
        _ripen_source as source_name,
        _ripen_loaded_at as loaded_at
    from first_calls
    union all
    select
        product_account_id,
        coalesce(updated_at, created_at) as valid_from_at,
        concat(cast(_ripen_loaded_at as string), _ripen_load_id, coalesce(account_name, '')) as tie_text,
        account_name,
        domain as domain_name,
        industry as industry_name,
        country as country_code,
        employee_count,
        seat_count,
        plan_code,
        acquisition_channel as acquisition_channel_name,
        legacy_id,
        crm_account_id,
        billing_customer_id,
        created_at,
        cast(null as string) as utm_json,
        coalesce(is_deleted, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_loaded_at as loaded_at
    from accounts
),

-- Of several versions with one time the last one read counts.
distinct_versions as (
    select unioned.*
    from unioned
    where true
    qualify row_number() over (
        partition by product_account_id, valid_from_at
        order by loaded_at desc, tie_text desc, source_name
    ) = 1
),

final as (
    select
        product_account_id,
        valid_from_at,
        lead(valid_from_at) over (partition by product_account_id order by valid_from_at) as valid_to_at,
        last_value(account_name ignore nulls) over known as account_name,
        last_value(domain_name ignore nulls) over known as domain_name,
        last_value(industry_name ignore nulls) over known as industry_name,
        last_value(country_code ignore nulls) over known as country_code,
        last_value(employee_count ignore nulls) over known as employee_count,
        last_value(seat_count ignore nulls) over known as seat_count,
        last_value(plan_code ignore nulls) over known as plan_code,
        last_value(acquisition_channel_name ignore nulls) over known as acquisition_channel_name,
        last_value(legacy_id ignore nulls) over known as legacy_id,
        last_value(crm_account_id ignore nulls) over known as crm_account_id,
        last_value(billing_customer_id ignore nulls) over known as billing_customer_id,
        min(created_at) over (partition by product_account_id) as created_at,
        last_value(utm_json ignore nulls) over known as utm_json,
        is_deleted,
        source_name,
        loaded_at
    from distinct_versions
    window known as (
        partition by product_account_id
        order by valid_from_at
        rows between unbounded preceding and current row
    )
)

select * from final
