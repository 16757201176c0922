package transforms

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ripen-data/ripen/warehouse"
)

// inputs is what decides a model's rows besides its own meaning. It is kept with
// what was built, so that a plan can say what has moved.
type inputs struct {
	AsOf   string            `json:"as_of,omitempty"`
	Models map[string]string `json:"models,omitempty"` // by address: the build of a table, the fingerprint of what is computed on reading
	Raw    map[string]string `json:"raw,omitempty"`    // by raw table: its state
}

func (in *inputs) text() string {
	text, err := json.Marshal(in)
	if err != nil {
		panic(err) // maps of strings
	}
	return string(text)
}

// resolver finds what models read in an environment.
type resolver struct {
	graph    *Graph
	compiled map[*Model]*Compiled
	prints   map[*Model]Fingerprint
	raw      func(table string) string
	asOf     string
	build    func(*Model) (string, error) // build id of a model that is kept as rows
}

// inputs collects what m reads, through what is computed on reading, except the
// tables that without names.
func (r *resolver) inputs(m *Model, without func(name string) bool) (*inputs, error) {
	in := &inputs{Models: map[string]string{}, Raw: map[string]string{}}
	return in, r.collect(m, without, in)
}

func (r *resolver) collect(m *Model, without func(name string) bool, in *inputs) error {
	c := r.compiled[m]
	if c == nil {
		return fmt.Errorf("%s did not compile", m)
	}
	if c.Uses(AsOf) {
		in.AsOf = r.asOf
	}
	for _, table := range r.graph.RawTables(m) {
		if !without(table) {
			in.Raw[table] = r.raw(table)
		}
	}
	for _, p := range r.graph.Parents(m) {
		if without(p.Address()) || without(p.View().String()) && p.Latest {
			continue
		}
		if p.stored() {
			id, err := r.build(p)
			if err != nil {
				return err
			}
			in.Models[p.Address()] = id
			continue
		}
		in.Models[p.Address()] = r.prints[p].Whole
		if err := r.collect(p, without, in); err != nil {
			return err
		}
	}
	return nil
}

// stored reports whether the model has rows of its own.
func (m *Model) stored() bool { return m.Kind != View && m.Kind != Ephemeral }

// uses reports whether building m binds a parameter: its own, or that of a
// model that is written into its statement.
func (r *resolver) uses(m *Model, parameter string) bool {
	c := r.compiled[m]
	return c != nil && c.Uses(parameter) || slices.ContainsFunc(r.graph.Parents(m), func(p *Model) bool {
		return p.Kind == Ephemeral && r.uses(p, parameter)
	})
}

// render is m's statement with names for what it reads: table says where a model
// is found.
func (r *resolver) render(m *Model, table func(*Model) (warehouse.TableName, error)) (string, error) {
	var fault error
	sql := r.compiled[m].Render(func(name string) string {
		p, ok := r.graph.Project.Model(name)
		if !ok {
			return "" // a raw table
		}
		if p.Kind == Ephemeral {
			inner, err := r.render(p, table)
			if err != nil && fault == nil {
				fault = err
			}
			return "(\n" + inner + ")"
		}
		found, err := table(p)
		if err != nil && fault == nil {
			fault = err
		}
		return found.String()
	})
	return sql, fault
}
