-- One row per node and span of time: the company that it belongs to, by which rule and along which path.
-- account_key is minted from the strongest node that a company has: its surviving CRM account, else its workspace,
-- else its billing customer.
with

nodes as (
    select * from identity.int_identity__node
),

decisions as (
    select * from identity.fct_identity_decision
    where verdict_code = 'accepted'
),

-- One accepted edge per record is enough; several lead to the same place.
placed as (
    select
        left_node_id,
        target_node_id,
        right_node_id,
        rule_code,
        confidence_score
    from decisions
    where true
    qualify row_number() over (partition by left_node_id order by tier_rank, edge_id) = 1
),

-- Customer -> workspace -> CRM account is the longest way; a CRM account's way ends at its winner.
joined as (
    select
        nodes.node_id,
        nodes.node_class,
        nodes.raw_value_text,
        nodes.first_seen_at,
        placed.rule_code,
        placed.right_node_id as first_node_id,
        placed.target_node_id as second_node_id,
        onward.rule_code as onward_rule_code,
        onward.target_node_id as third_node_id,
        coalesce(placed.confidence_score, 1.0) * coalesce(onward.confidence_score, 1.0) as confidence_score
    from nodes
    left join placed
        on nodes.node_id = placed.left_node_id
    left join placed as onward
        on placed.target_node_id = onward.left_node_id
),

anchored as (
    select
        joined.*,
        coalesce(third_node_id, second_node_id, node_id) as anchor_node_id
    from joined
),

final as (
    select
        node_id,
        node_class,
        raw_value_text,
        concat('acc_', substr(to_hex(md5(anchor_node_id)), 1, 16)) as account_key,
        anchor_node_id,
        coalesce(concat(rule_code, '>', onward_rule_code), rule_code, 'own') as rule_code,
        concat(
            '["', node_id, '"',
            if(first_node_id is null, '', concat(',"', rule_code, '","', first_node_id, '"')),
            if(second_node_id = first_node_id or second_node_id is null, '', concat(',"I2","', second_node_id, '"')),
            if(third_node_id is null, '', concat(',"', onward_rule_code, '","', third_node_id, '"')),
            ']'
        ) as path_json,
        confidence_score,
        first_seen_at as valid_from_at,
        cast(null as timestamp) as valid_to_at
    from anchored
)

select * from final
