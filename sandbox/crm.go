package sandbox

import "slices"

// HubSpot object types of this company, in the order of their id spaces.
const (
	objCompanies = iota
	objContacts
	objDeals
	objCalls
	objEmails
	objMeetings
	objNotes
	objTasks
	objTypes
)

var objNames = [objTypes]string{"companies", "contacts", "deals", "calls", "emails", "meetings", "notes", "tasks"}

// Numbers of the company records of an account.
const (
	recMain   = 0
	recTwin   = 1 // entered a second time
	recThird  = 2
	recMerged = 3 // recMain and recTwin, merged
	recChain  = 4 // recMerged and recThird, merged
)

// Numbers of the contact records of an account; others are members.
const (
	contactTwin   = 60
	contactMerged = 61
)

type owner struct {
	id, first, last, team string
	hired, left           int64 // days from Config.Start; left 0: still there
}

const (
	ownerLeft = 2
	ownerSDR  = 3
	ownerCSM  = 4
)

var owners = []owner{
	{id: "7100101", first: "Hannah", last: "Lindqvist", team: "Sales", hired: -400},
	{id: "7100102", first: "Marcus", last: "Oyelaran", team: "Sales", hired: -380},
	{id: "7100103", first: "Peter", last: "Vanhoutte", team: "Sales", hired: -390, left: 45},
	{id: "7100104", first: "Ines", last: "Caldeira", team: "Sales Development", hired: -200},
	{id: "7100105", first: "Ravi", last: "Menon", team: "Customer Success", hired: -350},
	{id: "7100106", first: "Judith", last: "Kern", team: "Customer Success", hired: -90},
}

// crm is what the CRM holds about an account. Times are Unix seconds, 0: never.
type crm struct {
	created   int64
	ownerAt   int64 // owner assigned
	owner     int
	csmAt     int64 // handed over to customer success
	csm       int
	idAt      int64 // product_account_id written
	idForm    int
	twinAt    int64 // duplicate entered
	thirdAt   int64
	mergedAt  int64
	chainAt   int64
	archived  int64
	intensity float64 // of outreach
	dealAt    int64
	contact   struct{ twin, merged int64 }
	twinWS    bool // the duplicate stands for the second workspace
}

func (m *crm) has(at int64) bool { return m.created > 0 && m.created <= at }

// planCRM draws what does not depend on how the trial went.
func (c *Company) planCRM(p *profile) crm {
	r := stream(c.cfg.Seed, tagCRM, p.account, 0)
	var m crm
	missing := shareNoCRM
	if p.domain == domainFree {
		missing = shareNoCRMFree
	}
	if r.chance(missing) {
		return m
	}
	m.created = p.signup + r.between(120, 1800)
	if r.chance(0.2) { // the sync was off: entered by hand next morning or later
		m.created = p.signup - p.signup%day + int64(1+r.below(3))*day + r.between(8*3600, 11*3600)
	}
	if r.chance(0.75) {
		m.ownerAt = m.created + r.between(600, 2*day)
		m.owner = r.below(2)
		if (m.ownerAt-c.start)/day < owners[ownerLeft].left && r.chance(0.33) {
			m.owner = ownerLeft
		}
		m.intensity = 0.5
		if p.employees >= 50 {
			m.intensity += 0.3
		}
		if p.fit > 0.5 {
			m.intensity += 0.3
		}
	}
	m.csm = ownerCSM + r.below(2)
	m.idAt = m.created
	if r.chance(0.1) {
		m.idAt += int64(1+r.below(20)) * day
	}
	if p.legacy {
		m.idForm = [...]int{idExact, idLegacy, idNumber, idMissing}[r.pick([]float64{0.35, 0.35, 0.1, 0.2})]
	} else {
		m.idForm = [...]int{idExact, idUpper, idMissing}[r.pick([]float64{0.82, 0.04, 0.14})]
	}
	if r.chance(shareCRMDuplicate) {
		m.twinAt = m.created + int64(2+r.below(30))*day + r.between(0, 4*3600)
		if r.chance(0.75) {
			m.mergedAt = m.twinAt + int64(3+r.below(40))*day + r.between(0, 4*3600)
			if r.chance(shareCRMChain) {
				m.thirdAt = m.twinAt + int64(1+r.below(20))*day
				m.chainAt = max(m.mergedAt, m.thirdAt) + int64(2+r.below(20))*day
			}
		}
	} else if r.chance(shareCRMArchived) {
		m.archived = m.created + int64(20+r.below(60))*day
	}
	if r.chance(shareContactMerge) {
		m.contact.twin = m.created + int64(1+r.below(10))*day
		m.contact.merged = m.contact.twin + int64(2+r.below(20))*day
	}
	return m
}

// touch is one activity in the CRM.
type touch struct {
	created  int64
	at       int64 // took place, or falls due
	modified int64 // 0: never
	obj      uint8
	owner    uint8
	outcome  uint8
	contact  uint8
	ws       uint8
	inbound  bool
	demo     bool
}

const maxTouches = 250 // per account: their numbers are one byte of the record id

