package transforms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/warehouse"
)

// deployed is what the views of an environment show. Where an environment has no
// view of a model, production's stands for it.
type deployed struct {
	env  Environment
	from warehouse.Views

	mu     sync.Mutex
	byView map[warehouse.TableName]warehouse.Publication // of all environments; nil until read
}

func (d *deployed) read(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byView != nil {
		return nil
	}
	publications, err := d.from.Published(ctx)
	if err != nil {
		return err
	}
	d.byView = map[warehouse.TableName]warehouse.Publication{}
	for _, p := range publications {
		d.byView[p.View] = p
	}
	return nil
}

// in returns what env's own view of this version of the model shows.
func (d *deployed) in(env Environment, m *Model) (warehouse.Publication, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.byView[env.View(m.VersionView())]
	return p, ok
}

// at returns what a view of production's name shows in the environment.
func (d *deployed) at(view warehouse.TableName) (warehouse.Publication, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.byView[d.env.View(view)]
	if !ok {
		p, ok = d.byView[view]
	}
	return p, ok
}

// addressOf is the address of the model behind a view, which was not recorded at first.
func addressOf(p warehouse.Publication) string {
	if p.Model != "" {
		return p.Model
	}
	version := fmt.Sprintf("_v%d", p.Version)
	return p.View.Dataset + "." + strings.TrimSuffix(p.View.Table, version) + version
}

// of returns what readers of the environment find.
func (d *deployed) of(m *Model) (warehouse.Publication, bool) {
	if p, ok := d.in(d.env, m); ok {
		return p, ok
	}
	return d.in(Production, m)
}

// equal finds a build of the model with the id, in any environment.
func (d *deployed) equal(m *Model, id string) (warehouse.Publication, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found warehouse.Publication
	for _, p := range d.byView {
		// Of several, always the same one.
		if p.BuildID == id && p.Model == m.Address() && (found.BuildID == "" || compareNames(p.View, found.View) < 0) {
			found = p
		}
	}
	return found, found.BuildID != ""
}

// shows reports whether all views show the build.
func (d *deployed) shows(views []warehouse.TableName, built warehouse.Publication) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.ContainsFunc(views, func(view warehouse.TableName) bool {
		p, ok := d.byView[view]
		return !ok || p.BuildID != built.BuildID || p.Table != built.Table
	})
}

// record remembers what was published.
func (d *deployed) record(publications []warehouse.Publication) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range publications {
		d.byView[p.View] = p
	}
}

// fingerprints are those of all that is published, sorted.
func (d *deployed) fingerprints() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := map[string]bool{}
	for _, p := range d.byView {
		known[p.Fingerprint] = true
	}
	return slices.Sorted(maps.Keys(known))
}

// views returns the environment's own publications, by view.
func (d *deployed) views() []warehouse.Publication {
	d.mu.Lock()
	defer d.mu.Unlock()
	var own []warehouse.Publication
	for _, p := range d.byView {
		if p.Environment == string(d.env) {
			own = append(own, p)
		}
	}
	slices.SortFunc(own, func(a, b warehouse.Publication) int { return compareNames(a.View, b.View) })
	return own
}
