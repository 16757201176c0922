package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Properties that come without being asked for.
var defaultProperties = [objTypes][]string{
	objCompanies: {"createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"},
	objContacts:  {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"},
	objDeals:     {"amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"},
	objCalls:     {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	objEmails:    {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	objMeetings:  {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	objNotes:     {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	objTasks:     {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
}

var (
	callTitles    = []string{"Intro call", "Trial check-in", "Follow-up call", "Voicemail"}
	mailSubjects  = []string{"Your %s trial", "How is %s going?", "20 minutes to get you set up?", "Inviting your team to %s", "Questions about %s?", "Your trial ends soon", "Connecting your tools", "A short guide for your team"}
	noteBodies    = []string{"Evaluating against two others.", "Wants SSO, told them about Business.", "Champion is keen, budget sits with ops.", "Will invite the team next week.", "Import took too long, sent a guide.", "Decision end of month.", "Needs approval of the CFO.", "Asked for an annual offer."}
	taskSubjects  = []string{"Follow up on trial", "Send pricing", "Book onboarding call", "Check activation"}
	companyNotes  = []string{"Came through the partner webinar.", "Asked for a security questionnaire.", "Uses spreadsheets today.", "Two teams want to try it.", "Existing customer of a competitor until autumn."}
	dispositions  = []string{"f240bbac-87c9-4f6e-bf70-924b57d47db7", "b2cf5968-551e-4856-9783-52b3da59a7d0", "73a0d17f-1163-4015-bdd5-ec830791da20", "17b47fee-58de-441e-a44c-c6300d46f273"} // connected, left voicemail, no answer, wrong number
	lifecycleText = []string{"lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"}
)

// property is the value of one property at Until. Known is false for names the
// portal does not have; an empty value is served as null.
func (c *Company) property(l *life, r record, name string) (value string, known bool) {
	ms := int64(recordMillis(r.obj, l.p.account, r.number))
	switch name {
	case "hs_object_id":
		return recordText(r.obj, l.p.account, r.number), true
	case "createdate", "hs_createdate":
		return string(appendTime(nil, r.created*1000+ms)), true
	case "hs_lastmodifieddate", "lastmodifieddate":
		if (r.obj == objContacts) != (name == "lastmodifieddate") {
			return "", false
		}
		return string(appendTime(nil, r.modified*1000+ms)), true
	}
	switch r.obj {
	case objCompanies:
		return c.companyProperty(l, r, name)
	case objContacts:
		return c.contactProperty(l, r, name)
	case objDeals:
		return c.dealProperty(l, name)
	}
	return c.touchProperty(l, r, name)
}

func (c *Company) companyProperty(l *life, r record, name string) (string, bool) {
	p, m, now := &l.p, &l.crm, c.crmNow()
	copied := r.number == recTwin || r.number == recThird
	h := hash(c.cfg.Seed, tagCRM, uint64(p.account), 11)
	switch name {
	case "name":
		switch {
		case r.number == recTwin:
			return c.name(p) + " Inc.", true
		case r.number == recThird:
			return strings.ToUpper(c.name(p)), true
		}
		return c.name(p), true
	case "domain":
		switch {
		case p.domain == domainFree && h%10 > 0, copied && !m.twinWS && h%2 == 0, h%100 < 3:
			return "", true
		}
		return c.webDomain(p), true
	case "industry":
		if copied && !m.twinWS || h>>8%10 < 1 {
			return "", true
		}
		return strings.ToUpper(strings.ReplaceAll(industries[p.industry], " ", "_")), true
	case "country":
		if copied {
			return "", true
		}
		return countries[p.country], true
	case "numberofemployees", "annualrevenue":
		// Some records are enriched only once the company has paid.
		late := h>>16%100 < 25
		if copied || late && !(l.trials[0].converted() && l.trials[0].paidAt+enrichAfter <= now) {
			return "", true
		}
		if name == "numberofemployees" {
			return strconv.Itoa(p.employees), true
		}
		return strconv.Itoa(p.employees * (60 + int(h>>24%120)) * 1000), true
	case "lifecyclestage":
		if copied {
			return lifecycleText[0], true
		}
		return lifecycleText[c.lifecycle(l)], true
	case "hubspot_owner_id":
		if copied {
			return "", true
		}
		return c.ownerAt(l, now), true
	case "hs_parent_company_id", "phone":
		return "", true
	case "product_account_id":
		return c.crmAccountID(l, r), true
	case "description":
		if copied || h>>32%4 > 0 {
			return "", true
		}
		return companyNotes[h>>40%uint64(len(companyNotes))], true
	case "hs_merged_object_ids":
		return mergedIDs(p.account, objCompanies, r.number), true
	case "notes_last_contacted", "hs_last_activity_date":
		if copied {
			return "", true
		}
		last := int64(0)
		for i := range l.touches {
			if t := &l.touches[i]; t.obj <= objMeetings && t.at <= now && t.created <= now {
				last = max(last, t.at)
			}
		}
		if last == 0 {
			return "", true
		}
		return string(appendTime(nil, last*1000)), true
	case "num_associated_contacts":
		return strconv.Itoa(len(c.associations(l, r, objContacts))), true
	}
	return "", false
}

// crmAccountID is what somebody wrote into the custom property product_account_id.
func (c *Company) crmAccountID(l *life, r record) string {
	m := &l.crm
	switch r.number {
	case recTwin:
		if m.twinWS {
			return c.written(&l.p, 1, idExact)
		}
		return ""
	case recThird:
		return ""
	}
	if m.idAt > c.crmNow() {
		return ""
	}
	return c.written(&l.p, 0, m.idForm)
}

func (c *Company) lifecycle(l *life) int {
	now := c.crmNow()
	for i := range l.trials {
		if t := &l.trials[i]; t.converted() && t.paidAt+60 <= now {
			return 4
		}
	}
	if l.crm.dealAt > 0 && l.crm.dealAt <= now {
		return 3
	}
	for i := range l.touches {
		if l.touches[i].created <= now {
			return 1
		}
	}
	return 0
}

// ownerAt is the id of the account's owner at a time; empty without one.
func (c *Company) ownerAt(l *life, at int64) string {
	m := &l.crm
	switch {
	case m.csmAt > 0 && m.csmAt <= at:
		return owners[m.csm].id
	case m.ownerAt > 0 && m.ownerAt <= at:
		return owners[m.owner].id
	}
	return ""
}

func (c *Company) contactProperty(l *life, r record, name string) (string, bool) {
	ws, member := memberOf(r.number)
	who := c.person(&l.p, ws, member)
	switch name {
	case "email":
		if r.number == contactTwin {
			local, _, _ := strings.Cut(who.email, "@")
			return local + "@" + freeMail[l.p.noise%3], true
		}
		return who.email, true
	case "firstname":
		return who.first, true
	case "lastname":
		return who.last, true
	case "jobtitle":
		if l.p.noise>>12%4 == 0 {
			return "", true
		}
		return who.title, true
	case "associatedcompanyid":
		for _, n := range c.associations(l, r, objCompanies) {
			return recordText(objCompanies, l.p.account, n), true
		}
		return "", true
	case "hubspot_owner_id":
		if r.number == contactTwin {
			return "", true
		}
		return c.ownerAt(l, c.crmNow()), true
	case "lifecyclestage":
		if r.number == contactTwin {
			return lifecycleText[0], true
		}
		return lifecycleText[c.lifecycle(l)], true
	case "hs_merged_object_ids":
		return mergedIDs(l.p.account, objContacts, r.number), true
	case "hs_calculated_merged_vids", "phone":
		return "", true
	}
	return "", false
}

func (c *Company) dealProperty(l *life, name string) (string, bool) {
	t, now := &l.trials[0], c.crmNow()
	steps := c.dealSteps(l)
	closed := steps[1] <= now
	switch name {
	case "dealname":
		return c.name(&l.p) + " - " + planNames[t.plan], true
	case "pipeline":
		return "default", true
	case "dealstage":
		switch {
		case closed && t.converted():
			return "closedwon", true
		case closed:
			return "closedlost", true
		case steps[0] > 0 && steps[0] <= now:
			return "presentationscheduled", true
		}
		return "appointmentscheduled", true
	case "amount":
		seats := max(3, l.p.employees/10)
		if closed && t.converted() {
			seats = t.seats
		}
		return strconv.FormatInt(unitAmounts[t.plan]*12*int64(seats)/100, 10), true
	case "hs_is_closed":
		return strconv.FormatBool(closed), true
	case "hs_is_closed_won":
		return strconv.FormatBool(closed && t.converted()), true
	case "hubspot_owner_id":
		if l.crm.ownerAt > now {
			return "", true
		}
		return owners[l.crm.owner].id, true
	case "closedate":
		if closed {
			return string(appendTime(nil, steps[1]*1000)), true
		}
		planned := t.firstEnd
		for _, m := range t.moves {
			if m.at <= now {
				planned = m.to
			}
		}
		return string(appendTime(nil, planned*1000)), true
	}
	return "", false
}

func (c *Company) touchProperty(l *life, r record, name string) (string, bool) {
	t, now := &l.touches[r.number], c.crmNow()
	switch name {
	case "hs_timestamp":
		return string(appendTime(nil, t.at*1000)), true
	case "hubspot_owner_id":
		return owners[t.owner].id, true
	case "hs_activity_type":
		if t.obj == objMeetings && t.demo {
			return "Demo", true
		}
		return "", t.obj == objCalls || t.obj == objMeetings
	}
	short, ok := strings.CutPrefix(name, "hs_"+strings.TrimSuffix(objNames[r.obj], "s")+"_")
	if !ok {
		return "", false
	}
	switch objNames[r.obj] + "." + short {
	case "calls.title":
		return callTitles[t.outcome%4], true
	case "calls.body":
		return "", true
	case "calls.direction":
		return "OUTBOUND", true
	case "calls.disposition":
		return dispositions[t.outcome%4], true
	case "calls.status":
		return "COMPLETED", true
	case "calls.duration":
		return strconv.Itoa(20_000 + int(mix(uint64(t.at))%900_000)*int(indicatorInt(t.outcome == 0))), true
	case "emails.subject":
		subject := mailSubjects[t.outcome%8]
		if strings.Contains(subject, "%s") {
			subject = fmt.Sprintf(subject, productName)
		}
		if t.inbound {
			subject = "Re: " + subject
		}
		return subject, true
	case "emails.text":
		if t.inbound {
			return "Thanks, we will have a look and come back to you.", true
		}
		return "Hi, I look after your trial. Shall we find 20 minutes for the set-up?", true
	case "emails.direction":
		if t.inbound {
			return "INCOMING_EMAIL", true
		}
		return "EMAIL", true
	case "emails.status":
		return "SENT", true
	case "meetings.title":
		if t.demo {
			return "Product demo", true
		}
		return "Onboarding call", true
	case "meetings.body":
		return "", true
	case "meetings.outcome":
		if t.modified <= now {
			return "COMPLETED", true
		}
		return "SCHEDULED", true
	case "notes.body":
		return noteBodies[t.outcome%8], true
	case "tasks.subject":
		return taskSubjects[t.outcome%4], true
	case "tasks.body":
		return "", true
	case "tasks.status":
		if t.modified > 0 && t.modified <= now {
			return "COMPLETED", true
		}
		return "NOT_STARTED", true
	case "tasks.priority":
		return "MEDIUM", true
	}
	return "", false
}

// writeRecord renders a record with the default properties and those asked for.
func (c *Company) writeRecord(w *jsonWriter, l *life, r record, properties []string, associations []int) {
	ms := int64(recordMillis(r.obj, l.p.account, r.number))
	w.object()
	w.str("id", recordText(r.obj, l.p.account, r.number))
	w.open("properties")
	names := slices.Concat(defaultProperties[r.obj], properties)
	slices.Sort(names)
	for i, name := range names {
		if i > 0 && names[i-1] == name {
			continue
		}
		if value, known := c.property(l, r, name); known {
			w.orNull(name, value)
		}
	}
	w.close()
	w.time("createdAt", r.created*1000+ms)
	w.time("updatedAt", r.modified*1000+ms)
	w.bool("archived", r.archived > 0)
	if r.archived > 0 {
		w.time("archivedAt", r.archived*1000+ms)
	}
	c.writeAssociations(w, l, r, associations)
	w.close()
}

func (c *Company) writeAssociations(w *jsonWriter, l *life, r record, to []int) {
	opened := false
	for _, obj := range to {
		numbers := c.associations(l, r, obj)
		if len(numbers) == 0 {
			continue
		}
		if !opened {
			w.open("associations")
			opened = true
		}
		w.open(objNames[obj])
		w.list("results")
		for _, n := range numbers {
			w.object()
			w.str("id", recordText(obj, l.p.account, n))
			w.str("type", associationName(r.obj, obj))
			w.close()
		}
		w.end()
		w.close()
	}
	if opened {
		w.close()
	}
}

var objSingular = [objTypes]string{"company", "contact", "deal", "call", "email", "meeting", "note", "task"}

func associationName(from, to int) string { return objSingular[from] + "_to_" + objSingular[to] }
