-- One row per invoice, as last read.
with

stripe_invoices as (
    select * from raw_stripe.invoices
),

billing_invoices as (
    select * from raw_billing.invoices
),

newest_stripe as (
    select stripe_invoices.*
    from stripe_invoices
    where true
    qualify row_number() over (
        partition by id
        order by _ripen_loaded_at desc, _ripen_load_id desc, amount_paid desc, paid_at desc, payload desc
    ) = 1
),

newest_billing as (
    select billing_invoices.*
    from billing_invoices
    where true
    qualify row_number() over (
        partition by invoice_id
        order by
            coalesce(updated_at, paid_at, created_at) desc,
            _ripen_loaded_at desc,
            _ripen_load_id desc,
            paid_amount desc,
            status desc
    ) = 1
),

final as (
    select
        id as invoice_id,
        customer_id,
        subscription_id,
        cast(amount_due as numeric) / 100 as due_amount,
        cast(amount_paid as numeric) / 100 as paid_amount,
        upper(currency) as currency_code,
        coalesce(paid_at, if(status = 'paid', created, null)) as paid_at,
        status,
        billing_reason as billing_reason_code,
        -- The span that the first line is for: on the invoice that opens a trial, the trial as first agreed.
        timestamp_seconds(safe_cast(json_value(payload, '$.lines.data[0].period.start') as int64)) as service_start_at,
        timestamp_seconds(safe_cast(json_value(payload, '$.lines.data[0].period.end') as int64)) as service_end_at,
        created as created_at,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest_stripe
    union all
    select
        invoice_id,
        customer_id,
        subscription_id,
        due_amount,
        paid_amount,
        upper(currency_code) as currency_code,
        coalesce(paid_at, if(status = 'paid', created_at, null)) as paid_at,
        status,
        cast(null as string) as billing_reason_code,
        cast(null as timestamp) as service_start_at,
        cast(null as timestamp) as service_end_at,
        created_at,
        _ripen_source as source_name,
        _ripen_load_id as batch_id,
        _ripen_loaded_at as loaded_at
    from newest_billing
)

select * from final
