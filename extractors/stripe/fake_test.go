package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

const testKey = "sk_test_123"

// fake is a Stripe account: lists newest first, events, and faults on demand.
type fake struct {
	mu       sync.Mutex
	now      time.Time
	lists    map[string][]map[string]any // path of the list -> objects
	items    map[string][]map[string]any // subscription -> items beyond the embedded page
	events   int
	requests []string
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool // n counts from 0; true: it answered
	shuffle  bool
	server   *httptest.Server
}

func newFake(t *testing.T) *fake {
	f := &fake{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), lists: map[string][]map[string]any{}, items: map[string][]map[string]any{}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.requests)
	f.requests = append(f.requests, r.URL.Path+"?"+r.URL.RawQuery)
	w.Header().Set("Date", f.now.UTC().Format(http.TimeFormat))
	w.Header().Set("Request-Id", fmt.Sprintf("req_%d", n))
	if f.fault != nil && f.fault(n, w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+testKey || r.Header.Get("Stripe-Version") != DefaultVersion {
		writeError(w, 401, "", "Invalid API Key provided: "+r.Header.Get("Authorization"))
		return
	}
	query := r.URL.Query()
	if r.URL.Path == "/v1/subscription_items" {
		f.page(w, query, f.items[query.Get("subscription")])
		return
	}
	if list, ok := f.lists[r.URL.Path]; ok || isList(r.URL.Path) {
		var found []map[string]any
		for _, o := range list {
			created := o["created"].(int64)
			types := query["types[]"]
			if lt := query.Get("created[lt]"); lt != "" && created >= number(lt) ||
				created < number(query.Get("created[gte]")) ||
				len(types) > 0 && !slices.Contains(types, o["type"].(string)) ||
				o["status"] == "canceled" && query.Get("status") != "all" || o["deleted"] == true {
				continue
			}
			found = append(found, o)
		}
		slices.Reverse(found)
		if !f.shuffle {
			slices.SortStableFunc(found, func(a, b map[string]any) int { return cmp.Compare(b["created"].(int64), a["created"].(int64)) })
		}
		f.page(w, query, found)
		return
	}
	dir, id := cutLast(r.URL.Path)
	for _, o := range f.lists[dir] {
		if o["id"] == id {
			if o["deleted"] == true {
				o = map[string]any{"id": id, "object": o["object"], "deleted": true}
			}
			writeJSON(w, o)
			return
		}
	}
	writeError(w, 404, "resource_missing", "No such object: "+id)
}

func isList(path string) bool { return strings.Count(path, "/") == 2 }

func cutLast(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:i], path[i+1:]
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func (f *fake) page(w http.ResponseWriter, query map[string][]string, found []map[string]any) {
	limit := int(number(first(query["limit"])))
	if after := first(query["starting_after"]); after != "" {
		at := slices.IndexFunc(found, func(o map[string]any) bool { return o["id"] == after })
		if at < 0 {
			writeError(w, 400, "resource_missing", "No such object: "+after)
			return
		}
		found = found[at+1:]
	}
	more := len(found) > limit
	found = found[:min(limit, len(found))]
	if found == nil {
		found = []map[string]any{}
	}
	writeJSON(w, map[string]any{"object": "list", "data": found, "has_more": more})
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Stripe indents its answers.
func writeJSON(w http.ResponseWriter, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(err)
	}
	w.Write(text)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	writeJSON(w, map[string]any{"error": map[string]any{"type": "invalid_request_error", "code": code, "message": message}})
}

func customer(id string, created int64) map[string]any {
	return map[string]any{"id": id, "object": "customer", "created": created, "email": id + "@example.com", "name": "n0"}
}

// add creates an object, and an event if it has a type.
func (f *fake) add(path string, o map[string]any, eventType string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists[path] = append(f.lists[path], o)
	f.event(eventType, o, f.now.Unix())
}

// change replaces members of an object and writes an event.
func (f *fake) change(path, id, eventType string, members map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, o := range f.lists[path] {
		if o["id"] == id {
			changed := map[string]any{}
			for k, v := range o {
				changed[k] = v
			}
			for k, v := range members {
				changed[k] = v
			}
			f.lists[path][i] = changed
			f.event(eventType, changed, f.now.Unix())
		}
	}
}

