package format

import "slices"

// clause is a part of a query that begins a line.
type clause struct {
	kind  string // its first keyword, in lower case; join and union for all of their kind
	words int    // how many nodes its keywords take
	nodes []*node
}

// file is the statements of a text.
func file(nodes []*node, end *tok) doc {
	var docs []doc
	start := 0
	statement := func(nodes []*node) {
		if len(docs) > 0 {
			docs = append(docs, line{hard: true, blank: true})
		}
		semicolon := len(nodes) > 0 && nodes[len(nodes)-1].punct(";")
		body := nodes
		if semicolon {
			body = nodes[:len(nodes)-1]
		}
		if len(body) > 0 {
			docs = append(docs, grouped(queryDoc(body), true))
		}
		if semicolon {
			docs = append(docs, leafDoc(nodes[len(nodes)-1].open))
		}
	}
	for i, n := range nodes {
		if n.punct(";") {
			statement(nodes[start : i+1])
			start = i + 1
		}
	}
	if start < len(nodes) {
		statement(nodes[start:])
	}
	if len(end.notes) > 0 {
		docs = append(docs, line{hard: true, blank: end.blank}, notesDoc(end.notes))
	}
	return cat(docs...)
}

// isQuery says whether the nodes are a query rather than an expression.
func isQuery(nodes []*node) bool {
	switch nodes[0].word() {
	case "select", "from":
		return true
	case "with":
		return len(nodes) > 1 && nodes[1].leaf()
	}
	for i, n := range nodes {
		if n.punct("|>") {
			return true
		}
		if _, words := opening(nodes, i); words > 0 && i > 0 && nodes[i].word() != "limit" {
			if kind, _ := opening(nodes, i); kind == "union" || kind == "join" {
				return true
			}
		}
	}
	return false
}

// opening is the kind of the clause that begins at i and how many keywords it
// has, or no words.
func opening(nodes []*node, i int) (kind string, words int) {
	word := func(j int) string {
		if j < 0 || j >= len(nodes) {
			return ""
		}
		return nodes[j].word()
	}
	switch w := word(i); w {
	case "select", "where", "having", "qualify", "limit":
		return w, 1
	case "from":
		if word(i-1) != "distinct" || word(i-2) != "is" && word(i-2) != "not" {
			if word(i-1) != "delete" {
				return w, 1
			}
		}
	case "window":
		return w, 1
	case "group", "order":
		if word(i+1) == "by" {
			return w, 2
		}
	case "natural", "left", "right", "full", "inner", "cross", "outer", "hash", "lookup", "join", "union", "intersect", "except":
		j := i
		for slices.Contains([]string{"natural", "left", "right", "full", "inner", "cross", "outer", "hash", "lookup"}, word(j)) {
			j++
		}
		switch word(j) {
		case "join":
			return "join", j - i + 1
		case "union", "intersect", "except":
			if next := word(j + 1); next == "all" || next == "distinct" {
				return "union", j - i + 2
			}
		}
	}
	return "", 0
}

// clauses cuts a query before each of its clauses; with is not among them.
func clauses(nodes []*node) []clause {
	var list []clause
	pipe := false
	for i := 0; i < len(nodes); i++ {
		if nodes[i].punct("|>") {
			pipe = true
			list = append(list, clause{kind: "|>", nodes: nodes[i : i+1]})
			continue
		}
		if kind, words := opening(nodes, i); words > 0 && !pipe {
			list = append(list, clause{kind: kind, words: words, nodes: nodes[i : i+words]})
			i += words - 1
			continue
		}
		if len(list) == 0 {
			list = append(list, clause{nodes: nodes[:0:0]})
		}
		c := &list[len(list)-1]
		c.nodes = append(c.nodes[:len(c.nodes):len(c.nodes)], nodes[i])
	}
	return list
}

// queryDoc is a query, its clauses apart by lines of the group around it.
func queryDoc(nodes []*node) doc {
	docs := []doc{lead(nodes[0].open)}
	if nodes[0].word() == "with" && len(nodes) > 1 && nodes[1].leaf() {
		with, after := withDoc(nodes)
		docs = append(docs, with)
		if len(after) == 0 {
			return cat(docs...)
		}
		docs = append(docs, line{hard: true, blank: true})
		nodes = after
	}
	list := clauses(nodes)
	for i := 0; i < len(list); i++ {
		c := list[i]
		if i > 0 {
			docs = append(docs, line{blank: c.nodes[0].open.blank}, lead(c.nodes[0].open))
		}
		if i+1 < len(list) && short(list[i:]) {
			i++
			docs = append(docs, grouped(cat(columns(c).doc, line{}, clauseDoc(list[i])), false))
			continue
		}
		docs = append(docs, clauseDoc(c))
	}
	return cat(docs...)
}

// short says whether a select and its from share a line if they fit: select *
// from one table always does, others where the author wrote them so.
func short(list []clause) bool {
	sel, from := list[0], list[1]
	first := from.nodes[0].open
	if sel.kind != "select" || from.kind != "from" || first.onOwnLine() || sel.nodes[len(sel.nodes)-1].last().endsLine() ||
		len(list) > 2 && list[2].kind == "join" ||
		slices.ContainsFunc(from.nodes, func(n *node) bool { return !n.leaf() || n.punct(",") }) {
		return false
	}
	if len(sel.nodes) == 2 && sel.nodes[1].punct("*") {
		return true
	}
	return !first.newline &&
		!slices.ContainsFunc(sel.nodes[1:], func(n *node) bool { return n.open.newline || severalLines(n) })
}

