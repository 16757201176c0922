package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	searchLimit  = 200
	searchCap    = 10000
	searchGroups = 5
	groupFilters = 6
	allFilters   = 18
)

type searchRequest struct {
	FilterGroups []struct {
		Filters []filter `json:"filters"`
	} `json:"filterGroups"`
	Sorts      []json.RawMessage `json:"sorts"`
	Query      string            `json:"query"`
	Properties []string          `json:"properties"`
	Limit      *int              `json:"limit"`
	After      json.RawMessage   `json:"after"`
}

type filter struct {
	Property string   `json:"propertyName"`
	Operator string   `json:"operator"`
	Value    string   `json:"value"`
	High     string   `json:"highValue"`
	Values   []string `json:"values"`
}

// hubspotSearch answers a search. Bounds on the modification date and the
// record id are found in the index; any other filter reads what the bounds
// leave, record by record.
func (c *Company) hubspotSearch(w http.ResponseWriter, r *http.Request, obj int) {
	var q searchRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q); err != nil {
		invalid(w, "Invalid input JSON: %s", err)
		return
	}
	limit, offset, err := q.page()
	var byID, descending bool
	if err == nil {
		byID, descending, err = q.order(obj)
	}
	if err == nil {
		err = q.check()
	}
	if err != nil {
		invalid(w, "%s", err)
		return
	}
	matches := c.search(&q, obj)
	if byID {
		matches = slices.Clone(matches)
		slices.SortFunc(matches, func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.number, b.number))
		})
	}
	var j jsonWriter
	j.object()
	j.int("total", int64(len(matches)))
	j.list("results")
	for i := offset; i < min(offset+limit, len(matches)); i++ {
		e := matches[i]
		if descending {
			e = matches[len(matches)-1-i]
		}
		l := c.cachedLife(e.account)
		if rec, ok := c.record(l, obj, e.number); ok {
			c.writeRecord(&j, l, rec, q.Properties, nil)
		}
	}
	j.end()
	if offset+limit < len(matches) {
		writePaging(&j, strconv.Itoa(offset+limit), nil)
	}
	j.close()
	w.Write(j.b)
}

func (q *searchRequest) page() (limit, offset int, err error) {
	limit = 10
	if q.Limit != nil {
		limit = *q.Limit
	}
	if limit < 1 || limit > searchLimit {
		return 0, 0, fmt.Errorf("limit must be 1 to %d, not %d", searchLimit, limit)
	}
	if text := strings.Trim(string(q.After), `"`); text != "" && text != "null" {
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			return 0, 0, fmt.Errorf("after is no paging token: %s", text)
		}
	}
	if offset+limit > searchCap {
		return 0, 0, fmt.Errorf("a search gives at most %d results: after %d and limit %d lead past them", searchCap, offset, limit)
	}
	return limit, offset, nil
}

// order reads the one sort that HubSpot takes.
func (q *searchRequest) order(obj int) (byID, descending bool, err error) {
	if len(q.Sorts) > 1 {
		return false, false, fmt.Errorf("only one sort is possible, not %d", len(q.Sorts))
	}
	if len(q.Sorts) == 0 {
		return true, false, nil
	}
	var sort struct{ PropertyName, Direction string }
	if json.Unmarshal(q.Sorts[0], &sort) != nil {
		var text string
		if err := json.Unmarshal(q.Sorts[0], &text); err != nil {
			return false, false, fmt.Errorf("a sort is no object: %s", q.Sorts[0])
		}
		sort.PropertyName, descending = strings.CutPrefix(text, "-")
	}
	descending = descending || sort.Direction == "DESCENDING"
	switch sort.PropertyName {
	case "hs_object_id":
		return true, descending, nil
	case modifiedProperty(obj):
		return false, descending, nil
	}
	return false, false, fmt.Errorf("the sandbox sorts by %s and hs_object_id, not by %s", modifiedProperty(obj), sort.PropertyName)
}

func modifiedProperty(obj int) string {
	if obj == objContacts {
		return "lastmodifieddate"
	}
	return "hs_lastmodifieddate"
}

var operators = []string{"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"}

