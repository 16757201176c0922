-- One row per workspace and user that was seen in it.
with

group_calls as (
    select
        group_id as product_account_id,
        user_id,
        timestamp as joined_at
    from raw_segment.events
    where type in ('group', 'identify') and group_id is not null and user_id is not null
),

users as (
    select
        product_account_id,
        user_id,
        created_at as joined_at
    from raw_product.users
    where product_account_id is not null
),

events as (
    select
        product_account_id,
        user_id,
        min(event_at) as joined_at
    from staging.stg_product__event
    where product_account_id is not null and user_id is not null
    group by product_account_id, user_id
),

unioned as (
    select * from group_calls
    union all
    select * from users
    union all
    select * from events
),

final as (
    select
        product_account_id,
        user_id,
        min(joined_at) as joined_at
    from unioned
    group by product_account_id, user_id
)

select * from final
