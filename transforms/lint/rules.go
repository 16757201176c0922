package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// Names of the rules.
const (
	SelectStar        = "select-star"
	UnqualifiedColumn = "unqualified-column"
	MissingGrain      = "missing-grain"
	CurrentTime       = "current-time"
	RandomValue       = "random-value"
	UnusedCTE         = "unused-cte"
	Position          = "position"
	CommaJoin         = "comma-join"
	NotIn             = "not-in-subquery"
	NullComparison    = "null-comparison"
	NotFormatted      = "not-formatted"
	BadIgnore         = "bad-ignore"
)

// Rules are the names of all rules that a comment can switch off.
func Rules() []string {
	return []string{
		SelectStar, UnqualifiedColumn, MissingGrain, CurrentTime, RandomValue, UnusedCTE, Position, CommaJoin, NotIn,
		NullComparison, NotFormatted,
	}
}

// star refuses * where a reader cannot tell which columns it brings: over a join
// and beside other columns. It is welcome as the whole of a step that reads one
// table, and as table.*.
func (f *findings) star(src syntax.Source, n *syntax.Node) {
	list, from := kid(n, "SelectList"), kid(n, "FromClause")
	if list == nil || from == nil {
		return
	}
	for _, column := range list.Kids {
		star := kid(column, "Star", "StarWithModifiers")
		switch {
		case star == nil:
		case len(tables(from)) > 1:
			f.add(src, star.Start, SelectStar, "* over a join takes whatever columns its tables have, and two of one name clash",
				"name the columns, or write table.*")
		case len(list.Kids) > 1:
			f.add(src, star.Start, SelectStar, "* beside other columns hides where they come from", "write table.* or name the columns")
		}
	}
}

// rawStar refuses a model that hands on all columns of a raw table: they change
// with the source.
func (f *findings) rawStar(src syntax.Source, root *syntax.Node) {
	query := kid(root, "Query")
	if query == nil {
		return
	}
	steps := map[string]*syntax.Node{}
	if with := kid(query, "WithClause"); with != nil {
		for _, entry := range with.Kids {
			if name, body := step(entry); body != nil {
				steps[name] = body
			}
		}
	}
	for query != nil {
		selected := kid(query, "Select")
		if selected == nil {
			return
		}
		list, from := kid(selected, "SelectList"), kid(selected, "FromClause")
		if list == nil || from == nil || len(list.Kids) != 1 || kid(list.Kids[0], "Star") == nil {
			return
		}
		read := tables(from)
		if len(read) != 1 || len(read[0].path) == 0 {
			return
		}
		name := read[0].path
		if len(name) > 1 && strings.HasPrefix(name[0], "raw_") {
			f.add(src, list.Start, SelectStar,
				"the model hands on every column of "+strings.Join(name, ".")+", so it changes whenever the source does",
				"name the columns in its last step")
			return
		}
		query = steps[name[0]]
		delete(steps, name[0])
	}
}

// step is the name of a CTE in lower case and its query.
func step(entry *syntax.Node) (name string, query *syntax.Node) {
	aliased := kid(entry, "AliasedQuery")
	if aliased == nil || len(names(aliased)) == 0 {
		return "", nil
	}
	return names(aliased)[0], kid(aliased, "Query")
}

// unusedSteps finds the CTEs that nothing reads.
func (f *findings) unusedSteps(src syntax.Source, query *syntax.Node) {
	with := kid(query, "WithClause")
	if with == nil {
		return
	}
	for _, entry := range with.Kids {
		name, body := step(entry)
		if body == nil {
			continue
		}
		read := false
		visit(query, func(n *syntax.Node) {
			if n.Kind == "TablePathExpression" && (n.Start < body.Start || n.End > body.End) {
				if p := kid(n, "PathExpression"); p != nil {
					read = read || slices.Equal(names(p), []string{name})
				}
			}
		})
		if !read {
			f.add(src, entry.Start, UnusedCTE, "nothing reads the step "+name, "leave it out, or read it")
		}
	}
}

// unqualified refuses a column without its table in a query that joins.
func (f *findings) unqualified(src syntax.Source, n *syntax.Node) {
	from := kid(n, "FromClause")
	if from == nil {
		return
	}
	known := map[string]bool{}
	joined := 0
	all := tables(from)
	for i, t := range all {
		known[t.alias] = true
		if !t.array(all[:i]) {
			joined++
		}
	}
	if joined < 2 {
		return
	}
	visit(from, func(n *syntax.Node) {
		switch n.Kind {
		case "UsingClause":
			for _, name := range names(n) {
				known[name] = true
			}
		case "WithOffset":
			known["offset"] = true
			if a := kid(n, "Alias"); a != nil {
				known[names(a)[0]] = true
			}
		}
	})
	aliases := map[string]bool{} // which later clauses may name
	for _, column := range n.Kids {
		if column.Kind == "SelectList" {
			for _, c := range column.Kids {
				if a := kid(c, "Alias"); a != nil {
					aliases[names(a)[0]] = true
				}
			}
		}
	}
	for _, clause := range n.Kids {
		in := known
		switch clause.Kind {
		case "GroupBy", "Having", "Qualify":
			in = map[string]bool{}
			for _, m := range []map[string]bool{known, aliases} {
				for name := range m {
					in[name] = true
				}
			}
		}
		f.bareColumns(src, clause, in, all)
	}
}