// finishCRM adds what depends on the trials: activities, deals, late records.
func (c *Company) finishCRM(l *life) {
	m := &l.crm
	first := &l.trials[0]
	r := stream(c.cfg.Seed, tagTouch, l.p.account, 0)
	if m.created == 0 && first.converted() && l.p.domain != domainInternal && r.chance(0.6) {
		// Entered because they paid: the trap of reading the CRM backwards.
		m.created = first.paidAt + r.between(3600, 2*day)
		m.idAt = m.created
		m.idForm = idExact
	}
	if m.created == 0 {
		return
	}
	if len(l.trials) > 1 && m.twinAt == 0 && r.chance(0.5) {
		m.twinAt = max(m.created, l.trials[1].signup) + r.between(600, 3*day)
		m.twinWS = true
		m.archived = 0
		if r.chance(0.6) {
			m.mergedAt = m.twinAt + int64(5+r.below(40))*day
		}
	}
	for i := range l.trials {
		c.touchTrial(l, &l.trials[i], &r)
		c.touchCustomer(l, &l.trials[i], &r)
	}
	if first.converted() {
		m.csmAt = max(first.paidAt, m.created) + 2*day + r.between(0, 3600)
	}
	if m.ownerAt > 0 && (first.last.Meetings > 0 || l.p.employees >= 50 && first.last.Engagement >= 1) {
		// A deal is opened while the trial runs, never after it was decided.
		m.dealAt = max(m.ownerAt, first.start) + r.between(1, 6)*day
		if m.dealAt >= first.over {
			m.dealAt = 0
		}
	}
	slices.SortStableFunc(l.touches, func(a, b touch) int { return int(a.created - b.created) })
	if len(l.touches) > maxTouches {
		l.touches = l.touches[:maxTouches]
	}
}

func (c *Company) touchTrial(l *life, t *trial, r *rng) {
	for i, a := range t.days {
		if a.Calls+a.Emails+a.Meetings == 0 {
			continue
		}
		midnight := c.start + int64(t.firstDay+i)*day
		at := midnight + r.between(9*3600, 17*3600)
		at = max(at, l.crm.ownerAt+60)
		by := uint8(l.crm.owner)
		if r.chance(0.3) {
			by = ownerSDR
		}
		base := touch{created: at, at: at, owner: by, ws: uint8(t.ws)}
		if a.Calls > 0 {
			call := base
			call.obj, call.outcome = objCalls, uint8(r.pick([]float64{0.45, 0.3, 0.2, 0.05}))
			call.created += r.between(60, 1500)
			l.touches = append(l.touches, call)
			if call.outcome == 0 && r.chance(0.6) {
				note := base
				note.obj, note.outcome, note.created = objNotes, uint8(r.below(8)), call.created+r.between(60, 900)
				note.at = note.created
				l.touches = append(l.touches, note)
			}
		}
		if a.Emails > 0 {
			mail := base
			mail.obj, mail.outcome = objEmails, uint8(r.below(8))
			l.touches = append(l.touches, mail)
			if t.last.Engagement > 0 && r.chance(0.25) {
				reply := mail
				reply.inbound = true
				reply.at += r.between(1800, 2*day)
				reply.created = reply.at
				l.touches = append(l.touches, reply)
			}
		}
		if a.Meetings > 0 {
			meeting := base
			meeting.obj, meeting.demo = objMeetings, r.chance(0.7)
			meeting.created = max(at-r.between(3600, 2*day), l.crm.ownerAt+30)
			meeting.modified = at + 1800
			l.touches = append(l.touches, meeting)
		}
		if r.chance(0.3) {
			task := base
			task.obj, task.outcome = objTasks, uint8(r.below(4))
			task.at = at + int64(1+r.below(4))*day
			if r.chance(0.7) {
				task.modified = task.at + r.between(0, day)
			}
			l.touches = append(l.touches, task)
		}
	}
}

// touchCustomer is customer success after the sale: a kick-off, then a look-in
// in about every second month.
func (c *Company) touchCustomer(l *life, t *trial, r *rng) {
	if !t.converted() {
		return
	}
	from := max(t.paidAt, l.crm.created)
	base := touch{owner: uint8(l.crm.csm), ws: uint8(t.ws)}
	if r.chance(0.6) {
		kick := base
		kick.obj, kick.at = objMeetings, from-from%day+int64(3+r.below(6))*day+r.between(8*3600, 17*3600)
		kick.created, kick.modified = kick.at-day, kick.at+2400
		l.touches = append(l.touches, kick)
	}
	for month := 1; month <= 60; month++ {
		at := addMonths(from, month)
		at += int64(r.below(6))*day - at%day + r.between(8*3600, 17*3600)
		if t.ended > 0 && at > t.ended {
			return
		}
		if !r.chance(0.5) {
			continue
		}
		look := base
		look.obj, look.created, look.at = objEmails, at, at
		if r.chance(0.3) {
			look.obj = objCalls
		}
		look.outcome = uint8(r.below(2))
		l.touches = append(l.touches, look)
	}
}
