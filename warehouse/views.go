package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
)

// Views keeps the stable views that people read. A view belongs to one environment,
// shows one table, and every change of it is an event in the ledger
// ripen_meta.build; the newest event of a view is in force.
type Views interface {
	// Publish points views at their tables and drops those withdrawn, all of them
	// or none, and records it. What is in force already changes nothing and is not
	// recorded. The dataset of an environment goes with its last view.
	//
	// With it go tables that Build made under the same Statement.Name as a table
	// just published or withdrawn, unless a view in force, of any environment,
	// shows or reads them, or a view did just before the latest release of its
	// environment: the newest release can always be taken back. An environment
	// without views keeps nothing.
	Publish(ctx context.Context, release Release) error
	// Published returns what the views show, of all environments, by dataset and
	// name. A view or table that somebody dropped by hand is not published.
	Published(ctx context.Context) ([]Publication, error)
	// History returns the ledger, oldest first.
	History(ctx context.Context) ([]Event, error)
}

// Publication is a stable view and the table behind it.
type Publication struct {
	Environment string // "" is production
	Model       string // address, dataset.model_vN
	View        TableName
	Table       TableName
	BuildID     string // what the table was built from: equal ids, equal content
	Fingerprint string // of the model's meaning
	Inputs      string // what else decided BuildID, as JSON, for people who ask what has moved
	Version     int
	Rows        int64
	Bytes       int64
	BuiltAt     time.Time
}

// Same reports whether q shows the same: rows, bytes and the time of a build
// follow from its id.
func (p Publication) Same(q Publication) bool {
	q.Rows, q.Bytes, q.BuiltAt, q.Inputs = p.Rows, p.Bytes, p.BuiltAt, p.Inputs
	return p == q
}

// Release is publications that are made, and rolled back, together. It may come
// in several calls of Publish under one ID, as models get ready.
type Release struct {
	ID           string // of the run; never that of an earlier run
	Environment  string
	Publications []Publication
	Withdrawn    []TableName // views to drop; one that is not published is passed over
	At           time.Time   // when it is published; zero: now, by the warehouse's clock
	// Ledgers are INSERTs into other ledgers than ripen_meta.build and built, written
	// with the release and only with it.
	Ledgers []Statement
}

// Event is one row of the publication ledger.
type Event struct {
	Publication
	Release     string // ID; empty when recorded before there were releases
	Withdrawn   bool   // the view was dropped; Publication is what it showed
	PublishedAt time.Time
}

// Validate reports what no engine can publish.
func (r Release) Validate() error {
	if r.ID == "" {
		return fmt.Errorf("the release has no id")
	}
	seen := map[TableName]bool{}
	once := func(view TableName) error {
		if seen[view] {
			return fmt.Errorf("view %s stands twice in one release", view)
		}
		seen[view] = true
		return nil
	}
	for _, p := range r.Publications {
		if p.Environment != r.Environment {
			return fmt.Errorf("view %s is of %s, the release of %s", p.View, environmentText(p.Environment), environmentText(r.Environment))
		}
		if err := once(p.View); err != nil {
			return err
		}
	}
	for _, view := range r.Withdrawn {
		if err := once(view); err != nil {
			return err
		}
	}
	return nil
}

// Guard refuses a release that would change a view which another environment has in force.
func (r Release) Guard(inForce Publication) error {
	if inForce.Environment == r.Environment {
		return nil
	}
	return hint.Wrap(
		fmt.Errorf("view %s belongs to %s, the release to %s", inForce.View, environmentText(inForce.Environment), environmentText(r.Environment)),
		"choose another name for the environment, or withdraw the view from the one that has it")
}

func environmentText(name string) string {
	if name == "" {
		return "production"
	}
	return "environment " + name
}
