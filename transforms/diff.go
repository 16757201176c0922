package transforms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// Side is one of two tables that are compared.
type Side struct {
	Name    warehouse.TableName // view by which it is read
	Table   warehouse.TableName // behind it
	Key     []string
	Columns []schemas.Column
}

// Diff is how two tables differ, by schema and by rows of one key.
type Diff struct {
	A       string         `json:"a"`
	B       string         `json:"b"`
	Same    bool           `json:"same_table"` // both views show one table: nothing was read
	Key     []string       `json:"key"`
	Schema  []ColumnChange `json:"schema"` // from A to B
	RowsA   int64          `json:"rows_a"`
	RowsB   int64          `json:"rows_b"`
	OnlyA   int64          `json:"only_a"`
	OnlyB   int64          `json:"only_b"`
	Changed int64          `json:"changed"` // rows of one key in both, some column differs
	Columns []ColumnDiff   `json:"columns"` // that differ, most rows first
	Rows    []RowDiff      `json:"rows"`    // examples, by key
}

// ColumnDiff is a column in both tables, with the rows of one key in which it differs.
type ColumnDiff struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// RowDiff is one key that differs. Values are JSON, as TO_JSON_STRING writes them.
type RowDiff struct {
	Key    map[string]any `json:"key"`
	Where  string         `json:"where"` // only_a, only_b or both
	Values []ValueDiff    `json:"values,omitempty"`
}

// ValueDiff is a cell that differs.
type ValueDiff struct {
	Column string `json:"column"`
	A      string `json:"a"`
	B      string `json:"b"`
}

// Sides finds two views of models: of environments, or of versions.
func Sides(ctx context.Context, from warehouse.Models, names ...warehouse.TableName) ([]Side, error) {
	published, err := from.Published(ctx)
	if err != nil {
		return nil, err
	}
	var known, fingerprints []string
	for _, p := range published {
		known = append(known, p.View.String())
	}
	sides := make([]Side, len(names))
	for i, name := range names {
		at := slices.IndexFunc(published, func(p warehouse.Publication) bool { return p.View == name })
		if at < 0 {
			return nil, hint.New(fmt.Sprintf("no view %s is published", name), "%s", hint.DidYouMean(name.String(), known))
		}
		p := published[at]
		sides[i] = Side{Name: name, Table: p.Table}
		fingerprints = append(fingerprints, p.Fingerprint)
	}
	versions, err := Versions(ctx, from, fingerprints)
	if err != nil {
		return nil, err
	}
	for i, fingerprint := range fingerprints {
		version, ok := versions[fingerprint]
		if !ok {
			return nil, hint.New(fmt.Sprintf("%s was built before versions were recorded", names[i]), "build it again: ripen run")
		}
		sides[i].Key, sides[i].Columns = version.Config.Key, version.Columns
	}
	return sides, nil
}

// ErrOtherKey is returned by Compare for tables whose rows cannot be paired.
var ErrOtherKey = errors.New("the keys differ")

// grain writes the key with its types.
func (s Side) grain() string {
	parts := make([]string, len(s.Key))
	for i, key := range s.Key {
		parts[i] = key
		for _, c := range s.Columns {
			if c.Name == key {
				parts[i] += " " + c.Type.String()
			}
		}
	}
	return strings.Join(parts, ", ")
}

// Compare compares two tables through a session that has both in scope, with at
// most examples rows of examples.
func Compare(ctx context.Context, session *Session, a, b Side, examples int) (*Diff, error) {
	d := &Diff{
		A: a.Name.String(), B: b.Name.String(), Same: a.Table == b.Table, Key: a.Key, Schema: compareColumns(a.Columns, b.Columns),
		Columns: []ColumnDiff{}, Rows: []RowDiff{},
	}
	if d.Schema == nil {
		d.Schema = []ColumnChange{}
	}
	if d.Same {
		return d, nil
	}
	if keyA, keyB := a.grain(), b.grain(); keyA != keyB {
		return d, hint.Wrap(fmt.Errorf("%w: that of %s is (%s), that of %s is (%s)", ErrOtherKey, d.A, keyA, d.B, keyB),
			"rows of different grain cannot be paired; compare aggregates with `ripen query`")
	}
	w := comparison{a: a, b: b}
	for _, c := range a.Columns {
		both := slices.ContainsFunc(b.Columns, func(o schemas.Column) bool { return o.Name == c.Name && o.Type.String() == c.Type.String() })
		if both && !slices.Contains(a.Key, c.Name) {
			w.columns = append(w.columns, c)
		}
	}
	counted, err := session.read(ctx, w.countSQL())
	if err != nil {
		return d, err
	}
	row := counted[0]
	d.RowsA, d.RowsB, d.OnlyA, d.OnlyB, d.Changed = number(row[0]), number(row[1]), number(row[2]), number(row[3]), number(row[4])
	for i, c := range w.columns {
		if n := number(row[5+i]); n > 0 {
			d.Columns = append(d.Columns, ColumnDiff{c.Name, n})
		}
	}
	slices.SortStableFunc(d.Columns, func(x, y ColumnDiff) int { return int(min(max(y.Rows-x.Rows, -1), 1)) })
	if d.OnlyA+d.OnlyB+d.Changed == 0 || examples == 0 {
		return d, nil
	}
	shown, err := session.read(ctx, w.examplesSQL(examples))
	if err != nil {
		return d, err
	}
	for _, row := range shown {
		r := RowDiff{Key: map[string]any{}, Where: Text(row[0])}
		for i, key := range a.Key {
			r.Key[key] = row[2+i]
		}
		values, _ := row[1].([]any)
		for _, value := range values {
			if cell, ok := value.(map[string]any); ok && cell["differs"] == true {
				r.Values = append(r.Values, ValueDiff{Text(cell["name"]), Text(cell["a_value"]), Text(cell["b_value"])})
			}
		}
		d.Rows = append(d.Rows, r)
	}
	return d, nil
}

