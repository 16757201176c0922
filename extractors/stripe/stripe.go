// Package stripe reads customers, subscriptions, invoices and events from the
// Stripe API (https://docs.stripe.com/api). It only ever reads.
//
// Stripe has no "changed since" filter. So a table is listed in full once, and
// from then on the events are read as a list of what changed: every object named
// by a new event is fetched again, once per run, in its present state. Stripe
// keeps events for 30 days; a cursor older than that is answered with another
// full listing, which is said aloud, and never with a silent gap.
//
//	empty ──▶ listing, newest first ──▶ events since Until ──┐
//	            ▲   resumes below the     ▲                  │
//	            │   last whole second     └──────────────────┘
//	            └──────────── cursor older than 30 days
//
// What happens on failure: the listing is committed down to a whole second of
// creation and goes on below it; changes are committed per slice of a day of
// events. Events show up late, so each run reads the last 10 minutes again and
// leaves out the events it knows. An object that changes twice around the end of
// a run may be landed twice in the same state.
package stripe

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/internal/recent"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// DefaultVersion is the API version that requests are pinned to.
const DefaultVersion = "2026-08-26.dahlia"

// Config configures an Extractor. Zero values take the defaults given here.
type Config struct {
	BaseURL   string  // https://api.stripe.com
	APIKey    string  // sk_… or rk_…; needed
	KeyName   string  // environment variable the key came from, named in hints: STRIPE_API_KEY
	Version   string  // DefaultVersion
	RateLimit float64 // requests per second: 20, below the 25 of a sandbox and of one endpoint

	Lookback       time.Duration // the first listing leaves out what was created longer ago; 0: nothing
	Overlap        time.Duration // 10 min: stretch of events that is read again
	Retention      time.Duration // 30 days: how long Stripe keeps events
	Slice          time.Duration // 24 h of events are collapsed and committed together
	CheckpointRows int           // 5000 rows of a listing are committed together
	PageSize       int           // 100
	Fetchers       int           // 4 objects are fetched at once

	Clock func() time.Time         // what the source calls now; waits are timed by HTTP.Clock
	Note  func(table, note string) // hears what the reader should know, e.g. a second full listing
	HTTP  httpx.Options            // attempts, waits, transport; source, address, token, policy and limits are set here
}

// Extractor reads one Stripe account.
type Extractor struct {
	config Config
	client *httpx.Client
}

var _ extractors.Extractor = (*Extractor)(nil)

// New returns an extractor, or an error if the configuration cannot work.
func New(c Config) (*Extractor, error) {
	orDefault(&c.BaseURL, "https://api.stripe.com")
	orDefault(&c.KeyName, "STRIPE_API_KEY")
	orDefault(&c.Version, DefaultVersion)
	orDefault(&c.RateLimit, 20)
	orDefault(&c.Overlap, 10*time.Minute)
	orDefault(&c.Retention, 30*24*time.Hour)
	orDefault(&c.Slice, 24*time.Hour)
	orDefault(&c.CheckpointRows, 5000)
	orDefault(&c.PageSize, 100)
	orDefault(&c.Fetchers, 4)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Note == nil {
		c.Note = func(string, string) {}
	}
	if strings.TrimSpace(c.APIKey) == "" {
		return nil, hint.New("stripe: no API key", "set %s to a secret or restricted key of the account", c.KeyName)
	}
	options := c.HTTP
	options.Source, options.BaseURL, options.Token = "stripe", c.BaseURL, strings.TrimSpace(c.APIKey)
	options.Header = http.Header{"Stripe-Version": {c.Version}}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	options.SourceClock = c.Clock
	options.Policy = policy{clock: options.Clock, keyName: c.KeyName}
	options.Limits = map[string]httpx.Limit{"": {PerSecond: c.RateLimit, Burst: max(1, int(c.RateLimit)), Fixed: true}}
	client, err := httpx.New(options)
	if err != nil {
		return nil, err
	}
	return &Extractor{config: c, client: client}, nil
}

func orDefault[T comparable](value *T, to T) {
	if *value == *new(T) {
		*value = to
	}
}

// collection is one list of the API and the contract it fills.
type collection struct {
	contract string
	path     string
	query    map[string]string // further parameters of the list
	events   []string          // types of event after which an object is fetched again; none: the list never changes behind itself
}

