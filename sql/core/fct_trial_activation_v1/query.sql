-- One row per trial: how far it is on the activation path at @as_of.
with

milestones as (
    select * from core.fct_milestone
),

trials as (
    select * from core.fct_trial
),

steps as (
    select
        milestones.*,
        -- A step is entered when everything before it is done.
        max(done_at) over (
            partition by trial_key
            order by order_step
            rows between unbounded preceding and 1 preceding
        ) as previous_done_at
    from milestones
),

current_steps as (
    select
        trial_key,
        milestone_code,
        order_step,
        previous_done_at
    from steps
    where not is_done
    qualify row_number() over (partition by trial_key order by order_step) = 1
),

progress as (
    select
        trial_key,
        count(*) as milestone_count,
        countif(is_done) as done_count,
        countif(is_core) as core_count,
        countif(is_core and is_done) as core_done_count,
        max(if(is_core, done_at, null)) as last_core_done_at,
        min(if(milestone_class = 'first_value', done_at, null)) as first_value_at,
        max(done_at) as last_done_at,
        array_agg(if(is_done, null, blocker_code) ignore nulls order by order_step) as blocker_codes,
        string_agg(if(is_done, null, blocker_text), ', ' order by order_step) as blocker_text
    from steps
    group by trial_key
),

final as (
    select
        trials.trial_key,
        current_steps.milestone_code as current_step_code,
        current_steps.order_step as current_step,
        100.0 * progress.done_count / progress.milestone_count as progress_pct,
        progress.done_count as milestone_done_count,
        progress.core_done_count as core_milestone_done_count,
        progress.core_count as core_milestone_count,
        coalesce(
            if(current_steps.milestone_code is null, progress.last_done_at, current_steps.previous_done_at),
            trials.trial_start_at
        ) as stage_entered_at,
        timestamp_diff(
            @as_of,
            coalesce(
                if(current_steps.milestone_code is null, progress.last_done_at, current_steps.previous_done_at),
                trials.trial_start_at
            ),
            day
        ) as time_in_stage_days,
        progress.core_count > 0 and progress.core_done_count = progress.core_count as is_activated,
        if(progress.core_done_count = progress.core_count, progress.last_core_done_at, null) as activated_at,
        progress.core_count > 0
        and progress.core_done_count = progress.core_count
        and progress.last_core_done_at < timestamp_add(trials.trial_start_at, interval 14 day) as is_activated_14d,
        progress.core_count > 0
        and progress.core_done_count = progress.core_count
        and progress.last_core_done_at < timestamp_add(trials.trial_start_at, interval 30 day) as is_activated_30d,
        timestamp_diff(progress.first_value_at, trials.trial_start_at, hour) as time_to_value_hours,
        progress.blocker_codes,
        progress.blocker_text
    from trials
    inner join progress
        on trials.trial_key = progress.trial_key
    left join current_steps
        on trials.trial_key = current_steps.trial_key
)

select * from final