// remove takes an object away for good, as deleting a draft invoice does.
func (f *fake) remove(path, id, eventType string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.lists[path], func(o map[string]any) bool { return o["id"] == id })
	gone := f.lists[path][i]
	f.lists[path] = slices.Delete(f.lists[path], i, i+1)
	f.event(eventType, gone, f.now.Unix())
}

func (f *fake) event(eventType string, about map[string]any, at int64) {
	if eventType == "" {
		return
	}
	f.events++
	f.lists["/v1/events"] = append(f.lists["/v1/events"], map[string]any{
		"id": fmt.Sprintf("evt_%04d", f.events), "object": "event", "type": eventType, "created": at,
		"api_version": "2020-01-01", "data": map[string]any{"object": about},
	})
}

func (f *fake) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) takeRequests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.requests
	f.requests = nil
	return taken
}

func (f *fake) extractor(t *testing.T, change func(*Config)) *Extractor {
	t.Helper()
	var passed atomic.Int64 // waits move the clock instead of taking time
	c := Config{
		BaseURL: f.server.URL, APIKey: testKey, Clock: f.Now, PageSize: 3, CheckpointRows: 4, RateLimit: 1e6,
		HTTP: httpx.Options{
			MaxAttempts: 3,
			Clock:       func() time.Time { return time.Unix(0, passed.Load()) },
			Sleep: func(ctx context.Context, d time.Duration) error {
				passed.Add(int64(d))
				return ctx.Err()
			},
		},
	}
	if change != nil {
		change(&c)
	}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// warehouse is what a landing zone keeps of an extraction: rows up to the last cursor.
type warehouse struct {
	cursor  landing.Cursor
	rows    []map[string]any
	rejects []landing.Reject
	commits int
}

func table(t *testing.T, id string) schemas.Table {
	t.Helper()
	for _, table := range (&Extractor{}).Tables() {
		if table.ID() == id {
			return table
		}
	}
	t.Fatalf("no table %s", id)
	return schemas.Table{}
}

// pull extracts once and commits as extractors.Run does.
func (w *warehouse) pull(t *testing.T, e *Extractor, id string) error {
	t.Helper()
	var rows []map[string]any
	var rejects []landing.Reject
	for batch, err := range e.Extract(context.Background(), table(t, id), w.cursor) {
		if err != nil {
			return err
		}
		if batch.Rows != nil {
			rows = append(rows, rowsOf(batch.Rows)...)
			batch.Rows.Release()
		}
		rejects = append(rejects, batch.Rejects...)
		if batch.Cursor != "" {
			w.rows, w.rejects, w.cursor = append(w.rows, rows...), append(w.rejects, rejects...), batch.Cursor
			w.commits++
			rows, rejects = nil, nil
		}
	}
	if len(rows)+len(rejects) > 0 {
		t.Errorf("%s: %d rows came without a cursor behind them", id, len(rows))
	}
	return nil
}

func (w *warehouse) mustPull(t *testing.T, e *Extractor, id string) {
	t.Helper()
	if err := w.pull(t, e, id); err != nil {
		t.Fatal(err)
	}
}

func rowsOf(record arrow.Record) []map[string]any {
	rows := make([]map[string]any, record.NumRows())
	for i := range rows {
		rows[i] = map[string]any{}
		for c, field := range record.Schema().Fields() {
			switch column := record.Column(c).(type) {
			case *array.String:
				if column.IsValid(i) {
					rows[i][field.Name] = strings.Clone(column.Value(i))
				}
			default:
				if column.IsValid(i) {
					rows[i][field.Name] = column.ValueStr(i)
				}
			}
		}
	}
	return rows
}

// column lists columns of the rows, joined with a slash and sorted.
func (w *warehouse) column(names ...string) []string {
	var values []string
	for _, row := range w.rows {
		var parts []string
		for _, name := range names {
			parts = append(parts, fmt.Sprint(row[name]))
		}
		values = append(values, strings.Join(parts, "/"))
	}
	slices.Sort(values)
	return values
}
