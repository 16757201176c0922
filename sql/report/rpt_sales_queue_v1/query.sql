-- One row per trial that is running at @as_of: the queue of the day.
-- Two orders live in it. queue_rank puts visits to the pricing page near the end first, then the last 48 hours, then
-- everybody else, each by probability; urgency_rank is by time left alone.
with

trials as (
    select * from core.fct_trial
    where trial_status = 'trialing'
),

trial_days as (
    select * from core.fct_trial_day
    where snapshot_date = date(@as_of)
),

scores as (
    select * from score.fct_trial_score
),

accounts as (
    select * from core.dim_account
),

owners as (
    select * from core.dim_owner
),

outreach as (
    select * from core.fct_outreach
),

milestones as (
    select * from core.fct_milestone
),

activation as (
    select * from core.fct_trial_activation
),

opportunities as (
    select * from staging.stg_crm__opportunity
    where not is_deleted and created_at < @as_of
),

crm_map as (
    select * from identity.map_account_identity
    where node_class = 'crm_account'
),

thresholds as (
    select
        cast(max(if(threshold_code = 'last_hours', threshold_value, null)) as int64) as last_hours,
        max(if(threshold_code = 'silence_risk_share', threshold_value, null)) as silence_risk_share,
        cast(max(if(threshold_code = 'contacted_days', threshold_value, null)) as int64) as contacted_days,
        cast(max(if(threshold_code = 'attention_count', threshold_value, null)) as int64) as attention_count,
        cast(max(if(threshold_code = 'product_stale_hours', threshold_value, null)) as int64) as product_stale_hours,
        cast(max(if(threshold_code = 'crm_stale_hours', threshold_value, null)) as int64) as crm_stale_hours
    from reference.ref_threshold
    where valid_from_at <= @as_of and (valid_to_at is null or valid_to_at > @as_of)
),

product_freshness as (
    select max(event_at) as product_data_as_of_at
    from core.fct_event
),

crm_freshness as (
    select max(updated_at) as crm_data_as_of_at
    from (
        select updated_at from staging.stg_crm__account
        union all
        select updated_at from staging.stg_crm__contact
        union all
        select updated_at from staging.stg_crm__opportunity
        union all
        select updated_at from staging.stg_crm__activity
    )
    where updated_at <= @as_of
),

-- The deal that is open, else the newest one. A deal that changed after @as_of does not tell its stage of then.
deals as (
    select
        crm_map.account_key,
        if(opportunities.updated_at > @as_of, null, opportunities.opportunity_stage) as opportunity_stage,
        opportunities.owner_id,
        opportunities.deal_amount
    from opportunities
    inner join crm_map
        on opportunities.crm_account_id = crm_map.raw_value_text
    where true
    qualify row_number() over (
        partition by crm_map.account_key
        order by opportunities.is_closed, opportunities.created_at desc, opportunities.opportunity_id
    ) = 1
),

numbered_outreach as (
    select
        outreach.*,
        row_number() over (partition by account_key order by outreach_at desc, outreach_id) as recency_rank
    from outreach
),

interactions as (
    select
        numbered_outreach.account_key,
        max(if(numbered_outreach.recency_rank = 1, numbered_outreach.outreach_at, null)) as last_outreach_at,
        max(if(numbered_outreach.recency_rank = 1, numbered_outreach.activity_code, null)) as last_outreach_code,
        max(if(numbered_outreach.recency_rank = 1, numbered_outreach.outcome_code, null)) as last_outcome_code,
        countif(
            numbered_outreach.outreach_at >= timestamp_sub(@as_of, interval thresholds.contacted_days day)
        ) as touch_count_7d,
        count(distinct if(
            numbered_outreach.outreach_at >= timestamp_sub(@as_of, interval thresholds.contacted_days day),
            numbered_outreach.owner_key,
            null
        )) as toucher_count_7d,
        concat(
            '[',
            string_agg(
                if(
                    numbered_outreach.recency_rank <= 3,
                    concat(
                        '{"at":"', format_timestamp('%Y-%m-%dT%H:%M:%SZ', numbered_outreach.outreach_at),
                        '","code":"', numbered_outreach.activity_code,
                        '","outcome":"', coalesce(numbered_outreach.outcome_code, ''), '"}'
                    ),
                    null
                ),
                ','
                order by numbered_outreach.recency_rank
            ),
            ']'
        ) as recent_interactions_json
    from numbered_outreach
    cross join thresholds
    group by numbered_outreach.account_key
),

milestone_lists as (
    select
        trial_key,
        concat(
            '[',
            string_agg(
                concat(
                    '{"code":"', milestone_code,
                    '","name":"', milestone_name,
                    '","is_core":', if(is_core, 'true', 'false'),
                    ',"is_done":', if(is_done, 'true', 'false'),
                    if(
                        done_at is null,
                        '',
                        concat(',"done_at":"', format_timestamp('%Y-%m-%dT%H:%M:%SZ', done_at), '"')
                    ),
                    '}'
                ),
                ','
                order by order_step
            ),
            ']'
        ) as milestones_json
    from milestones
    group by trial_key
),

siblings as (
    select
        account_key,
        count(*) - 1 as sibling_trial_count
    from trials
    group by account_key
),