// bareColumns finds the paths of one name below n that are columns.
func (f *findings) bareColumns(src syntax.Source, n *syntax.Node, known map[string]bool, joined []table) {
	switch n.Kind {
	case "Query", "TablePathExpression", "SimpleType", "DotStar", "Lambda": // with scopes of their own, or no columns
		return
	case "PathExpression":
		if name := names(n); len(name) == 1 && !known[name[0]] {
			f.add(src, n.Start, UnqualifiedColumn,
				fmt.Sprintf("%s does not say which of the joined tables it is of, and another one may get such a column", text(src, n)),
				"write "+qualified(text(src, n), joined))
		}
		return
	}
	kids := n.Kids
	if n.Kind == "FunctionCall" || n.Kind == "ExtractExpression" {
		kids = operands(n)
	}
	for _, k := range kids {
		f.bareColumns(src, k, known, joined)
	}
}

// qualified is the column with each of the tables that it may be of.
func qualified(column string, joined []table) string {
	var choices []string
	for _, t := range joined {
		if t.alias != "" {
			choices = append(choices, t.alias+"."+column)
		}
	}
	if len(choices) == 0 {
		return "<table>." + column
	}
	return strings.Join(choices, " or ")
}

// operands are the arguments of a call without its name and without parts of dates.
func operands(n *syntax.Node) []*syntax.Node {
	if n.Kind == "ExtractExpression" {
		return n.Kids[1:]
	}
	function := strings.Join(names(n.Kids[0]), ".")
	if function == "week" {
		return nil
	}
	units := strings.HasSuffix(function, "_trunc") || strings.HasSuffix(function, "_diff") || function == "last_day"
	return slices.DeleteFunc(slices.Clone(n.Kids[1:]), func(k *syntax.Node) bool {
		return units && k.Kind == "PathExpression" && len(k.Kids) == 1 && slices.Contains(dateParts, names(k)[0])
	})
}

var dateParts = []string{
	"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "isoweek", "month", "quarter", "year", "isoyear",
}

// commaJoin refuses a comma between tables: a condition that is forgotten in
// WHERE goes unnoticed.
func (f *findings) commaJoin(src syntax.Source, n *syntax.Node) {
	if n.Attr != "COMMA" || len(n.Kids) < 3 {
		return
	}
	right := tables(n.Kids[len(n.Kids)-1])
	if len(right) == 0 || right[0].array(tables(n.Kids[0])) {
		return
	}
	at := n.Kids[len(n.Kids)-1].Start
	if comma := kid(n, "Location"); comma != nil {
		at = comma.Start
	}
	f.add(src, at, CommaJoin, "a comma between tables joins every row with every row, seen only by who looks for it",
		"write inner join … on …, or cross join where it is meant")
}

// position refuses group by 1.
func (f *findings) position(src syntax.Source, n *syntax.Node) {
	if len(n.Kids) == 0 || n.Kids[0].Kind != "IntLiteral" {
		return
	}
	what := "group"
	if n.Kind == "OrderingExpression" {
		what = "order"
	}
	f.add(src, n.Start, Position, fmt.Sprintf("%s by a position changes its meaning when a column is added before it", what),
		"name the column")
}

// unrepeatable refuses functions whose result no second run gives.
func (f *findings) unrepeatable(src syntax.Source, n *syntax.Node) {
	switch function := strings.Join(names(n.Kids[0]), "."); function {
	case "current_timestamp", "current_datetime", "current_date", "current_time":
		cure := map[string]string{
			"current_timestamp": "write @as_of", "current_datetime": "write datetime(@as_of)",
			"current_date": "write date(@as_of)", "current_time": "write time(@as_of)",
		}[function]
		f.add(src, n.Start, CurrentTime, function+" gives another result in every run, so that none can be repeated or tested", cure)
	case "rand", "generate_uuid":
		f.add(src, n.Start, RandomValue, function+" gives another result in every run, so that none can be repeated or tested",
			"derive the value from the row, e.g. farm_fingerprint(key) or to_hex(md5(key))")
	}
}

// notIn refuses x not in (select …), which is true of nothing once the subquery
// returns a NULL.
func (f *findings) notIn(src syntax.Source, n *syntax.Node) {
	in := n
	if n.Kind == "UnaryExpression" {
		if n.Attr != "NOT" || len(n.Kids) == 0 || n.Kids[0].Kind != "InExpression" || n.Kids[0].Attr != "IN" {
			return
		}
		in = n.Kids[0]
	} else if n.Attr != "NOT IN" {
		return
	}
	if kid(in, "Query") != nil {
		f.add(src, n.Start, NotIn, "not in (select …) is true of no row as soon as the subquery returns a NULL",
			"write not exists (…), or left join and keep where … is null")
	}
}

// nullComparison refuses = null, which is never true.
func (f *findings) nullComparison(src syntax.Source, n *syntax.Node) {
	if !slices.Contains([]string{"=", "!=", "<>", "<", ">", "<=", ">="}, n.Attr) || kid(n, "NullLiteral") == nil {
		return
	}
	f.add(src, n.Start, NullComparison, "a comparison with null is never true", "write is null or is not null")
}
