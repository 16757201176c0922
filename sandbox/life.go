package sandbox

import "sync/atomic"

// Ways a trial ends.
const (
	endedEarly    = iota + 1 // paid before the trial was over
	endedPaid                // paid when it was over
	endedLate                // first payment failed, a later one succeeded
	endedCanceled            // not paid, subscription canceled
	endedPastDue             // not paid, dunned for three weeks, then canceled
	endedPaused              // not paid, no payment method, paused
)

var outcomeNames = [...]string{"", "early", "paid", "late", "canceled", "past_due", "paused"}

// move is a trial end that moved.
type move struct{ at, to int64 }

// trial is one workspace: its trial and what came of it. Times are Unix
// seconds; 0 means never. Nothing in it depends on Config.Until.
type trial struct {
	ws       int
	signup   int64
	start    int64 // of the trial, by billing
	firstEnd int64 // as first set
	end      int64 // after all moves, before an early upgrade
	moves    []move
	firstDay int    // day of the sign-up, counted from Config.Start
	days     []acts // from the day of the sign-up to the day the trial was over
	last     state  // when the trial was over
	outcome  int
	over     int64 // when the trial was over: upgrade, or end
	paidAt   int64 // first invoice above zero paid
	asked    int64 // asked to cancel at the end of the period
	ended    int64 // subscription canceled
	attempt  int64 // a second subscription, whose first payment failed
	card     bool
	annual   bool
	plan     int
	seats    int // when first paid
}

func (t *trial) converted() bool { return t.outcome >= endedEarly && t.outcome <= endedLate }

// endAt is the end of the trial as Stripe shows it at time at.
func (t *trial) endAt(at int64) int64 {
	if t.outcome == endedEarly && at >= t.over {
		return t.over
	}
	end := t.firstEnd
	for _, m := range t.moves {
		if m.at <= at {
			end = m.to
		}
	}
	return end
}

// life is everything that ever happens around one account.
type life struct {
	p       profile
	trials  []trial
	crm     crm
	touches []touch
}

// life simulates an account. It costs some microseconds; nothing is stored.
func (c *Company) life(account uint32) *life {
	l := c.usage(account)
	c.finishCRM(l)
	return l
}

// usage is a life without what its trials bring about in the CRM: enough for
// the product's events.
func (c *Company) usage(account uint32) *life {
	l := &life{p: c.profile(account)}
	l.crm = c.planCRM(&l.p)
	signup := l.p.signup
	l.trials = make([]trial, 0, 1+indicatorInt(l.p.second))
	l.trials = append(l.trials, c.trial(l, 0, signup))
	if l.p.second {
		r := stream(c.cfg.Seed, tagTrial, account, 0)
		later := signup - signup%day + int64(25+r.below(95))*day + r.between(7*3600, 19*3600)
		l.trials = append(l.trials, c.trial(l, 1, later))
	}
	return l
}

// lifeCache keeps recently used lives: neighbours on a page share accounts. A
// slot holds at most one life, so memory is bounded and no lock is needed.
type lifeCache [512]atomic.Pointer[life]

func (c *Company) cachedLife(account uint32) *life {
	slot := &c.lives[account%uint32(len(c.lives))]
	if l := slot.Load(); l != nil && l.p.account == account {
		return l
	}
	l := c.life(account)
	slot.Store(l)
	return l
}

// trialLength draws 14, 21 or 30 days: an experiment of the growth team.
func trialLength(r *rng) int64 {
	return [...]int64{14, 21, 30}[r.pick([]float64{0.8, 0.12, 0.08})]
}

// newTrial draws what is settled at the sign-up.
func (c *Company) newTrial(p *profile, ws int, signup int64) trial {
	r := stream(c.cfg.Seed, tagBilling, p.account, uint64(ws))
	t := trial{ws: ws, signup: signup, firstDay: int((signup - c.start) / day)}
	t.start = signup + r.between(2, 6)
	length := trialLength(&r)
	if r.chance(shareDelayed) {
		t.start = signup - signup%day + int64(2+r.below(9))*day + r.between(8*3600, 17*3600)
	}
	t.firstEnd = t.start + length*day
	t.end = t.firstEnd
	t.card = r.chance(shareCard)
	return t
}

// visit sees a trial-day after it was played: the state at its end, the day's
// acts, and the chance to pay on it.
type visit func(number int, s state, a acts, hazard float64)

func (c *Company) trial(l *life, ws int, signup int64) trial {
	t := c.newTrial(&l.p, ws, signup)
	t.days = make([]acts, 0, 24)
	paid := c.play(l, &t, func(number int, _ state, a acts, _ float64) { t.days = append(t.days, a) })
	c.settle(&l.p, &t, paid)
	return t
}

// soonest is how long after the start of a trial its customer can end it: on the
// first day the hour drawn may lie before the start.
const soonest = 10 * 60