func clauseDoc(c clause) doc {
	switch body := c.nodes[c.words:]; c.kind {
	case "select":
		return columns(c).group()
	case "group", "order", "window", "from":
		if len(body) > 0 {
			return listClause(c)
		}
	case "join":
		return joinDoc(c)
	case "where", "having", "qualify":
		if len(body) > 0 {
			return cat(wordsDoc(c.nodes[:c.words]), hanging(c.nodes[c.words-1:]))
		}
	case "union":
		for i, n := range body {
			if n.bracket("(") && isQuery(n.kids) {
				at := c.words + i
				return cat(wordsDoc(c.nodes[:at]), line{}, chainDoc(c.nodes[at:]))
			}
		}
	case "|>":
		return pipeDoc(c)
	case "":
		return otherDoc(c)
	}
	return wordsDoc(c.nodes)
}

// columns is select with its columns, one a line unless the author put them
// all on one.
func columns(c clause) list {
	for c.words < len(c.nodes) {
		w := c.nodes[c.words].word()
		if w != "distinct" && w != "all" && w != "as" && (c.words == 0 || c.nodes[c.words-1].word() != "as") {
			break
		}
		c.words++
	}
	head := wordsDoc(c.nodes[:c.words])
	if c.words == len(c.nodes) {
		return list{doc: head}
	}
	parts := items(c.nodes[c.words:])
	if len(parts) == 1 && !parts[0].first().newline {
		return list{doc: cat(head, between(c.nodes, c.words), partDoc(parts[0]))}
	}
	return listed(head, parts)
}

// items cuts a list at its commas.
func items(nodes []*node) []part {
	var parts []part
	open := false
	for _, n := range nodes {
		if !open {
			parts = append(parts, part{})
		}
		p := &parts[len(parts)-1]
		if open = !n.punct(","); open {
			p.nodes = append(p.nodes, n)
		} else {
			p.comma = n.open
		}
	}
	return parts
}

// listClause is a clause of items: from, group by, order by, window.
func listClause(c clause) doc {
	head, parts := wordsDoc(c.nodes[:c.words]), items(c.nodes[c.words:])
	if len(parts) > 1 {
		return listed(head, parts).group()
	}
	if c.kind == "from" {
		// The whole clause tells where a dash is a part of a table's name.
		return sumDoc(c.nodes)
	}
	return cat(head, between(c.nodes, c.words), partDoc(parts[0]))
}

// joinDoc is a join with its condition on a line of its own.
func joinDoc(c clause) doc {
	on := slices.IndexFunc(c.nodes, func(n *node) bool { return n.word() == "on" })
	if on < 0 {
		return wordsDoc(c.nodes)
	}
	condition := c.nodes[on:]
	var docs []doc
	if len(splitLogical(condition, "or")) > 1 {
		docs = append(docs, line{}, leafDoc(condition[0].open), rest(condition))
	} else {
		for _, part := range splitLogical(condition, "and") {
			docs = append(docs, line{blank: part[0].open.blank && len(docs) > 0}, leafDoc(part[0].open), rest(part))
		}
	}
	return cat(wordsDoc(c.nodes[:on]), indent{cat(docs...)})
}

// pipeDoc is a pipe operator: one line, or an item a line.
func pipeDoc(c clause) doc {
	words := min(2, len(c.nodes))
	if len(c.nodes) > 3 && c.nodes[1].word() == "order" {
		words = 3
	}
	if parts := items(c.nodes[words:]); len(parts) > 1 {
		return listed(wordsDoc(c.nodes[:words]), parts).group()
	}
	return indent{chainDoc(c.nodes)}
}

// otherDoc is what stands before the first clause of a query: a statement of
// another kind, or the first of several queries in parentheses.
func otherDoc(c clause) doc {
	parts := items(c.nodes)
	docs := make([]doc, 0, 2*len(parts))
	for i, p := range parts {
		if i > 0 {
			docs = append(docs, line{flat: true})
		}
		docs = append(docs, partDoc(p))
	}
	return cat(docs...)
}

// withDoc is the CTEs, apart by empty lines, and the nodes after them.
func withDoc(nodes []*node) (doc, []*node) {
	words := 1
	if nodes[1].word() == "recursive" && len(nodes) > 2 && nodes[2].leaf() {
		words = 2
	}
	docs := []doc{wordsDoc(nodes[:words])}
	start := words
	for i := words; i < len(nodes); i++ {
		if !nodes[i].bracket("(") || i == start || nodes[i-1].word() != "as" && nodes[i-1].word() != "materialized" {
			continue
		}
		docs = append(docs, line{hard: true, blank: true})
		docs = append(docs, wordsDoc(nodes[start:i]), line{flat: true}, cteDoc(nodes[i]))
		start = i + 1
		if start == len(nodes) || !nodes[start].punct(",") {
			break
		}
		docs = append(docs, leafDoc(nodes[start].open))
		start++
	}
	return cat(docs...), nodes[start:]
}

// cteDoc is the query of a CTE, never on one line with its name.
func cteDoc(n *node) doc {
	before := lead(n.open)
	d := bracketDoc(n)
	if g, ok := d.(group); ok {
		d = grouped(g.doc, true)
	}
	return cat(before, d)
}
