package sandbox

import "strconv"

// record is a CRM record that is there at Until. Times are Unix seconds.
type record struct {
	obj      int
	number   uint16
	created  int64
	modified int64
	archived int64 // 0: live
}

// Ids of a type lie in a range of their own, in the order of accounts; so lists
// by id, which HubSpot serves, need no index.
var (
	idBase     = [objTypes]int64{21e9, 32e9, 43e9, 54e9, 65e9, 76e9, 87e9, 98e9}
	idCapacity = [objTypes]int64{8, 64, 4, 256, 256, 256, 256, 256}
)

func recordID(obj int, account uint32, number uint16) int64 {
	return idBase[obj] + int64(account)*idCapacity[obj] + int64(number)
}

func recordText(obj int, account uint32, number uint16) string {
	return strconv.FormatInt(recordID(obj, account, number), 10)
}

func parseRecord(obj int, id int64) (account uint32, number uint16, ok bool) {
	id -= idBase[obj]
	if id < 0 || id/idCapacity[obj] >= maxAccounts {
		return 0, 0, false
	}
	return uint32(id / idCapacity[obj]), uint16(id % idCapacity[obj]), true
}

// recordMillis are the milliseconds of all times of a record.
func recordMillis(obj int, account uint32, number uint16) uint16 {
	return uint16(mix(uint64(recordID(obj, account, number))) % 1000)
}

// crmNow is the last second of which nothing lies after Until.
func (c *Company) crmNow() int64 { return c.until - 1 }

// records calls each with the records of an account, by type and id.
func (c *Company) records(l *life, each func(record)) {
	m, now := &l.crm, c.crmNow()
	if !m.has(now) {
		return
	}
	came := func(t int64) bool { return t > 0 && t <= now }
	latest := m.created
	c.changes(l, func(t int64) {
		if came(t) {
			latest = max(latest, t)
		}
	})
	company := func(number uint16, created, modified int64) {
		each(record{obj: objCompanies, number: number, created: created, modified: modified})
	}
	switch {
	case came(m.chainAt):
		company(recChain, m.created, max(latest, m.chainAt))
	case came(m.mergedAt):
		if came(m.thirdAt) {
			company(recThird, m.thirdAt, m.thirdAt)
		}
		company(recMerged, m.created, max(latest, m.mergedAt))
	default:
		r := record{obj: objCompanies, number: recMain, created: m.created, modified: latest}
		if came(m.archived) {
			r.archived = m.archived
			r.modified = min(r.modified, m.archived) // archiving does not move it
		}
		each(r)
		if came(m.twinAt) {
			company(recTwin, m.twinAt, m.twinAt)
		}
		if came(m.thirdAt) {
			company(recThird, m.thirdAt, m.thirdAt)
		}
	}
	c.contacts(l, each)
	if came(m.dealAt) {
		modified := m.dealAt
		steps := c.dealSteps(l)
		for _, at := range steps {
			if came(at) {
				modified = max(modified, at)
			}
		}
		for _, t := range l.trials[0].moves { // the planned close follows the trial's end
			if came(t.at) && !came(steps[1]) {
				modified = max(modified, t.at)
			}
		}
		each(record{obj: objDeals, number: 0, created: m.dealAt, modified: modified})
	}
	for obj := objCalls; obj < objTypes; obj++ {
		for i := range l.touches {
			t := &l.touches[i]
			if int(t.obj) != obj || t.created > now {
				continue
			}
			r := record{obj: obj, number: uint16(i), created: t.created, modified: t.created}
			if t.modified > 0 && t.modified <= now {
				r.modified = max(r.modified, t.modified)
			}
			each(r)
		}
	}
}

// changes calls each with the times at which a property of the account's
// company or people changes: owner, stage, last contact, enrichment, merge.
func (c *Company) changes(l *life, each func(t int64)) {
	m := &l.crm
	for _, t := range [...]int64{m.ownerAt, m.idAt, m.dealAt, m.csmAt, m.mergedAt, m.chainAt} {
		each(t)
	}
	for i := range l.trials {
		if t := &l.trials[i]; t.converted() {
			each(t.paidAt + 60)
			each(t.paidAt + enrichAfter)
		}
	}
	for i := range l.touches {
		t := &l.touches[i]
		each(t.created)
		if t.obj <= objMeetings {
			each(max(t.at, t.created))
		}
	}
}

// enrichAfter is how long after the first payment missing firmographics are filled in.
const enrichAfter = 2 * day

// Contacts of a workspace: who signed up, and every second of those who joined,
// taken over in the night after.
const contactsPerWorkspace = 20

func contactNumber(ws, member int) uint16 { return uint16(ws*32 + member) }

