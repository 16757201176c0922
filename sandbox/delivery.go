package sandbox

// deliver turns the calls of one workspace-day into deliveries: late, out of
// order, twice. The deliveries may fall on later days.
func (c *Company) deliver(dst []event, calls []event) []event {
	if len(calls) == 0 {
		return dst
	}
	first := &calls[0]
	r := stream(c.cfg.Seed, tagDelivery, first.account, uint64(first.ws)<<20|uint64(first.day))
	late := c.lateBy(first.account, int(first.ws), int(first.day))
	lateMember := calls[r.below(len(calls))].member
	dayEnd := (c.start + int64(first.day+1)*day) * 1000
	for _, e := range calls {
		e.received = e.at + r.between(80, 4000)
		switch {
		case late > 0 && e.member == lateMember:
			// An offline device hands in everything at once, days later.
			e.received = e.at + late*day*1000
		case r.chance(shareDelayed1h):
			e.received = e.at + r.between(60_000, 90*60_000)
		}
		if late == 0 || e.member != lateMember {
			// A delay never carries over midnight: only late devices reach another day.
			e.received = min(e.received, dayEnd-1-r.between(0, 200))
		}
		dst = append(dst, e)
		if r.chance(shareDuplicate) {
			again := e
			again.received += r.between(500, 20*60_000)
			if r.chance(0.3) {
				again.received = e.received + day*1000
			} else if again.received >= dayEnd && e.received < dayEnd {
				again.received = dayEnd - 1
			}
			dst = append(dst, again)
		}
	}
	return dst
}

// lateBy is the number of days by which a device of the workspace is late with
// the calls of day d; mostly 0.
func (c *Company) lateBy(account uint32, ws, d int) int64 {
	h := hash(c.cfg.Seed, tagDelivery, uint64(account)<<2|uint64(ws), uint64(d)|1<<32)
	if h%10000 >= 10000*shareLateDay {
		return 0
	}
	return [...]int64{1, 1, 1, 2, 2, 3, 5}[h>>20%7]
}

// reach is how many days after day d its calls may still arrive.
const reach = maxLateDays + 2

// skew is the error of a device's clock in milliseconds; mostly 0.
func (c *Company) skew(account uint32, ws, member uint8) int64 {
	h := hash(c.cfg.Seed, tagDevice, uint64(account), uint64(ws)<<8|uint64(member))
	if h%10000 >= 10000*shareSkewed {
		return 0
	}
	r := rng{h}
	minutes := [...]int64{3, 45, 60, 26 * 60}[r.below(4)]
	if r.chance(0.5) {
		minutes = -minutes
	}
	return minutes * 60_000
}

// badLines calls each with the bad lines of day d: their time and what is wrong.
func (c *Company) badLines(d int, each func(e event)) {
	const span = 30 // days
	block := d / span
	for i := range max(c.cfg.BadLines, 0) {
		r := stream(c.cfg.Seed, tagBadLine, uint32(block), uint64(i))
		if block*span+r.below(span) != d {
			continue
		}
		at := (c.start+int64(d)*day)*1000 + r.between(8*3600_000, 20*3600_000)
		each(event{kind: evBadLine, received: at, at: at, day: uint16(d), seq: uint16(i), extra: uint16(i % badKinds)})
	}
}

// What is wrong with a bad line.
const (
	badCutOff = iota
	badFuture
	badText
	badNoID
	badKinds
)
