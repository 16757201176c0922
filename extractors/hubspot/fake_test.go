package hubspot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

const testToken = "pat-eu1-123"

// stored is a record of the fake portal.
type stored struct {
	id         int
	properties map[string]string
	modified   int64 // epoch milliseconds
	indexed    int64 // when search sees this version
	filed      int64 // modification date in the search index, where it differs
	archivedAt int64 // 0: live
	companies  []int // associations, the primary one first
	contacts   []int
}

// fake is a HubSpot portal: lists by id, a search with HubSpot's weaknesses,
// association batches and faults on demand.
type fake struct {
	mu       sync.Mutex
	now      time.Time
	objects  map[string][]*stored
	owners   []map[string]any
	requests []string
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool // n counts from 0; true: it answered
	onSearch func()
	cap      int
	unsorted bool
	delay    time.Duration // until search sees a change
	server   *httptest.Server
}

func newFake(t *testing.T) *fake {
	f := &fake{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), objects: map[string][]*stored{}, cap: 10_000}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.requests)
	f.requests = append(f.requests, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
	w.Header().Set("Date", f.now.UTC().Format(http.TimeFormat))
	if f.fault != nil && f.fault(n, w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+testToken {
		writeError(w, 401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
		return
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/crm/"), "/")
	switch {
	case r.URL.Path == "/crm/v3/owners":
		f.listOwners(w, r)
	case path[0] == "v4":
		f.associations(w, r, path[2], path[3])
	case path[len(path)-1] == "search":
		f.search(w, r, path[2])
	default:
		f.list(w, r, path[2])
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request, object string) {
	query := r.URL.Query()
	after, _ := strconv.Atoi(query.Get("after"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	var found []*stored
	for _, s := range f.objects[object] {
		if (s.archivedAt > 0) == (query.Get("archived") == "true") && s.id >= after {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *stored) int { return cmp.Compare(a.id, b.id) })
	next := ""
	if len(found) > limit {
		next = strconv.Itoa(found[limit].id)
		found = found[:limit]
	}
	results := []any{}
	for _, s := range found {
		results = append(results, s.json(strings.Split(query.Get("properties"), ","), strings.Split(query.Get("associations"), ",")))
	}
	writePage(w, results, -1, next)
}

func (f *fake) search(w http.ResponseWriter, r *http.Request, object string) {
	if f.onSearch != nil {
		f.onSearch()
	}
	var q struct {
		FilterGroups []struct{ Filters []filter }
		Sorts        []struct{ PropertyName, Direction string }
		Properties   []string
		Limit        *int
		After        *string
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Limit == nil || q.After == nil || len(q.Sorts) != 1 || len(q.FilterGroups) != 1 || *q.Limit > 200 {
		writeError(w, 400, "VALIDATION_ERROR", fmt.Sprint("Invalid input JSON ", err))
		return
	}
	offset, _ := strconv.Atoi(*q.After)
	if offset+*q.Limit > f.cap {
		writeError(w, 400, "VALIDATION_ERROR", "paging beyond the cap")
		return
	}
	var found []*stored
	for _, s := range f.objects[object] {
		if s.archivedAt == 0 && s.indexed <= f.now.UnixMilli() && !slices.ContainsFunc(q.FilterGroups[0].Filters, func(c filter) bool { return !s.passes(c) }) {
			found = append(found, s)
		}
	}
	if q.Sorts[0].PropertyName == "hs_object_id" {
		slices.SortFunc(found, func(a, b *stored) int { return cmp.Compare(a.id, b.id) })
	} else if f.unsorted {
		rand.New(rand.NewPCG(uint64(len(found)), 7)).Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	} else {
		slices.SortFunc(found, func(a, b *stored) int { return cmp.Or(cmp.Compare(a.modified, b.modified), cmp.Compare(a.id, b.id)) })
	}
	total := len(found)
	found = found[min(offset, total):min(offset+*q.Limit, total)]
	next := ""
	if offset+*q.Limit < total {
		next = strconv.Itoa(offset + *q.Limit)
	}
	results := []any{}
	for _, s := range found {
		results = append(results, s.json(q.Properties, nil))
	}
	writePage(w, results, total, next)
}

func (s *stored) passes(c filter) bool {
	value := s.modified
	if s.filed != 0 {
		value = s.filed
	}
	if c.PropertyName == "hs_object_id" {
		value = int64(s.id)
	}
	bound, err := strconv.ParseInt(c.Value, 10, 64)
	if err != nil {
		panic(err)
	}
	switch c.Operator {
	case "GTE":
		return value >= bound
	case "LT":
		return value < bound
	case "GT":
		return value > bound
	}
	panic(c.Operator)
}

func (f *fake) associations(w http.ResponseWriter, r *http.Request, from, to string) {
	var q struct{ Inputs []struct{ ID string } }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Inputs) == 0 || len(q.Inputs) > 1000 {
		writeError(w, 400, "VALIDATION_ERROR", "inputs")
		return
	}
	results, errors := []any{}, []any{}
	for _, input := range q.Inputs {
		var list []int
		for _, s := range f.objects[from] {
			if strconv.Itoa(s.id) == input.ID {
				list = s.associated(to)
			}
		}
		if len(list) == 0 {
			errors = append(errors, map[string]any{"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "message": "none"})
			continue
		}
		entries := []any{}
		for i := range list { // the primary one comes last here
			kinds := []any{map[string]any{"category": "HUBSPOT_DEFINED", "typeId": 341, "label": nil}}
			at := len(list) - 1 - i
			if at == 0 {
				kinds = append(kinds, map[string]any{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"})
			}
			entries = append(entries, map[string]any{"toObjectId": list[at], "associationTypes": kinds})
		}
		results = append(results, map[string]any{"from": map[string]any{"id": input.ID}, "to": entries})
	}
	answer := map[string]any{"status": "COMPLETE", "results": results}
	if len(errors) > 0 {
		answer["errors"], answer["numErrors"] = errors, len(errors)
		w.WriteHeader(http.StatusMultiStatus)
	}
	writeJSON(w, answer)
}

func (s *stored) associated(to string) []int {
	if to == "contacts" {
		return s.contacts
	}
	return s.companies
}

func (s *stored) json(properties, associations []string) map[string]any {
	all := map[string]string{"hs_object_id": strconv.Itoa(s.id), "hs_lastmodifieddate": stamp(s.modified), "lastmodifieddate": stamp(s.modified)}
	for name, value := range s.properties {
		all[name] = value
	}
	shown := map[string]any{}
	for _, name := range properties {
		shown[name] = nil
		if value, ok := all[name]; ok {
			shown[name] = value
		}
	}
	out := map[string]any{
		"id": strconv.Itoa(s.id), "properties": shown, "createdAt": stamp(1_600_000_000_000), "updatedAt": stamp(s.modified), "archived": s.archivedAt > 0,
	}
	if s.archivedAt > 0 {
		out["archivedAt"] = stamp(s.archivedAt)
	}
	lists := map[string]any{}
	for _, to := range associations {
		var entries []any
		for _, id := range s.associated(to) {
			entries = append(entries, map[string]any{"id": strconv.Itoa(id), "type": "x_to_y"})
		}
		if to != "" && entries != nil {
			lists[to] = map[string]any{"results": entries}
		}
	}
	if len(lists) > 0 {
		out["associations"] = lists
	}
	return out
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z") }

func (f *fake) listOwners(w http.ResponseWriter, r *http.Request) {
	results := []any{}
	for _, o := range f.owners {
		if fmt.Sprint(o["archived"]) == r.URL.Query().Get("archived") {
			results = append(results, o)
		}
	}
	writePage(w, results, -1, "")
}

func writePage(w http.ResponseWriter, results []any, total int, next string) {
	answer := map[string]any{"results": results}
	if total >= 0 {
		answer["total"] = total
	}
	if next != "" {
		answer["paging"] = map[string]any{"next": map[string]any{"after": next, "link": "https://api.hubapi.com/somewhere"}}
	}
	writeJSON(w, answer)
}

func writeJSON(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

func writeError(w http.ResponseWriter, status int, category, message string) {
	w.WriteHeader(status)
	writeJSON(w, map[string]any{"status": "error", "category": category, "message": message, "correlationId": "corr-1"})
}

// put creates or changes a record now.
func (f *fake) put(object string, id int, properties map[string]string) *stored {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.putAt(object, id, properties, f.now)
}

func (f *fake) putAt(object string, id int, properties map[string]string, at time.Time) *stored {
	i := slices.IndexFunc(f.objects[object], func(s *stored) bool { return s.id == id })
	if i < 0 {
		f.objects[object] = append(f.objects[object], &stored{id: id, properties: map[string]string{}})
		i = len(f.objects[object]) - 1
	}
	s := f.objects[object][i]
	for name, value := range properties {
		s.properties[name] = value
	}
	s.modified = at.UnixMilli()
	s.indexed = at.Add(f.delay).UnixMilli()
	return s
}

// archive does not move the modification date.
func (f *fake) archive(object string, id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.objects[object] {
		if s.id == id {
			s.archivedAt = f.now.UnixMilli()
		}
	}
}

// merge makes a new record out of two, which are gone then.
func (f *fake) merge(object string, into, a, b int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[object] = slices.DeleteFunc(f.objects[object], func(s *stored) bool { return s.id == a || s.id == b })
	f.putAt(object, into, map[string]string{"hs_merged_object_ids": fmt.Sprintf("%d;%d", a, b)}, f.now)
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
		BaseURL: f.server.URL, Token: testToken, Clock: f.Now, PageSize: 3, CheckpointRows: 4, SearchCap: f.cap,
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
	found, ok := schemas.Contract(id)
	if !ok {
		t.Fatalf("no contract %s", id)
	}
	return found
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
			if column := record.Column(c); column.IsValid(i) {
				value := column.ValueStr(i)
				if texts, ok := column.(*array.String); ok {
					value = strings.Clone(texts.Value(i))
				}
				rows[i][field.Name] = value
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
			part := "-"
			if row[name] != nil {
				part = fmt.Sprint(row[name])
			}
			parts = append(parts, part)
		}
		values = append(values, strings.Join(parts, "/"))
	}
	slices.Sort(values)
	return values
}
