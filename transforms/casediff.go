package transforms

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// CaseError is a case whose rows are not those that it wants.
type CaseError struct {
	File        string
	Line        int
	Case        string
	Differences []string // a line each: a row with other cells, a missing row, an unexpected row
}

// maxDifferences bounds what Error prints.
const maxDifferences = 12

func (e *CaseError) Error() string {
	lines := e.Differences
	rest := ""
	if len(lines) > maxDifferences {
		rest = fmt.Sprintf("\n  and %d more", len(lines)-maxDifferences)
		lines = lines[:maxDifferences]
	}
	return fmt.Sprintf("%s:%d: case %q: %d rows differ\n  %s%s", e.File, e.Line, e.Case, len(e.Differences), strings.Join(lines, "\n  "), rest)
}

// compare compares the rows as multisets.
func compare(m *Model, one Case, got [][]any) error {
	want := make([]int, len(one.want.rows)) // rows not found yet
	for i := range want {
		want[i] = i
	}
	var extra [][]any
	for _, row := range got {
		same := func(i int) bool { return slices.EqualFunc(one.want.rows[i], row, sameValue) }
		if i := slices.IndexFunc(want, same); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			extra = append(extra, row)
		}
	}
	if len(want) == 0 && len(extra) == 0 {
		return nil
	}
	slices.SortFunc(extra, func(a, b []any) int { return cmp.Compare(rowText(one.want, a), rowText(one.want, b)) })
	failed := &CaseError{File: m.Cases.Name, Line: one.Line, Case: one.Name}
	for _, i := range want {
		closest := one.want.closest(m.Key, one.want.rows[i], extra)
		if closest < 0 {
			failed.Differences = append(failed.Differences, fmt.Sprintf("line %d: missing row: %s", one.want.lines[i], rowText(one.want, one.want.rows[i])))
			continue
		}
		failed.Differences = append(failed.Differences, fmt.Sprintf("line %d: %s", one.want.lines[i], one.want.cells(m.Key, one.want.rows[i], extra[closest])))
		extra = slices.Delete(extra, closest, closest+1)
	}
	for _, row := range extra {
		failed.Differences = append(failed.Differences, "unexpected row: "+rowText(one.want, row))
	}
	return failed
}

// closest is the row that is meant by want: the one with its key, or, where the
// case leaves the key out, the one with most cells equal; -1 when there is none.
func (f fixture) closest(key []string, want []any, rows [][]any) int {
	keyed := !slices.ContainsFunc(key, func(k string) bool {
		return !slices.ContainsFunc(f.columns, func(c schemas.Column) bool { return c.Name == k })
	})
	best, bestEqual := -1, 0
	for i, row := range rows {
		equal, keyEqual := 0, true
		for j, c := range f.columns {
			if sameValue(want[j], row[j]) {
				equal++
			} else if slices.Contains(key, c.Name) {
				keyEqual = false
			}
		}
		if equal > bestEqual && (keyEqual || !keyed) {
			best, bestEqual = i, equal
		}
	}
	return best
}

// cells names a row by its key and prints the cells that differ.
func (f fixture) cells(key []string, want, got []any) string {
	var name, differ []string
	for i, c := range f.columns {
		if sameValue(want[i], got[i]) {
			if slices.Contains(key, c.Name) {
				name = append(name, c.Name+"="+cellText(got[i]))
			}
			continue
		}
		differ = append(differ, fmt.Sprintf("%s is %s, want %s", c.Name, cellText(got[i]), cellText(want[i])))
	}
	return strings.TrimPrefix(strings.Join(name, " ")+": "+strings.Join(differ, ", "), ": ")
}

func rowText(f fixture, row []any) string {
	cells := make([]string, len(row))
	for i, c := range f.columns {
		cells[i] = c.Name + "=" + cellText(row[i])
	}
	return strings.Join(cells, " ")
}
