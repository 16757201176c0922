-- One row per company.
with

map as (
    select * from identity.map_account_identity
),

decisions as (
    select * from identity.fct_identity_decision
),

test_nodes as (
    select * from identity.int_identity__test_node
),

product_accounts as (
    select * from staging.stg_product__account
),

crm_accounts as (
    select * from staging.stg_crm__account
),

customers as (
    select * from staging.stg_billing__customer
),

contacts as (
    select * from staging.stg_crm__contact
),

opportunities as (
    select * from staging.stg_crm__opportunity
),

users as (
    select * from core.dim_user
),

segments as (
    select * from reference.ref_segment
    where segment_type_code = 'employee_band'
),

free_domains as (
    select * from reference.ref_email_domain
),

companies as (
    select
        map.account_key,
        countif(map.node_class = 'product_account') as product_account_count,
        countif(map.node_class = 'billing_customer') as billing_customer_count,
        countif(map.node_class = 'crm_account') as crm_record_count,
        min(map.valid_from_at) as first_seen_at,
        min(map.confidence_score) as identity_confidence_score,
        logical_or(test_nodes.node_id is not null) as is_test
    from map
    left join test_nodes
        on map.node_id = test_nodes.node_id
    group by map.account_key
),

-- The anchor of a company with a CRM record is the surviving record.
crm_records as (
    select
        map.account_key,
        crm_accounts.*
    from map
    inner join crm_accounts
        on map.raw_value_text = crm_accounts.crm_account_id
    where map.node_class = 'crm_account' and map.anchor_node_id = map.node_id
),

workspaces as (
    select
        map.account_key,
        map.node_id,
        product_accounts.*
    from map
    inner join product_accounts
        on map.raw_value_text = product_accounts.product_account_id
    where map.node_class = 'product_account'
),

first_workspaces as (
    select * from workspaces
    where true
    qualify row_number() over (partition by account_key order by created_at, product_account_id) = 1
),

first_customers as (
    select
        map.account_key,
        customers.customer_name,
        customers.email_text,
        customers.domain_name
    from map
    inner join customers
        on map.raw_value_text = customers.customer_id
    where map.node_class = 'billing_customer'
    qualify row_number() over (partition by map.account_key order by customers.created_at, customers.customer_id) = 1
),

-- The newest CRM contact of any record of the company that there was by then.
primary_contacts as (
    select
        map.account_key,
        contacts.email_text
    from contacts
    inner join map
        on contacts.crm_account_id = map.raw_value_text
        and map.node_class = 'crm_account'
    where not contacts.is_deleted
        and contacts.email_text is not null
        and (contacts.created_at is null or contacts.created_at < @as_of)
    qualify row_number() over (partition by map.account_key order by contacts.created_at desc, contacts.contact_id) = 1
),

first_users as (
    select
        account_key,
        email_text
    from users
    where email_text is not null and account_key is not null and not is_internal
    qualify row_number() over (partition by account_key order by first_seen_at, user_key) = 1
),

contracts as (
    select
        map.account_key,
        sum(if(opportunities.is_won, opportunities.deal_amount, null)) as contract_amount
    from opportunities
    inner join map
        on opportunities.crm_account_id = map.raw_value_text
        and map.node_class = 'crm_account'
    where not opportunities.is_deleted
    group by map.account_key
),

gaps as (
    select
        workspaces.account_key,
        logical_or(decisions.reason_code = 'target_deleted') as has_deleted_target,
        logical_or(decisions.verdict_code in ('rejected', 'blocked')) as has_refused_edge,
        logical_or(free_domains.domain_name is not null) as has_free_domain
    from workspaces
    left join decisions
        on workspaces.node_id = decisions.left_node_id
    left join free_domains
        on workspaces.domain_name = free_domains.domain_name
    group by workspaces.account_key
),

described as (
    select
        companies.account_key,
        coalesce(
            crm_records.account_name,
            first_workspaces.account_name,
            first_customers.customer_name
        ) as account_name,
        coalesce(crm_records.domain_name, first_workspaces.domain_name, first_customers.domain_name) as domain_name,
        coalesce(first_workspaces.industry_name, crm_records.industry_name) as industry_name,
        coalesce(first_workspaces.employee_count, crm_records.employee_count) as employee_count,
        coalesce(first_workspaces.country_code, crm_records.country_code) as country_code,
        first_workspaces.acquisition_channel_name,
        crm_records.crm_account_id is not null and not crm_records.is_deleted as has_crm_record,
        crm_records.crm_account_id,
        case
            when crm_records.crm_account_id is not null and not crm_records.is_deleted then null
            when gaps.has_deleted_target or crm_records.is_deleted then 'deleted_in_crm'
            when gaps.has_refused_edge then 'match_refused'
            when gaps.has_free_domain then 'free_mail_domain'
            else 'not_in_crm'
        end as crm_gap_reason_code,
        companies.product_account_count,
        companies.billing_customer_count,
        companies.crm_record_count,
        crm_records.owner_id as sales_owner_key,
        crm_records.lifecycle_stage,
        crm_records.notes_text,
        crm_records.last_activity_at,
        contracts.contract_amount,
        coalesce(
            primary_contacts.email_text,
            first_users.email_text,
            first_customers.email_text
        ) as primary_contact_email_text,
        companies.first_seen_at,
        companies.identity_confidence_score,
        companies.is_test
    from companies
    left join crm_records
        on companies.account_key = crm_records.account_key
    left join first_workspaces
        on companies.account_key = first_workspaces.account_key
    left join first_customers
        on companies.account_key = first_customers.account_key
    left join primary_contacts
        on companies.account_key = primary_contacts.account_key
    left join first_users
        on companies.account_key = first_users.account_key
    left join contracts
        on companies.account_key = contracts.account_key
    left join gaps
        on companies.account_key = gaps.account_key
),

-- The band of every head count there is: an outer join needs an equality.
employee_bands as (
    select
        head_counts.employee_count,
        segments.segment_code
    from (select distinct employee_count from described) as head_counts
    inner join segments
        on cast(head_counts.employee_count as float64) >= segments.min_value
        and (segments.max_value is null or cast(head_counts.employee_count as float64) < segments.max_value)
),

final as (
    select
        described.*,
        employee_bands.segment_code as employee_band
    from described
    left join employee_bands
        on described.employee_count = employee_bands.employee_count
)

select * from final
