-- One row per live trial: its probability to convert as scored at @as_of, and why in one sentence.
-- The sentence names the two strongest reasons that point the way of the band (one each way in the middle), urgency last.
with

reasons as (
    select * from score.fct_score_reason
),

models as (
    select * from score.score_model
    where status = 'champion'
),

trial_days as (
    select * from core.fct_trial_day
    where snapshot_date = date(@as_of)
),

summed as (
    select
        reasons.trial_key,
        reasons.scored_at,
        reasons.model_id,
        sum(reasons.contribution_value) as contribution_value,
        sum(if(reasons.group_code = 'fit', reasons.bin_points, 0)) as fit_points,
        sum(if(reasons.group_code = 'engagement', reasons.bin_points, 0)) as engagement_points,
        sum(if(reasons.group_code = 'urgency', reasons.bin_points, 0)) as urgency_points,
        sum(if(reasons.group_code = 'friction', reasons.bin_points, 0)) as friction_points,
        max(if(reasons.group_code = 'urgency', reasons.rendered_text, null)) as urgency_text,
        concat(
            '[',
            string_agg(
                concat(
                    '{"feature_code":"', reasons.feature_code,
                    '","bin_code":"', reasons.bin_code,
                    '","points":', cast(round(reasons.bin_points, 4) as string),
                    ',"text":"', reasons.rendered_text, '"}'
                ),
                ','
                order by reasons.reason_rank
            ),
            ']'
        ) as reasons_json
    from reasons
    group by reasons.trial_key, reasons.scored_at, reasons.model_id
),

scored as (
    select
        summed.*,
        models.intercept_weight,
        models.is_calibrated,
        models.label_text,
        models.intercept_weight + summed.contribution_value as log_odds_value,
        1 / (1 + exp(-(models.intercept_weight + summed.contribution_value))) as conversion_prob,
        models.band_high_prob,
        models.band_low_prob
    from summed
    inner join models
        on summed.model_id = models.model_id
),

banded as (
    select
        scored.*,
        case
            when conversion_prob >= band_high_prob then 'high'
            when conversion_prob < band_low_prob then 'low'
            else 'medium'
        end as score_band
    from scored
),

ranked_reasons as (
    select
        trial_key,
        direction_code,
        rendered_text,
        row_number() over (partition by trial_key, direction_code order by reason_rank) as direction_rank
    from reasons
    where group_code != 'urgency' and direction_code != 'neutral'
),

spoken as (
    select
        trial_key,
        max(if(direction_code = 'up' and direction_rank = 1, rendered_text, null)) as first_up_text,
        max(if(direction_code = 'up' and direction_rank = 2, rendered_text, null)) as second_up_text,
        max(if(direction_code = 'down' and direction_rank = 1, rendered_text, null)) as first_down_text,
        max(if(direction_code = 'down' and direction_rank = 2, rendered_text, null)) as second_down_text
    from ranked_reasons
    group by trial_key
),

worded as (
    select
        banded.*,
        case
            when banded.score_band = 'high'
                then coalesce(concat(spoken.first_up_text, ', ', spoken.second_up_text), spoken.first_up_text)
            when banded.score_band = 'low'
                then coalesce(concat(spoken.first_down_text, ', ', spoken.second_down_text), spoken.first_down_text)
            else coalesce(
                concat(spoken.first_up_text, ' but ', spoken.first_down_text),
                spoken.first_up_text,
                spoken.first_down_text
            )
        end as behaviour_text
    from banded
    left join spoken
        on banded.trial_key = spoken.trial_key
),

final as (
    select
        worded.trial_key,
        worded.scored_at,
        worded.model_id,
        worded.conversion_prob,
        100 * worded.conversion_prob as conversion_score,
        worded.log_odds_value,
        worded.intercept_weight,
        ntile(10) over (order by worded.conversion_prob, worded.trial_key) as score_decile,
        worded.score_band,
        worded.fit_points,
        worded.engagement_points,
        worded.urgency_points,
        worded.friction_points,
        concat(
            worded.score_band,
            ' because: ',
            coalesce(worded.behaviour_text, 'nothing known of its use yet'),
            ', ',
            worded.urgency_text
        ) as reason_text,
        worded.reasons_json,
        worded.is_calibrated,
        worded.label_text,
        timestamp_diff(worded.scored_at, trial_days.last_login_at, hour) as feature_age_hours
    from worded
    left join trial_days
        on worded.trial_key = trial_days.trial_key
)

select * from final
