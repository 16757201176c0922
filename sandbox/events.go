package sandbox

// Kinds of calls in the product's event stream.
const (
	evIdentify = iota
	evGroup
	evPage
	evSignedUp
	evSignedIn
	evProject
	evTask
	evInvite
	evAccept
	evIntegration
	evImport
	evReport
	evAutomation
	evShare
	evComment
	evPaywall
	evLimit
	evAdvanced
	evUpgrade
	evCheckout
	evError
	evFeedback
	evOpened
	evBadLine
	evKinds
)

var trackNames = [evKinds]string{
	evSignedUp: "Signed Up", evSignedIn: "Signed In", evProject: "Project Created", evTask: "Task Assigned",
	evInvite: "Invite Sent", evAccept: "Invite Accepted", evIntegration: "Integration Connected",
	evImport: "Data Imported", evReport: "Report Viewed", evAutomation: "Automation Run",
	evShare: "Dashboard Shared", evComment: "Comment Added", evPaywall: "Paywall Viewed",
	evLimit: "Usage Limit Reached", evAdvanced: "Advanced Feature Attempted", evUpgrade: "Upgrade Clicked",
	evCheckout: "Checkout Started", evError: "Error Shown", evFeedback: "Feedback Given", evOpened: "Email Opened",
}

// Shares of the mess in the stream.
const (
	shareLateDay   = 0.04 // of workspace-days: arrive one to five days late
	shareDuplicate = 0.012
	shareDelayed1h = 0.02 // out of order by up to 90 minutes
	shareSkewed    = 0.03 // of devices: their clock is wrong
	maxLateDays    = 5
)

// event is one call before it is written: small, so that the traffic of a day
// can be sorted in memory.
type event struct {
	received, at int64 // milliseconds
	account      uint32
	day          uint16 // of at, from Config.Start
	seq          uint16 // within workspace and day
	extra        uint16 // depends on the kind: number of the invite, page, seats …
	kind         uint8
	ws           uint8
	member       uint8
	session      uint8
	anonymous    bool
}

// counters carries what must be numbered through the days of one workspace.
type counters struct{ members, invites, accepted int }

// workspaceDays walks the days of one workspace from its sign-up and calls each
// with the day's acts until the last day that lies before end (day number).
func (c *Company) workspaceDays(l *life, t *trial, from, end int, each func(d int, a acts, n counters)) {
	n := counters{members: 1}
	trialDays := len(t.days)
	for i := range trialDays {
		d := t.firstDay + i
		if d >= end {
			return
		}
		if d >= from {
			each(d, t.days[i], n)
		}
		n.members += int(t.days[i].Joins)
		n.accepted += int(t.days[i].Joins)
		n.invites += int(t.days[i].Invites)
	}
	if !t.converted() {
		return
	}
	last := end
	if t.ended > 0 {
		last = min(last, int((t.ended-c.start)/day))
	}
	for d := max(from, t.firstDay+trialDays); d < last; d++ {
		if a, any := c.paidDay(l, t, d); any {
			each(d, a, n)
		}
	}
}

// paidDay is a day of a paying workspace. It depends on the day alone, so that
// a day years later needs no replay.
func (c *Company) paidDay(l *life, t *trial, d int) (acts, bool) {
	var a acts
	r := stream(c.cfg.Seed, tagPaidDay, l.p.account, uint64(t.ws)<<20|uint64(d))
	e := 0.5 + float64(t.last.Engagement)
	mean := 0.18 * e * (1 + 0.08*float64(min(t.last.Members, 20)))
	if weekend(c.start + int64(d)*day) {
		mean *= 0.1
	}
	n := r.poisson(mean)
	if n == 0 {
		return a, false
	}
	s := float64(n)
	a.Sessions = uint8(n)
	a.Pages = uint8(r.poisson(1.6 * s))
	a.Tasks = uint8(r.poisson(0.5 * s))
	a.Reports = uint8(r.poisson(0.4 * s))
	a.Comments = uint8(r.poisson(0.3 * s))
	if t.last.Integrations > 0 {
		a.Automations = uint8(r.poisson(0.6 * s))
	}
	a.Projects = uint8(r.poisson(0.04 * s))
	a.Shares = uint8(r.poisson(0.04 * s))
	a.Errors = uint8(r.poisson(0.06 * s))
	a.Advanced = uint8(r.poisson(0.02 * s))
	return a, true
}

