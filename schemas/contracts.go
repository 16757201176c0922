package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed contracts
var contractFiles embed.FS

// Contracts returns the contract of every table that ripen lands, ordered by ID.
var Contracts = sync.OnceValue(func() []Table {
	tables, err := ReadContracts(contractFiles)
	if err != nil {
		panic(err) // the files are part of the binary and read by this package's tests
	}
	return tables
})

// Contract returns the contract with the given ID, e.g. stripe.subscriptions.
func Contract(id string) (Table, bool) {
	for _, t := range Contracts() {
		if t.ID() == id {
			return t, true
		}
	}
	return Table{}, false
}

// ReadContracts reads every */*/*.yaml of files: contracts/<dataset>/<name>.yaml.
func ReadContracts(files fs.FS) ([]Table, error) {
	names, err := fs.Glob(files, "contracts/*/*.yaml")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	tables := make([]Table, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		table, err := parseContract(name, text)
		if err != nil {
			return nil, fmt.Errorf("contract %s: %w", name, err)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

type contractFile struct {
	Description string           `yaml:"description"`
	Docs        string           `yaml:"docs"`
	Object      string           `yaml:"object"`
	Key         []string         `yaml:"key"`
	Cursor      string           `yaml:"cursor"`
	Drift       Drift            `yaml:"drift"`
	Columns     []contractColumn `yaml:"columns"`
}

type contractColumn struct {
	Name        string      `yaml:"name"`
	Type        string      `yaml:"type"`
	Required    bool        `yaml:"required"`
	Fields      []string    `yaml:"fields"`
	Format      Format      `yaml:"format"`
	Sensitivity Sensitivity `yaml:"sensitivity"`
	Description string      `yaml:"description"`
}

func parseContract(name string, text []byte) (Table, error) {
	var file contractFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return Table{}, err
	}
	table := Table{
		Dataset:     path.Base(path.Dir(name)),
		Name:        strings.TrimSuffix(path.Base(name), ".yaml"),
		Description: file.Description,
		Docs:        file.Docs,
		Object:      file.Object,
		Key:         file.Key,
		Cursor:      file.Cursor,
		Drift:       file.Drift,
	}
	for _, c := range file.Columns {
		t, err := ParseType(c.Type)
		if err != nil {
			return Table{}, fmt.Errorf("column %s: %w", c.Name, err)
		}
		if len(c.Fields) == 0 {
			c.Fields = []string{c.Name}
		}
		table.Columns = append(table.Columns, Column{
			Name: c.Name, Type: t, Required: c.Required, Fields: c.Fields, Format: c.Format,
			Sensitivity: c.Sensitivity, Description: c.Description,
		})
	}
	return table, table.Validate()
}

// Validate reports the first thing that makes the contract unusable.
func (t Table) Validate() error {
	if t.Description == "" {
		return fmt.Errorf("no description")
	}
	if len(t.Key) == 0 {
		return fmt.Errorf("no key")
	}
	if !slices.Contains([]Drift{Evolve, Freeze, Discard}, t.Drift) {
		return fmt.Errorf("drift is %q: evolve, freeze or discard", t.Drift)
	}
	seen := map[string]bool{}
	for _, c := range t.Columns {
		switch {
		case c.Name == "" || strings.HasPrefix(c.Name, "_"):
			return fmt.Errorf("column name %q is empty or starts with an underscore", c.Name)
		case seen[c.Name]:
			return fmt.Errorf("column %s stands twice", c.Name)
		case c.Description == "":
			return fmt.Errorf("column %s has no description", c.Name)
		case !slices.Contains([]Format{Text, EpochSecond, EpochMilli}, c.Format):
			return fmt.Errorf("column %s: unknown format %q", c.Name, c.Format)
		case !slices.Contains([]Sensitivity{NotSensitive, Personal}, c.Sensitivity):
			return fmt.Errorf("column %s: unknown sensitivity %q", c.Name, c.Sensitivity)
		}
		if _, err := arrowType(c.Type); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		seen[c.Name] = true
	}
	for _, name := range append(slices.Clone(t.Key), t.Cursor) {
		if name != "" && !seen[name] {
			return fmt.Errorf("key or cursor column %s is not a column", name)
		}
	}
	return nil
}

// Column returns the column with the given name.
func (t Table) Column(name string) (Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return t.Columns[i], true
}
