-- One row per subscription, as last read.
with

stripe_subscriptions as (
    select * from raw_stripe.subscriptions
),

billing_subscriptions as (
    select * from raw_billing.subscriptions
),

newest_stripe as (
    select stripe_subscriptions.*
    from stripe_subscriptions
    where true
    qualify row_number() over (
        partition by id
        order by
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            ended_at desc,
            canceled_at desc,
            trial_end desc,
            payload desc
    ) = 1
),

newest_billing as (
    select billing_subscriptions.*
    from billing_subscriptions
    where true
    qualify row_number() over (
        partition by subscription_id
        order by
            coalesce(updated_at, started_at) desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            ended_at desc,
            status desc,
            plan_code desc
    ) = 1
),

final as (
    select
        id as subscription_id,
        customer_id,
        nullif(trim(json_value(metadata, '$.account_id')), '') as product_account_id,
        status,
        trial_start is not null and trial_end is not null as is_trial,
        false as is_whole_trial,
        coalesce(price_lookup_key, price_nickname, price_id) as plan_code,
        quantity as seat_count,
        -- Minor units become units; currencies without minor units (yen …) are left for the full mart.
        round(
            cast(unit_amount as numeric) * cast(quantity as numeric) / 100
            / (
                coalesce(price_interval_count, 1)
                * case price_interval when 'year' then 12 else 1 end
            ),
            2
        ) as mrr_amount,
        upper(currency) as currency_code,
        price_interval as billing_interval_code,
        coalesce(start_date, created) as started_at,
        trial_start as trial_start_at,
        trial_end as trial_end_at,
        canceled_at,
        ended_at,
        collection_method as collection_code,
        default_payment_method is not null as is_payment_method_present,
        coalesce(json_value(metadata, '$.origin'), 'api') as origin_code,
        created as created_at,
        false as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest_stripe
    union all
    select
        subscription_id,
        customer_id,
        nullif(trim(product_account_id), '') as product_account_id,
        status,
        coalesce(is_trial, trial_start_at is not null) as is_trial,
        coalesce(is_trial, false) as is_whole_trial,
        plan_code,
        seat_count,
        mrr_amount,
        upper(currency_code) as currency_code,
        billing_interval as billing_interval_code,
        started_at,
        coalesce(trial_start_at, if(is_trial, started_at, null)) as trial_start_at,
        trial_end_at,
        canceled_at,
        ended_at,
        cast(null as string) as collection_code,
        cast(null as bool) as is_payment_method_present,
        cast(null as string) as origin_code,
        started_at as created_at,
        coalesce(is_deleted, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest_billing
)

select * from final
