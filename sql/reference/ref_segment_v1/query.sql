-- One row per segment: 50 employees are mid-market and 500 are enterprise.
with

segments as (
    select
        segment.segment_type_code,
        segment.segment_code,
        segment.min_value,
        segment.max_value,
        segment.order_rank
    from unnest(array<struct<
        segment_type_code string,
        segment_code string,
        min_value float64,
        max_value float64,
        order_rank int64
    >>[
        ('employee_band', 'smb', 0.0, 50.0, 1),
        ('employee_band', 'mid_market', 50.0, 500.0, 2),
        ('employee_band', 'enterprise', 500.0, null, 3)
    ]) as segment
),

final as (
    select * from segments
)

select * from final
