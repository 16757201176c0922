package duck

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// reserved are the words that DuckDB 1.5 takes as a name only in quotes: its
// duckdb_keywords() of the categories reserved and type_function.
var reserved = words(`
	all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check collate collation
	column columns concurrently constraint create cross default deferrable desc describe distinct do else end except
	false fetch for foreign freeze from full generated glob group having ilike in initially inner intersect into is isnull
	join lambda lateral leading left like limit map natural not notnull null offset on only or order outer overlaps pivot
	pivot_longer pivot_wider placing positional primary qualify references returning right select semi show similar some
	struct summarize symmetric table tablesample then to trailing true try_cast union unique unpack unpivot using variadic verbose when where window with`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// quote writes a name, in quotes where it needs them.
func quote(name string) string {
	if plainName.MatchString(name) && !reserved[strings.ToLower(name)] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// nameOf is the name that an Identifier node spells.
func (w *writer) nameOf(n *syntax.Node) string {
	text := w.text[n.Start:n.End]
	if !strings.HasPrefix(text, "`") {
		return text
	}
	name, ok := unescape(strings.TrimSuffix(strings.TrimPrefix(text, "`"), "`"))
	if !ok || strings.ContainsRune(name, 0) {
		w.fail(n, "this name has an escape that is not understood", "write the name in plain characters")
	}
	return name
}

func (w *writer) identifierNode(n *syntax.Node) string { return quote(w.nameOf(n)) }

func (w *writer) alias(n *syntax.Node) string {
	w.reviewed(n, "Identifier")
	if strings.EqualFold(w.text[n.Start:min(n.Start+2, n.End)], "as") && n.Kids[0].Start > n.Start {
		return w.copy(n)
	}
	return "AS " + w.node(n.Kids[0]) // some names need it in DuckDB
}

// parts are the names of a path.
func (w *writer) parts(n *syntax.Node) []string {
	names := make([]string, len(n.Kids))
	for i, kid := range n.Kids {
		names[i] = w.nameOf(kid)
	}
	return names
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ".")
}

// path writes a column, a column's field or a part of the FROM clause by name.
func (w *writer) path(n *syntax.Node) string {
	names := w.parts(n)
	r := w.resolved[spanOf(n)]
	if known := w.low.local[spanOf(n)]; known != nil {
		r = known
	}
	if r == nil {
		r = w.fields[normal(w.text[n.Start:n.End])]
	}
	if text := w.jsonPathOf(n, names, r); text != "" {
		return text
	}
	return w.pathAs(n, names, r)
}

// pathAs writes the first names of a path, which the analyzer resolved to r.
func (w *writer) pathAs(n *syntax.Node, names []string, r *syntax.Resolved) string {
	if r != nil && slices.Contains([]string{"SubqueryExpr", "FunctionCall", "Flatten", "FlattenedArg", "WithExpr"}, r.Kind) {
		w.fail(n, "a path through an array does not run on DuckDB", "UNNEST the array and name its elements")
	}
	if text := w.lowPath(n, names, r); text != "" {
		return text
	}
	depth, root := 0, r
	for root != nil && root.Kind == "GetStructField" && len(root.Kids) > 0 {
		depth, root = depth+1, root.Kids[0]
	}
	if text := w.aliased(names, root); text != "" {
		return text
	}
	w.refuseHidden(n, names[0], root)
	if root != nil && len(root.Columns) > 0 {
		// A field without its column: UNNEST(items) in FROM, then just price.
		if name, ok := w.aliases[root.Columns[0].ID]; ok && depth == len(names) {
			return quote(name) + "." + quoteAll(names)
		}
	}
	return quoteAll(names)
}

// aliased writes a name of the select list as the expression it stands for; ""
// if the path is none. DuckDB takes the column of FROM where both have the name.
func (w *writer) aliased(names []string, root *syntax.Resolved) string {
	for _, item := range w.selects {
		if item.expr == nil || !strings.EqualFold(item.name, names[0]) || item.isColumn || root == nil || len(root.Columns) == 0 {
			continue
		}
		if !w.standsFor(item, root) {
			continue
		}
		outer := w.selects
		w.selects = nil
		text := "(" + w.node(item.expr) + ")"
		w.selects = outer
		if len(names) > 1 {
			text += "." + quoteAll(names[1:])
		}
		return text
	}
	return ""
}

// standsFor reports whether a column is the one that an item of a select list makes.
func (w *writer) standsFor(item selectItem, column *syntax.Resolved) bool {
	ref := column.Columns[0]
	if strings.HasPrefix(ref.Table, "$") && !strings.HasPrefix(ref.Table, "$array") && strings.EqualFold(ref.Name, item.name) {
		return true
	}
	return slices.Contains(w.columns[spanOf(item.expr)], ref.ID)
}

func (w *writer) dotIdentifier(n *syntax.Node) string {
	w.reviewed(n, "expr", "Identifier")
	if len(n.Kids) != 2 {
		w.refuseKind(n)
	}
	if w.typeOf(n.Kids[0]).Kind == schemas.JSON {
		text, ok := jsonField(w.node(n.Kids[0]), w.nameOf(n.Kids[1]))
		if !ok {
			w.fail(n, "a JSON field with quotes in its name does not run on DuckDB", "rename it at the source")
		}
		return text
	}
	if w.typeOf(n.Kids[0]).Kind == schemas.Array {
		w.fail(n, "a path through an array does not run on DuckDB", "UNNEST the array and name its elements")
	}
	if w.typeOf(n.Kids[0]).Kind == schemas.Array {
		w.fail(n, "a field of the elements of an array does not run on DuckDB", "UNNEST the array and select the field")
	}
	return "(" + w.node(n.Kids[0]) + ")." + quote(w.nameOf(n.Kids[1]))
}

func (w *writer) parameter(n *syntax.Node) string {
	name := firstKid(n, "Identifier")
	if name == nil {
		w.fail(n, "a parameter needs a name", "write @as_of")
	}
	text := w.nameOf(name)
	w.params[strings.ToLower(text)] = true
	return "CAST($" + strings.ToLower(text) + " AS " + w.duckType(n, w.typeOf(n)) + ")"
}
