package transforms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/warehouse"
)

// ReleaseInfo is one release of an environment.
type ReleaseInfo struct {
	ID          string    `json:"release"`      // empty: all that was published before releases were recorded
	PublishedAt time.Time `json:"published_at"` // of its last view
	Views       int       `json:"views"`        // that it changed
	Models      []string  `json:"models"`       // addresses, sorted
}

// Releases lists those of an environment, newest first.
func Releases(ctx context.Context, views warehouse.Views, env Environment) ([]ReleaseInfo, error) {
	events, err := environmentEvents(ctx, views, env)
	if err != nil {
		return nil, err
	}
	var list []ReleaseInfo
	for _, e := range slices.Backward(events) {
		i := slices.IndexFunc(list, func(r ReleaseInfo) bool { return r.ID == e.Release })
		if i < 0 {
			i = len(list)
			list = append(list, ReleaseInfo{ID: e.Release, PublishedAt: e.PublishedAt})
		}
		list[i].Views++
		if address := addressOf(e.Publication); !slices.Contains(list[i].Models, address) {
			list[i].Models = append(list[i].Models, address)
		}
	}
	for _, r := range list {
		slices.Sort(r.Models)
	}
	return list, nil
}

func environmentEvents(ctx context.Context, views warehouse.Views, env Environment) ([]warehouse.Event, error) {
	events, err := views.History(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(e warehouse.Event) bool { return e.Environment != string(env) }), nil
}

// ErrNoRelease is returned by Rollback when no release can be taken back.
var ErrNoRelease = errors.New("there is nothing to roll back to")

// Rollback points the environment's views back at what they showed before its
// latest release, as a release of its own with the given id: taking back twice
// brings the taken-back release again. It returns what it changed.
//
// Tables that are kept by interval or by key are changed in place: their views
// go back to another table only where the model meant something else then.
//
// The first release has nothing before it: to take it back would leave readers
// without a view, which is refused as ErrNoRelease.
func Rollback(ctx context.Context, views warehouse.Views, env Environment, id string) (warehouse.Release, error) {
	back := warehouse.Release{ID: id, Environment: string(env)}
	events, err := environmentEvents(ctx, views, env)
	if err != nil {
		return back, err
	}
	if len(events) == 0 {
		return back, hint.Wrap(fmt.Errorf("%w: %s has no release", ErrNoRelease, env), "see `ripen env ls`")
	}
	latest := events[len(events)-1].Release
	before := map[warehouse.TableName]warehouse.Event{}
	var touched []warehouse.TableName
	for _, e := range events {
		if e.Release != latest {
			before[e.View] = e
		} else if !slices.Contains(touched, e.View) {
			touched = append(touched, e.View)
		}
	}
	for _, view := range touched {
		if e, existed := before[view]; existed && !e.Withdrawn {
			back.Publications = append(back.Publications, e.Publication)
		} else {
			back.Withdrawn = append(back.Withdrawn, view)
		}
	}
	switch {
	case latest == "":
		return back, hint.Wrap(fmt.Errorf("%w: all of %s was published before releases were recorded", ErrNoRelease, env), "the next run is its first release")
	case len(back.Publications) == 0 && !shownWithout(events, latest):
		advice := "a run builds from the files as they are"
		if env != Production {
			advice = "to be rid of it: ripen env drop " + env.String()
		}
		return back, hint.Wrap(fmt.Errorf("%w: %s is the first release of %s", ErrNoRelease, latest, env), "%s", advice)
	}
	if err := views.Publish(ctx, back); err != nil {
		return back, fmt.Errorf("roll back release %s of %s: %w", latest, env, err)
	}
	return back, nil
}

// shownWithout reports whether a view is in force that the release did not touch.
func shownWithout(events []warehouse.Event, release string) bool {
	newest := map[warehouse.TableName]warehouse.Event{}
	for _, e := range events {
		newest[e.View] = e
	}
	for _, e := range newest {
		if e.Release != release && !e.Withdrawn {
			return true
		}
	}
	return false
}

// ErrNoEnvironment is returned for an environment that has no views, and by Drop for production.
var ErrNoEnvironment = errors.New("no such environment")

