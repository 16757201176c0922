-- One row per trial: a subscription's trial period that had started by @as_of.
-- Billing is the only truth for its start, its end and its conversion; sign-up is context.
with

subscriptions as (
    select * from staging.stg_billing__subscription
),

invoices as (
    select * from staging.stg_billing__invoice
),

ends as (
    select * from core.int_trial_end
),

product_accounts as (
    select * from staging.stg_product__account
),

map as (
    select * from identity.map_account_identity
),

decisions as (
    select * from identity.fct_identity_decision
),

test_nodes as (
    select * from identity.int_identity__test_node
),

policies as (
    select * from reference.ref_trial_policy
),

default_policy as (
    select max(trial_type_code) as trial_type_code
    from policies
    where source_name = '*'
),

thresholds as (
    select
        cast(
            max(if(threshold_code = 'conversion_window_days', threshold_value, null)) as int64
        ) as conversion_window_days
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

started as (
    select * from subscriptions
    where is_trial and not is_deleted and trial_start_at is not null and trial_start_at < @as_of
),

-- Which customer a workspace is explicitly known to belong to.
workspace_customers as (
    select
        right_node_id as product_node_id,
        min(left_node_id) as customer_node_id
    from decisions
    where verdict_code = 'accepted'
        and starts_with(left_node_id, 'billing_customer:')
        and starts_with(right_node_id, 'product_account:')
    group by right_node_id
),

workspaces as (
    select
        product_accounts.product_account_id,
        product_accounts.created_at,
        map.account_key,
        workspace_customers.customer_node_id
    from product_accounts
    inner join map
        on concat('product_account:', product_accounts.product_account_id) = map.node_id
    left join workspace_customers
        on map.node_id = workspace_customers.product_node_id
),

-- One customer may pay for several workspaces of its company, so its own link does not tell whose trial this is: it is
-- that of the workspace which signed up last before the trial started and that no other customer pays for.
candidate_workspaces as (
    select
        started.subscription_id,
        started.trial_start_at,
        workspaces.product_account_id
    from started
    inner join map
        on concat('billing_customer:', started.customer_id) = map.node_id
    inner join workspaces
        on map.account_key = workspaces.account_key
        and workspaces.created_at <= started.trial_start_at
        and (workspaces.customer_node_id is null or workspaces.customer_node_id = map.node_id)
    where true
    qualify row_number() over (
        partition by started.subscription_id
        order by workspaces.created_at desc, workspaces.product_account_id
    ) = 1
),

-- A second trial that lands on the same workspace may as well be that of a workspace that nothing links to the
-- customer: it stays without one, because somebody else's usage would mislead.
trial_workspaces as (
    select
        subscription_id,
        product_account_id
    from candidate_workspaces
    where true
    qualify row_number() over (partition by product_account_id order by trial_start_at, subscription_id) = 1
),

placed as (
    select
        started.*,
        coalesce(own_workspace.product_account_id, trial_workspaces.product_account_id) as workspace_id,
        concat('billing_customer:', started.customer_id) as customer_node_id
    from started
    left join product_accounts as own_workspace
        on started.product_account_id = own_workspace.product_account_id
    left join trial_workspaces
        on started.subscription_id = trial_workspaces.subscription_id
),

test_trials as (
    select placed.subscription_id
    from placed
    inner join test_nodes
        on placed.customer_node_id = test_nodes.node_id
    union distinct
    select placed.subscription_id
    from placed
    inner join test_nodes
        on concat('product_account:', placed.workspace_id) = test_nodes.node_id
),

accounted as (
    select
        placed.*,
        coalesce(workspace_map.account_key, customer_map.account_key) as account_key
    from placed
    left join map as workspace_map
        on concat('product_account:', placed.workspace_id) = workspace_map.node_id
    left join map as customer_map
        on placed.customer_node_id = customer_map.node_id
    left join test_trials
        on placed.subscription_id = test_trials.subscription_id
    where test_trials.subscription_id is null
),

known_ends as (
    select
        subscription_id,
        max(if(
            (valid_from_at is null or valid_from_at < @as_of) and (valid_to_at is null or valid_to_at >= @as_of),
            trial_end_at,
            null
        )) as trial_end_at,
        coalesce(
            max(if(version = 0, trial_end_at, null)),
            max(if(version = 1, trial_end_at, null))
        ) as original_trial_end_at,
        max(if(valid_from_at is null or valid_from_at < @as_of, trial_end_at, null)) as last_stated_end_at,
        max(end_evidence_code) as end_evidence_code
    from ends
    group by subscription_id
),

extensions as (
    select
        later.subscription_id,
        count(*) as extension_count
    from ends as later
    inner join ends as earlier
        on later.subscription_id = earlier.subscription_id
        and later.version = earlier.version + 1
    where later.trial_end_at > earlier.trial_end_at and later.valid_from_at < @as_of
    group by later.subscription_id
),

paid_invoices as (
    select
        customer_id,
        subscription_id,
        source_name,
        paid_at
    from invoices
    where paid_amount > 0 and paid_at is not null and paid_at < @as_of
),

own_payments as (
    select
        accounted.subscription_id,
        min(paid_invoices.paid_at) as converted_at
    from accounted
    inner join paid_invoices
        on accounted.subscription_id = paid_invoices.subscription_id
        and paid_invoices.paid_at > accounted.trial_start_at
    group by accounted.subscription_id
),

-- A checkout may open a new subscription instead of ending the trial of the old one. It must be newer than the
-- trial, so that the invoices of a paying customer who tries something else are no conversion.
other_payments as (
    select
        accounted.subscription_id,
        min(paid_invoices.paid_at) as converted_at
    from accounted
    inner join subscriptions as other_subscription
        on accounted.customer_id = other_subscription.customer_id
        and accounted.source_name = other_subscription.source_name
        and other_subscription.started_at > accounted.trial_start_at
        and not other_subscription.is_trial
    inner join paid_invoices
        on other_subscription.subscription_id = paid_invoices.subscription_id
    group by accounted.subscription_id
),

invoicing_sources as (
    select source_name
    from invoices
    group by source_name
),

-- A source without any invoice shows payment only by its paid subscriptions.
paid_subscriptions as (
    select
        subscriptions.source_name,
        coalesce(subscriptions.product_account_id, subscriptions.customer_id) as payer_id,
        subscriptions.started_at
    from subscriptions
    left join invoicing_sources
        on subscriptions.source_name = invoicing_sources.source_name
    where invoicing_sources.source_name is null
        and not subscriptions.is_trial
        and not subscriptions.is_deleted
        and subscriptions.mrr_amount > 0
        and subscriptions.started_at < @as_of
        and coalesce(subscriptions.status, 'active') not in ('incomplete', 'incomplete_expired')
),

later_subscriptions as (
    select
        accounted.subscription_id,
        min(paid_subscriptions.started_at) as converted_at
    from accounted
    inner join paid_subscriptions
        on accounted.source_name = paid_subscriptions.source_name
        and coalesce(accounted.product_account_id, accounted.customer_id) = paid_subscriptions.payer_id
        and paid_subscriptions.started_at > accounted.trial_start_at
    group by accounted.subscription_id
),

-- There, a subscription with a trial period that goes on at a price after it has converted itself.
outlasting as (
    select
        accounted.subscription_id,
        known_ends.trial_end_at as converted_at
    from accounted
    inner join known_ends
        on accounted.subscription_id = known_ends.subscription_id
    left join invoicing_sources
        on accounted.source_name = invoicing_sources.source_name
    where invoicing_sources.source_name is null
        and not accounted.is_whole_trial
        and accounted.mrr_amount > 0
        and known_ends.trial_end_at < @as_of
        and (accounted.ended_at is null or accounted.ended_at > known_ends.trial_end_at)
        and coalesce(accounted.status, 'active') in ('active', 'canceled', 'expired')
),

conversions as (
    select
        subscription_id,
        min(converted_at) as converted_at,
        min(evidence_code) as conversion_evidence_code
    from (
        select subscription_id, converted_at, 'paid_invoice' as evidence_code from own_payments
        union all
        select subscription_id, converted_at, 'paid_invoice' as evidence_code from other_payments
        union all
        select subscription_id, converted_at, 'paid_subscription' as evidence_code from later_subscriptions
        union all
        select subscription_id, converted_at, 'paid_subscription' as evidence_code from outlasting
    )
    group by subscription_id
),

dated as (
    select
        accounted.subscription_id,
        accounted.customer_id,
        accounted.account_key,
        accounted.workspace_id as product_account_id,
        accounted.source_name,
        accounted.status as subscription_status,
        accounted.plan_code,
        accounted.seat_count,
        accounted.mrr_amount,
        accounted.currency_code,
        coalesce(own_policy.trial_type_code, default_policy.trial_type_code) as trial_type_code,
        accounted.is_payment_method_present,
        accounted.trial_start_at,
        known_ends.trial_end_at,
        known_ends.original_trial_end_at,
        known_ends.last_stated_end_at,
        known_ends.end_evidence_code,
        coalesce(extensions.extension_count, 0) as extension_count,
        product_accounts.created_at as signed_up_at,
        if(accounted.ended_at < @as_of, accounted.ended_at, null) as ended_at,
        if(accounted.canceled_at < @as_of, accounted.canceled_at, null) as canceled_at,
        conversions.converted_at,
        conversions.conversion_evidence_code,
        timestamp_add(known_ends.trial_end_at, interval thresholds.conversion_window_days day) as window_end_at
    from accounted
    inner join known_ends
        on accounted.subscription_id = known_ends.subscription_id
    left join extensions
        on accounted.subscription_id = extensions.subscription_id
    left join conversions
        on accounted.subscription_id = conversions.subscription_id
    left join product_accounts
        on accounted.workspace_id = product_accounts.product_account_id
    left join policies as own_policy
        on accounted.source_name = own_policy.source_name
    cross join default_policy
    cross join thresholds
    where known_ends.trial_end_at is not null
),

final as (
    select
        concat(subscription_id, '#1') as trial_key,
        account_key,
        product_account_id,
        subscription_id,
        customer_id,
        source_name,
        row_number() over (partition by account_key order by trial_start_at, subscription_id) as trial_number,
        product_account_id is null
        or row_number() over (
            partition by product_account_id
            order by trial_start_at, subscription_id
        ) = 1 as is_first_of_workspace,
        trial_type_code,
        plan_code,
        seat_count as billed_seat_count,
        mrr_amount,
        currency_code,
        trial_start_at,
        trial_end_at,
        original_trial_end_at,
        last_stated_end_at,
        extension_count,
        -- Up to an hour over whole days is billing's rounding, not another day.
        cast(
            ceil(timestamp_diff(original_trial_end_at, trial_start_at, minute) / 1440.0 - 0.05) as int64
        ) as trial_length_days,
        signed_up_at,
        timestamp_diff(trial_start_at, signed_up_at, day) as start_delay_days,
        'billing' as start_evidence_code,
        end_evidence_code,
        case
            when converted_at is not null then 'converted'
            when ended_at is not null and ended_at < trial_end_at then 'canceled'
            when trial_end_at > @as_of then 'trialing'
            when subscription_status in ('past_due', 'unpaid') then 'past_due'
            when subscription_status = 'paused' then 'paused'
            when canceled_at is not null and canceled_at < trial_end_at then 'canceled'
            else 'expired'
        end as trial_status,
        canceled_at,
        ended_at,
        converted_at,
        conversion_evidence_code,
        window_end_at,
        converted_at is not null and converted_at <= window_end_at as is_converted_in_window,
        window_end_at <= @as_of as is_mature,
        timestamp_diff(converted_at, trial_start_at, day) as days_to_convert
    from dated
)

select * from final
