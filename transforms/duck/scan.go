package duck

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// scan writes a scan and all below it.
func (w *writer) scan(r *syntax.Resolved) *block {
	var b *block
	switch r.Kind {
	case "SingleRowScan":
		b = &block{}
	case "TableScan":
		b = w.tableScan(r)
	case "WithRefScan":
		b = w.cteScan(r, w.low.ctes[strings.ToLower(r.Attr)])
	case "RecursiveRefScan":
		if len(w.low.cte) == 0 {
			w.failScan(r, "this recursion does not run on DuckDB", "write WITH RECURSIVE")
		}
		b = w.cteScan(r, w.low.cte[len(w.low.cte)-1])
	case "FilterScan":
		b = w.open(w.scan(r.Kids[0]))
		b.where = append(b.where, w.operandOf(r.Kids[1]))
	case "ProjectScan":
		b = w.projectScan(r)
	case "JoinScan":
		b = w.joinScan(r)
	case "ArrayScan":
		b = w.arrayScan(r)
	case "AggregateScan":
		b = w.aggregateScan(r)
	case "AnalyticScan":
		b = w.analyticScan(r)
	case "OrderByScan":
		b = w.open(w.scan(r.Kids[0]))
		b.order = "\n" + w.orderOf(r.Kids[1:])
	case "LimitOffsetScan":
		b = w.limitScan(r)
	case "SetOperationScan":
		b = w.setScan(r)
	case "WithScan":
		b = w.withScan(r)
	case "RecursiveScan":
		b = w.recursiveScan(r)
	default:
		w.failScan(r, strings.ToUpper(strings.TrimSuffix(r.Kind, "Scan"))+" does not run on DuckDB", "write it in another way; docs/googlesql.md lists what runs")
	}
	b.scan = r
	return b
}

func (w *writer) tableScan(r *syntax.Resolved) *block {
	if len(r.Kids) > 0 {
		w.failScan(r, "this form of a table does not run on DuckDB", "write dataset.table")
	}
	parts := strings.Split(r.Attr, ".")
	alias := w.newAlias(parts[len(parts)-1])
	use := syntax.TableUse{Name: r.Attr, SQL: quoteAll(parts)}
	for _, column := range r.Columns {
		w.low.names[column.ID] = alias + "." + quote(column.Name)
	}
	return &block{from: use.Mark() + " AS " + alias}
}

// cteScan reads a CTE by the places of its columns.
func (w *writer) cteScan(r *syntax.Resolved, name string) *block {
	if name == "" {
		w.failScan(r, "the WITH query "+r.Attr+" cannot be read here", "write it as a subquery")
	}
	alias := w.newAlias("w")
	names := make([]string, len(r.Columns))
	for i, o := range w.outputs(r) {
		names[i] = o.name
		w.low.names[o.id] = alias + "." + o.name
	}
	return &block{from: quote(name) + " AS " + alias + "(" + strings.Join(names, ", ") + ")"}
}

func (w *writer) projectScan(r *syntax.Resolved) *block {
	b := w.scan(firstScan(r))
	var computed []*syntax.Resolved
	for _, kid := range r.Kids {
		switch {
		case kid.Kind == "ComputedColumn" && kid.Kids[0].Kind == "ColumnRef" && b.whole == "" && w.renamed(b, kid):
		case kid.Kind == "ComputedColumn":
			computed = append(computed, kid)
		case !isScan(kid):
			w.failScan(kid, "this SELECT list does not run on DuckDB", "write it in another way")
		}
	}
	if computed == nil {
		if b.whole != "" {
			return w.narrowed(b, r)
		}
		return b
	}
	b = w.open(b)
	made := map[int]string{}
	for _, column := range computed {
		made[column.Columns[0].ID] = w.typed(w.expr(column.Kids[0]), column.Kids[0])
	}
	b.made = made
	return b
}

// renamed gives a column that is there already another id.
func (w *writer) renamed(b *block, column *syntax.Resolved) bool {
	id, is := column.Columns[0].ID, column.Kids[0].Columns[0].ID
	text, computed := b.made[is]
	switch {
	case computed:
		b.made[id] = text
	case w.low.names[is] != "":
		w.low.names[id] = w.low.names[is]
	default:
		return false
	}
	return true
}