// dayEvents appends the calls of one workspace on one day, in the order of
// their sequence numbers, with received still equal to at.
func (c *Company) dayEvents(dst []event, l *life, t *trial, d int, a acts, n counters) []event {
	midnight := c.start + int64(d)*day
	r := stream(c.cfg.Seed, tagEvents, l.p.account, uint64(t.ws)<<20|uint64(d))
	b := dayBuilder{dst: dst, r: &r, l: l, t: t, d: d, plan: t.planAt(midnight)}
	b.seats = uint16(c.seatsAt(&l.p, t, midnight))
	lo, hi := midnight+int64(6*3600), midnight+23*3600
	if shift := utcOffset[l.p.country] * 3600; shift > 0 {
		hi -= shift
	} else {
		lo -= shift
	}
	if a.Upgrade > 0 && t.outcome == endedEarly && t.over >= midnight && t.over < midnight+day {
		hi = t.over
		lo = min(lo, hi-3600)
	} else if t.over >= midnight && t.over < midnight+day {
		hi = min(hi, t.over-1500)
		lo = min(lo, hi-3600)
	}
	left := a
	sessions := int(a.Sessions) + int(a.Joins)
	for i := range sessions {
		b.session = uint8(i)
		b.member, b.joins = 0, false
		at := r.between(lo, hi)
		switch {
		case d == t.firstDay && i == 0:
			at = t.signup
		case d == t.firstDay:
			at = r.between(max(lo, t.signup+1200), midnight+day-1800)
		}
		if i >= int(a.Sessions) { // somebody accepted an invitation
			b.joins = true
			b.member = uint8(min(n.members+i-int(a.Sessions), maxMember))
			b.accepted = uint16(n.accepted + i - int(a.Sessions))
		} else if i > 0 || d > t.firstDay {
			if n.members > 1 && r.chance(0.55) {
				b.member = uint8(1 + r.below(min(n.members, maxMember)-1))
			}
		}
		closing := a.Upgrade > 0 && i == int(a.Sessions)-1
		if closing && t.outcome == endedEarly && t.over >= midnight && t.over < midnight+day {
			at = t.over - 420 // the upgrade ends the visit
			if d == t.firstDay {
				at = max(at, t.signup)
			}
		}
		b.play(at, midnight+day-300, &left, int(a.Sessions)-i, n, closing)
	}
	for range a.Opens {
		b.now = r.between(midnight+7*3600, midnight+20*3600) * 1000
		b.session, b.member = 255, 0
		b.add(evOpened, uint16(r.below(4)))
	}
	return b.dst
}

func (t *trial) planAt(at int64) uint8 {
	if t.converted() && at >= t.paidAt {
		return uint8(t.plan + 1)
	}
	return 0
}

// dayBuilder spreads the acts of a day over its sessions.
type dayBuilder struct {
	dst      []event
	r        *rng
	l        *life
	t        *trial
	d        int
	now      int64 // milliseconds
	gap      int64
	seq      uint16
	seats    uint16
	accepted uint16
	invited  uint16
	plan     uint8
	session  uint8
	member   uint8
	joins    bool
	anon     bool
}

func (b *dayBuilder) add(kind int, extra uint16) {
	b.dst = append(b.dst, event{
		received: b.now, at: b.now, account: b.l.p.account, day: uint16(b.d), seq: b.seq, extra: extra,
		kind: uint8(kind), ws: uint8(b.t.ws), member: b.member, session: b.session, anonymous: b.anon,
	})
	b.seq++
	b.now += b.r.between(b.gap/4, b.gap) + 1
}

// share takes the part of what is left that falls to this of n sessions.
func (b *dayBuilder) share(left *uint8, n int) int {
	take := 0
	for range *left {
		if n <= 1 || b.r.below(n) == 0 {
			take++
		}
	}
	*left -= uint8(take)
	return take
}

// play is one session. It ends before latest.
func (b *dayBuilder) play(at, latest int64, left *acts, n int, counts counters, closing bool) {
	b.gap = min(60_000, max(latest-at, 60)*1000/64)
	b.now = at*1000 + b.r.between(0, 1000)
	first := b.d == b.t.firstDay && b.session == 0
	if first {
		// Looking around before signing up, without a user.
		seen := b.r.below(4)
		if b.now-int64(seen)*20_000 > (at-at%day)*1000 {
			b.anon = true
			b.now -= int64(seen) * 20_000
			gap := b.gap
			b.gap = min(gap, 15_000)
			for i := range seen {
				b.add(evPage, uint16(pageLanding+i%3))
			}
			b.gap, b.anon = gap, false
			b.now = at*1000 + b.r.between(0, 1000)
		}
		b.add(evIdentify, 0)
		b.add(evSignedUp, 0)
	}
	if b.joins {
		b.add(evIdentify, 1)
		b.add(evAccept, b.accepted)
	} else if !first && b.r.chance(0.15) {
		b.add(evIdentify, 0)
	}
	b.add(evSignedIn, 0)
	if first || b.joins || b.r.chance(0.2) {
		b.add(evGroup, uint16(b.plan)<<12|b.seats)
	}
	b.add(evPage, pageHome)
	// Invites are numbered through the life of the workspace.
	steps := [...]struct {
		left *uint8
		kind int
	}{
		{&left.Pages, evPage}, {&left.Projects, evProject}, {&left.Tasks, evTask}, {&left.Invites, evInvite},
		{&left.Integrations, evIntegration}, {&left.Imports, evImport}, {&left.Reports, evReport},
		{&left.Automations, evAutomation}, {&left.Shares, evShare}, {&left.Comments, evComment},
		{&left.Paywalls, evPaywall}, {&left.Limits, evLimit}, {&left.Advanced, evAdvanced},
		{&left.Errors, evError}, {&left.Feedback, evFeedback},
	}
	if !b.joins {
		for _, step := range steps {
			for range b.share(step.left, n) {
				extra := uint16(b.r.below(1 << 12))
				switch step.kind {
				case evPage:
					extra = uint16(pageHome + b.r.below(pagePricing-pageHome))
				case evInvite:
					extra = uint16(counts.invites) + b.invited
					b.invited++
				}
				b.add(step.kind, extra)
			}
		}
		for range b.share(&left.Pricing, n) {
			b.add(evPage, pagePricing)
		}
	}
	if closing {
		b.add(evUpgrade, uint16(b.r.below(3)))
		b.add(evCheckout, 0)
	}
}
