package sandbox

import "slices"

// Prices: three plans, each by month and by year.
var (
	unitAmounts = [3]int64{900, 1900, 3900} // minor units per seat and month
	planNames   = [3]string{"Starter", "Team", "Business"}
)

const annualMonths = 10 // a year is paid with ten months

const (
	shareDeletedCustomer = 0.012
	shareRenewalFails    = 0.04
	eventDays            = 30 // that Stripe keeps events
)

// customer is one Stripe customer. A second workspace may be billed to the first one's.
type customer struct {
	number  uint16
	ws      int
	created int64
	fixed   int64 // a missing account id was filled in; 0: never
	deleted int64
}

func sharedCustomer(p *profile) bool { return p.noise>>54%10 < 3 }

func (c *Company) customers(l *life) []customer {
	var list []customer
	for ws := range l.trials {
		if ws == 1 && sharedCustomer(&l.p) {
			continue
		}
		t := &l.trials[ws]
		r := stream(c.cfg.Seed, tagBilling, l.p.account, uint64(ws)|1<<9)
		k := customer{number: uint16(ws), ws: ws, created: t.signup + 1}
		if l.p.stripeID[ws] == idMissing && r.chance(0.3) {
			k.fixed = t.signup + int64(3+r.below(50))*day + r.between(8*3600, 17*3600)
		}
		if !t.converted() && r.chance(shareDeletedCustomer) && !(len(l.trials) > 1 && sharedCustomer(&l.p)) && t.ended > 0 {
			k.deleted = t.ended + int64(5+r.below(30))*day + r.between(8*3600, 17*3600)
			k.fixed = 0
		}
		list = append(list, k)
	}
	return list
}

func customerOf(p *profile, ws int) uint16 {
	if ws == 1 && sharedCustomer(p) {
		return 0
	}
	return uint16(ws)
}

// subscription is the trial of a workspace, or an attempt to pay that failed.
type subscription struct {
	number  uint16
	t       *trial
	created int64
	attempt bool
}

const attemptLife = 23 * 3600 // after which Stripe gives an incomplete subscription up

func (c *Company) subscriptions(l *life) []subscription {
	var list []subscription
	for ws := range l.trials {
		t := &l.trials[ws]
		list = append(list, subscription{number: uint16(ws), t: t, created: t.start})
		if t.attempt > 0 {
			list = append(list, subscription{number: uint16(2 + ws), t: t, created: t.attempt, attempt: true})
		}
	}
	return list
}

// status of the subscription at a time after its creation.
func (c *Company) status(l *life, s subscription, at int64) string {
	t := s.t
	switch {
	case s.attempt && at < s.created+attemptLife:
		return "incomplete"
	case s.attempt:
		return "incomplete_expired"
	case at < t.over:
		return "trialing"
	case t.ended > 0 && at >= t.ended:
		return "canceled"
	case t.outcome == endedPaused:
		return "paused"
	}
	status := "active"
	c.invoices(l, s, at, func(v invoice) {
		if v.failed > 0 && v.failed <= at && (v.paid == 0 || v.paid > at) {
			status = "past_due"
		}
	})
	return status
}

// period is the billing period at a time.
func (t *trial) period(s subscription, at int64) (from, to int64) {
	if s.attempt {
		return s.created, addMonths(s.created, 1)
	}
	if at < t.over || !t.converted() && t.outcome != endedPastDue {
		return t.start, t.endAt(at)
	}
	if t.ended > 0 {
		at = min(at, t.ended-1)
	}
	months := t.months()
	// Skip near the period, then walk: the lengths of months differ.
	n := max(0, int((at-t.over)/(31*day))/months)
	for addMonths(t.over, (n+1)*months) <= at {
		n++
	}
	return addMonths(t.over, n*months), addMonths(t.over, (n+1)*months)
}

func (t *trial) months() int {
	if t.annual {
		return 12
	}
	return 1
}

func (t *trial) price() int {
	if t.annual {
		return t.plan*2 + 1
	}
	return t.plan * 2
}

func unitAmount(price int) int64 {
	amount := unitAmounts[price/2]
	if price%2 == 1 {
		amount *= annualMonths
	}
	return amount
}

