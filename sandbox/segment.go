package sandbox

import "fmt"

// Pages of the product and its site.
const (
	pageLanding = iota // three of the site
	pageTour
	pageBlog
	pageHome // from here inside the product
	pageProjects
	pageProject
	pageReports
	pageIntegrations
	pageMembers
	pageBilling
	pagePricing
)

var (
	pagePaths = [...]string{"/", "/tour", "/blog/plan-a-sprint", "/app/home", "/app/projects", "/app/projects/board", "/app/reports",
		"/app/integrations", "/app/settings/members", "/app/settings/billing", "/pricing"}
	pageTitles   = [...]string{"Work that adds up", "Product tour", "Plan a sprint", "Home", "Projects", "Board", "Reports", "Integrations", "Members", "Billing", "Pricing"}
	providers    = [...]string{"slack", "github", "google_drive", "jira", "salesforce", "hubspot", "zapier", "teams"}
	features     = [...]string{"custom_fields", "sso", "audit_log", "advanced_permissions", "portfolio", "time_tracking"}
	limits       = [...]string{"projects", "storage", "automations", "guests"}
	reports      = [...]string{"burndown", "workload", "velocity", "overview", "time_in_status"}
	errorCodes   = [...]string{"import_failed", "timeout", "permission_denied", "integration_auth", "validation"}
	campaigns    = [...]string{"welcome", "tips_day_3", "trial_halfway", "trial_ending"}
	planCodes    = [...]string{"trial", "starter", "team", "business"}
	userAgents   = [...]string{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
	utmSources   = [...]string{"google", "google", "linkedin", "friend", "newsletter", "partner", "outreach", "g2"}
	utmMediums   = [...]string{"organic", "cpc", "paid_social", "referral", "email", "partner", "email", "review"}
	importKinds  = [...]string{"csv", "xlsx", "trello", "asana"}
	feedbackText = [...]string{"Easy to set up.", "Missing a calendar view.", "Love the boards!", "The import lost our labels.", "Too expensive for us?"}
)

// writeEvent appends one line of the Segment spec.
func (c *Company) writeEvent(w *jsonWriter, e *event) {
	if e.kind == evBadLine {
		c.writeBadLine(w, e)
		return
	}
	p := c.profile(e.account)
	ws := int(e.ws)
	who := c.person(&p, ws, int(e.member))
	device := hash(c.cfg.Seed, tagDevice, uint64(e.account)<<8|uint64(e.ws), uint64(e.member))
	skew := c.skew(e.account, e.ws, e.member)
	w.object()
	w.uuid("messageId", messageHash(c, e))
	w.str("type", [...]string{"identify", "group", "page", "track"}[min(e.kind, evSignedUp)])
	if name := trackNames[e.kind]; name != "" {
		w.str("event", name)
	}
	if e.kind == evPage {
		w.str("name", pageTitles[e.extra])
	}
	w.uuid("anonymousId", device)
	if e.anonymous {
		w.null("userId")
	} else {
		w.str("userId", who.id)
	}
	workspace := c.ids.workspace(e.account, ws)
	if e.kind == evGroup {
		w.str("groupId", workspace)
	}
	c.writeContext(w, e, &p, device, workspace)
	switch e.kind {
	case evIdentify:
		w.open("traits")
		w.str("email", who.email)
		w.str("name", who.first+" "+who.last)
		w.str("title", who.title)
		w.bool("email_verified", who.verified)
		switch {
		case e.member > 0 && e.extra == 0: // known from the acceptance only
		case e.member > 0:
			w.time("created_at", e.at)
		case ws > 0:
			w.time("created_at", c.cachedLife(e.account).trials[ws].signup*1000)
		default:
			w.time("created_at", p.signup*1000)
		}
		w.close()
	case evGroup:
		c.writeGroupTraits(w, e, &p)
	default:
		c.writeProperties(w, e, &p)
	}
	w.time("originalTimestamp", e.at+skew)
	// Segment's correction: timestamp = receivedAt - (sentAt - originalTimestamp).
	w.time("sentAt", e.received+skew)
	w.time("timestamp", e.at)
	w.time("receivedAt", e.received)
	w.lit("version", "2")
	w.close()
	w.b = append(w.b, '\n')
}

func messageHash(c *Company, e *event) uint64 {
	return hash(c.cfg.Seed, tagEvents, uint64(e.account)<<2|uint64(e.ws), uint64(e.day)<<16|uint64(e.seq))
}

func (c *Company) writeContext(w *jsonWriter, e *event, p *profile, device uint64, workspace string) {
	w.open("context")
	w.open("app")
	w.str("name", productName)
	w.str("version", fmt.Sprintf("3.%d.0", e.day/14))
	w.close()
	w.open("library")
	w.str("name", "analytics.js")
	w.str("version", "2.11.1")
	w.close()
	if e.kind != evGroup && !e.anonymous {
		w.str("groupId", workspace)
	}
	if e.anonymous || e.kind == evSignedUp || e.kind == evIdentify && e.member == 0 && e.seq < 6 {
		w.open("campaign")
		w.str("source", utmSources[p.channel])
		w.str("medium", utmMediums[p.channel])
		w.str("name", fmt.Sprintf("%s_%d", channels[p.channel], 1+p.noise>>40%4))
		w.close()
	}
	path := pagePaths[pageHome]
	title := pageTitles[pageHome]
	if e.kind == evPage {
		path, title = pagePaths[e.extra], pageTitles[e.extra]
	}
	if e.kind != evOpened {
		w.open("page")
		w.str("path", path)
		w.str("title", title)
		w.str("url", "https://"+companyEmail+path)
		w.close()
		w.str("sessionId", c.sessionID(e))
	}
	w.str("userAgent", userAgents[device%uint64(len(userAgents))])
	w.str("locale", "en-US")
	w.close()
}

func (c *Company) sessionID(e *event) string {
	return "s_" + c.ids.code(3, hash(c.cfg.Seed, uint64(e.account)<<2|uint64(e.ws), uint64(e.day), uint64(e.session)))
}

func (c *Company) writeGroupTraits(w *jsonWriter, e *event, p *profile) {
	w.open("traits")
	name := c.name(p)
	if e.ws > 0 {
		name += [...]string{" EU", " Design", " Team 2", ""}[p.noise>>50%4]
	}
	w.str("name", name)
	if p.domain == domainFree {
		w.null("domain")
	} else {
		w.str("domain", c.webDomain(p))
	}
	w.int("seats", int64(e.extra&0xfff))
	w.str("plan", planCodes[e.extra>>12])
	w.int("employees", int64(p.employees))
	w.str("industry", industries[p.industry])
	w.str("channel", channels[p.channel])
	if p.legacy && e.ws == 0 {
		w.str("legacy_id", legacyID(p.account))
	} else {
		w.null("legacy_id")
	}
	signup := p.signup
	if e.ws > 0 {
		signup = c.cachedLife(e.account).trials[1].signup
	}
	w.time("created_at", signup*1000)
	w.close()
}

func (c *Company) writeProperties(w *jsonWriter, e *event, p *profile) {
	x := int(e.extra)
	key := uint64(e.account)<<2 | uint64(e.ws)
	w.open("properties")
	switch e.kind {
	case evPage:
		w.str("path", pagePaths[x])
		w.str("title", pageTitles[x])
		w.str("url", "https://"+companyEmail+pagePaths[x])
	case evSignedUp:
		w.str("plan", "trial")
		w.str("method", [...]string{"email", "google", "microsoft"}[p.noise>>44%3])
	case evSignedIn:
		w.str("method", [...]string{"email", "google", "microsoft"}[p.noise>>44%3])
	case evProject:
		w.str("project_id", "prj_"+c.ids.code(4, messageHash(c, e)))
		w.str("template", [...]string{"blank", "kanban", "sprint", "campaign"}[x%4])
	case evTask:
		w.str("task_id", "tsk_"+c.ids.code(5, messageHash(c, e)))
		w.str("priority", [...]string{"low", "normal", "high"}[x%3])
	case evInvite:
		invited := c.person(p, int(e.ws), min(x+1, maxMember))
		w.str("invite_id", "inv_"+c.ids.code(6, key<<8|uint64(x)))
		w.str("invitee_email", invited.email)
		w.str("role", [...]string{"member", "admin", "guest"}[x%7%3])
	case evAccept:
		w.str("invite_id", "inv_"+c.ids.code(6, key<<8|uint64(x)))
		w.str("role", [...]string{"member", "admin", "guest"}[x%7%3])
	case evIntegration:
		w.str("provider", providers[x%len(providers)])
	case evImport:
		w.str("source", importKinds[x%len(importKinds)])
		w.int("rows", int64(10+x))
	case evReport:
		w.str("report", reports[x%len(reports)])
		w.int("duration_ms", int64(2000+x*10))
	case evAutomation:
		w.str("automation_id", fmt.Sprintf("aut_%d", x%5+1))
		w.str("status", [...]string{"ok", "ok", "ok", "ok", "failed"}[x/5%5])
	case evShare:
		w.int("recipients", int64(1+x%8))
	case evComment:
		w.int("length", int64(5+x%300))
	case evPaywall, evAdvanced:
		w.str("feature", features[x%len(features)])
	case evLimit:
		w.str("limit", limits[x%len(limits)])
	case evUpgrade:
		w.str("location", [...]string{"banner", "paywall", "billing"}[x%3])
	case evCheckout:
		w.str("plan", planCodes[1])
		w.str("interval", "month")
	case evError:
		w.str("code", errorCodes[x%len(errorCodes)])
	case evFeedback:
		w.int("score", int64(1+x%5))
		w.str("text", feedbackText[x/5%len(feedbackText)])
	case evOpened:
		w.str("campaign", campaigns[x%len(campaigns)])
	}
	w.close()
}

func (c *Company) writeBadLine(w *jsonWriter, e *event) {
	good := event{received: e.received, at: e.at, account: 0, day: e.day, seq: 60000 + e.seq, kind: evSignedIn}
	from := len(w.b)
	switch e.extra {
	case badText:
		w.b = append(w.b, "<html><head><title>502 Bad Gateway</title></head></html>\n"...)
	case badFuture:
		good.at += 400 * day * 1000
		c.writeEvent(w, &good)
	case badNoID:
		c.writeEvent(w, &good)
		const uuid = len(`"messageId":"00000000-0000-0000-0000-000000000000",`)
		line := w.b[from:]
		w.b = w.b[:from+1+copy(line[1:], line[1+uuid:])]
	default:
		c.writeEvent(w, &good)
		w.b = append(w.b[:from+(len(w.b)-from)*2/3], '\n')
	}
}
