package transforms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// config is a model.yaml.
type config struct {
	Enabled         *bool                     `yaml:"enabled"` // absent means true
	Description     string                    `yaml:"description"`
	Owner           string                    `yaml:"owner"`
	Tags            []string                  `yaml:"tags"`
	Key             []string                  `yaml:"key"`
	Order           []string                  `yaml:"order"` // columns by which people read it; absent: the key
	Columns         map[string]ColumnSettings `yaml:"columns"`
	Contract        bool                      `yaml:"contract"` // the query returns exactly these columns, of these types
	Checks          []CheckSettings           `yaml:"checks"`
	Materialized    string                    `yaml:"materialized"` // a Kind; absent: table
	Incremental     *IncrementalSettings      `yaml:"incremental"`
	Snapshot        *SnapshotSettings         `yaml:"snapshot"`
	Sync            *SyncSettings             `yaml:"sync"`
	DeprecationDate string                    `yaml:"deprecation_date"` // from this day this version is neither built nor readable

	source syntax.Source
	keyAt  int
}

// configKeys are the words of a model.yaml, for advice on unknown ones.
var configKeys = []string{"enabled", "description", "owner", "tags", "key", "order", "columns",
	"contract", "checks", "materialized", "incremental", "snapshot", "sync", "deprecation_date"}

// parseConfig reads a model.yaml strictly: an unknown word is a fault, because a
// setting that is silently ignored is worse than none.
func parseConfig(source syntax.Source) (*config, error) {
	c := &config{source: source}
	if strings.TrimSpace(source.Text) == "" {
		return nil, source.At(0, "the file is missing or empty", "state at least `description:` and `key: [column, …]`")
	}
	err := yaml.UnmarshalWithOptions([]byte(source.Text), c, yaml.Strict())
	var fault yaml.Error
	var unknown *yaml.UnknownFieldError
	switch {
	case errors.As(err, &unknown):
		word := unknown.Token.Value
		return nil, at(source, unknown.Token.Position.Line, unknown.Token.Position.Column,
			fmt.Sprintf("unknown setting %q", word), hint.DidYouMean(word, configKeys))
	case errors.As(err, &fault) && fault.GetToken() != nil:
		position := fault.GetToken().Position
		return nil, at(source, position.Line, position.Column, fault.GetMessage(), "")
	case err != nil:
		return nil, source.At(0, err.Error(), "")
	}
	c.keyAt = c.offset("key")
	return c, nil
}

// order is the key where model.yaml gives no order.
func (c *config) order() []string {
	if len(c.Order) > 0 {
		return c.Order
	}
	return c.Key
}

func (c *config) enabled() bool { return c.Enabled == nil || *c.Enabled }

// validate reports everything that an enabled model must have and has not.
func (c *config) validate() error {
	var faults []error
	fault := func(word, message, advice string) {
		faults = append(faults, c.source.At(c.offset(word), message, advice))
	}
	if strings.TrimSpace(c.Description) == "" {
		fault("description", "the model has no description", "add `description:` with a sentence for its readers")
	}
	if len(c.Key) == 0 {
		fault("key", "the model has no key", "add `key: [column, …]`: the columns that identify a row")
	}
	for i, column := range c.Key {
		if !datasetName.MatchString(column) {
			fault("key", fmt.Sprintf("key column %q is not a column name", column), "use lower-case letters, digits and underscores")
		} else if slices.Contains(c.Key[:i], column) {
			fault("key", fmt.Sprintf("key column %q stands twice", column), "name it once")
		}
	}
	for _, tag := range c.Tags {
		if tag == "" || strings.ContainsAny(tag, " ,:+@") {
			fault("tags", fmt.Sprintf("tag %q cannot be selected", tag), "use letters, digits, - and _")
		}
	}
	c.validateSettings(fault)
	if c.Sync != nil {
		c.Sync.validate(fault)
	}
	return errors.Join(faults...)
}

// offset is where a top-level setting starts; the start of the file when it is absent.
func (c *config) offset(word string) int {
	if strings.HasPrefix(c.source.Text, word+":") {
		return 0
	}
	return max(strings.Index(c.source.Text, "\n"+word+":")+1, 0)
}

// at makes a Diagnostic for a line and a column, both from 1.
func at(source syntax.Source, line, column int, message, advice string) *syntax.Diagnostic {
	offset := 0
	for ; line > 1; line-- {
		_, rest, ok := strings.Cut(source.Text[offset:], "\n")
		if !ok {
			break
		}
		offset = len(source.Text) - len(rest)
	}
	for range source.Text[offset:] {
		if column--; column < 1 {
			break
		}
		_, size := utf8.DecodeRuneInString(source.Text[offset:])
		offset += size
	}
	return source.At(offset, message, advice)
}
