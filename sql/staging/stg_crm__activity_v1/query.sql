-- One row per CRM activity (call, e-mail, meeting, demo, note or task), as last read.
with

engagements as (
    select * from raw_hubspot.engagements
),

newest as (
    select engagements.*
    from engagements
    where true
    qualify row_number() over (
        partition by object_type, id
        order by
            updated_at desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            coalesce(is_archived, false) desc,
            payload desc
    ) = 1
),

final as (
    select
        concat(object_type, ':', id) as activity_id,
        company_id as crm_account_id,
        contact_id,
        owner_id,
        coalesce(occurred_at, created_at) as activity_at,
        case
            when object_type in ('calls', 'meetings')
                and strpos(lower(coalesce(activity_type, subject, '')), 'demo') > 0
                then 'demo'
            when object_type = 'calls' then 'call'
            when object_type = 'emails' then 'email'
            when object_type = 'meetings' then 'meeting'
            when object_type = 'tasks' then 'task'
            else 'note'
        end as activity_code,
        case
            when direction in ('INBOUND', 'INCOMING_EMAIL') then 'inbound'
            when direction is not null or object_type in ('calls', 'emails', 'meetings') then 'outbound'
        end as direction_code,
        -- HubSpot's built-in call dispositions are fixed ids, equal in every portal.
        case outcome
            when 'f240bbac-87c9-4f6e-bf70-924b57d47db7' then 'connected'
            when '9d9162e7-6cf3-4944-bf63-4dff82258764' then 'busy'
            when 'a4c4c377-d246-4b32-a13b-75a56a4cd0ff' then 'left_live_message'
            when 'b2cf5968-551e-4856-9783-52b3da59a7d0' then 'left_voicemail'
            when '73a0d17f-1163-4015-bdd5-ec830791da20' then 'no_answer'
            when '17b47fee-58de-441e-a44c-c6300d46f273' then 'wrong_number'
            else lower(outcome)
        end as outcome_code,
        subject as subject_text,
        body as body_text,
        created_at,
        updated_at,
        coalesce(is_archived, false) as is_deleted,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest
)

select * from final
