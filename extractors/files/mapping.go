package files

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// Mapping maps the records of some files to a contract. One file may be mapped
// to several contracts, and one contract may be filled from several files.
//
//	path: dumps/usage-*.csv.gz
//	table: product.events
//	columns:
//	  event_id: {hash: [usage_id, subscription_id, usage_date]}
//	  event_at: usage_date
//	  event_name: feature_name
//	where: {is_test: false}
//
// A column of the contract that is not mapped takes the field of its own name
// where the file has one. Fields of the file that no mapping of it uses are
// subject to the contract's drift policy.
type Mapping struct {
	Path      string            `yaml:"path"`      // file, pattern or URL, see blob.OpenPattern
	Format    Format            `yaml:"format"`    // empty: by the file's name
	Table     string            `yaml:"table"`     // contract ID, e.g. product.events
	Columns   map[string]Column `yaml:"columns"`   // column of the contract -> where its value comes from
	Where     map[string]Values `yaml:"where"`     // records to take: field -> one of these values
	Ignore    []string          `yaml:"ignore"`    // fields that are known and not wanted
	Zone      string            `yaml:"zone"`      // of timestamps that name none, e.g. Europe/Berlin; empty: UTC
	Delimiter string            `yaml:"delimiter"` // of CSV; empty: a comma, a tab for .tsv
}

// Format is how a file is written.
type Format string

// Formats. CSV and JSON Lines may be compressed with gzip.
const (
	CSV     Format = "csv"
	JSONL   Format = "jsonl"
	Parquet Format = "parquet"
)

// Column says where the value of a column comes from: exactly one of From,
// Value, Concat and Hash is set. In YAML a bare word stands for {from: word}.
type Column struct {
	From      string            `yaml:"from"`      // a field; in JSON a dotted path
	Value     *string           `yaml:"value"`     // this text; empty: NULL
	Concat    []string          `yaml:"concat"`    // fields joined, empty ones left out
	Separator string            `yaml:"separator"` // between them
	Hash      []string          `yaml:"hash"`      // SHA-256 of the fields, the first 32 hexadecimal digits
	Map       map[string]string `yaml:"map"`       // replaces values, after that
	Else      *string           `yaml:"else"`      // for values that Map does not have; unset: they stay
}

// UnmarshalYAML reads a bare word or the whole form.
func (c *Column) UnmarshalYAML(unmarshal func(any) error) error {
	var from string
	if unmarshal(&from) == nil {
		*c = Column{From: from}
		return nil
	}
	type plain Column // without this method
	return unmarshal((*plain)(c))
}

// Values is one value or a list of them.
type Values []string

// UnmarshalYAML reads one value or a list.
func (v *Values) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*v = Values{one}
		return nil
	}
	return unmarshal((*[]string)(v))
}

// has compares as text; true and false in any case, since YAML and exports spell them differently.
func (v Values) has(text string) bool {
	return slices.ContainsFunc(v, func(want string) bool { return sameText(want, text) })
}

func sameText(want, text string) bool {
	return want == text || (want == "true" || want == "false") && strings.EqualFold(want, text)
}

// fields are the source fields that the column reads.
func (c Column) fields() []string {
	if c.From != "" {
		return []string{c.From}
	}
	return append(slices.Clone(c.Concat), c.Hash...)
}

// mapping is a Mapping that was checked.
type mapping struct {
	Mapping
	spelling  string // of Path, as file names are spelled
	table     schemas.Table
	zone      *time.Location // nil: UTC
	delimiter rune           // 0: by the file's name
}

func check(m Mapping) (mapping, error) {
	out := mapping{Mapping: m, spelling: blob.Spelling(m.Path)}
	if m.Path == "" {
		return out, errors.New("no path")
	}
	if _, err := blob.Match(out.spelling, ""); err != nil {
		return out, fmt.Errorf("path %q: %w", m.Path, err)
	}
	table, ok := schemas.Contract(m.Table)
	if !ok {
		var known []string
		for _, t := range schemas.Contracts() {
			if t.Dataset != "ripen" {
				known = append(known, t.ID())
			}
		}
		return out, hint.New(fmt.Sprintf("%s: no contract %q", m.Path, m.Table), "%s", hint.DidYouMean(m.Table, known))
	}
	out.table = table
	for _, name := range slices.Sorted(maps.Keys(m.Columns)) {
		if _, ok := table.Column(name); !ok {
			var known []string
			for _, c := range table.Columns {
				known = append(known, c.Name)
			}
			return out, hint.New(fmt.Sprintf("%s: contract %s has no column %q", m.Path, m.Table, name), "%s", hint.DidYouMean(name, known))
		}
		if err := m.Columns[name].check(); err != nil {
			return out, fmt.Errorf("%s: column %s: %w", m.Path, name, err)
		}
	}
	if !slices.Contains([]Format{"", CSV, JSONL, Parquet}, m.Format) {
		return out, hint.New(fmt.Sprintf("%s: unknown format %q", m.Path, m.Format), "use csv, jsonl or parquet")
	}
	if m.Zone != "" {
		zone, err := time.LoadLocation(m.Zone)
		if err != nil {
			return out, hint.Wrap(fmt.Errorf("%s: zone %q: %w", m.Path, m.Zone, err), "use a name of the IANA database, such as Europe/Berlin")
		}
		out.zone = zone
	}
	if m.Delimiter != "" {
		runes := []rune(m.Delimiter)
		if len(runes) != 1 || strings.ContainsRune("\"\r\n", runes[0]) {
			return out, fmt.Errorf("%s: delimiter %q is not one character", m.Path, m.Delimiter)
		}
		out.delimiter = runes[0]
	}
	return out, nil
}

func (c Column) check() error {
	set := 0
	for _, is := range []bool{c.From != "", c.Value != nil, len(c.Concat) > 0, len(c.Hash) > 0} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return hint.New("it needs exactly one of from, value, concat and hash", `write for example {from: field} or {value: "text"}`)
	case c.Separator != "" && len(c.Concat) == 0:
		return errors.New("separator goes with concat")
	case c.Else != nil && c.Map == nil:
		return errors.New("else goes with map")
	case slices.Contains(c.fields(), ""):
		return errors.New("a field has no name")
	}
	return nil
}

// takes reports whether the mapping is for the file of this name.
func (m mapping) takes(name string) bool {
	ok, _ := blob.Match(m.spelling, name)
	return ok
}

// format is the format of a file; empty: its name does not tell.
func (m mapping) format(name string) Format {
	if m.Format != "" {
		return m.Format
	}
	switch path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".csv", ".tsv", ".tab":
		return CSV
	case ".jsonl", ".ndjson", ".json":
		return JSONL
	case ".parquet", ".pq":
		return Parquet
	}
	return ""
}

// comma is the delimiter of a CSV file.
func (m mapping) comma(name string) rune {
	if m.delimiter != 0 {
		return m.delimiter
	}
	switch path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".tsv", ".tab":
		return '\t'
	}
	return ','
}
