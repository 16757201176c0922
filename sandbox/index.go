package sandbox

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// entry places one record in a list: twelve bytes, and all that is kept in
// memory of a record.
type entry struct {
	sec     uint32 // since Config.Start
	account uint32
	ms      uint16
	number  uint16 // of the record within its account and kind
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.sec, b.sec), cmp.Compare(a.ms, b.ms), cmp.Compare(a.account, b.account), cmp.Compare(a.number, b.number))
}

// index orders what the lists of the vendors order by time: Stripe's by
// creation, HubSpot's searches by modification.
type index struct {
	stripe   [kindEvent + 1][]entry
	objects  [objTypes][]entry
	archived []uint32 // accounts with an archived record, in order
	counts   counts
}

// counts is what Summary needs and costs a simulation to know.
type counts struct{ workspaces, trials, running, converted, merged, withoutCRM int }

func (n *counts) add(m counts) {
	n.workspaces += m.workspaces
	n.trials += m.trials
	n.running += m.running
	n.converted += m.converted
	n.merged += m.merged
	n.withoutCRM += m.withoutCRM
}

func (c *Company) entryAt(t int64, ms uint16, account uint32, number uint16) entry {
	return entry{sec: uint32(t - c.start), ms: ms, account: account, number: number}
}

// index is built once, with the first list that needs it.
func (c *Company) index() *index {
	c.indexOnce.Do(func() {
		const chunk = 1024
		var mu sync.Mutex
		_ = c.inParallel(context.Background(), (c.accounts+chunk-1)/chunk, func(_ context.Context, i int) error {
			var part index
			for n := i * chunk; n < min((i+1)*chunk, c.accounts); n++ {
				c.indexLife(&part, c.life(uint32(n)))
			}
			mu.Lock()
			defer mu.Unlock()
			for k := range part.stripe {
				c.idx.stripe[k] = append(c.idx.stripe[k], part.stripe[k]...)
			}
			for k := range part.objects {
				c.idx.objects[k] = append(c.idx.objects[k], part.objects[k]...)
			}
			c.idx.archived = append(c.idx.archived, part.archived...)
			c.idx.counts.add(part.counts)
			return nil
		})
		for k := range c.idx.stripe {
			slices.SortFunc(c.idx.stripe[k], compareEntries)
			c.idx.stripe[k] = slices.Clip(c.idx.stripe[k])
		}
		for k := range c.idx.objects {
			slices.SortFunc(c.idx.objects[k], compareEntries)
			c.idx.objects[k] = slices.Clip(c.idx.objects[k])
		}
		slices.Sort(c.idx.archived)
	})
	return &c.idx
}

func (c *Company) indexLife(x *index, l *life) {
	acc := l.p.account
	for ws := range l.trials {
		t := &l.trials[ws]
		if t.signup <= c.until {
			x.counts.workspaces++
		}
		if t.start <= c.until {
			x.counts.trials++
			if t.over > c.until {
				x.counts.running++
			} else if t.converted() && t.paidAt <= c.until {
				x.counts.converted++
			}
		}
	}
	for _, s := range c.customers(l) {
		if s.created <= c.until && (s.deleted == 0 || s.deleted > c.until) {
			x.stripe[kindCustomer] = append(x.stripe[kindCustomer], c.entryAt(s.created, 0, acc, s.number))
		}
	}
	for _, s := range c.subscriptions(l) {
		if s.created <= c.until {
			x.stripe[kindSubscription] = append(x.stripe[kindSubscription], c.entryAt(s.created, 0, acc, s.number))
		}
		c.invoices(l, s, c.until, func(v invoice) {
			x.stripe[kindInvoice] = append(x.stripe[kindInvoice], c.entryAt(v.created, 0, acc, v.number))
		})
	}
	for i, e := range c.stripeEvents(l) {
		if e.at > c.until-eventDays*day {
			x.stripe[kindEvent] = append(x.stripe[kindEvent], c.entryAt(e.at, 0, acc, uint16(i)))
		}
	}
	if !l.crm.has(c.crmNow()) {
		x.counts.withoutCRM++
		return
	}
	c.records(l, func(r record) {
		if r.archived > 0 {
			x.archived = append(x.archived, acc)
			return
		}
		x.objects[r.obj] = append(x.objects[r.obj], c.entryAt(r.modified, recordMillis(r.obj, acc, r.number), acc, r.number))
	})
	if l.crm.mergedAt > 0 && l.crm.mergedAt <= c.until {
		x.counts.merged++
	}
}