// comparison writes the GoogleSQL that pairs rows.
type comparison struct {
	a, b    Side
	columns []schemas.Column // of both, besides the key
}

func ticked(name string) string { return "`" + name + "`" }

// from pairs the rows of one key. The first column of the key tells which side has none.
func (c comparison) from() string {
	on := make([]string, len(c.a.Key))
	for i, key := range c.a.Key {
		on[i] = fmt.Sprintf("a.%s = b.%s", ticked(key), ticked(key))
	}
	return fmt.Sprintf("from %s as a full join %s as b on %s", c.a.Name, c.b.Name, strings.Join(on, " and "))
}

func (c comparison) onlyA() string { return "b." + ticked(c.a.Key[0]) + " is null" }
func (c comparison) onlyB() string { return "a." + ticked(c.a.Key[0]) + " is null" }

func (c comparison) both() string {
	return fmt.Sprintf("a.%s is not null and b.%s is not null", ticked(c.a.Key[0]), ticked(c.a.Key[0]))
}

// differs compares a column; NULL equals NULL, and NaN equals NaN.
func differs(c schemas.Column) string {
	a, b := "a."+ticked(c.Name), "b."+ticked(c.Name)
	switch c.Type.Kind {
	case schemas.Array, schemas.Struct, schemas.JSON: // of which GoogleSQL compares no values
		a, b = "to_json_string("+a+")", "to_json_string("+b+")"
	case schemas.Float64:
		return fmt.Sprintf("(%s is distinct from %s and not coalesce(is_nan(%s) and is_nan(%s), false))", a, b, a, b)
	}
	return fmt.Sprintf("%s is distinct from %s", a, b)
}

func (c comparison) anyDiffers() string {
	if len(c.columns) == 0 {
		return "false"
	}
	parts := make([]string, len(c.columns))
	for i, column := range c.columns {
		parts[i] = differs(column)
	}
	return "(" + strings.Join(parts, " or ") + ")"
}

func (c comparison) countSQL() string {
	selected := []string{
		"countif(not (" + c.onlyB() + ")) as rows_a", "countif(not (" + c.onlyA() + ")) as rows_b",
		"countif(" + c.onlyA() + ") as only_a", "countif(" + c.onlyB() + ") as only_b",
		"countif(" + c.both() + " and " + c.anyDiffers() + ") as changed",
	}
	for i, column := range c.columns {
		selected = append(selected, fmt.Sprintf("countif(%s and %s) as differs_%d", c.both(), differs(column), i))
	}
	return "select " + strings.Join(selected, ", ") + " " + c.from()
}

func (c comparison) examplesSQL(limit int) string {
	cells := "array<struct<name string, a_value string, b_value string, differs bool>>[]"
	if len(c.columns) > 0 {
		pairs := make([]string, len(c.columns))
		for i, column := range c.columns {
			pairs[i] = fmt.Sprintf("struct(%s as name, to_json_string(a.%s) as a_value, to_json_string(b.%s) as b_value, %s and %s as differs)",
				googleText(column.Name), ticked(column.Name), ticked(column.Name), c.both(), differs(column))
		}
		cells = "[" + strings.Join(pairs, ", ") + "]"
	}
	keys, order := make([]string, len(c.a.Key)), make([]string, len(c.a.Key))
	for i, key := range c.a.Key {
		keys[i] = fmt.Sprintf("coalesce(a.%s, b.%s) as key_%d", ticked(key), ticked(key), i)
		order[i] = fmt.Sprintf("key_%d", i)
	}
	return fmt.Sprintf("select case when %s then 'only_a' when %s then 'only_b' else 'both' end as side, %s as cells, %s %s where %s or %s or %s order by %s limit %d",
		c.onlyA(), c.onlyB(), cells, strings.Join(keys, ", "), c.from(), c.onlyA(), c.onlyB(), c.anyDiffers(), strings.Join(order, ", "), limit)
}

// read runs one query of this package and returns its rows.
func (s *Session) read(ctx context.Context, sql string) ([][]any, error) {
	for answer := range s.Run(ctx, syntax.Source{Name: "diff", Text: sql}) {
		if answer.Err != nil {
			return nil, answer.Err
		}
		var rows [][]any
		for record, err := range answer.Rows.Records(ctx) {
			if err != nil {
				return nil, err
			}
			for i := range int(record.NumRows()) {
				row := make([]any, record.NumCols())
				for j, column := range record.Columns() {
					if row[j], err = goValue(column, i); err != nil {
						return nil, err
					}
				}
				rows = append(rows, row)
			}
		}
		return rows, nil
	}
	return nil, errors.New("the comparison has no statement")
}
