package transforms

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// CaseError is a case whose rows are not those that it wants.
type CaseError struct {
	Differences []Difference // at most maxDifferences
	Rows        int          // that differ
}

// Difference is one row that is not as wanted.
type Difference struct {
	Kind  string           `json:"kind"`            // changed, missing or unexpected
	CTE   string           `json:"cte,omitempty"`   // whose row it is; empty: the model's
	Line  int              `json:"line,omitempty"`  // of the wanted row in the file of the cases
	Row   string           `json:"row,omitempty"`   // its key; all its cells when it is missing or unexpected
	Cells []CellDifference `json:"cells,omitempty"` // of a changed row
}

// CellDifference is a cell that is not as wanted, as people read it.
type CellDifference struct {
	Column string `json:"column"`
	Want   string `json:"want"`
	Got    string `json:"got"`
}

// Bounds of what a CaseError keeps and prints.
const (
	maxDifferences = 12
	maxCellRunes   = 200
)

func (e *CaseError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows differ", e.Rows)
	if e.Rows == 1 {
		b.Reset()
		b.WriteString("1 row differs")
	}
	for _, d := range e.Differences {
		b.WriteString("\n  " + d.String())
	}
	if more := e.Rows - len(e.Differences); more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

// add takes the differences of one want.
func (e *CaseError) add(differences []Difference) {
	e.Rows += len(differences)
	e.Differences = append(e.Differences, differences[:min(len(differences), maxDifferences-len(e.Differences))]...)
}

func (d Difference) String() string {
	var parts []string
	if d.CTE != "" {
		parts = append(parts, "CTE "+d.CTE)
	}
	if d.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", d.Line))
	}
	if d.Kind == "changed" {
		if d.Row != "" {
			parts = append(parts, d.Row)
		}
		cells := make([]string, len(d.Cells))
		for i, c := range d.Cells {
			cells[i] = fmt.Sprintf("%s is %s, want %s", c.Column, c.Got, c.Want)
		}
		parts = append(parts, strings.Join(cells, ", "))
	} else {
		parts = append(parts, d.Kind+" row", d.Row)
	}
	return strings.Join(parts, ": ")
}

// compare compares the rows as multisets.
func compare(w want, got [][]any) []Difference {
	missing := make([]int, len(w.rows.rows)) // rows not found yet
	for i := range missing {
		missing[i] = i
	}
	var extra [][]any
	for _, row := range got {
		same := func(i int) bool { return slices.EqualFunc(w.rows.rows[i], row, sameValue) }
		if i := slices.IndexFunc(missing, same); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else {
			extra = append(extra, row)
		}
	}
	slices.SortFunc(extra, func(a, b []any) int { return cmp.Compare(rowText(w.rows, a), rowText(w.rows, b)) })
	key := w.query.Model.Key
	var differences []Difference
	for _, i := range missing {
		row := w.rows.rows[i]
		d := Difference{CTE: w.cte, Line: w.rows.lines[i]}
		if closest := w.rows.closest(key, row, extra); closest >= 0 {
			d.Kind = "changed"
			d.Row, d.Cells = w.rows.cells(key, row, extra[closest])
			extra = slices.Delete(extra, closest, closest+1)
		} else {
			d.Kind, d.Row = "missing", rowText(w.rows, row)
		}
		differences = append(differences, d)
	}
	for _, row := range extra {
		differences = append(differences, Difference{Kind: "unexpected", CTE: w.cte, Row: rowText(w.rows, row)})
	}
	return differences
}

// closest is the row that is meant by want: the one with its key, or, where the
// case leaves the key out, the one with most cells equal or the only one left;
// -1 when there is none.
func (f fixture) closest(key []string, want []any, rows [][]any) int {
	names := columnNames(f.columns)
	keyed := len(key) > 0 && !slices.ContainsFunc(key, func(k string) bool { return !slices.Contains(names, k) })
	best, bestEqual := -1, 0
	if !keyed && len(rows) == 1 {
		return 0
	}
	for i, row := range rows {
		equal, keyEqual := 0, true
		for j, name := range names {
			if sameValue(want[j], row[j]) {
				equal++
			} else if slices.Contains(key, name) {
				keyEqual = false
			}
		}
		if equal > bestEqual && (keyEqual || !keyed) {
			best, bestEqual = i, equal
		}
	}
	return best
}

// cells names a row by its key and returns the cells that differ.
func (f fixture) cells(key []string, want, got []any) (name string, differ []CellDifference) {
	var names []string
	for i, c := range f.columns {
		if !sameValue(want[i], got[i]) {
			wanted, is := aroundDifference(cellText(want[i]), cellText(got[i]))
			differ = append(differ, CellDifference{Column: c.Name, Want: wanted, Got: is})
		} else if slices.Contains(key, c.Name) {
			names = append(names, c.Name+"="+shortText(got[i]))
		}
	}
	return strings.Join(names, " "), differ
}

func rowText(f fixture, row []any) string {
	cells := make([]string, len(row))
	for i, c := range f.columns {
		cells[i] = c.Name + "=" + shortText(row[i])
	}
	return strings.Join(cells, " ")
}

// shortText is cellText, cut where nobody reads on.
func shortText(value any) string { return cut([]rune(cellText(value)), 0) }

// aroundDifference cuts two long texts so that what differs can still be seen.
func aroundDifference(a, b string) (string, string) {
	left, right := []rune(a), []rune(b)
	if len(left) <= maxCellRunes && len(right) <= maxCellRunes {
		return a, b
	}
	same := 0
	for same < len(left) && same < len(right) && left[same] == right[same] {
		same++
	}
	from := max(0, same-maxCellRunes/4)
	return cut(left, from), cut(right, from)
}

func cut(runes []rune, from int) string {
	before, after, to := "", "", len(runes)
	if from > 0 {
		before = "…"
	}
	if to > from+maxCellRunes {
		to, after = from+maxCellRunes, "…"
	}
	return before + string(runes[from:to]) + after
}
