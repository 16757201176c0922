package transforms

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
)

// Find returns the columns that a name means: all of a table, or one of
// TABLE.COLUMN. A table is named as in ColumnID; a model also by its address or
// without its dataset, if no other model has that name. An empty name means all
// columns.
func (l *Lineage) Find(name string) ([]*LineageColumn, error) {
	if name == "" {
		return l.Columns, nil
	}
	if columns := l.of(name); len(columns) > 0 {
		return columns, nil
	}
	// A path inside an object has dots as well: the longest table wins.
	for end := strings.LastIndex(name, "."); end > 0; end = strings.LastIndex(name[:end], ".") {
		columns := l.of(name[:end])
		if len(columns) == 0 {
			continue
		}
		found := slices.DeleteFunc(slices.Clone(columns), func(c *LineageColumn) bool { return c.Column != name[end+1:] })
		if len(found) > 0 {
			return found, nil
		}
		known := make([]string, len(columns))
		for i, c := range columns {
			known[i] = c.Column
		}
		return nil, hint.New(fmt.Sprintf("%s has no column %q", columns[0].Table, name[end+1:]), "%s", hint.DidYouMean(name[end+1:], known))
	}
	return nil, l.unknownTable(name)
}

// of returns the columns of a table.
func (l *Lineage) of(table string) []*LineageColumn {
	if full, ok := l.alias[table]; ok {
		table = full
	}
	var columns []*LineageColumn
	for _, c := range l.Columns {
		if c.Table == table {
			columns = append(columns, c)
		}
	}
	return columns
}

func (l *Lineage) unknownTable(name string) error {
	known := slices.Collect(maps.Keys(l.tables))
	for alias, table := range l.alias {
		if table != "" {
			known = append(known, alias)
		}
	}
	slices.Sort(known)
	word := name
	if dataset, _, _ := strings.Cut(name, "."); strings.Contains(name, ".") {
		isDataset := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, dataset+".") })
		if !isDataset || strings.Count(name, ".") > 1 {
			word = name[:strings.LastIndex(name, ".")]
		}
	}
	return hint.New(fmt.Sprintf("no model, raw table or source object is named %q", word), "%s", hint.DidYouMean(word, known))
}

// addAlias remembers other names of a model; one that two models have means none.
func (l *Lineage) addAlias(m *Model) {
	l.alias[m.Address()] = m.String()
	if !m.Latest {
		return
	}
	if _, taken := l.alias[m.Name]; taken {
		l.alias[m.Name] = ""
		return
	}
	l.alias[m.Name] = m.String()
}