// narrowed is a whole query with fewer or other columns.
func (w *writer) narrowed(b *block, r *syntax.Resolved) *block {
	outputs, inputs := w.outputs(r), w.outputs(b.scan)
	if len(outputs) == len(inputs) {
		same := true
		for i := range outputs {
			same = same && outputs[i].id == inputs[i].id
		}
		if same {
			return b
		}
	}
	return w.closed(b)
}

func (w *writer) joinScan(r *syntax.Resolved) *block {
	left := w.source(w.oneRow(w.scan(r.Kids[0])))
	right := w.source(w.oneRow(w.scan(r.Kids[1])))
	other := right.from
	if right.join {
		other = "(" + other + ")"
	}
	word := map[string]string{"Inner": "JOIN", "Left": "LEFT JOIN", "Right": "RIGHT JOIN", "Full": "FULL JOIN"}[r.Attr]
	if word == "" || len(r.Kids) > 3 {
		w.failScan(r, "this join does not run on DuckDB", "write JOIN … ON")
	}
	if (r.Attr == "Right" || r.Attr == "Full") && readsOutside(r) {
		w.failScan(r, strings.ToUpper(r.Attr)+" JOIN in a correlated subquery does not run on DuckDB", "join in a CTE")
	}
	switch {
	case len(r.Kids) == 3:
		other += " ON " + w.expr(r.Kids[2])
	case r.Attr == "Inner":
		word = "CROSS JOIN"
	default:
		other += " ON TRUE"
	}
	return &block{from: left.from + "\n" + word + " " + other, join: true}
}

// readsOutside reports whether a scan reads columns of a query around it.
func readsOutside(r *syntax.Resolved) bool {
	made, read := map[int]bool{}, map[int]bool{}
	var walk func(r *syntax.Resolved)
	walk = func(r *syntax.Resolved) {
		for _, column := range r.Columns {
			if r.Kind == "ColumnRef" {
				read[column.ID] = true
			} else {
				made[column.ID] = true
			}
		}
		for _, kid := range r.Kids {
			walk(kid)
		}
	}
	walk(r)
	for id := range read {
		if !made[id] {
			return true
		}
	}
	return false
}

// oneRow gives a SELECT without FROM a name.
func (w *writer) oneRow(b *block) *block {
	if b.from == "" && b.isOpen() && b.where == nil {
		return &block{scan: b.scan, from: "(SELECT 1) AS " + w.newAlias("one")}
	}
	return b
}

func (w *writer) arrayScan(r *syntax.Resolved) *block {
	var input *block
	var element, condition *syntax.Resolved
	offset := ""
	name := w.newAlias("a")
	for _, kid := range r.Kids {
		switch {
		case isScan(kid) && input == nil && element == nil:
			input = w.source(w.oneRow(w.scan(kid)))
		case kid.Kind == "ArrayElement" && element == nil:
			element = kid
		case kid.Kind == "ArrayElement":
			w.failScan(kid, "UNNEST of several arrays does not run on DuckDB", "join two UNNESTs WITH OFFSET on their offsets")
		case kid.Kind == "ArrayOffset":
			offset = "_offset"
			w.low.names[kid.Columns[0].ID] = name + "." + offset
		default:
			condition = kid
		}
	}
	array := w.expr(element.Kids[0])
	w.low.names[element.Columns[0].ID] = name + "._element"
	table := "unnest(" + array + ") AS " + name + "(_element)"
	if offset != "" {
		table = "(SELECT unnest(_array) AS _element, generate_subscripts(_array, 1) - 1 AS _offset FROM (SELECT " + array + " AS _array)) AS " + name
	}
	if input == nil {
		return &block{from: table}
	}
	outer := strings.Contains(r.Mode, "OUTER")
	switch {
	case condition == nil && outer:
		table = "LEFT JOIN " + table + " ON TRUE"
	case condition == nil:
		table = "CROSS JOIN " + table
	case outer:
		// An outer join of an array takes a comparison of both sides only: filter the array before it.
		table = "LEFT JOIN (SELECT * FROM " + table + " WHERE " + w.expr(condition) + ") AS " + name + " ON TRUE"
	default:
		table = "JOIN " + table + " ON " + w.expr(condition)
	}
	return &block{from: input.from + "\n" + table, join: true}
}

