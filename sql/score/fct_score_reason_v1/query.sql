-- One row per scored trial and feature: its exact contribution to the score, with the words for it.
-- contribution_value is in log-odds: the contributions of a trial and the model's intercept sum to its log-odds.
with

features as (
    select * from score.int_trial_feature
),

models as (
    select * from score.score_model
    where status = 'champion'
),

bins as (
    select score_model_bin.*
    from score.score_model_bin as score_model_bin
    inner join models
        on score_model_bin.model_id = models.model_id
),

contributions as (
    select
        features.trial_key,
        features.scored_at,
        features.feature_code,
        features.feature_value,
        bins.model_id,
        bins.feature_order,
        bins.group_code,
        bins.bin_code,
        bins.bin_points,
        bins.bin_woe * bins.feature_weight as contribution_value,
        replace(
            if(features.feature_value = 1, bins.reason_singular_text, bins.reason_template_text),
            '{n}',
            coalesce(cast(cast(features.feature_value as int64) as string), '')
        ) as rendered_text
    from features
    inner join bins
        on features.feature_code = bins.feature_code
        and (
            (features.feature_value is null and bins.is_missing_bin)
            or (
                not bins.is_missing_bin
                and features.feature_value >= bins.lower_value
                and (bins.upper_value is null or features.feature_value < bins.upper_value)
            )
        )
),

final as (
    select
        trial_key,
        scored_at,
        feature_code,
        feature_value,
        model_id,
        feature_order,
        group_code,
        bin_code,
        bin_points,
        contribution_value,
        row_number() over (
            partition by trial_key, scored_at
            order by group_code = 'urgency', abs(bin_points) desc, feature_order
        ) as reason_rank,
        case
            when bin_points > 0 then 'up'
            when bin_points < 0 then 'down'
            else 'neutral'
        end as direction_code,
        rendered_text
    from contributions
)

select * from final