// play runs the days of t until it is over, and tells whether it ended in paying.
func (c *Company) play(l *life, t *trial, each visit) (paid bool) {
	s := newState()
	for number := 0; ; number++ {
		r := stream(c.cfg.Seed, tagTrialDay, l.p.account, uint64(t.ws)<<20|uint64(number))
		a, hazard, over := c.playDay(l, t, &s, &r, number)
		paid = r.chance(hazard)
		if paid && !over {
			a.Upgrade++
			t.outcome = endedEarly
			midnight := c.start + int64(t.firstDay+number)*day
			t.over = max(midnight+r.between(9*3600, 21*3600), t.start+soonest)
		}
		if a.Quit {
			t.asked = max(c.start+int64(t.firstDay+number)*day+r.between(9*3600, 20*3600), t.start+soonest)
		}
		each(number, s, a, hazard)
		if paid || over {
			t.last = s
			return paid
		}
	}
}

// playDay plays one day and moves the end of t when the day extends it; over
// is true when the trial's end falls on the day.
func (c *Company) playDay(l *life, t *trial, s *state, r *rng, number int) (a acts, hazard float64, over bool) {
	midnight := c.start + int64(t.firstDay+number)*day
	over = t.end < midnight+day
	now := today{
		number:  number,
		left:    int((t.end - midnight) / day),
		open:    !over || t.end-midnight > 3*3600,
		weekend: weekend(midnight),
		started: t.start < midnight+day,
	}
	if number == 0 {
		now.open = t.signup-midnight < 20*3600
	}
	if midnight > l.crm.ownerAt && l.crm.ownerAt > 0 {
		now.outreach = l.crm.intensity
	}
	a = l.p.step(s, r, now)
	if a.ExtendDays > 0 {
		t.end += int64(a.ExtendDays) * day
		t.moves = append(t.moves, move{midnight + r.between(9*3600, 17*3600), t.end})
	}
	switch {
	case l.p.domain == domainInternal:
	case over:
		hazard = l.p.endHazard(s, number, t.card)
	case number > 0 && midnight >= t.start:
		hazard = l.p.earlyHazard(s, a, number, t.card)
	}
	return a, hazard, over
}

// settle draws what became of the trial after it was over.
func (c *Company) settle(p *profile, t *trial, paid bool) {
	r := stream(c.cfg.Seed, tagBilling, p.account, uint64(t.ws)|1<<8)
	t.annual = r.chance(0.22)
	t.plan = r.pick([]float64{0.45, 0.4, 0.15})
	t.seats = max(1, int(t.last.Members)+r.below(3)-1)
	if p.employees > 200 {
		t.plan, t.seats = max(t.plan, 1), t.seats+r.below(8)
	}
	if t.outcome == endedEarly {
		t.paidAt = t.over + 3
		c.planChurn(p, t, &r)
		return
	}
	t.over = t.end
	if paid {
		t.outcome, t.paidAt = endedPaid, t.over+3605
		if r.chance(0.08) {
			t.outcome, t.paidAt = endedLate, t.over+3605+r.between(1, 12)*day
		}
		c.planChurn(p, t, &r)
		return
	}
	t.outcome = endedCanceled
	t.ended = t.over
	if t.asked > 0 {
		return
	}
	switch u := r.float(); {
	case u < 0.09:
		t.outcome, t.ended = endedPastDue, t.over+21*day
	case u < 0.22:
		t.outcome, t.ended = endedPaused, 0
		if r.chance(0.5) {
			t.ended = t.over + 60*day
		}
	case u < 0.25:
		t.attempt = t.over - r.between(3600, 20*3600)
	}
}

// planChurn draws when a customer leaves: a chance at every renewal.
func (c *Company) planChurn(p *profile, t *trial, r *rng) {
	months, chance := 1, -3.1
	if t.annual {
		months, chance = 12, -1.4
	}
	chance -= 0.35*float64(t.last.Engagement) + 0.4*indicator(t.last.ActiveUsers >= 3) + 0.3*indicator(t.last.Integrations > 0) + 0.2*p.fit
	for period := 1; period*months <= 300; period++ {
		if r.chance(sigmoid(chance)) {
			t.ended = addMonths(t.over, period*months)
			t.asked = t.ended - r.between(1, 20)*day
			return
		}
	}
}

// seatsAt is the quantity of the subscription at time at.
func (c *Company) seatsAt(p *profile, t *trial, at int64) int {
	if !t.converted() || at < t.over {
		return t.trialSeats()
	}
	walk := seatWalk{seats: t.seats}
	return walk.to(c, p, t, at)
}

// seatWalk follows the seats of a paying workspace through time.
type seatWalk struct{ seats, month int }

// to is the number of seats at time at, which must not fall from call to call.
func (w *seatWalk) to(c *Company, p *profile, t *trial, at int64) int {
	for {
		moved, by := c.seatMove(p, t, w.month)
		if moved > at {
			return w.seats
		}
		w.seats = max(1, w.seats+by)
		w.month++
	}
}

// trialSeats is the quantity a trial is given.
func (t *trial) trialSeats() int { return 5 }

// seatMove is when, in the m-th month of paying, the seats change and by how
// much; mostly by nothing.
func (c *Company) seatMove(p *profile, t *trial, m int) (at int64, by int) {
	r := stream(c.cfg.Seed, tagSeats, p.account, uint64(t.ws)<<16|uint64(m))
	at = addMonths(t.over, m) + r.between(2, 26)*day + r.between(0, 3600)
	if r.chance(0.12 + 0.05*float64(t.last.Engagement)) {
		by = 1 + r.below(3)
		if r.chance(0.25) {
			by = -1
		}
	}
	if t.ended > 0 && at >= t.ended {
		by = 0
	}
	return at, by
}
