// Package lint finds what is allowed in GoogleSQL and yet a trap: rules that say
// why and what to write instead. Check looks at one file, which needs to parse
// and nothing more: no catalog, no other file.
//
// A comment takes a finding away, on its line or on the line above it:
//
//	from accounts -- lint:ignore comma-join both have one row
//
// It must give a reason, and it is a finding itself once it ignores nothing.
package lint

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/format"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Parser parses one query; a fault is a *syntax.Diagnostic.
type Parser interface {
	Parse(syntax.Source) (*syntax.Node, error)
}

// Finding is a place where a rule applies. Its message says what is wrong and
// why; its hint says what to write instead.
type Finding struct {
	Rule string `json:"rule"`
	// Minor findings are about looks alone: they do not make a check fail.
	Minor bool `json:"minor,omitempty"`
	syntax.Diagnostic
}

// Check returns the findings in one file, in order of their place. The file may
// hold several statements; one named query.sql is a model, which states its
// grain. The error joins the *syntax.Diagnostic of what does not parse.
func Check(src syntax.Source, parser Parser) ([]Finding, error) {
	statements, err := lex.Split(src)
	if err != nil {
		return nil, err
	}
	var list findings
	var faults []error
	for _, statement := range statements {
		node, err := parser.Parse(statement.Source)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		list.statement(statement.Source, node)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if path.Base(src.Name) == "query.sql" {
		list.grain(src)
	}
	list.looks(src)
	tokens, err := lex.Tokens(src.Text)
	if err != nil {
		return nil, err
	}
	list = ignore(src, tokens, list)
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	return list, nil
}

// findings collects what the rules find.
type findings []Finding

func (f *findings) add(src syntax.Source, offset int, rule, message, hint string) {
	*f = append(*f, Finding{Rule: rule, Diagnostic: *src.At(offset, message, hint)})
}

// statement applies the rules that read the parse tree.
func (f *findings) statement(src syntax.Source, root *syntax.Node) {
	f.rawStar(src, root)
	visit(root, func(n *syntax.Node) {
		switch n.Kind {
		case "Query":
			f.unusedSteps(src, n)
		case "Select":
			f.star(src, n)
			f.unqualified(src, n)
		case "Join":
			f.commaJoin(src, n)
		case "GroupingItem", "OrderingExpression":
			f.position(src, n)
		case "FunctionCall":
			f.unrepeatable(src, n)
		case "InExpression", "UnaryExpression":
			f.notIn(src, n)
		case "BinaryExpression":
			f.nullComparison(src, n)
		}
	})
}

// grain asks for the comment that says what a row is.
func (f *findings) grain(src syntax.Source) {
	if !strings.HasPrefix(strings.TrimPrefix(src.Text, "\ufeff"), "-- One row per ") {
		f.add(src, 0, MissingGrain, "the first line does not say what a row is, so nobody can tell whether a join multiplies rows",
			"start with a comment such as `-- One row per account and day.`")
	}
}

// looks compares the file with what the formatter would make of it.
func (f *findings) looks(src syntax.Source) {
	formatted, err := format.Format(src.Text)
	if err != nil || formatted == src.Text {
		return // what the formatter cannot do, it leaves alone
	}
	at := 0
	for at < len(formatted) && at < len(src.Text) && formatted[at] == src.Text[at] {
		at++
	}
	f.add(src, strings.LastIndexByte(src.Text[:at], '\n')+1, NotFormatted, "this line is not in the house style", "run `ripen fmt`")
	(*f)[len(*f)-1].Minor = true
}
