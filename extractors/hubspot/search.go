package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/internal/recent"
)

// maxWalks bounds how often a window is walked while records move through it.
const maxWalks = 3

// search is the extraction of one collection by windows of modification time.
type search struct {
	*run
	object   string
	state    state
	seen     *recent.Set
	archived *recent.Set
}

// changes lands what was archived or modified since the state.
func (r *run) changes(ctx context.Context, object string, s state, seen, archived *recent.Set) error {
	if err := r.archivedRecords(ctx, object, &s, archived); err != nil {
		return err
	}
	w := search{run: r, object: object, state: s, seen: seen, archived: archived}
	if err := w.window(ctx, s.Until-r.config.Overlap.Milliseconds(), r.now); err != nil {
		return err
	}
	if !r.collected() && r.now-w.state.Until < idleMove.Milliseconds() {
		return nil
	}
	r.cursor.At[object] = w.at(r.now)
	if r.collected() {
		return r.flush(r.cursor.text())
	}
	r.idle = true
	return nil
}

// at is the state behind a walked window.
func (w *search) at(until int64) state {
	s := w.state
	s.Until = max(w.vendorTime(until), s.Until)
	s.Seen = w.seen.Text(s.Until - w.config.Overlap.Milliseconds())
	s.Archived = w.archived.Text(minInstant)
	return s
}

// window lands the changes of [from, to), in halves where a search cannot hold them.
func (w *search) window(ctx context.Context, from, to int64) error {
	if from >= to {
		return nil
	}
	fits, err := w.walk(ctx, from, to)
	if err != nil {
		return err
	}
	switch {
	case fits:
	case to-from == 1:
		if err := w.flood(ctx, from); err != nil {
			return err
		}
	default:
		middle := from + (to-from)/2
		if err := w.window(ctx, from, middle); err != nil {
			return err
		}
		return w.window(ctx, middle, to)
	}
	if w.rows.Len() >= w.config.CheckpointRows && to > w.state.Until {
		w.state = w.at(to)
		return w.commit(w.object, w.state)
	}
	return nil
}

// walk pages through one window. It is false if the window holds more than a
// search gives. Records that are modified meanwhile leave the window and shift
// the others, so a window whose total changed is walked again.
func (w *search) walk(ctx context.Context, from, to int64) (fits bool, err error) {
	for range maxWalks {
		first, last, found, after := -1, 0, map[string]bool{}, "0"
		for after != "" {
			if offset, err := strconv.Atoi(after); err == nil && offset >= w.config.SearchCap {
				return false, nil
			}
			p, records, err := w.query(ctx, after, w.modified, filter{w.modified, "GTE", ms(from)}, filter{w.modified, "LT", ms(to)})
			if err != nil {
				return false, err
			}
			if p.Total >= w.config.SearchCap {
				return false, nil
			}
			if first < 0 {
				first = p.Total
			}
			last = p.Total
			for _, rec := range records {
				found[rec.ID] = true
			}
			if err := w.land(ctx, records, to); err != nil {
				return false, err
			}
			next := p.after()
			if next == after {
				return false, fmt.Errorf("%s: the page does not lead on", w.searchPath())
			}
			after = next
		}
		if first == last && len(found) >= last {
			break
		}
	}
	return true, nil
}

// flood lands the changes of one millisecond by record id.
func (w *search) flood(ctx context.Context, at int64) error {
	for last := int64(-1); ; {
		_, records, err := w.query(ctx, "0", "hs_object_id",
			filter{w.modified, "GTE", ms(at)}, filter{w.modified, "LT", ms(at + 1)}, filter{"hs_object_id", "GT", ms(last)})
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return nil
		}
		for _, rec := range records {
			id, err := strconv.ParseInt(rec.ID, 10, 64)
			if err != nil || id <= last {
				return fmt.Errorf("%s: not sorted by hs_object_id: %q after %d", w.searchPath(), rec.ID, last)
			}
			last = id
		}
		if err := w.land(ctx, records, at+1); err != nil {
			return err
		}
	}
}

// land adds the records that are modified before the bound and were not landed before.
func (w *search) land(ctx context.Context, records []record, before int64) error {
	fresh := make([]record, 0, len(records))
	for _, rec := range records {
		text, modified := rec.modified(w.modified)
		if modified >= before { // changed since the search index saw it: a later window finds it
			continue
		}
		at := modified
		if at == 0 {
			at = math.MaxInt64 // no date, a dead letter: remember it, whatever its age
		}
		if !w.seen.Meet(at, rec.ID, text) {
			fresh = append(fresh, rec)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	associations, err := w.associationsOf(ctx, w.object, fresh)
	if err != nil {
		return err
	}
	if w.rows.Len() >= 4*w.config.CheckpointRows { // a large window: bound the memory
		if err := w.flush(""); err != nil {
			return err
		}
	}
	for i, rec := range fresh {
		if err := w.append(w.object, rec, associations[i]); err != nil {
			return err
		}
	}
	return nil
}

type filter struct {
	PropertyName string `json:"propertyName"`
	Operator     string `json:"operator"`
	Value        string `json:"value"`
}

func ms(instant int64) string { return strconv.FormatInt(instant, 10) }

func (w *search) searchPath() string { return w.objectPath(w.object) + "/search" }

// query reads one page of a search whose filters all hold.
func (w *search) query(ctx context.Context, after, sortedBy string, filters ...filter) (page, []record, error) {
	body, err := json.Marshal(map[string]any{
		"filterGroups": []any{map[string]any{"filters": filters}},
		"sorts":        []any{map[string]any{"propertyName": sortedBy, "direction": "ASCENDING"}},
		"properties":   w.properties,
		"limit":        w.config.PageSize,
		"after":        after,
	})
	if err != nil {
		return page{}, nil, err
	}
	answer, err := w.client.Do(ctx, httpx.Request{Method: "POST", Path: w.searchPath(), Body: body, Table: w.table, Class: searchRequests})
	if err != nil {
		return page{}, nil, err
	}
	return parsePage(w.searchPath(), answer)
}
