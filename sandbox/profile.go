package sandbox

import (
	"fmt"
	"strings"
)

// Domain classes of an account.
const (
	domainCorporate = iota
	domainFree
	domainShared
	domainInternal // test accounts, of the company itself or named so
)

// Forms in which another system writes a workspace id.
const (
	idMissing = iota
	idExact
	idLegacy // WS-000123
	idNumber // 123
	idUpper  // WS_7K2M9QXZ
	idSpaced // with blanks around
)

// Shares of the mess, as README.md lists them.
const (
	shareInternal        = 0.02
	shareFreeMail        = 0.12
	shareShared          = 0.02
	shareLegacy          = 0.30 // of Config.Accounts, the oldest
	shareNoCRM           = 0.13
	shareNoCRMFree       = 0.35 // of free-mail accounts
	shareSecondWorkspace = 0.07
	shareDelayed         = 0.06
	shareCRMDuplicate    = 0.06 // CRM companies entered twice; most are merged later
	shareCRMChain        = 0.25 // of duplicates: a third record merged into the merged one
	shareConsultant      = 0.02
	shareCard            = 0.08
	shareCRMArchived     = 0.01
	shareContactMerge    = 0.02
)

// profile is what an account's company is: all of it constant.
type profile struct {
	account   uint32
	signup    int64
	domain    int // class
	legacy    bool
	employees int
	industry  int
	country   int
	channel   int
	fit       float64 // latent, about N(0,1)
	champion  float64 // latent, about N(0,1)
	second    bool    // has a second workspace
	stripeID  [2]int  // form of the workspace id in Stripe's metadata, per workspace
	noise     uint64
}

func (c *Company) profile(account uint32) profile {
	r := stream(c.cfg.Seed, tagProfile, account, 0)
	p := profile{account: account, signup: c.clock.at(int(account)), noise: r.next()}
	switch u := r.float(); {
	case u < shareInternal:
		p.domain = domainInternal
	case u < shareInternal+shareFreeMail:
		p.domain = domainFree
	case u < shareInternal+shareFreeMail+shareShared:
		p.domain = domainShared
	}
	p.legacy = float64(account) < shareLegacy*float64(c.cfg.Accounts)
	size := r.normal()
	switch p.domain {
	case domainFree:
		p.employees = 1 + int(8*expm(size-0.5))
	case domainShared:
		p.employees = 5 + int(30*expm(size))
	default:
		p.employees = 2 + int(60*expm(1.3*size))
	}
	p.employees = min(p.employees, 40000)
	p.industry = r.below(len(industries))
	p.country = r.below(len(countries))
	p.channel = r.pick(channelShare)
	p.fit = 0.8*r.normal() + industryFit[p.industry] + channelFit[p.channel]
	switch {
	case p.employees < 8:
		p.fit -= 0.5
	case p.employees >= 20 && p.employees < 600:
		p.fit += 0.4
	}
	p.champion = r.normal()
	p.second = r.chance(shareSecondWorkspace) && p.domain == domainCorporate
	for ws := range p.stripeID {
		if p.legacy && ws == 0 {
			p.stripeID[ws] = [...]int{idExact, idLegacy, idNumber, idUpper, idMissing}[r.pick([]float64{0.3, 0.35, 0.15, 0.08, 0.12})]
		} else {
			p.stripeID[ws] = [...]int{idExact, idUpper, idSpaced, idMissing}[r.pick([]float64{0.92, 0.02, 0.01, 0.05})]
		}
	}
	return p
}

// name is the company's name as the product knows it.
func (c *Company) name(p *profile) string {
	name, _ := c.names.company(p.account)
	if p.domain == domainInternal {
		return [...]string{"[test] " + name, "Test account " + name, "Internal demo", "[test] QA"}[p.noise%4]
	}
	return name
}

// webDomain is the domain of the company's addresses.
func (c *Company) webDomain(p *profile) string {
	switch p.domain {
	case domainFree:
		return freeMail[p.noise>>8%uint64(len(freeMail))]
	case domainShared:
		return sharedDomains[p.noise>>8%uint64(len(sharedDomains))]
	case domainInternal:
		if p.noise>>8%3 > 0 { // some are known by their name only
			return companyEmail
		}
	}
	_, domain := c.names.company(p.account)
	return domain
}

// person is one user of an account. Member 0 signed up.
type person struct {
	id, first, last, email, title string
	verified                      bool
}

const (
	consultantSlot = 3  // the member that may be a consultant who works in many accounts
	maxMember      = 60 // later ones share this number
)

func (p *profile) consultant(member int) bool {
	return member == consultantSlot && p.noise>>16%1000 < 1000*shareConsultant
}

func (c *Company) person(p *profile, ws, member int) person {
	key := uint64(p.account)<<8 | uint64(ws)<<6 | uint64(member)
	if p.consultant(member) {
		key = 1<<39 | p.noise>>32%20
	}
	// In a second workspace the same colleague signs up again.
	if ws == 1 && member == 0 && p.noise>>24&1 == 0 {
		key = uint64(p.account) << 8
	}
	h := hash(c.cfg.Seed, tagPerson, key, 0)
	q := person{id: "u_" + c.ids.code(1, key)}
	q.first = firstNames[h%uint64(len(firstNames))]
	q.last = lastNames[h>>12%uint64(len(lastNames))]
	q.title = strings.ReplaceAll(titles[h>>24%uint64(len(titles))], "_", " ")
	q.verified = h>>36%100 < 88
	local := strings.ToLower(q.first + "." + q.last)
	switch {
	case key>>39 == 1:
		q.title = "Consultant"
		q.email = fmt.Sprintf("%s@%s", local, sharedDomains[h>>44%2])
	case p.domain == domainFree:
		q.email = fmt.Sprintf("%s.%s@%s", local, c.ids.code(2, key)[:4], c.webDomain(p))
	case p.domain == domainCorporate && member < 2:
		q.email = local + "@" + c.webDomain(p)
		if member == 1 { // a namesake must not get the same address
			q.email = strings.ToLower(q.first[:1]+q.last) + "@" + c.webDomain(p)
		}
	default:
		q.email = fmt.Sprintf("%s%s@%s", local, c.ids.code(2, key)[:3], c.webDomain(p))
	}
	return q
}

// written is the workspace id in one of the forms other systems hold.
func (c *Company) written(p *profile, ws, form int) string {
	id := c.ids.workspace(p.account, ws)
	switch form {
	case idMissing:
		return ""
	case idLegacy:
		return legacyID(p.account)
	case idNumber:
		return fmt.Sprint(p.account + 1)
	case idUpper:
		return strings.ToUpper(id)
	case idSpaced:
		return " " + id + " "
	}
	return id
}
