package sandbox

import "math"

func expm(x float64) float64 { return math.Exp(x) }

// acts is what a workspace's people and its rep did in one day.
type acts struct {
	Sessions, Joins, Pages, Pricing                     uint8
	Invites, Projects, Tasks, Integrations, Imports     uint8
	Reports, Automations, Shares, Comments              uint8
	Paywalls, Limits, Advanced, Errors, Feedback, Opens uint8
	Upgrade                                             uint8 // upgrade and checkout clicks
	Calls, Emails, Meetings                             uint8 // of the rep, not of the product
	Quit                                                bool  // asked to cancel at the end
	ExtendDays                                          uint8 // the trial end moved by this much
}

// state is all that the future of a trial depends on, besides fit and champion.
type state struct {
	Engagement                            int8 // 0 gone, 1 looking, 2 working, 3 habit
	Members, ActiveUsers                  int16
	Invited, Pending, Logins              int16
	Projects, Tasks, Integrations, Import int16
	LastLogin, LastPricing                int16 // day numbers; -99: never
	Touches, Meetings                     int16
	Extended                              bool
	Quit                                  bool
}

func newState() state { return state{Members: 1, LastLogin: -99, LastPricing: -99} }

// today is what one day brings from outside.
type today struct {
	number   int  // 0: the day of the sign-up
	left     int  // whole days until the trial ends
	open     bool // there is time for sessions
	weekend  bool
	started  bool    // the trial runs (billing has started it)
	outreach float64 // intensity of the rep, 0: no rep or no CRM record
}

// step plays one day and is the whole dynamics of a trial: what is generated
// and what the true probability averages over are the same function.
func (p *profile) step(s *state, r *rng, t today) acts {
	var a acts
	drive := 0.45*p.fit + 0.6*p.champion
	if t.number == 0 {
		switch u := drive*0.8 + r.normal(); {
		case u < -0.35:
			s.Engagement = 0
		case u < 0.6:
			s.Engagement = 1
		case u < 1.7:
			s.Engagement = 2
		default:
			s.Engagement = 3
		}
	} else {
		up, down := -2.6+0.4*drive, -1.6-0.4*drive
		if s.Engagement == 0 {
			up -= 1.6
		}
		if s.ActiveUsers >= 3 {
			down -= 0.8
			up += 0.3
		}
		if s.Integrations > 0 {
			down -= 0.4
		}
		switch u := r.float(); {
		case u < sigmoid(up) && s.Engagement < 3:
			s.Engagement++
		case u > 1-sigmoid(down) && s.Engagement > 0:
			s.Engagement--
		}
	}
	p.outreach(s, r, t, &a)
	e := float64(s.Engagement)
	mean := [4]float64{0.025, 0.4, 1.1, 2.0}[s.Engagement]
	if t.weekend {
		mean *= 0.2
	}
	if t.number == 0 {
		mean = 0.15 * e
	}
	n := 0
	if t.open {
		n = r.poisson(mean)
	}
	if t.number == 0 {
		n++
	}
	if n > 0 {
		p.work(s, r, t, &a, n)
	}
	if t.number > 0 && r.chance(0.12) {
		a.Opens = 1
	}
	if t.started && t.left >= 1 && s.Engagement == 0 && t.number > 2 && !s.Quit && r.chance(0.02) {
		a.Quit, s.Quit = true, true
	}
	if t.started && t.left == 2 && !s.Extended && !s.Quit {
		chance := 0.02 + 0.05*e
		if s.Touches > 0 {
			chance += 0.06
		}
		if r.chance(chance) {
			s.Extended = true
			a.ExtendDays = [...]uint8{7, 7, 14}[r.below(3)]
		}
	}
	return a
}

// outreach is the rep's day.
func (p *profile) outreach(s *state, r *rng, t today, a *acts) {
	if t.outreach == 0 || t.weekend || !t.started {
		return
	}
	chance := t.outreach * (0.06 + 0.035*float64(s.Engagement))
	if t.left <= 3 {
		chance += 0.08 * t.outreach
	}
	if !r.chance(chance) {
		return
	}
	switch u := r.float(); {
	case u < 0.35:
		a.Calls++
	case u < 0.85:
		a.Emails++
	default:
		if s.Engagement > 0 {
			a.Meetings++
			s.Meetings++
		} else {
			a.Emails++
		}
	}
	s.Touches++
	if s.Engagement < 2 && r.chance(0.12) {
		s.Engagement++
	}
}

