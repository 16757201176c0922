-- One row per billing source: what holds of its trials where billing itself does not say; '*' holds for every other source.
with

policies as (
    select
        policy.source_name,
        policy.trial_length_days,
        policy.trial_type_code
    from unnest(array<struct<
        source_name string,
        trial_length_days int64,
        trial_type_code string
    >>[
        ('*', 14, 'time')
    ]) as policy
),

final as (
    select * from policies
)

select * from final
