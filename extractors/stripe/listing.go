package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/landing"
)

// object is what every object of a list tells about itself.
type object struct {
	ID      string `json:"id"`
	Created int64  `json:"created"` // epoch seconds; 0 if it has none
	raw     json.RawMessage
}

// walk calls visit for each object of the list at path created in [from, before),
// newest first; from 0 is the beginning. A page token does not survive the
// deletion of the object it names, so then the walk starts again at the second of
// that object and leaves out what it has visited there.
func (r *run) walk(ctx context.Context, path string, query url.Values, from, before int64, visit func(object) error) error {
	query = maps.Clone(query)
	query.Set("limit", strconv.Itoa(r.config.PageSize))
	query.Set("created[lt]", strconv.FormatInt(before, 10))
	if from > 0 {
		query.Set("created[gte]", strconv.FormatInt(from, 10))
	}
	second, visited, lost := before, map[string]bool{}, ""
	for {
		page, more, err := r.page(ctx, path, query)
		if after := query.Get("starting_after"); err != nil && after != "" && after != lost && isMissing(err) {
			lost = after
			query.Del("starting_after")
			query.Set("created[lt]", strconv.FormatInt(second+1, 10))
			continue
		}
		if err != nil {
			return err
		}
		for _, o := range page {
			if o.Created != second {
				second = o.Created
				clear(visited)
			}
			if o.ID != "" && visited[o.ID] {
				continue
			}
			visited[o.ID] = true
			if err := visit(o); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if len(page) == 0 || page[len(page)-1].ID == "" || page[len(page)-1].ID == query.Get("starting_after") {
			return fmt.Errorf("%s: has_more is set, but the page does not lead on", path)
		}
		query.Set("starting_after", page[len(page)-1].ID)
	}
}

// isMissing: the object that a page token names is gone.
func isMissing(err error) bool {
	var e *httpx.Error
	return errors.As(err, &e) && e.Code == "resource_missing" && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound)
}

// page reads one page of a list.
func (r *run) page(ctx context.Context, path string, query url.Values) (objects []object, more bool, err error) {
	body, err := r.client.Do(ctx, httpx.Request{Path: path, Query: query, Table: r.contract})
	if err != nil {
		return nil, false, err
	}
	var page struct {
		Data    []json.RawMessage `json:"data"`
		HasMore bool              `json:"has_more"`
	}
	if err := json.Unmarshal(body, &page); err != nil || page.Data == nil {
		return nil, false, fmt.Errorf("%s: the answer is no list: %.80s", path, body)
	}
	objects = make([]object, len(page.Data))
	for i, raw := range page.Data {
		// An odd object keeps its zero values here; the contract judges it.
		_ = json.Unmarshal(raw, &objects[i])
		objects[i].raw = raw
	}
	return objects, page.HasMore, nil
}

// list reads the whole table, newest first. Everything created from a second on
// is complete as soon as an older object comes: there it can be committed, and
// the next run goes on below.
func (r *run) list(ctx context.Context) error {
	state := r.cursor.Listing
	r.seen.Keep()
	if state == nil {
		state = &listing{Top: r.now, Before: r.now}
		if err := r.meetPastEvents(ctx, state.Top); err != nil {
			return err
		}
		if top := r.vendorTime(r.now); top < r.now { // told by the answer
			state = &listing{Top: top, Before: top}
			if err := r.meetPastEvents(ctx, top); err != nil {
				return err
			}
		}
	} else {
		r.config.Note(r.contract, "resumes its full listing")
	}
	query := url.Values{}
	for name, value := range r.query {
		query.Set(name, value)
	}
	var floor int64
	if r.config.Lookback > 0 {
		floor = max(1, state.Top-seconds(r.config.Lookback))
	}
	committed := state.Before < state.Top // something below Top is committed
	last := state.Before
	err := r.walk(ctx, r.path, query, floor, state.Before, func(o object) error {
		switch {
		case o.Created == 0:
		case o.Created > last && last < state.Before:
			// Not newest first: what is committed below Top may have holes above its
			// lower end, so a resumed listing has to start over.
			if !state.Unordered {
				state = &listing{Top: state.Top, Before: state.Top, Unordered: true}
				if committed {
					if err := r.flush(r.listed(state)); err != nil {
						return err
					}
				}
			}
		case o.Created < last && r.rows.Len() >= r.config.CheckpointRows && !state.Unordered:
			state, committed = &listing{Top: state.Top, Before: last}, true
			if err := r.flush(r.listed(state)); err != nil {
				return err
			}
			last = o.Created
		default:
			last = min(last, o.Created)
		}
		if r.rows.Len() >= 4*r.config.CheckpointRows { // many objects of one second: bound the memory
			if err := r.flush(""); err != nil {
				return err
			}
		}
		if len(r.events) == 0 && o.Created >= r.overlap(state) {
			r.seen.Meet(o.Created, o.ID)
		}
		return r.append(ctx, o)
	})
	if err != nil {
		return err
	}
	return r.flush(cursor{Format: cursorFormat, Until: r.vendorTime(state.Top), Seen: r.seen.Text(r.overlap(state))}.text())
}

// overlap is from when on events will be read again after the listing.
func (r *run) overlap(state *listing) int64 {
	return r.vendorTime(state.Top) - seconds(r.config.Overlap)
}

func (r *run) listed(state *listing) landing.Cursor {
	saved := *state
	saved.Top = r.vendorTime(state.Top)
	saved.Before = min(state.Before, saved.Top)
	return cursor{Format: cursorFormat, Listing: &saved, Seen: r.seen.Text(r.overlap(state))}.text()
}

// meetPastEvents notes the events that are visible before the listing starts:
// what they tell, the listing shows.
func (r *run) meetPastEvents(ctx context.Context, top int64) error {
	if len(r.events) == 0 {
		return nil
	}
	return r.walk(ctx, "/v1/events", r.eventQuery(), top-seconds(r.config.Overlap), top, func(o object) error {
		r.seen.Meet(o.Created, o.ID)
		return nil
	})
}

func (r *run) eventQuery() url.Values {
	query := url.Values{}
	if len(r.events) > 0 {
		query["types[]"] = slices.Clone(r.events)
	}
	return query
}
