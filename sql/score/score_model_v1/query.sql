-- One row per scoring model.
-- The prior is not fitted: its odds come from published conversion rates (see score_model_bin), so that a queue has an
-- order before a company has outcomes of its own. Its probabilities rank; they are not calibrated.
with

models as (
    select
        model.model_id,
        model.family_code,
        model.label_text,
        model.segment_code,
        model.trained_at,
        model.cutoff_at,
        model.trial_count,
        model.conversion_count,
        model.base_rate,
        model.recalibration_shift_value,
        model.status,
        model.is_calibrated,
        model.feature_version
    from unnest(array<struct<
        model_id string,
        family_code string,
        label_text string,
        segment_code string,
        trained_at timestamp,
        cutoff_at timestamp,
        trial_count int64,
        conversion_count int64,
        base_rate float64,
        recalibration_shift_value float64,
        status string,
        is_calibrated bool,
        feature_version int64
    >>[
        ('prior_v1', 'prior', 'prior, not fitted', 'all', null, null, 0, 0, 0.12, 0.0, 'champion', false, 1)
    ]) as model
),

final as (
    select
        models.*,
        ln(base_rate / (1 - base_rate)) + recalibration_shift_value as intercept_weight,
        -- Frozen cuts: twice the base rate is high, less than half of it low.
        base_rate * 2 as band_high_prob,
        base_rate / 2 as band_low_prob
    from models
)

select * from final
