package transforms

import (
	"fmt"
	"slices"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// plain reports a column that statements around a model could not name.
func (s *settingsCheck) plain(c schemas.Column, where string, words ...string) {
	if !plainName.MatchString(c.Name) {
		s.fault(fmt.Sprintf("%s: column %q cannot be named here", where, c.Name), "use letters, digits and underscores", words...)
	}
}

func (s *settingsCheck) incremental(i *IncrementalSettings) {
	words := []string{"incremental"}
	if i.Column != "" {
		if c, ok := s.find(i.Column, "incremental", append(words, "column")...); ok {
			s.timed(c, i, "", append(words, "column", c.Name))
		}
	}
	for _, name := range i.Key {
		s.find(name, "incremental", append(words, "key")...)
	}
	inputs, views := s.v.graph.inputs(s.m)
	unread := func(table string, words []string) {
		advice := "it reads no table at all"
		if len(inputs) > 0 {
			advice = hint.DidYouMean(table, sortedKeys(inputs))
		}
		s.fault(fmt.Sprintf("incremental: the query does not read %s", table), advice, words...)
	}
	for _, table := range i.Ignores {
		if !inputs[table] && !views[table] {
			unread(table, append(words, "ignores", table))
		}
	}
	for _, table := range sortedKeys(i.Tracks) {
		place := append(words, "tracks", table)
		switch {
		case views[table]:
			s.fault(fmt.Sprintf("incremental: %s has no rows of its own to track", table), "name the tables that it reads, with their columns", place...)
		case !inputs[table]:
			unread(table, place)
		default:
			s.tracked(i, table, place)
		}
	}
}

// tracked looks at one input of which single rows are to be followed.
func (s *settingsCheck) tracked(i *IncrementalSettings, table string, place []string) {
	const whole = "leave it out of `tracks:`, then every change of it builds all rows again; or name it in `ignores:`"
	if m, ok := s.v.graph.Project.Model(table); ok {
		switch {
		case i.Interval == "":
			s.fault(fmt.Sprintf("incremental: by key only raw tables can be tracked, and %s is a model", table), whole, place...)
			return
		case !m.ByInterval():
			s.fault(fmt.Sprintf("incremental: %s is not built by interval, so nobody knows which of its intervals changed", table), whole, place...)
			return
		}
	}
	columns, ok := s.v.columnsOf(table)
	if !ok {
		return
	}
	keys := pick(s.columns, s.m.changeKey())
	for n, name := range i.Tracks[table] {
		found := pick(columns, []string{name})
		switch {
		case len(found) == 0:
			s.fault(fmt.Sprintf("incremental: %s has no column %q", table, name), hint.DidYouMean(name, columnNames(columns)), place...)
		case i.Interval != "":
			s.timed(found[0], i, table+".", append(place, name))
		case n < len(keys) && keys[n].Type.String() != found[0].Type.String() && !slices.Contains(s.doubtful, keys[n].Name):
			s.fault(fmt.Sprintf("incremental: %s.%s is %s, but the key %s is %s", table, name, found[0].Type, keys[n].Name, keys[n].Type),
				"rows of a key are found by equal values: name columns of one type", place...)
		}
	}
}

// timed reports a column that cannot place rows in intervals.
func (s *settingsCheck) timed(c schemas.Column, i *IncrementalSettings, table string, words []string) {
	name := schemas.Column{Name: table + c.Name, Type: c.Type}
	if i.Interval == "hour" && c.Type.Kind == schemas.Date {
		s.fault(fmt.Sprintf("incremental: column %q is DATE", name.Name), "hours need a TIMESTAMP or DATETIME", words...)
		return
	}
	if !slices.Contains([]schemas.Kind{schemas.Timestamp, schemas.Datetime, schemas.Date}, c.Type.Kind) &&
		(table != "" || !slices.Contains(s.doubtful, c.Name)) {
		s.fault(fmt.Sprintf("incremental: column %q is %s", name.Name, c.Type), "it must be TIMESTAMP or DATETIME or DATE", words...)
	}
}

// inputs are the tables whose rows a model reads, through what has none of its
// own, and the latter, under all names.
func (g *Graph) inputs(m *Model) (tables, views map[string]bool) {
	tables, views = map[string]bool{}, map[string]bool{}
	var climb func(*Model)
	climb = func(child *Model) {
		for _, raw := range g.raw[child] {
			tables[raw] = true
		}
		for _, p := range g.parents[child] {
			into := tables
			if !p.stored() {
				into = views
				climb(p)
			}
			into[p.Address()], into[p.String()] = true, true
		}
	}
	climb(m)
	return tables, views
}

func (s *settingsCheck) snapshot(settings SnapshotSettings) {
	if settings.UpdatedAt != "" {
		if c, ok := s.find(settings.UpdatedAt, "snapshot", "snapshot", "updated_at"); ok {
			s.typed(c, "snapshot", []string{"snapshot", "updated_at"}, schemas.Timestamp)
		}
	}
	for _, c := range s.columns {
		if c.Name == ValidFrom || c.Name == ValidTo {
			s.fault(fmt.Sprintf("snapshot: the query returns %q, which the history adds", c.Name), "call it otherwise", "materialized")
		}
	}
	watched := settings.Check
	if len(watched) == 0 && settings.UpdatedAt == "" {
		watched = columnNames(s.columns)
	}
	for _, name := range watched {
		c, ok := s.find(name, "snapshot", "snapshot", "check")
		if ok && !isComparable(c.Type) && !slices.Contains(s.doubtful, c.Name) {
			s.fault(fmt.Sprintf("snapshot: whether %q has changed cannot be told: no engine but DuckDB compares %s", c.Name, c.Type),
				"name in `check:` the columns that decide, e.g. TO_JSON_STRING(…) of this one; or use `updated_at:`", "snapshot", "check", name)
		}
	}
}

// view reports a view that would need the value of a parameter.
func (s *settingsCheck) view() {
	_, views := s.v.graph.inputs(s.m)
	for _, name := range sortedKeys(views) {
		if p, ok := s.v.graph.Project.Model(name); ok && p.Kind == Ephemeral && namedParams(p.Source)[AsOf] > 0 {
			s.fault(fmt.Sprintf("a view keeps no @as_of, and %s, which is written into it, names it", p), "materialize one of the two as a table", "materialized")
			return
		}
	}
}

// ephemeral reports checks of rows that are never there.
func (s *settingsCheck) ephemeral() {
	const advice = "check the models that read it, or materialize it as a view"
	ofColumns := 0
	for name, c := range s.m.Columns {
		ofColumns += len(c.checks(name))
	}
	switch {
	case len(s.m.Checks) > 0:
		s.fault("an ephemeral model has no rows to check", advice, "checks")
	case ofColumns > 0:
		s.fault("an ephemeral model has no rows to check", advice, "columns")
	case s.m.OwnChecks.Text != "":
		s.v.findings = append(s.v.findings, Finding{Diagnostic: s.m.OwnChecks.At(0, "an ephemeral model has no rows to check", advice), Model: s.m.String(), Rule: RuleContract})
	}
}

// columnsOf are the columns of a model or raw table, if they are known.
func (v *validator) columnsOf(table string) ([]schemas.Column, bool) {
	if m, ok := v.graph.Project.Model(table); ok {
		k, ok := v.known[m]
		return k.columns, ok && !k.open
	}
	raw, ok := v.graph.rawTable[table]
	if !ok {
		return nil, false
	}
	columns := raw.RawColumns()
	for i := range columns {
		columns[i].Type = schemas.GoogleSQLType(columns[i].Type)
	}
	return columns, true
}