// withScan writes WITH. Entries keep the author's text where it can be kept.
func (w *writer) withScan(r *syntax.Resolved) *block {
	query := w.low.at
	var entries []*syntax.Node
	if w.low.all {
		return w.pipeWith(r)
	}
	if with := firstKid(query, "WithClause"); with != nil && (r.Start < 0 || w.scanOf(query) == r) {
		entries = with.Kids
	}
	var texts []string
	recursive := ""
	i := 0
	if entries == nil {
		return w.pipeWith(r)
	}
	for _, kid := range r.Kids {
		if kid.Kind != "WithEntry" {
			continue
		}
		if i >= len(entries) {
			w.failScan(kid, "this WITH does not run on DuckDB here", "write it before the whole query")
		}
		entry := entries[i]
		i++
		aliased := firstKid(entry, "AliasedQuery")
		if aliased == nil || firstKid(aliased, "Identifier") == nil || firstKid(aliased, "Query") == nil {
			w.refuseKind(entry)
		}
		for _, kid := range aliased.Kids {
			if kid.Kind != "Identifier" && kid.Kind != "Query" {
				w.refuseKind(kid)
			}
		}
		name := w.nameOf(firstKid(aliased, "Identifier"))
		body := firstScan(kid)
		if findScan(body, "RecursiveScan") {
			recursive = "RECURSIVE "
		}
		w.low.ctes[strings.ToLower(kid.Attr)] = name
		inner := firstKid(aliased, "Query")
		if !w.needsLowering(inner) {
			texts = append(texts, w.apart(func() string { return w.node(entry) }))
			continue
		}
		w.low.at = inner
		w.low.cte = append(w.low.cte, name)
		texts = append(texts, quote(name)+" AS (\n"+w.rows(body)+"\n)")
		w.low.cte = w.low.cte[:len(w.low.cte)-1]
		w.low.at = query
	}
	b := w.scan(firstScan(r))
	if b.whole != "" || b.with != "" {
		b = w.closed(b)
	}
	b.with = "WITH " + recursive + strings.Join(texts, ",\n") + "\n"
	return b
}

// pipeWith writes the WITH of a pipe, whose entries get names of their own: the
// same name may stand for another query in a later step.
func (w *writer) pipeWith(r *syntax.Resolved) *block {
	var texts []string
	recursive := ""
	for _, kid := range r.Kids {
		if kid.Kind != "WithEntry" {
			continue
		}
		body := firstScan(kid)
		if findScan(body, "RecursiveScan") {
			recursive = "RECURSIVE "
		}
		base, _, _ := strings.Cut(kid.Attr, "$")
		name := strings.Trim(w.newAlias(base), `"`)
		w.low.cte = append(w.low.cte, name)
		text := w.rows(body)
		w.low.cte = w.low.cte[:len(w.low.cte)-1]
		w.low.ctes[strings.ToLower(kid.Attr)] = name
		texts = append(texts, quote(name)+" AS (\n"+text+"\n)")
	}
	b := w.scan(firstScan(r))
	if b.whole != "" || b.with != "" {
		b = w.closed(b)
	}
	b.with = "WITH " + recursive + strings.Join(texts, ",\n") + "\n"
	return b
}

func findScan(r *syntax.Resolved, kind string) bool {
	if r.Kind == kind {
		return true
	}
	for _, kid := range r.Kids {
		if findScan(kid, kind) {
			return true
		}
	}
	return false
}

func (w *writer) recursiveScan(r *syntax.Resolved) *block {
	word := setWords[r.Mode]
	if word == "" || len(r.Kids) != 2 {
		w.failScan(r, "this recursion does not run on DuckDB", "leave its depth out; filter in WHERE")
	}
	names := w.outputs(r)
	return &block{whole: w.branch(r.Kids[0], names, true) + "\n" + word + "\n" + w.branch(r.Kids[1], names, false)}
}
