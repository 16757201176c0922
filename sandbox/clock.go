package sandbox

import (
	"math"
	"sort"
	"time"
)

// signupClock turns account numbers into sign-up times: a steady rate bent by
// the rhythm of week and day. The times never fall with the account number, so
// "who had signed up by t" is a binary search and needs no index.
type signupClock struct {
	seed  uint64
	start int64
	rate  float64      // sign-ups per average day
	cum   [169]float64 // share of a week's rate before each hour, in average days
}

var weekRhythm = [7]float64{0.35, 1.25, 1.35, 1.35, 1.25, 1.05, 0.4} // Sunday first

var dayRhythm = [24]float64{
	0.5, 0.4, 0.3, 0.3, 0.4, 0.5, 0.8, 1.1, 1.4, 1.5, 1.4, 1.3,
	1.3, 1.5, 1.7, 1.7, 1.6, 1.4, 1.2, 1.0, 0.8, 0.7, 0.6, 0.5,
}

func newSignupClock(cfg Config) signupClock {
	c := signupClock{seed: cfg.Seed, start: cfg.Start.Unix(), rate: float64(cfg.Accounts) / float64(cfg.Days)}
	first := int(cfg.Start.Weekday())
	total := 0.0
	for h := range 168 {
		total += weekRhythm[(first+h/24)%7] * dayRhythm[h%24]
		c.cum[h+1] = total
	}
	for h := range c.cum {
		c.cum[h] *= 7 / total
	}
	return c
}

// at is the second at which account n signs up.
func (c *signupClock) at(n int) int64 {
	r := stream(c.seed, tagSignup, uint32(n), 0)
	x := (float64(n) + r.float()) / c.rate
	week := math.Floor(x / 7)
	x -= week * 7
	h := sort.Search(167, func(h int) bool { return c.cum[h+1] > x })
	inHour := (x - c.cum[h]) / (c.cum[h+1] - c.cum[h])
	t := c.start + int64(week)*7*day + int64((float64(h)+inHour)*3600)
	// The first session needs some minutes before midnight.
	if sod := t % day; sod > 85800 {
		t += 85800 - sod
	}
	return t
}

// before is the number of accounts that signed up before t.
func (c *signupClock) before(t int64) int {
	if t <= c.start {
		return 0
	}
	weeks := float64(t-c.start)/float64(7*day) + 1
	most := int(weeks*7*c.rate) + 2
	return sort.Search(most, func(n int) bool { return c.at(n) >= t })
}

func weekend(t int64) bool {
	d := time.Unix(t, 0).UTC().Weekday()
	return d == time.Saturday || d == time.Sunday
}

// addMonths moves t by whole months; a day that the month lacks becomes its last.
func addMonths(t int64, months int) int64 {
	u := time.Unix(t, 0).UTC()
	moved := time.Date(u.Year(), u.Month()+time.Month(months), 1, u.Hour(), u.Minute(), u.Second(), 0, time.UTC)
	last := moved.AddDate(0, 1, -1).Day()
	return moved.AddDate(0, 0, min(u.Day(), last)-1).Unix()
}