// invoice is one invoice; times are Unix seconds, 0: never.
type invoice struct {
	number   uint16
	sub      subscription
	created  int64
	final    int64
	failed   int64
	paid     int64
	closed   int64 // uncollectible, or void for an attempt
	seats    int
	amount   int64
	reason   string
	from, to int64
}

const (
	invoicesPerSub  = 512
	attemptInvoice  = invoicesPerSub - 1
	finalizeAfter   = 3600
	payAfter        = 3605
	maxRenewals     = invoicesPerSub - 3
	dunningRecovers = 3 * day
)

// invoices calls each with the invoices of a subscription made up to until, oldest first.
func (c *Company) invoices(l *life, s subscription, until int64, each func(invoice)) {
	t := s.t
	base := uint16(t.ws * invoicesPerSub)
	if s.attempt {
		if s.created <= until {
			each(invoice{number: base + attemptInvoice, sub: s, created: s.created, final: s.created, failed: s.created + 2,
				closed: s.created + attemptLife, seats: max(1, t.seats), amount: unitAmount(t.price()) * int64(max(1, t.seats)),
				reason: "subscription_create", from: s.created, to: addMonths(s.created, 1)})
		}
		return
	}
	if t.start > until {
		return
	}
	each(invoice{number: base, sub: s, created: t.start, final: t.start, paid: t.start, seats: t.trialSeats(),
		reason: "subscription_create", from: t.start, to: t.firstEnd})
	if t.over > until || !t.converted() && t.outcome != endedPastDue {
		return
	}
	months := t.months()
	first := invoice{number: base + 1, sub: s, created: t.over, final: t.over + finalizeAfter, paid: t.paidAt, seats: c.seatsAt(&l.p, t, t.over),
		reason: "subscription_cycle", from: t.over, to: addMonths(t.over, months)}
	switch t.outcome {
	case endedEarly:
		first.reason, first.final = "subscription_update", t.over+1
	case endedLate:
		first.failed = t.over + payAfter
	case endedPastDue:
		first.failed, first.closed = t.over+payAfter, t.ended
	}
	first.amount = unitAmount(t.price()) * int64(first.seats)
	each(first)
	if !t.converted() {
		return
	}
	seats := seatWalk{seats: t.seats}
	for k := 1; k <= maxRenewals; k++ {
		at := addMonths(t.over, k*months)
		if at > until || t.ended > 0 && at >= t.ended {
			return
		}
		v := invoice{number: base + 1 + uint16(k), sub: s, created: at, final: at + finalizeAfter, paid: at + payAfter,
			seats: seats.to(c, &l.p, t, at), reason: "subscription_cycle", from: at, to: addMonths(t.over, (k+1)*months)}
		r := stream(c.cfg.Seed, tagBilling, l.p.account, uint64(v.number)<<16|1<<10)
		if r.chance(shareRenewalFails) {
			v.failed, v.paid = at+payAfter, at+payAfter+dunningRecovers
		}
		v.amount = unitAmount(t.price()) * int64(v.seats)
		each(v)
	}
}

func (v *invoice) status(at int64) string {
	switch {
	case v.paid > 0 && at >= v.paid:
		return "paid"
	case v.closed > 0 && at >= v.closed:
		if v.sub.attempt {
			return "void"
		}
		return "uncollectible"
	case at >= v.final:
		return "open"
	}
	return "draft"
}

// stripeEvent is one entry of /v1/events.
type stripeEvent struct {
	at     int64
	typ    string
	kind   int    // of the object
	number uint16 // of the object
	prev   string // previous_attributes as JSON; empty: none
}

