-- One row per product event that was known at @as_of, of real customers.
-- known_at is when ripen's reader could first have seen it: its arrival, where the source records one.
-- usage_id is what it counts for: the subscription, where the source records usage by subscription, else the workspace.
with

events as (
    select * from staging.stg_product__event
),

memberships as (
    select * from staging.stg_product__membership
),

subscriptions as (
    select * from staging.stg_billing__subscription
),

product_map as (
    select
        raw_value_text as product_account_id,
        account_key,
        node_id
    from identity.map_account_identity
    where node_class = 'product_account'
),

test_nodes as (
    select * from identity.int_identity__test_node
),

-- An event without a workspace belongs to its user's, if the user has one only.
sole_workspaces as (
    select
        user_id,
        min(product_account_id) as product_account_id
    from memberships
    group by user_id
    having count(*) = 1
),

test_accounts as (
    select product_map.product_account_id
    from product_map
    inner join test_nodes
        on product_map.node_id = test_nodes.node_id
),

test_users as (
    select substr(node_id, 6) as user_id
    from test_nodes
    where starts_with(node_id, 'user:')
),

known as (
    select
        events.event_id,
        events.event_at,
        greatest(events.event_at, coalesce(events.received_at, events.event_at)) as known_at,
        events.event_class,
        events.feature_code,
        events.is_core_feature,
        events.is_upgrade_intent,
        events.is_near_outcome,
        events.user_id,
        coalesce(
            events.product_account_id,
            subscriptions.product_account_id,
            sole_workspaces.product_account_id
        ) as product_account_id,
        events.subscription_id,
        events.session_id,
        events.event_count,
        events.error_count,
        events.duration_value
    from events
    left join subscriptions
        on events.subscription_id = subscriptions.subscription_id
    -- Only equality between both sides makes an outer join a hash join.
    left join sole_workspaces
        on if(events.product_account_id is null, events.user_id, null) = sole_workspaces.user_id
    where events.event_at < @as_of and coalesce(events.received_at, events.event_at) < @as_of
),

final as (
    select
        known.event_id,
        known.event_at,
        known.known_at,
        product_map.account_key,
        known.product_account_id,
        known.subscription_id,
        coalesce(known.subscription_id, known.product_account_id) as usage_id,
        known.user_id as user_key,
        known.session_id,
        known.event_class,
        known.feature_code,
        known.is_core_feature,
        known.is_upgrade_intent,
        known.is_near_outcome,
        known.event_count,
        known.error_count,
        known.duration_value
    from known
    left join product_map
        on known.product_account_id = product_map.product_account_id
    left join test_accounts
        on known.product_account_id = test_accounts.product_account_id
    left join test_users
        on known.user_id = test_users.user_id
    where test_accounts.product_account_id is null and test_users.user_id is null
)

select * from final
