package transforms

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
)

// SyncSettings say where the columns of a model go in a CRM, in model.yaml:
//
//	sync:
//	  object: hubspot.companies
//	  fields: {trial_score: ripen_trial_score}
//
// They state the last leg of lineage; they send nothing.
type SyncSettings struct {
	Object string            `yaml:"object"` // <system>.<object>, e.g. hubspot.companies
	Fields map[string]string `yaml:"fields"` // column of the model -> property of the object
}

var (
	syncObject   = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$`)
	syncProperty = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// validate reports what is wrong whatever the query returns.
func (s *SyncSettings) validate(fault func(word, message, advice string)) {
	if !syncObject.MatchString(s.Object) {
		fault("sync", fmt.Sprintf("sync object %q is not <system>.<object>", s.Object), "write e.g. `object: hubspot.companies`")
	}
	if len(s.Fields) == 0 {
		fault("sync", "sync has no fields", "add `fields: {column: property, …}`")
	}
	taken := map[string]string{}
	for _, column := range slices.Sorted(maps.Keys(s.Fields)) {
		property := s.Fields[column]
		if !syncProperty.MatchString(property) {
			fault("sync", fmt.Sprintf("sync property %q of column %s is not a property name", property, column), "use letters, digits and underscores")
		} else if other, ok := taken[property]; ok {
			fault("sync", fmt.Sprintf("columns %s and %s both go to property %s", other, column, property), "a property has one source: remove one of them")
		}
		taken[property] = column
	}
}

// checkSync reports columns that sync names and the query does not return.
func (m *Model) checkSync(columns []string) error {
	if m.Sync == nil {
		return nil
	}
	var faults []error
	for _, column := range slices.Sorted(maps.Keys(m.Sync.Fields)) {
		if !slices.Contains(columns, column) {
			faults = append(faults, m.Config.At(syncColumnAt(m.Config.Text, column),
				fmt.Sprintf("sync column %q is not returned by the query", column), hint.DidYouMean(column, columns)))
		}
	}
	return errors.Join(faults...)
}

// syncColumnAt is where a model.yaml names a column in its sync block.
func syncColumnAt(text, column string) int {
	block := 0
	if !strings.HasPrefix(text, "sync:") {
		block = max(strings.Index(text, "\nsync:")+1, 0)
	}
	place := regexp.MustCompile(`[\s{,"']` + regexp.QuoteMeta(column) + `["']?\s*:`).FindStringIndex(text[block:])
	if place == nil {
		return block
	}
	return block + place[0] + 1
}

// syncTable is the name of a CRM object in lineage: hubspot:companies.
func syncTable(object string) string { return strings.Replace(object, ".", ":", 1) }