func (q *searchRequest) check() error {
	if q.Query != "" {
		return fmt.Errorf("the sandbox has no text search: leave query out")
	}
	total := 0
	for _, group := range q.FilterGroups {
		total += len(group.Filters)
		if len(group.Filters) > groupFilters {
			return fmt.Errorf("a filter group holds at most %d filters", groupFilters)
		}
		for _, f := range group.Filters {
			if !slices.Contains(operators, f.Operator) {
				return fmt.Errorf("unknown operator %q: one of %s", f.Operator, strings.Join(operators, ", "))
			}
			if f.Property == "" {
				return fmt.Errorf("a filter lacks propertyName")
			}
		}
	}
	if len(q.FilterGroups) > searchGroups || total > allFilters {
		return fmt.Errorf("at most %d filter groups and %d filters", searchGroups, allFilters)
	}
	return nil
}

// search lists the matching entries by modification date. Without filters
// beyond that date it is a part of the index itself.
func (c *Company) search(q *searchRequest, obj int) []entry {
	all := c.index().objects[obj]
	if len(q.FilterGroups) == 0 {
		return all
	}
	modified := modifiedProperty(obj)
	lo, hi := len(all), 0
	plain := len(q.FilterGroups) == 1
	for _, group := range q.FilterGroups {
		from, to := 0, len(all)
		for _, f := range group.Filters {
			if f.Property != modified || !f.bounds(func(ms int64) int { return c.position(all, ms) }, &from, &to) {
				plain = false
			}
		}
		lo, hi = min(lo, from), max(hi, to)
	}
	if lo >= hi {
		return nil
	}
	if plain {
		return all[lo:hi]
	}
	var matches []entry
	for _, e := range all[lo:hi] {
		for _, group := range q.FilterGroups {
			if !slices.ContainsFunc(group.Filters, func(f filter) bool { return !c.matches(obj, e, f) }) {
				matches = append(matches, e)
				break
			}
		}
	}
	return matches
}

// position is the number of entries before a time in milliseconds.
func (c *Company) position(list []entry, ms int64) int {
	return sort.Search(len(list), func(i int) bool { return c.millis(list[i]) >= ms })
}

func (c *Company) millis(e entry) int64 { return (c.start+int64(e.sec))*1000 + int64(e.ms) }

// bounds narrows [from, to) by a filter on the modification date; false when
// the filter is no range.
func (f *filter) bounds(position func(int64) int, from, to *int) bool {
	ms, err := parseMillis(f.Value)
	if err != nil {
		return false
	}
	switch f.Operator {
	case "GTE":
		*from = max(*from, position(ms))
	case "GT":
		*from = max(*from, position(ms+1))
	case "LT":
		*to = min(*to, position(ms))
	case "LTE":
		*to = min(*to, position(ms+1))
	case "EQ":
		*from, *to = max(*from, position(ms)), min(*to, position(ms+1))
	case "BETWEEN":
		high, err := parseMillis(f.High)
		if err != nil {
			return false
		}
		*from, *to = max(*from, position(ms)), min(*to, position(high+1))
	default:
		return false
	}
	return true
}

// parseMillis reads a date as HubSpot takes it: epoch milliseconds or ISO 8601.
func parseMillis(text string) (int64, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	return t.UnixMilli(), err
}

// matches applies one filter to one record.
func (c *Company) matches(obj int, e entry, f filter) bool {
	var value string
	switch f.Property {
	case "hs_object_id":
		value = recordText(obj, e.account, e.number)
	case modifiedProperty(obj):
		value = strconv.FormatInt(c.millis(e), 10)
	default:
		l := c.cachedLife(e.account)
		rec, ok := c.record(l, obj, e.number)
		if !ok {
			return false
		}
		value, _ = c.property(l, rec, f.Property)
	}
	// HubSpot compares text without case, numbers and dates by value.
	order := func(than string) int {
		a, errA := parseMillis(value)
		b, errB := parseMillis(than)
		if errA == nil && errB == nil {
			return cmp.Compare(a, b)
		}
		return strings.Compare(strings.ToLower(value), strings.ToLower(than))
	}
	in := func() bool {
		return slices.ContainsFunc(f.Values, func(v string) bool { return order(v) == 0 })
	}
	switch f.Operator {
	case "HAS_PROPERTY":
		return value != ""
	case "NOT_HAS_PROPERTY":
		return value == ""
	case "NEQ":
		return order(f.Value) != 0
	case "NOT_IN":
		return !in()
	}
	if value == "" {
		return false
	}
	switch f.Operator {
	case "EQ":
		return order(f.Value) == 0
	case "LT":
		return order(f.Value) < 0
	case "LTE":
		return order(f.Value) <= 0
	case "GT":
		return order(f.Value) > 0
	case "GTE":
		return order(f.Value) >= 0
	case "BETWEEN":
		return order(f.Value) >= 0 && order(f.High) <= 0
	}
	return in()
}