// work fills n sessions.
func (p *profile) work(s *state, r *rng, t today, a *acts, n int) {
	e := float64(s.Engagement)
	sessions := float64(n)
	s.Logins += int16(n)
	s.LastLogin = int16(t.number)
	if t.number == 0 {
		s.ActiveUsers = 1
	}
	a.Pages = uint8(r.poisson(sessions * (1.8 + 0.7*e)))
	pricing := 0.03 + 0.03*e
	if t.left <= 3 {
		pricing += 0.06 * e
	}
	for range n {
		if r.chance(pricing) {
			a.Pricing++
		}
	}
	if a.Pricing > 0 {
		s.LastPricing = int16(t.number)
		if r.chance(0.15) {
			a.Upgrade = 1 // looked at the checkout; says nothing about paying
		}
	}
	if s.Projects == 0 && r.chance(0.30+0.15*e) || s.Projects > 0 && s.Projects < 12 && r.chance(0.1*e) {
		a.Projects = 1
	}
	s.Projects += int16(a.Projects)
	if s.Projects > 0 {
		a.Tasks = uint8(r.poisson(sessions * (0.25 + 0.5*e)))
		s.Tasks += int16(a.Tasks)
	}
	pending := s.Pending // an invitation is accepted on a later day
	if s.Members < 30 && s.Invited < 40 {
		mean := 0.05 + 0.17*e
		if p.employees < 5 {
			mean *= 0.3
		}
		a.Invites = uint8(min(r.poisson(mean), 6))
		s.Invited += int16(a.Invites)
		s.Pending += int16(a.Invites)
	}
	for range pending {
		if r.chance(0.22) && s.Members < 30 {
			a.Joins++
		}
	}
	joins := int16(a.Joins)
	s.Pending -= joins
	s.Members += joins
	s.ActiveUsers += joins
	s.Logins += joins
	if s.Integrations < 4 && r.chance(0.02+0.05*e) {
		a.Integrations = 1
		s.Integrations++
	}
	if r.chance(0.03 + 0.04*e) {
		a.Imports = 1
		s.Import++
	}
	a.Reports = uint8(r.poisson(sessions * 0.25 * e))
	if s.Integrations > 0 {
		a.Automations = uint8(r.poisson(sessions * 0.5 * e))
	}
	if s.Members > 1 {
		a.Comments = uint8(r.poisson(sessions * 0.4 * e))
		a.Shares = uint8(r.poisson(0.08 * e))
	}
	a.Paywalls = uint8(r.poisson(sessions * (0.03 + 0.04*e)))
	if s.Tasks > 15 || s.Projects > 4 {
		a.Limits = uint8(r.poisson(0.25))
	}
	a.Advanced = uint8(r.poisson(sessions * 0.05 * e))
	a.Errors = uint8(r.poisson(sessions * 0.1))
	if r.chance(0.01 + 0.01*e) {
		a.Feedback = 1
	}
	a.Sessions = uint8(min(n, 40))
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Coefficients of the hazard, in log-odds. README.md prints the same table and
// a test holds both together.
const (
	hazardEnd        = -2.85 // at the end of the trial
	hazardEarly      = -7.30 // on a day before
	hazardFit        = 0.40
	hazardChampion   = 0.15
	hazardInvited    = 0.45 // more than three invitations
	hazardCore       = 0.25 // a project and a task
	hazardMultiUser  = 0.30 // three active users or more
	hazardIntegrated = 0.30
	hazardImported   = 0.10
	hazardEngagement = 0.08 // per level
	hazardPricing    = 0.40 // pricing page within three days
	hazardSilence    = -0.35
	hazardMeeting    = 0.40 // a meeting or demo was held
	hazardTouched    = 0.10
	hazardCard       = 0.80 // card on file from the start
	hazardToday      = 1.30 // early only: pricing page today
)

// score is the common part of both hazards after the given day.
func (p *profile) score(s *state, number int, card bool) float64 {
	return hazardFit*p.fit + hazardChampion*p.champion +
		hazardInvited*indicator(s.Invited > 3) +
		hazardCore*indicator(s.Projects > 0 && s.Tasks > 0) +
		hazardMultiUser*indicator(s.ActiveUsers >= 3) +
		hazardIntegrated*indicator(s.Integrations > 0) +
		hazardImported*indicator(s.Import > 0) +
		hazardEngagement*float64(s.Engagement) +
		hazardPricing*indicator(number-int(s.LastPricing) <= 3) +
		hazardSilence*indicator(number-int(s.LastLogin) >= 7) +
		hazardMeeting*indicator(s.Meetings > 0) +
		hazardTouched*indicator(s.Touches > 0) +
		hazardCard*indicator(card)
}

// endHazard is the probability to pay at the end of the trial.
func (p *profile) endHazard(s *state, number int, card bool) float64 {
	if s.Quit {
		return 0
	}
	return sigmoid(hazardEnd + p.score(s, number, card))
}

// earlyHazard is the probability to upgrade on a day before the last, which
// takes a session on that day.
func (p *profile) earlyHazard(s *state, a acts, number int, card bool) float64 {
	if a.Sessions == 0 || s.Quit {
		return 0
	}
	return sigmoid(hazardEarly + p.score(s, number, card) + hazardToday*indicator(a.Pricing > 0))
}
