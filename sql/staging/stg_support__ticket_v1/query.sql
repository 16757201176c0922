-- One row per support ticket, as last read.
with

tickets as (
    select * from raw_support.tickets
),

newest as (
    select tickets.*
    from tickets
    where true
    qualify row_number() over (
        partition by ticket_id
        order by
            coalesce(updated_at, solved_at, opened_at) desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            status desc,
            priority desc
    ) = 1
),

final as (
    select
        ticket_id,
        product_account_id,
        lower(trim(requester_email)) as requester_email_text,
        opened_at,
        solved_at,
        coalesce(status, if(solved_at is null, 'open', 'solved')) as status,
        priority as priority_code,
        csat_score,
        cast(round(first_reply_minutes / 60) as int64) as first_reply_hours,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
