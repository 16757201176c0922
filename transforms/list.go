package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/warehouse"
)

// Listing is what `ripen ls` prints of a model.
type Listing struct {
	Name        string   `json:"name"` // dataset.model, with the version unless it is the latest
	Dataset     string   `json:"dataset"`
	Version     int      `json:"version"`
	Own         bool     `json:"own"`        // of the project, not shipped
	Configured  bool     `json:"configured"` // shipped, with settings of the project
	Tags        []string `json:"tags"`
	Owner       string   `json:"owner,omitempty"`
	Key         []string `json:"key"`
	Grain       string   `json:"grain"`
	Description string   `json:"description"`
	DependsOn   []string `json:"depends_on"` // models, then raw tables
	Path        string   `json:"path"`
}

// List describes models.
func (g *Graph) List(models []*Model) []Listing {
	listings := make([]Listing, len(models))
	for i, m := range models {
		listings[i] = Listing{
			Name: m.String(), Dataset: m.Dataset, Version: m.Version, Own: m.Own, Configured: m.Configured,
			Tags: append([]string{}, m.Tags...), Owner: m.Owner, Key: m.Key, Grain: m.Grain,
			Description: m.Description, DependsOn: []string{}, Path: m.Source.Name,
		}
		for _, p := range g.Parents(m) {
			listings[i].DependsOn = append(listings[i].DependsOn, p.String())
		}
		slices.Sort(listings[i].DependsOn)
		listings[i].DependsOn = append(listings[i].DependsOn, g.RawTables(m)...)
	}
	return listings
}

// Show reads the first rows of a model as readers of an environment find it, in
// the order of model.yaml or of the key.
func Show(ctx context.Context, w warehouse.Models, env Environment, m *Model, limit int) (*Rows, error) {
	published, err := w.Published(ctx)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", m, err)
	}
	has := func(view warehouse.TableName) bool {
		return slices.ContainsFunc(published, func(p warehouse.Publication) bool { return p.View == view })
	}
	view := env.View(m.VersionView())
	if !has(view) {
		view = m.VersionView()
	}
	if !has(view) {
		return nil, hint.New("show "+m.String()+": it was never built", "build it: ripen transform --select +%s", m)
	}
	rows, err := query(ctx, w, warehouse.Statement{
		Name: m.String(), SQL: fmt.Sprintf("select * from %s as shown order by shown.%s limit %d", view, strings.Join(m.Order, ", shown."), limit),
	}, limit)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", m, err)
	}
	return rows, nil
}
