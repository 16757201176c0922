// Package syntax holds analysed GoogleSQL as plain data: what the analyzer
// (transforms/gsql) hands to the compilers (transforms/duck) and to the project
// (transforms). It depends on no engine, so everything that works on it builds
// and tests fast, and a tree can be stored as JSON.
package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ripen-data/ripen/schemas"
)

// Source is one statement of SQL with the name of its file.
type Source struct {
	Name string // path for messages, e.g. sql/core/fct_trial_v1/query.sql
	Text string
}

// Node is a node of the parse tree: every byte of the text belongs to it.
type Node struct {
	Kind  string  `json:"kind"`           // e.g. FunctionCall
	Attr  string  `json:"attr,omitempty"` // what tells nodes of one kind apart: an operator, an image
	Start int     `json:"start"`          // byte offsets in Source.Text, half open
	End   int     `json:"end"`
	Kids  []*Node `json:"kids,omitempty"`
}

// Resolved is a node of the analyzer's resolved tree.
type Resolved struct {
	Kind  string        `json:"kind"`
	Attr  string        `json:"attr,omitempty"` // function, table or column name, cast kind …
	Mode  string        `json:"mode,omitempty"` // modifiers, e.g. "DESC, NULLS LAST"; the value of a literal without a place
	Start int           `json:"start"`          // byte offsets; -1 where the analyzer gives none
	End   int           `json:"end"`
	Type  *schemas.Type `json:"type,omitempty"`
	// Column ids tie column references to the scan that makes them, for lineage.
	Columns []ColumnRef `json:"columns,omitempty"`
	Kids    []*Resolved `json:"kids,omitempty"`
}

// ColumnRef is a column that a resolved node makes or reads.
type ColumnRef struct {
	ID    int    `json:"id"`
	Table string `json:"table,omitempty"`
	Name  string `json:"name"`
}

// Ref is a table that a statement names, with where it does.
type Ref struct {
	Name       string // as in the catalog, e.g. staging.stg_crm__account
	Start, End int
}

// Statement is one analysed statement.
type Statement struct {
	Source   Source
	Node     *Node
	Resolved *Resolved
	Columns  []schemas.Column // of its result; name and type only
	Refs     []Ref

	// Partial is set when faults were left out to go on: there are no trees, no
	// columns if they are not all known, and the types of those in Unsure are guesses.
	Partial bool
	Unsure  []string // names in lower case
	Open    bool     // columns may have other names once the faults are gone
}

// Table is a table that statements may name.
type Table struct {
	Name    string // dataset.table
	Columns []schemas.Column
	Unsure  []string // columns whose type is a guess, in lower case: no fault may rest on it
	Open    bool     // it has columns beside Columns that are not known: what is read from it counts as there
}

// Catalog is what is in scope of a statement.
type Catalog struct {
	Tables []Table
	Params map[string]schemas.Type // by name without @
}

// Diagnostic is one fault in a Source; it is an error.
type Diagnostic struct {
	Name    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // in characters, from 1
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to write instead
	Excerpt string `json:"-"`              // the text of the line
}

func (d *Diagnostic) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", d.Name, d.Line, d.Column, d.Message)
	if d.Hint != "" {
		text += "; " + d.Hint
	}
	return text
}

// At makes a Diagnostic for a byte offset of the source.
func (s Source) At(offset int, message, hint string) *Diagnostic {
	offset = max(min(offset, len(s.Text)), 0)
	start := strings.LastIndexByte(s.Text[:offset], '\n') + 1
	excerpt, _, _ := strings.Cut(s.Text[start:], "\n")
	return &Diagnostic{
		Name: s.Name, Line: 1 + strings.Count(s.Text[:start], "\n"), Column: 1 + utf8.RuneCountInString(s.Text[start:offset]),
		Message: message, Hint: hint, Excerpt: excerpt,
	}
}
