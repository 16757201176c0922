package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/httpx"
)

// idleMove is how old a cursor gets before it moves without any rows: often
// enough to stay far from the end of Stripe's retention, and otherwise a run
// that finds nothing leaves no trace.
const idleMove = 24 * time.Hour

// maxFetched bounds what a run remembers of the objects it fetched.
const maxFetched = 1 << 20

// change is the newest event about one object.
type change struct {
	id      string
	created int64
	object  json.RawMessage // as the event has it, in the API version of its own day
}

// changes reads the events since the cursor, slice by slice, oldest slice first,
// and lands what they name.
func (r *run) changes(ctx context.Context) error {
	overlap := seconds(r.config.Overlap)
	from, until := r.cursor.Until-overlap, r.cursor.Until
	fetched := map[string]bool{}
	for until < r.now {
		end := min(until+seconds(r.config.Slice), r.now)
		var err error
		if len(r.events) == 0 {
			err = r.newEvents(ctx, from, end)
		} else {
			err = r.changedObjects(ctx, from, end, fetched)
		}
		if err != nil {
			return err
		}
		idle := end == r.now && r.now-r.cursor.Until >= seconds(idleMove)
		if moved := r.rows.Len() > 0 || r.rows.Bytes() > 0; moved || idle {
			read := r.vendorTime(end)
			r.cursor = cursor{Format: cursorFormat, Until: read, Seen: r.seen.Text(read - overlap)}
			if err := r.flush(r.cursor.text()); err != nil {
				return err
			}
		}
		from, until = end, end
	}
	return nil
}

// newEvents lands the events of [from, end) that were not landed before.
func (r *run) newEvents(ctx context.Context, from, end int64) error {
	return r.walk(ctx, "/v1/events", r.eventQuery(), from, end, func(o object) error {
		if r.seen.Meet(o.Created, o.ID) {
			return nil
		}
		if r.rows.Len() >= r.config.CheckpointRows {
			if err := r.flush(""); err != nil {
				return err
			}
		}
		return r.append(ctx, o)
	})
}

// changedObjects fetches each object that a new event of [from, end) is about.
// The state is younger than every event of the run, so once per run is enough.
func (r *run) changedObjects(ctx context.Context, from, end int64, fetched map[string]bool) error {
	newest := map[string]change{}
	err := r.walk(ctx, "/v1/events", r.eventQuery(), from, end, func(o object) error {
		if r.seen.Meet(o.Created, o.ID) {
			return nil
		}
		var event struct {
			Data struct {
				Object json.RawMessage `json:"object"`
			} `json:"data"`
		}
		var about object
		_ = json.Unmarshal(o.raw, &event)
		_ = json.Unmarshal(event.Data.Object, &about)
		if about.ID == "" || fetched[about.ID] || newest[about.ID].created > o.Created {
			return nil
		}
		newest[about.ID] = change{id: about.ID, created: o.Created, object: event.Data.Object}
		return nil
	})
	if err != nil {
		return err
	}
	changes := make([]change, 0, len(newest))
	for _, c := range newest {
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id))
	})
	for chunk := range slices.Chunk(changes, 25*r.config.Fetchers) {
		objects, err := r.fetch(ctx, chunk)
		if err != nil {
			return err
		}
		if r.rows.Len() >= r.config.CheckpointRows {
			if err := r.flush(""); err != nil {
				return err
			}
		}
		for i, o := range objects {
			if err := r.append(ctx, o); err != nil {
				return err
			}
			if len(fetched) >= maxFetched {
				clear(fetched)
			}
			fetched[chunk[i].id] = true
		}
	}
	return nil
}

// fetch reads the present state of each changed object, in order.
func (r *run) fetch(ctx context.Context, changes []change) ([]object, error) {
	objects := make([]object, len(changes))
	fetchers := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError().WithMaxGoroutines(r.config.Fetchers)
	for i, c := range changes {
		fetchers.Go(func(ctx context.Context) error {
			body, err := r.client.Do(ctx, httpx.Request{Path: r.path + "/" + c.id, Table: r.contract})
			if httpx.Status(err) == http.StatusNotFound {
				// Gone without a trace, as a deleted draft invoice is: what is left is
				// the last state that its event shows.
				body, err = markDeleted(c.object), nil
			}
			objects[i] = object{ID: c.id, raw: body}
			return err
		})
	}
	return objects, fetchers.Wait()
}