var collections = []collection{
	{contract: "stripe.customers", path: "/v1/customers", events: []string{
		"customer.created", "customer.updated", "customer.deleted",
	}},
	// Without status=all the list leaves out cancelled subscriptions.
	{contract: "stripe.subscriptions", path: "/v1/subscriptions", query: map[string]string{"status": "all"}, events: []string{
		"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
		"customer.subscription.paused", "customer.subscription.resumed", "customer.subscription.trial_will_end",
		"customer.subscription.pending_update_applied", "customer.subscription.pending_update_expired",
	}},
	// invoice.upcoming is left out: it is about an invoice that does not exist yet.
	{contract: "stripe.invoices", path: "/v1/invoices", events: []string{
		"invoice.created", "invoice.updated", "invoice.deleted", "invoice.finalized", "invoice.finalization_failed",
		"invoice.marked_uncollectible", "invoice.overdue", "invoice.overpaid", "invoice.paid", "invoice.payment_action_required",
		"invoice.payment_failed", "invoice.payment_succeeded", "invoice.sent", "invoice.voided", "invoice.will_be_due",
	}},
	{contract: "stripe.events", path: "/v1/events"},
}

// Tables returns the four contracts of Stripe.
func (e *Extractor) Tables() []schemas.Table {
	tables := make([]schemas.Table, len(collections))
	for i, c := range collections {
		table, ok := schemas.Contract(c.contract)
		if !ok {
			panic("no contract " + c.contract) // both are part of the binary
		}
		tables[i] = table
	}
	return tables
}

// Extract yields the objects of table changed after the cursor.
func (e *Extractor) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return extractors.Push(func(emit func(extractors.Batch) error) error { return e.extract(ctx, table, after, emit) })
}

func (e *Extractor) extract(ctx context.Context, table schemas.Table, after landing.Cursor, emit func(extractors.Batch) error) error {
	r := run{
		config: e.config, client: e.client, emit: emit, now: e.config.Clock().Unix(),
		rows: jsonrows.New(table, jsonrows.Options{Clock: e.config.Clock}),
	}
	for _, c := range collections {
		if c.contract == table.ID() {
			r.collection = c
		}
	}
	if r.path == "" {
		return fmt.Errorf("stripe does not fill this contract")
	}
	var err error
	if r.cursor, r.seen, err = parseCursor(after); err != nil {
		return err
	}
	retained := r.now - seconds(e.config.Retention)
	if r.cursor.Until > 0 && r.cursor.Until <= retained {
		e.config.Note(table.ID(), r.expiredNote())
		if r.cursor, r.seen, err = parseCursor(""); err != nil {
			return err
		}
	}
	if r.cursor.Until > 0 {
		return r.changes(ctx)
	}
	return r.list(ctx)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// vendorTime is an instant of our clock, or of Stripe's where ours is ahead of it.
func (r *run) vendorTime(at int64) int64 { return r.client.VendorTime(time.Unix(at, 0)).Unix() }

// run is one extraction of one table.
type run struct {
	collection
	config Config
	client *httpx.Client
	emit   func(extractors.Batch) error
	now    int64 // when the run started
	rows   *jsonrows.Decoder
	cursor cursor
	seen   *recent.Set
}

// expiredNote says what reading the table again means for it.
func (r *run) expiredNote() string {
	since := time.Unix(r.cursor.Until, 0).UTC().Format(time.DateOnly)
	days := int(r.config.Retention / (24 * time.Hour))
	if len(r.events) == 0 {
		return fmt.Sprintf("last read up to %s, but Stripe keeps events for %d days only: the events between are lost, the kept ones are listed again", since, days)
	}
	return fmt.Sprintf("last read up to %s, but Stripe keeps events for %d days only: the whole table is listed again", since, days)
}

// flush emits what was collected, with the cursor if the rows so far may be committed.
func (r *run) flush(at landing.Cursor) error {
	read := r.rows.Bytes()
	rows, err := r.rows.Flush()
	if err != nil {
		return err
	}
	if rows.Record == nil && len(rows.Rejects) == 0 && at == "" {
		return nil
	}
	return r.emit(extractors.Batch{Rows: rows.Record, Rejects: rows.Rejects, Extra: rows.Extra, Cursor: at, Bytes: read})
}
