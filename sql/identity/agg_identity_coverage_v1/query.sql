-- One row per pair of systems: how many records of the left one found their company in the right one.
with

map as (
    select * from identity.map_account_identity
),

decisions as (
    select * from identity.fct_identity_decision
),

test_nodes as (
    select * from identity.int_identity__test_node
),

live_nodes as (
    select map.*
    from map
    left join test_nodes
        on map.node_id = test_nodes.node_id
    where test_nodes.node_id is null and (map.node_class != 'crm_account' or map.anchor_node_id = map.node_id)
),

pairs as (
    select pair.left_class, pair.right_class
    from unnest(array<struct<left_class string, right_class string>>[
        ('product_account', 'crm_account'),
        ('product_account', 'billing_customer'),
        ('billing_customer', 'product_account'),
        ('billing_customer', 'crm_account'),
        ('crm_account', 'product_account')
    ]) as pair
),

company_classes as (
    select
        account_key,
        node_class
    from live_nodes
    group by account_key, node_class
),

refused as (
    select left_node_id
    from decisions
    group by left_node_id
    having countif(verdict_code = 'accepted') = 0
),

judged as (
    select
        pairs.left_class,
        pairs.right_class,
        live_nodes.node_id,
        company_classes.account_key is not null as is_matched,
        refused.left_node_id is not null as is_refused
    from pairs
    inner join live_nodes
        on pairs.left_class = live_nodes.node_class
    left join company_classes
        on live_nodes.account_key = company_classes.account_key
        and pairs.right_class = company_classes.node_class
    left join refused
        on live_nodes.node_id = refused.left_node_id
),

final as (
    select
        left_class,
        right_class,
        count(*) as node_count,
        countif(is_matched) as matched_count,
        countif(not is_matched and is_refused) as ambiguous_count,
        countif(not is_matched and not is_refused) as orphan_count,
        safe_divide(countif(is_matched), count(*)) as match_rate
    from judged
    group by left_class, right_class
)

select * from final
