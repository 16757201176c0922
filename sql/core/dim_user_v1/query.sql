-- One row per user of the product.
with

users as (
    select * from staging.stg_product__user
),

memberships as (
    select * from staging.stg_product__membership
),

map as (
    select * from identity.map_account_identity
    where node_class = 'product_account'
),

test_nodes as (
    select * from identity.int_identity__test_node
),

logins as (
    select
        user_id,
        max(event_at) as last_login_at
    from staging.stg_product__event
    where event_class = 'login' and event_at < @as_of and user_id is not null
    group by user_id
),

-- Somebody in several workspaces counts to the first one joined.
first_memberships as (
    select
        user_id,
        product_account_id,
        joined_at
    from memberships
    where true
    qualify row_number() over (partition by user_id order by joined_at, product_account_id) = 1
),

membership_counts as (
    select
        user_id,
        count(*) as membership_count
    from memberships
    group by user_id
),

ids as (
    select user_id from users
    union distinct
    select user_id from memberships
),

final as (
    select
        ids.user_id as user_key,
        map.account_key,
        first_memberships.product_account_id,
        membership_counts.membership_count,
        users.email_text,
        users.domain_name,
        users.user_name,
        users.title_text,
        users.role_code,
        coalesce(
            regexp_contains(
                lower(users.title_text),
                r'(^|[^a-z])(founder|owner|ceo|cto|cfo|coo|cio|chief|president|vp|head|director)([^a-z]|$)'
            ),
            false
        ) as is_senior,
        test_nodes.node_id is not null as is_internal,
        coalesce(users.created_at, first_memberships.joined_at) as first_seen_at,
        coalesce(logins.last_login_at, users.last_login_at) as last_login_at
    from ids
    left join users
        on ids.user_id = users.user_id
    left join first_memberships
        on ids.user_id = first_memberships.user_id
    left join membership_counts
        on ids.user_id = membership_counts.user_id
    left join map
        on first_memberships.product_account_id = map.raw_value_text
    left join test_nodes
        on concat('user:', ids.user_id) = test_nodes.node_id
    left join logins
        on ids.user_id = logins.user_id
)

select * from final