// stripeEvents lists what happened to an account at Stripe up to Until, in
// time order. Later times only append, so the place in the list is the event's number.
func (c *Company) stripeEvents(l *life) []stripeEvent {
	list := make([]stripeEvent, 0, 16)
	add := func(at int64, typ string, kind int, number uint16, prev string) {
		if at > 0 && at <= c.until {
			list = append(list, stripeEvent{at, typ, kind, number, prev})
		}
	}
	for _, k := range c.customers(l) {
		add(k.created, "customer.created", kindCustomer, k.number, "")
		add(k.fixed, "customer.updated", kindCustomer, k.number, `{"metadata":{"account_id":null}}`)
		if t := &l.trials[k.ws]; t.converted() && !t.card {
			add(t.over, "customer.updated", kindCustomer, k.number, `{"invoice_settings":{"default_payment_method":null}}`)
		}
		add(k.deleted, "customer.deleted", kindCustomer, k.number, "")
	}
	for _, s := range c.subscriptions(l) {
		if s.created > c.until {
			continue
		}
		c.subscriptionEvents(l, s, add)
		c.invoices(l, s, c.until, func(v invoice) {
			add(v.created, "invoice.created", kindInvoice, v.number, "")
			add(v.final, "invoice.finalized", kindInvoice, v.number, "")
			add(v.failed, "invoice.payment_failed", kindInvoice, v.number, "")
			add(v.paid, "invoice.paid", kindInvoice, v.number, "")
			if s.attempt {
				add(v.closed, "invoice.voided", kindInvoice, v.number, "")
			} else {
				add(v.closed, "invoice.marked_uncollectible", kindInvoice, v.number, "")
				if v.amount > 0 {
					c.paymentEvents(l.p.account, s, v, add)
				}
			}
		})
	}
	slices.SortStableFunc(list, func(a, b stripeEvent) int { return int(a.at - b.at) })
	return list
}

type addEvent func(at int64, typ string, kind int, number uint16, prev string)

const updated = "customer.subscription.updated"

func (c *Company) subscriptionEvents(l *life, s subscription, add addEvent) {
	t, n := s.t, s.number
	add(s.created, "customer.subscription.created", kindSubscription, n, "")
	if s.attempt {
		add(s.created+attemptLife, updated, kindSubscription, n, `{"status":"incomplete"}`)
		return
	}
	was := t.firstEnd
	warn := func(end int64) {
		if at := end - 3*day; at >= t.start && at < t.over && t.endAt(at) == end {
			add(at, "customer.subscription.trial_will_end", kindSubscription, n, "")
		}
	}
	warn(t.firstEnd)
	for _, m := range t.moves {
		add(m.at, updated, kindSubscription, n, jsonFields("trial_end", was))
		was = m.to
		warn(m.to)
	}
	add(t.asked, updated, kindSubscription, n, `{"cancel_at":null,"cancel_at_period_end":false,"canceled_at":null}`)
	switch t.outcome {
	case endedEarly:
		add(t.over, updated, kindSubscription, n, jsonFields("trial_end", was, "status", `"trialing"`))
	case endedCanceled:
	default:
		add(t.over, updated, kindSubscription, n, `{"status":"trialing"}`)
	}
	add(t.ended, "customer.subscription.deleted", kindSubscription, n, "")
	if !t.converted() {
		return
	}
	for m := 0; ; m++ {
		at, by := c.seatMove(&l.p, t, m)
		if at > c.until || t.ended > 0 && at >= t.ended {
			return
		}
		if by != 0 {
			add(at, updated, kindSubscription, n, jsonFields("quantity", int64(c.seatsAt(&l.p, t, at-1))))
		}
	}
}

// paymentEvents are what an invoice does to its subscription.
func (c *Company) paymentEvents(account uint32, s subscription, v invoice, add addEvent) {
	if v.created > s.t.over {
		add(v.created, updated, kindSubscription, s.number, jsonFields("latest_invoice", `"`+c.ids.stripe(kindInvoice, account, v.number-1)+`"`))
	}
	if v.failed > 0 {
		add(v.failed, updated, kindSubscription, s.number, `{"status":"active"}`)
		add(v.paid, updated, kindSubscription, s.number, `{"status":"past_due"}`)
	}
}

// jsonFields renders names and values; a string value is JSON already.
func jsonFields(pairs ...any) string {
	var w jsonWriter
	w.object()
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case int64:
			w.int(pairs[i].(string), v)
		case string:
			w.lit(pairs[i].(string), v)
		}
	}
	w.close()
	return string(w.b)
}