// Drop withdraws every view of an environment other than production.
func Drop(ctx context.Context, views warehouse.Views, env Environment, id string) (warehouse.Release, error) {
	release := warehouse.Release{ID: id, Environment: string(env)}
	if env == Production {
		return release, fmt.Errorf("%w to drop: production stays", ErrNoEnvironment)
	}
	published, err := views.Published(ctx)
	if err != nil {
		return release, err
	}
	for _, p := range published {
		if p.Environment == string(env) {
			release.Withdrawn = append(release.Withdrawn, p.View)
		}
	}
	if err := Exists(published, env); err != nil {
		return release, err
	}
	return release, views.Publish(ctx, release)
}

// Exists is ErrNoEnvironment for an environment that has none of the views.
func Exists(published []warehouse.Publication, env Environment) error {
	known := map[string]bool{}
	for _, p := range published {
		if p.Environment == string(env) {
			return nil
		}
		if p.Environment != "" {
			known[p.Environment] = true
		}
	}
	if len(known) == 0 {
		return hint.Wrap(fmt.Errorf("%w: %s", ErrNoEnvironment, env), "there is none besides production; make one: ripen apply --env %s", env)
	}
	return hint.Wrap(fmt.Errorf("%w: %s", ErrNoEnvironment, env), "%s", hint.DidYouMean(string(env), slices.Sorted(maps.Keys(known))))
}

// Share gives the environment views of production's tables for the models that
// mean the same in both and that it has not: for those to be built as well as
// for the others. It builds nothing; in production it does nothing.
func (b *Builder) Share(ctx context.Context) error {
	if b.options.Environment == Production {
		return nil
	}
	if err := b.deployed.read(ctx); err != nil {
		return err
	}
	release := warehouse.Release{ID: b.options.Release, Environment: string(b.options.Environment), At: b.options.Clock()}
	for _, m := range b.graph.Order {
		if b.compiled[m] == nil || m.Kind == Ephemeral {
			continue
		}
		w := &work{Compiled: b.compiled[m], print: b.prints[m], views: b.options.Environment.Views(m)}
		shared, ok := b.shared(w)
		if !ok || b.deployed.shows(w.views, shared) {
			continue
		}
		for _, view := range w.views {
			shared.View, shared.Environment = view, string(b.options.Environment)
			release.Publications = append(release.Publications, shared)
		}
	}
	if len(release.Publications) == 0 {
		return nil
	}
	if err := b.into.Publish(ctx, release); err != nil {
		return fmt.Errorf("share production's tables with %s: %w", b.options.Environment, err)
	}
	b.deployed.record(release.Publications)
	return nil
}

// EnvironmentInfo is one environment.
type EnvironmentInfo struct {
	Name        string    `json:"environment"`
	Views       int       `json:"views"`
	Own         int       `json:"own_tables"` // that it shows and production does not
	PublishedAt time.Time `json:"published_at"`
}

// Environments lists those that have views, production first.
func Environments(ctx context.Context, views warehouse.Views) ([]EnvironmentInfo, error) {
	published, err := views.Published(ctx)
	if err != nil {
		return nil, err
	}
	events, err := views.History(ctx)
	if err != nil {
		return nil, err
	}
	shown := map[warehouse.TableName]bool{}
	tables := map[string]map[warehouse.TableName]bool{}
	counts := map[string]int{}
	for _, p := range published {
		if p.Environment == string(Production) {
			shown[p.Table] = true
		}
		if tables[p.Environment] == nil {
			tables[p.Environment] = map[warehouse.TableName]bool{}
		}
		tables[p.Environment][p.Table] = true
		counts[p.Environment]++
	}
	list := []EnvironmentInfo{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		info := EnvironmentInfo{Name: Environment(name).String(), Views: counts[name]}
		for table := range tables[name] {
			if name == string(Production) || !shown[table] {
				info.Own++
			}
		}
		for _, e := range events {
			if e.Environment == name {
				info.PublishedAt = e.PublishedAt
			}
		}
		list = append(list, info)
	}
	return list, nil
}