joined as (
    select
        trials.trial_key,
        trials.account_key,
        trials.product_account_id,
        trials.subscription_id,
        accounts.account_name,
        trial_days.is_pricing_72h,
        timestamp_diff(trials.trial_end_at, @as_of, minute) <= thresholds.last_hours * 60 as is_last_48h,
        scores.conversion_prob,
        scores.conversion_score,
        scores.score_band,
        scores.reason_text,
        scores.reasons_json,
        scores.is_calibrated,
        scores.label_text as score_label_text,
        trials.trial_start_at,
        trials.trial_end_at,
        trial_days.trial_day,
        trial_days.days_remaining,
        trial_days.days_since_last_login,
        trial_days.last_login_at,
        trial_days.silence_share,
        coalesce(trial_days.silence_share >= thresholds.silence_risk_share, false) as is_abandonment_risk,
        trial_days.active_user_count,
        trial_days.seat_count,
        trial_days.seat_activation_share,
        trial_days.invite_sent_count,
        trial_days.integration_count,
        trial_days.core_milestone_done_count,
        trial_days.core_milestone_count,
        milestone_lists.milestones_json,
        activation.is_activated,
        activation.current_step_code,
        activation.blocker_text,
        trial_days.has_viewed_pricing,
        trial_days.active_span_days,
        trial_days.open_ticket_count,
        deals.opportunity_stage as crm_stage,
        coalesce(accounts.sales_owner_key, deals.owner_id) as owner_key,
        owners.owner_name,
        interactions.last_outreach_at,
        interactions.last_outreach_code,
        interactions.last_outcome_code,
        coalesce(interactions.touch_count_7d, 0) > 0 as is_contacted_this_week,
        coalesce(interactions.touch_count_7d, 0) as touch_count_7d,
        coalesce(interactions.toucher_count_7d, 0) as toucher_count_7d,
        accounts.notes_text,
        interactions.recent_interactions_json,
        accounts.primary_contact_email_text,
        coalesce(trial_days.employee_band, accounts.employee_band) as employee_band,
        coalesce(trial_days.industry_name, accounts.industry_name) as industry_name,
        coalesce(trial_days.acquisition_channel_name, accounts.acquisition_channel_name) as acquisition_channel_name,
        accounts.has_crm_record,
        accounts.crm_gap_reason_code,
        coalesce(siblings.sibling_trial_count, 0) as sibling_trial_count,
        product_freshness.product_data_as_of_at,
        crm_freshness.crm_data_as_of_at,
        coalesce(
            timestamp_diff(@as_of, product_freshness.product_data_as_of_at, hour) >= thresholds.product_stale_hours,
            true
        )
        or coalesce(
            timestamp_diff(@as_of, crm_freshness.crm_data_as_of_at, hour) >= thresholds.crm_stale_hours,
            false
        ) as is_stale,
        thresholds.attention_count
    from trials
    inner join trial_days
        on trials.trial_key = trial_days.trial_key
    inner join scores
        on trials.trial_key = scores.trial_key
    left join accounts
        on trials.account_key = accounts.account_key
    left join deals
        on trials.account_key = deals.account_key
    left join owners
        on coalesce(accounts.sales_owner_key, deals.owner_id) = owners.owner_key
    left join interactions
        on trials.account_key = interactions.account_key
    left join milestone_lists
        on trials.trial_key = milestone_lists.trial_key
    left join activation
        on trials.trial_key = activation.trial_key
    left join siblings
        on trials.account_key = siblings.account_key
    cross join product_freshness
    cross join crm_freshness
    cross join thresholds
),

bucketed as (
    select
        joined.*,
        case
            when is_pricing_72h then 0
            when is_last_48h then 1
            else 2
        end as queue_bucket
    from joined
),

ranked as (
    select
        bucketed.*,
        row_number() over (order by queue_bucket, conversion_prob desc, days_remaining, trial_key) as queue_rank,
        row_number() over (order by trial_end_at, conversion_prob desc, trial_key) as urgency_rank
    from bucketed
),

-- Each owner, and everybody who has none, gets the first few that nobody has talked to this week.
attended as (
    select
        ranked.*,
        not is_contacted_this_week
        and row_number() over (
            partition by owner_key, is_contacted_this_week
            order by queue_rank
        ) <= attention_count as is_attention_today
    from ranked
),

final as (
    select
        trial_key,
        queue_rank,
        queue_bucket,
        urgency_rank,
        is_attention_today,
        account_key,
        account_name,
        product_account_id,
        subscription_id,
        conversion_prob,
        conversion_score,
        score_band,
        reason_text,
        reasons_json,
        is_calibrated,
        score_label_text,
        trial_start_at,
        trial_end_at,
        trial_day,
        days_remaining,
        days_since_last_login,
        last_login_at,
        silence_share,
        is_abandonment_risk,
        is_last_48h,
        is_pricing_72h,
        active_user_count,
        seat_count,
        seat_activation_share,
        invite_sent_count,
        integration_count,
        core_milestone_done_count,
        core_milestone_count,
        milestones_json,
        is_activated,
        current_step_code,
        blocker_text,
        has_viewed_pricing,
        active_span_days,
        open_ticket_count,
        crm_stage,
        owner_key,
        owner_name,
        last_outreach_at,
        last_outreach_code,
        last_outcome_code,
        is_contacted_this_week,
        touch_count_7d,
        toucher_count_7d,
        notes_text,
        recent_interactions_json,
        primary_contact_email_text,
        employee_band,
        industry_name,
        acquisition_channel_name,
        has_crm_record,
        crm_gap_reason_code,
        sibling_trial_count,
        product_data_as_of_at,
        crm_data_as_of_at,
        is_stale
    from attended
)

select * from final
