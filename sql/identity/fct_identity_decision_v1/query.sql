-- One row per identity edge, with what became of it.
-- A record is placed under one other record at most: by its strongest rule, and not at all where that rule is ambiguous.
with

edges as (
    select * from identity.int_identity__edge
),

crm_accounts as (
    select * from staging.stg_crm__account
),

thresholds as (
    select max(if(threshold_code = 'identity_value_cap', threshold_value, null)) as identity_value_cap
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

merges as (
    select * from edges
    where rule_code = 'I2'
),

-- Chains of merges by doubling: after step n an edge spans up to 2^n merges; four steps reach 16.
step_one as (
    select
        merges.left_node_id,
        coalesce(onward.right_node_id, merges.right_node_id) as right_node_id
    from merges
    left join merges as onward
        on merges.right_node_id = onward.left_node_id
),

step_two as (
    select
        step_one.left_node_id,
        coalesce(onward.right_node_id, step_one.right_node_id) as right_node_id
    from step_one
    left join step_one as onward
        on step_one.right_node_id = onward.left_node_id
),

step_three as (
    select
        step_two.left_node_id,
        coalesce(onward.right_node_id, step_two.right_node_id) as right_node_id
    from step_two
    left join step_two as onward
        on step_two.right_node_id = onward.left_node_id
),

step_four as (
    select
        step_three.left_node_id,
        coalesce(onward.right_node_id, step_three.right_node_id) as right_node_id
    from step_three
    left join step_three as onward
        on step_three.right_node_id = onward.left_node_id
),

-- A winner that is still somebody's loser lies on a cycle: such merges are refused.
winners as (
    select
        step_four.left_node_id,
        if(merges.left_node_id is null, step_four.right_node_id, null) as winner_node_id
    from step_four
    left join merges
        on step_four.right_node_id = merges.left_node_id
),

targets as (
    select
        edges.*,
        coalesce(winners.winner_node_id, edges.right_node_id) as target_node_id,
        edges.rule_code = 'I2' and own_winner.winner_node_id is null as is_cycle,
        edges.rule_code != 'I2' and coalesce(crm_accounts.is_deleted, false) as is_target_deleted,
        crm_accounts.created_at as target_created_at
    from edges
    left join winners
        on edges.right_node_id = winners.left_node_id
    left join winners as own_winner
        on edges.left_node_id = own_winner.left_node_id
    left join crm_accounts
        on coalesce(winners.winner_node_id, edges.right_node_id) = concat('crm_account:', crm_accounts.crm_account_id)
),

counted as (
    select
        targets.*,
        -- A record that was deleted in the CRM, not merged, is no place to go: weaker rules get their turn.
        min(if(is_target_deleted, null, tier_rank)) over (partition by left_node_id) as best_tier_rank,
        -- Whether one rule leads one record to several places.
        min(if(is_target_deleted, null, target_node_id)) over (partition by left_node_id, rule_code)
        != max(if(is_target_deleted, null, target_node_id)) over (partition by left_node_id, rule_code) as is_ambiguous,
        -- How many records of one kind one value leads to one place.
        count(*) over (
            partition by rule_code, value_text, target_node_id, split(left_node_id, ':')[safe_offset(0)]
        ) as sharing_count,
        -- Whether one rule leads several workspaces to one place, by whatever values.
        starts_with(left_node_id, 'product_account:')
        and min(left_node_id) over (partition by rule_code, target_node_id, split(left_node_id, ':')[safe_offset(0)])
        != max(left_node_id) over (
            partition by rule_code, target_node_id, split(left_node_id, ':')[safe_offset(0)]
        ) as is_target_shared,
        row_number() over (
            partition by left_node_id, rule_code
            order by is_target_deleted, target_created_at, target_node_id, edge_id
        ) as target_rank
    from targets
),

judged as (
    select
        counted.*,
        case
            when counted.rule_code = 'I2' and counted.is_cycle then 'merge_cycle'
            when counted.rule_code = 'I2' then 'merged_in_crm'
            when counted.is_target_deleted then 'target_deleted'
            when counted.tier_rank > counted.best_tier_rank then 'outranked'
            when counted.rule_code = 'I6' and counted.sharing_count > thresholds.identity_value_cap
                then 'shared_by_too_many'
            when coalesce(counted.is_value_shared, false)
                or (counted.rule_code in ('I5', 'I6') and counted.is_ambiguous)
                then 'ambiguous_value'
            -- Agencies, schools and co-working houses: one domain, several companies.
            when counted.rule_code = 'I6' and counted.sharing_count > 1 and not coalesce(counted.is_name_equal, false)
                then 'shared_by_other_names'
            when counted.rule_code = 'I5' and counted.is_target_shared and not coalesce(counted.is_name_equal, false)
                then 'shared_by_other_names'
            when counted.target_rank > 1 and counted.is_ambiguous then 'older_record_kept'
            else 'strongest_rule'
        end as reason_code
    from counted
    cross join thresholds
),

final as (
    select
        edge_id,
        left_node_id,
        right_node_id,
        target_node_id,
        rule_code,
        tier_rank,
        confidence_score,
        case
            when reason_code in ('merged_in_crm', 'strongest_rule') then 'accepted'
            when reason_code in ('shared_by_too_many', 'shared_by_other_names', 'merge_cycle') then 'blocked'
            else 'rejected'
        end as verdict_code,
        reason_code,
        evidence_json,
        first_seen_at
    from judged
)

select * from final
