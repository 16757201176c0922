// HubSpot's official client walks the sandbox: whatever it cannot read, the
// sandbox shapes wrongly. Usage: node hubspot.mjs BASE_URL ACCOUNTS
import assert from 'node:assert/strict'
import { Client } from '@hubspot/api-client'

const [basePath, accounts] = process.argv.slice(2)
const hubspot = new Client({ accessToken: 'pat-peers', basePath })

const companies = await hubspot.crm.companies.getAll(100, undefined, ['name', 'domain', 'hs_lastmodifieddate', 'hs_merged_object_ids'])
assert.ok(companies.length > accounts / 2, `${companies.length} companies for ${accounts} accounts`)
assert.equal(new Set(companies.map((c) => c.id)).size, companies.length, 'a company came twice')
assert.ok(companies.every((c) => c.createdAt instanceof Date && !Number.isNaN(c.createdAt.getTime())), 'createdAt is a date')
assert.ok(companies.some((c) => c.properties.hs_merged_object_ids), 'some company was merged')

const contacts = await hubspot.crm.contacts.getAll(100, undefined, ['email'], undefined, ['companies'])
assert.ok(contacts.every((c) => c.properties.email === null || c.properties.email.includes('@')))
assert.ok(contacts.some((c) => c.associations?.companies?.results?.[0]?.id), 'contacts carry associations')

const merged = companies.find((c) => c.properties.hs_merged_object_ids)
const loser = merged.properties.hs_merged_object_ids.split(';')[0]
assert.equal((await hubspot.crm.companies.basicApi.getById(loser)).id, merged.id, 'a merged id resolves to its survivor')

const newest = companies.map((c) => c.properties.hs_lastmodifieddate).sort().at(-1)
const found = await hubspot.crm.companies.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: 'hs_lastmodifieddate', operator: 'GTE', value: String(Date.parse(newest)) }] }],
  sorts: ['hs_object_id'], properties: ['name'], limit: 100, after: undefined,
})
assert.ok(found.total >= 1 && found.results.length >= 1, 'search finds the newest')

const owners = await hubspot.crm.owners.ownersApi.getPage(undefined, undefined, 100)
assert.ok(owners.results.length >= 3 && owners.results.every((o) => o.email))

const deals = await hubspot.crm.deals.getAll(100, undefined, ['dealname', 'amount', 'dealstage'])
const calls = await hubspot.crm.objects.calls.basicApi.getPage(100, undefined, ['hs_call_title'])
assert.ok(calls.results.length > 0)
if (deals.length > 0) {
  const links = await hubspot.crm.associations.v4.batchApi.getPage('deals', 'companies', { inputs: deals.slice(0, 10).map((d) => ({ id: d.id })) })
  assert.ok(links.results.length > 0, 'associations of deals')
}

await assert.rejects(new Client({ accessToken: 'wrong', basePath }).crm.companies.basicApi.getPage(1), (e) => e.code === 401 && e.body.category === 'INVALID_AUTHENTICATION')
console.log(`ok: HubSpot's client read ${companies.length} companies, ${contacts.length} contacts, ${deals.length} deals, ${owners.results.length} owners`)
