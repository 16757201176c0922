// Package sandbox is a simulated software company with a free trial, for trying
// ripen without accounts at any vendor. It serves the company's billing in the
// shape of the Stripe API and its CRM in the shape of the HubSpot API, and
// writes its product events as Segment-spec JSONL files. README.md describes
// the process behind it and the mess in it.
//
// Everything is a function of (Config.Seed, account number, Config.Start and
// the sign-up rate): nothing is stored but a small index, and moving
// Config.Until forward only adds history, as time does.
package sandbox

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	day          = int64(86400) // seconds
	maxAccounts  = 1 << 23      // account numbers must fit the ids
	maxDays      = 10000
	defaultBad   = 3
	productName  = "Tallyboard"
	companyEmail = "tallyboard.example" // domain of the sandbox company itself
)

// Config describes a company. Two companies of equal Config are equal byte for byte.
type Config struct {
	Seed     uint64
	Accounts int       // sign-ups during the first Days; they go on at the same rate afterwards
	Days     int       // length of the first Days
	Start    time.Time // founding, midnight UTC
	Until    time.Time // the company's now: nothing later is visible; zero: Start + Days

	ThrottleEvery int // every n-th HTTP request answers 429 with Retry-After: 1; 0: never
	RatePerSecond int // token bucket per vendor, as the vendors have; 0: no limit
	// BadLines is the number of event lines per 30 days that no pipeline can
	// take: cut off, not JSON, without an id, dated in the future. 0 means 3,
	// a negative number none.
	BadLines int
}

// Company is one simulated company. It is safe for concurrent use.
type Company struct {
	cfg      Config
	start    int64 // Unix seconds
	until    int64 // Unix seconds, rounded down
	accounts int   // signed up until Until
	clock    signupClock
	names    nameBook
	ids      idBook

	indexOnce sync.Once
	idx       index
	lives     lifeCache
	requests  atomic.Uint64
	buckets   [2]bucket
	now       func() time.Time
}

// New checks cfg and returns its company. It costs no time: the index that the
// HTTP lists need is built with the first request.
func New(cfg Config) (*Company, error) {
	if cfg.Accounts < 1 || cfg.Accounts > maxAccounts {
		return nil, fmt.Errorf("sandbox: accounts must be 1 to %d, not %d", maxAccounts, cfg.Accounts)
	}
	if cfg.Days < 1 || cfg.Days > maxDays {
		return nil, fmt.Errorf("sandbox: days must be 1 to %d, not %d", maxDays, cfg.Days)
	}
	cfg.Start = cfg.Start.UTC()
	if cfg.Start.IsZero() || cfg.Start.Unix()%day != 0 || cfg.Start.Nanosecond() != 0 {
		return nil, fmt.Errorf("sandbox: start must be midnight UTC, not %s", cfg.Start.Format(time.RFC3339Nano))
	}
	if cfg.Until.IsZero() {
		cfg.Until = cfg.Start.AddDate(0, 0, cfg.Days)
	}
	cfg.Until = cfg.Until.UTC()
	if cfg.Until.Before(cfg.Start) {
		return nil, errors.New("sandbox: until lies before start")
	}
	if cfg.Until.Sub(cfg.Start) > maxDays*24*time.Hour {
		return nil, fmt.Errorf("sandbox: until lies more than %d days after start", maxDays)
	}
	if cfg.BadLines == 0 {
		cfg.BadLines = defaultBad
	}
	c := &Company{cfg: cfg, start: cfg.Start.Unix(), until: cfg.Until.Unix(), now: time.Now}
	c.clock = newSignupClock(cfg)
	c.names = newNameBook(cfg.Seed)
	c.ids = newIDBook(cfg.Seed)
	c.accounts = c.clock.before(c.until + 1)
	if c.accounts > maxAccounts {
		return nil, fmt.Errorf("sandbox: %d accounts by until; at most %d are possible", c.accounts, maxAccounts)
	}
	return c, nil
}

// Config returns the configuration with its defaults filled in.
func (c *Company) Config() Config { return c.cfg }
