// Package hubspot reads companies, contacts, deals, engagements and owners from
// the HubSpot CRM API (https://developers.hubspot.com/docs/api-reference). It
// only ever reads.
//
// The first run lists each collection, live records and then archived ones, with
// their associations. Later runs search for what was modified since, and list
// the archived records again, because archiving does not count as a modification
// and search does not find archived records. Search does not return associations
// either; they are read for each page in one more request per kind
// (/crm/v4/associations/{from}/{to}/batch/read). An association that changes
// alone moves no modification date, so it is seen with the next change of the record.
//
//	empty ──▶ live listing ──▶ archived listing ──▶ search since Until ──┐
//	            ▲  resumes at a page token             ▲                 │
//	            └── other properties are asked for     └─────────────────┘
//
// Search is treated as what it is: not in order, late by up to an hour, ending
// at 10,000 results. Windows of time are halved until each fits, a flood inside
// one millisecond is read by record id, the last hour is read again by each run,
// and versions that were landed before are left out. Each walked window is a
// place to commit and to resume.
//
// A merge makes a new record; it names the merged ones in merged_object_ids.
package hubspot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Config configures an Extractor. Zero values take the defaults given here.
type Config struct {
	BaseURL string // https://api.hubapi.com
	Token   string // access token of a private app; needed
	KeyName string // environment variable the token came from, named in hints: HUBSPOT_TOKEN
	Version string // of the object API: v3, or a dated one such as 2026-09

	// Properties gives the portal's own names of properties, e.g.
	// product_account_id: workspace_id. Keys are the contract's property names,
	// with or without "properties." in front.
	Properties map[string]string

	RateLimit   float64 // requests per second at most; 0: 9, corrected by HubSpot's headers
	SearchLimit float64 // searches per second: 4; HubSpot sends no headers for them

	Overlap        time.Duration // 1 h: stretch that is searched again
	SearchCap      int           // 10,000 results are the most a search gives
	CheckpointRows int           // 5000 rows of a listing or of windows are committed together
	PageSize       int           // 100

	Clock func() time.Time         // what the source calls now; waits are timed by HTTP.Clock
	Note  func(table, note string) // hears what the reader should know, e.g. a second full listing
	HTTP  httpx.Options            // attempts, waits, transport; source, address, token, policy and limits are set here
}

// Classes of requests that HubSpot limits apart.
const (
	objectRequests = ""
	searchRequests = "search"
)

// Extractor reads one HubSpot portal.
type Extractor struct {
	config Config
	client *httpx.Client
}

var _ extractors.Extractor = (*Extractor)(nil)

// New returns an extractor, or an error if the configuration cannot work.
func New(c Config) (*Extractor, error) {
	limit := httpx.Limit{PerSecond: c.RateLimit, Burst: max(1, int(5*c.RateLimit)), Fixed: true}
	if c.RateLimit <= 0 {
		limit = httpx.Limit{PerSecond: 9, Burst: 50}
	}
	orDefault(&c.BaseURL, "https://api.hubapi.com")
	orDefault(&c.KeyName, "HUBSPOT_TOKEN")
	orDefault(&c.Version, "v3")
	orDefault(&c.SearchLimit, 4)
	orDefault(&c.Overlap, time.Hour)
	orDefault(&c.SearchCap, 10_000)
	orDefault(&c.CheckpointRows, 5000)
	orDefault(&c.PageSize, 100)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Note == nil {
		c.Note = func(string, string) {}
	}
	if strings.TrimSpace(c.Token) == "" {
		return nil, hint.New("hubspot: no access token", "set %s to the access token of a private app", c.KeyName)
	}
	if err := checkProperties(c.Properties); err != nil {
		return nil, err
	}
	options := c.HTTP
	options.Source, options.BaseURL, options.Token = "hubspot", c.BaseURL, strings.TrimSpace(c.Token)
	if options.Clock == nil {
		options.Clock = time.Now
	}
	options.SourceClock = c.Clock
	options.Policy = policy{clock: options.Clock, keyName: c.KeyName}
	options.Limits = map[string]httpx.Limit{
		objectRequests: limit,
		searchRequests: {PerSecond: c.SearchLimit, Burst: max(1, int(c.SearchLimit)), Fixed: true},
	}
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

// Tables returns the five contracts of HubSpot.
func (e *Extractor) Tables() []schemas.Table {
	tables := make([]schemas.Table, 0, len(sources)+1)
	for _, s := range sources {
		tables = append(tables, contract(s.contract))
	}
	return append(tables, contract(ownersContract))
}

func contract(id string) schemas.Table {
	table, ok := schemas.Contract(id)
	if !ok {
		panic("no contract " + id) // both are part of the binary
	}
	return table
}

// Extract yields the records of table changed after the cursor.
func (e *Extractor) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return extractors.Push(func(emit func(extractors.Batch) error) error { return e.extract(ctx, table, after, emit) })
}

func (e *Extractor) extract(ctx context.Context, table schemas.Table, after landing.Cursor, emit func(extractors.Batch) error) error {
	r := run{config: e.config, client: e.client, emit: emit, now: e.config.Clock().UnixMilli(), table: table.ID()}
	i := slices.IndexFunc(sources, func(s source) bool { return s.contract == table.ID() })
	if i < 0 && table.ID() != ownersContract {
		return fmt.Errorf("hubspot does not fill this contract")
	}
	table = withProperties(table, e.config.Properties)
	r.rows = jsonrows.New(table, jsonrows.Options{Clock: e.config.Clock})
	if i >= 0 {
		r.source = sources[i]
		r.properties = propertiesOf(table, r.source)
	}
	query := r.queryHash()
	var err error
	if r.cursor, err = parseCursor(after, query); err != nil {
		return err
	}
	if r.cursor.Query != query {
		e.config.Note(table.ID(), "other properties are asked for than before: the whole table is listed again")
		r.cursor = cursor{Format: cursorFormat, Query: query, At: map[string]state{}}
	}
	if i < 0 {
		return r.owners(ctx)
	}
	for _, object := range r.source.objects {
		if err := r.collection(ctx, object); err != nil {
			return err
		}
	}
	if r.idle {
		return r.flush(r.cursor.text())
	}
	return nil
}

// vendorTime is an instant of our clock, or of HubSpot's where ours is ahead of it.
func (r *run) vendorTime(at int64) int64 { return r.client.VendorTime(time.UnixMilli(at)).UnixMilli() }

// run is one extraction of one table.
type run struct {
	source
	table      string
	config     Config
	client     *httpx.Client
	emit       func(extractors.Batch) error
	now        int64 // when the run started
	rows       *jsonrows.Decoder
	cursor     cursor
	properties []string
	idle       bool // an old cursor moved without rows
}

func (r *run) queryHash() string {
	sum := sha256.Sum256([]byte(strings.Join(append(slices.Clone(r.properties), append(r.associations, r.config.Version)...), "\n")))
	return hex.EncodeToString(sum[:6])
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
	if at != "" {
		r.idle = false
	}
	return r.emit(extractors.Batch{Rows: rows.Record, Rejects: rows.Rejects, Extra: rows.Extra, Cursor: at, Bytes: read})
}

// commit is flush at a place to resume from.
func (r *run) commit(object string, s state) error {
	r.cursor.At[object] = s
	return r.flush(r.cursor.text())
}

// collected reports whether something waits to be emitted.
func (r *run) collected() bool { return r.rows.Bytes() > 0 }
