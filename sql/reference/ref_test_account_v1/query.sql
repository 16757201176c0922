-- One row per mark of a test or internal account; what bears it is left out of the mart.
-- match_code email_domain: domain of a user's or customer's address, or of the account; product_account_id: the id itself;
-- name_prefix: start of the account's name, in lower case.
with

marks as (
    select
        mark.match_code,
        mark.value_text,
        mark.note_text
    from unnest(array<struct<
        match_code string,
        value_text string,
        note_text string
    >>[
        ('email_domain', 'tallyboard.example', 'the company of ripen sandbox itself'),
        ('email_domain', 'example.com', 'reserved for documentation, RFC 2606'),
        ('email_domain', 'example.org', 'reserved for documentation, RFC 2606'),
        ('email_domain', 'example.net', 'reserved for documentation, RFC 2606'),
        ('name_prefix', '[test]', 'accounts that the team makes while testing'),
        ('name_prefix', 'test account', 'accounts that the team makes while testing'),
        ('name_prefix', 'internal ', 'accounts of the team itself')
    ]) as mark
),

final as (
    select * from marks
)

select * from final
