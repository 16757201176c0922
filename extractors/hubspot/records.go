package hubspot

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// record is what every record tells about itself.
type record struct {
	ID         string                     `json:"id"`
	Properties map[string]json.RawMessage `json:"properties"`
	UpdatedAt  string                     `json:"updatedAt"`
	ArchivedAt string                     `json:"archivedAt"`
	raw        json.RawMessage
}

// page is one page of a list or a search.
type page struct {
	Total   int               `json:"total"`
	Results []json.RawMessage `json:"results"`
	Paging  struct {
		Next struct {
			After json.RawMessage `json:"after"` // text; a number from some searches
		} `json:"next"`
	} `json:"paging"`
}

func parsePage(path string, body []byte) (page, []record, error) {
	var p page
	if err := json.Unmarshal(body, &p); err != nil || p.Results == nil {
		return p, nil, fmt.Errorf("%s: the answer is no page of results: %.80s", path, body)
	}
	records := make([]record, len(p.Results))
	for i, raw := range p.Results {
		// An odd record keeps its zero values here; the contract judges it.
		_ = json.Unmarshal(raw, &records[i])
		records[i].raw = raw
	}
	return p, records, nil
}

// after is the token of the next page; empty on the last one.
func (p page) after() string { return unquote(p.Paging.Next.After) }

func unquote(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// modified returns when the record was modified, as HubSpot wrote it and in
// epoch milliseconds; 0 if it does not say.
func (rec record) modified(property string) (string, int64) {
	text := unquote(rec.Properties[property])
	if text == "" {
		text = rec.UpdatedAt
	}
	return text, parseInstant(text)
}

func parseInstant(text string) int64 {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UnixMilli()
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms
	}
	return 0
}

// with returns the record's JSON with further members, given as `"name":value`.
func (rec record) with(members ...string) []byte {
	raw := strings.TrimSpace(string(rec.raw))
	inner, ok := strings.CutPrefix(raw, "{")
	if !ok || len(members) == 0 {
		return rec.raw
	}
	added := strings.Join(members, ",")
	if inner != "}" {
		added += ","
	}
	return []byte("{" + added + inner)
}

// append adds a record to the rows. associations is `"associations":{…}` where
// the record came without.
func (r *run) append(object string, rec record, associations string) error {
	var members []string
	if r.typed {
		members = append(members, `"object_type":`+strconv.Quote(object))
	}
	if associations != "" {
		members = append(members, associations)
	}
	location := object + "/" + rec.ID
	r.rows.Append(rec.with(members...), location, 0)
	return r.rows.Err()
}