func (c *Company) contacts(l *life, each func(record)) {
	m, now := &l.crm, c.crmNow()
	var result record // of a merge: its id comes last
	for ws := range l.trials {
		t := &l.trials[ws]
		member := 0
		add := func(joined int64) {
			created := max(joined, m.created+5)
			if member > contactsPerWorkspace || created > now {
				return
			}
			r := record{obj: objContacts, number: contactNumber(ws, member), created: created, modified: created}
			c.changes(l, func(at int64) {
				if at > created && at <= now {
					r.modified = max(r.modified, at)
				}
			})
			if ws == 0 && member == 0 && m.contact.merged > 0 && m.contact.merged <= now {
				r.number, r.modified = contactMerged, max(r.modified, m.contact.merged)
				result = r
				return
			}
			each(r)
		}
		add(t.signup + 5)
		for i := range t.days {
			for range t.days[i].Joins {
				member++
				if hash(c.cfg.Seed, tagPerson, uint64(l.p.account)<<8|uint64(ws)<<6|uint64(member), 7)&1 == 0 {
					add(c.start + int64(t.firstDay+i+1)*day + 300)
				}
			}
		}
	}
	if m.contact.twin > 0 && m.contact.twin <= now && (m.contact.merged > now) {
		each(record{obj: objContacts, number: contactTwin, created: m.contact.twin, modified: m.contact.twin})
	}
	if result.number == contactMerged {
		each(result)
	}
}

// memberOf is the person behind a contact.
func memberOf(number uint16) (ws, member int) {
	if number >= contactTwin {
		return 0, 0
	}
	return int(number) / 32, int(number) % 32
}

// survivor is where a record's id leads now: itself, or what it was merged into.
func (c *Company) survivor(l *life, obj int, number uint16) uint16 {
	m, now := &l.crm, c.crmNow()
	came := func(t int64) bool { return t > 0 && t <= now }
	switch {
	case obj == objCompanies && (number == recMain || number == recTwin) && came(m.chainAt),
		obj == objCompanies && (number == recThird || number == recMerged) && came(m.chainAt):
		return recChain
	case obj == objCompanies && (number == recMain || number == recTwin) && came(m.mergedAt):
		return recMerged
	case obj == objContacts && (number == 0 || number == contactTwin) && came(m.contact.merged):
		return contactMerged
	}
	return number
}

// record finds one record of an account that is there at Until.
func (c *Company) record(l *life, obj int, number uint16) (found record, ok bool) {
	c.records(l, func(r record) {
		if r.obj == obj && r.number == number {
			found, ok = r, true
		}
	})
	return found, ok
}

// mergedIDs lists the ids that were merged into a record, as HubSpot does:
// all of them, separated by semicolons.
func mergedIDs(account uint32, obj int, number uint16) string {
	id := func(n uint16) string { return recordText(obj, account, n) }
	switch {
	case obj == objCompanies && number == recMerged:
		return id(recMain) + ";" + id(recTwin)
	case obj == objCompanies && number == recChain:
		return id(recMain) + ";" + id(recTwin) + ";" + id(recMerged) + ";" + id(recThird)
	case obj == objContacts && number == contactMerged:
		return id(0) + ";" + id(contactTwin)
	}
	return ""
}

// dealSteps are the times at which the deal moves: presentation, close.
func (c *Company) dealSteps(l *life) [2]int64 {
	t := &l.trials[0]
	h := int64(hash(c.cfg.Seed, tagCRM, uint64(l.p.account), 3) % 36000)
	var steps [2]int64
	if t.last.Meetings > 0 && l.crm.dealAt+3*day < t.over {
		steps[0] = l.crm.dealAt + 3*day - h/2
	}
	if t.converted() {
		steps[1] = t.paidAt + h + 600
	} else {
		steps[1] = t.over + 3*day + 7*h
	}
	return steps
}

// associations of a record with another type, by number within the account.
func (c *Company) associations(l *life, r record, to int) []uint16 {
	if r.archived > 0 {
		return nil
	}
	var list []uint16
	switch {
	case r.obj == to:
	case r.obj == objCompanies && r.number != c.mainCompany(l):
		// The duplicates hang on nothing.
	case to == objCompanies:
		if found, ok := c.record(l, objCompanies, c.mainCompany(l)); ok && found.archived == 0 && r.number != contactTwin {
			list = append(list, found.number)
		}
	case r.obj >= objCalls && to == objContacts:
		t := &l.touches[r.number]
		n := c.survivor(l, objContacts, contactNumber(int(t.ws), int(t.contact)))
		if _, ok := c.record(l, objContacts, n); ok {
			list = append(list, n)
		}
	case r.obj >= objCalls || to == objDeals && r.obj != objCompanies && r.number != 0 && r.number != contactMerged:
	default:
		c.records(l, func(o record) {
			if o.obj != to || o.archived > 0 {
				return
			}
			if r.obj == objContacts && to >= objCalls && c.survivor(l, objContacts, contactNumber(int(l.touches[o.number].ws), int(l.touches[o.number].contact))) != r.number {
				return
			}
			if r.obj == objDeals && to != objContacts {
				return
			}
			list = append(list, o.number)
		})
	}
	return list
}

// mainCompany is the number of the company record that the others belong to.
func (c *Company) mainCompany(l *life) uint16 { return c.survivor(l, objCompanies, recMain) }
