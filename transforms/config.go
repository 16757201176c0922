package transforms

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/yamlfault"
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
}

// configKeys are the words of a model.yaml, for advice on unknown ones.
var configKeys = []string{"enabled", "description", "owner", "tags", "key", "order", "columns",
	"contract", "checks", "materialized", "incremental", "snapshot", "sync", "deprecation_date"}

// configWords are those inside the blocks of a model.yaml too.
var configWords = slices.Concat(configKeys, columnSettingWords, []string{"interval", "column", "start", "lookback", "batch", "tracks", "ignores",
	"updated_at", "check", "deletes", "name", "relationship", "volume", "freshness", "values", "to", "min", "max", "max_drop", "max_growth",
	"warn_after", "error_after"})

// configExpects says what the settings of a model.yaml hold.
var configExpects = map[string]string{
	"enabled": "true or false", "contract": "true or false", "not_null": "true or false",
	"description": "a text", "owner": "a text", "type": "a GoogleSQL type, e.g. STRING", "name": "a text",
	"tags": "a list of words, e.g. [nightly]", "key": "a list of column names, e.g. [account_id]", "order": "a list of column names, e.g. [account_id]",
	"columns":      "columns with what they mean, each as `account_id: The company.`",
	"checks":       "a list of checks, e.g. [{unique: [account_id]}]",
	"materialized": "one of " + strings.Join(kinds, ", "),
	"incremental":  "settings, e.g. {interval: day, column: occurred_at, tracks: {raw_segment.events: sent_at}}",
	"snapshot":     "settings, e.g. {updated_at: modified_at}", "deprecation_date": "a day, YYYY-MM-DD",
	"accepted_values": "a list of values, e.g. [open, closed]", "values": "a list of values, e.g. [open, closed]",
	"references": "dataset.model.column", "severity": "fail or warn",
}

// textOfLine is a line of a text, counted from 1.
func textOfLine(text string, line int) string {
	lines := strings.SplitN(text, "\n", line+1)
	if line < 1 || line > len(lines) {
		return ""
	}
	return lines[line-1]
}

// parseConfig reads a model.yaml strictly: an unknown word is a fault, because a
// setting that is silently ignored is worse than none.
func parseConfig(source syntax.Source) (*config, error) {
	if strings.TrimSpace(source.Text) == "" {
		return nil, source.At(0, "the file is missing or empty", "state at least `description:` and `key: [column, …]`")
	}
	read, rest, found := yamlfault.UnmarshalAll[config](source.Text, configExpects)
	c := &read
	c.source = source
	if len(found) > 0 {
		return nil, c.faults(rest, found)
	}
	return c, nil
}

// faults are those of a model.yaml that cannot be read as a whole, in the order of
// its lines; rest is the text of what can.
func (c *config) faults(rest string, found []*yamlfault.Fault) error {
	var faults []*syntax.Diagnostic
	for _, f := range found {
		if f.Unknown {
			f.Hint = hint.DidYouMean(f.Word, configWords)
			if strings.HasPrefix(textOfLine(c.source.Text, f.Line), f.Word) {
				f.Hint = hint.DidYouMean(f.Word, configKeys)
			}
		}
		faults = append(faults, at(c.source, f.Line, f.Column, f.Message, f.Hint))
	}
	whole := c.source
	c.source = syntax.Source{Name: whole.Name, Text: rest}
	for _, err := range unjoined(c.validate()) {
		var d *syntax.Diagnostic
		// What is said of the file as a whole may be about what was taken out.
		if errors.As(err, &d) && (d.Line > 1 || d.Column > 1) {
			faults = append(faults, at(whole, d.Line, d.Column, d.Message, d.Hint))
		}
	}
	slices.SortStableFunc(faults, func(a, b *syntax.Diagnostic) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	joined := make([]error, len(faults))
	for i, d := range faults {
		joined[i] = d
	}
	return errors.Join(joined...)
}

// unjoined are the errors that errors.Join has joined.
func unjoined(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
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
