package format

import "github.com/ripen-data/ripen/transforms/lex"

// breakable is the shortest operand that a long comparison or sum is broken at.
const breakable = 30

// leafDoc is a token with its comments.
func leafDoc(t *tok) doc {
	if len(t.notes) == 0 && len(t.trail) == 0 {
		return text(t.print)
	}
	parts := []doc{lead(t), text(t.print)}
	for _, c := range t.trail {
		parts = append(parts, suffix(c))
	}
	return cat(parts...)
}

// lead is the comments above a token, which is left without them: they stand
// before the group that the token begins and do not break it.
func lead(t *tok) doc {
	if len(t.notes) == 0 {
		return text("")
	}
	var before doc = fresh{}
	if t.notes[0].inline {
		before = text("")
	}
	var after doc = line{hard: true, blank: t.after}
	if t.notes[len(t.notes)-1].inline {
		after = text(" ")
	}
	d := cat(before, notesDoc(t.notes), after)
	t.notes = nil
	return d
}

// notesDoc is comments, each on its line.
func notesDoc(notes []note) doc {
	var parts []doc
	for i, n := range notes {
		switch {
		case i > 0 && notes[i-1].inline:
			parts = append(parts, text(" "))
		case i > 0:
			parts = append(parts, line{hard: true, blank: n.blank})
		}
		parts = append(parts, text(n.text))
	}
	return cat(parts...)
}

// nodeDoc is a token or a bracket.
func nodeDoc(n *node) doc {
	switch {
	case n.leaf():
		return leafDoc(n.open)
	case n.isCase():
		return cat(lead(n.open), caseDoc(n))
	}
	return cat(lead(n.open), bracketDoc(n))
}

// between is what stands between the nodes at i-1 and i where the line goes on.
func between(nodes []*node, i int) doc {
	g := gap(nodes, i)
	if nodes[i-1].last().endsLine() {
		return line{hard: true}
	}
	if g == " " {
		return line{flat: true}
	}
	return text("")
}

// chainDoc is an expression: its parts joined by or, then by and, then by other
// operators. All breaks of one level are taken together.
func chainDoc(nodes []*node) doc {
	if len(nodes) == 0 {
		return text("")
	}
	return cat(lead(nodes[0].open), chain(nodes))
}

func chain(nodes []*node) doc {
	for _, word := range []string{"or", "and"} {
		if parts := splitLogical(nodes, word); len(parts) > 1 {
			docs := []doc{chain(parts[0])}
			broken := false
			for _, part := range parts[1:] {
				operator := part[0].open
				broken = broken || operator.newline || len(part) > 1 && part[1].open.newline
				docs = append(docs, line{blank: operator.blank}, leafDoc(operator))
				if len(part) > 1 {
					docs = append(docs, between(part, 1), operandDoc(part[1:]))
				}
			}
			return grouped(cat(docs...), broken)
		}
	}
	return sumDoc(nodes)
}

// operandDoc is what follows and or or: a chain of its own level stands deeper.
func operandDoc(nodes []*node) doc {
	if len(splitLogical(nodes, "and")) > 1 {
		return indent{chainDoc(nodes)}
	}
	return chainDoc(nodes)
}

// splitLogical cuts nodes before each and or or of their own level; those of
// between … and … do not count.
func splitLogical(nodes []*node, word string) [][]*node {
	var parts [][]*node
	start, betweens := 0, 0
	for i, n := range nodes {
		switch n.word() {
		case "between":
			betweens++
		case "and":
			if betweens > 0 {
				betweens--
				continue
			}
		}
		if i > 0 && n.word() == word && nodes[i-1].word() != "group" {
			parts = append(parts, nodes[start:i])
			start = i
		}
	}
	return append(parts, nodes[start:])
}

// sumDoc is an expression without and and or. It is broken before operators
// where the author did, or between two long operands.
func sumDoc(nodes []*node) doc {
	var docs, operand []doc // of all operands so far, of the current one
	several, broken := false, false
	for i, n := range nodes {
		operator := binary(nodes, i) && n.open.Text != "=>" && n.open.Text != "->"
		switch {
		case i == 0:
		case operator && (n.open.newline || nodes[i+1].open.newline && !nodes[i+1].open.onOwnLine()):
			several, broken = true, true
			docs = append(append(docs, operand...), line{blank: n.open.blank})
			operand = nil
		case operator && flatWidth(cat(operand...)) >= breakable && sideWidth(nodes[i+1:]) >= breakable:
			several = true
			docs = append(append(docs, operand...), line{})
			operand = nil
		default:
			operand = append(operand, between(nodes, i))
		}
		operand = append(operand, nodeDoc(n))
	}
	d := cat(append(docs, operand...)...)
	if !several {
		return d
	}
	return grouped(d, broken)
}

// sideWidth is the width of the right side of an operator, up to the next one.
func sideWidth(nodes []*node) int {
	width := 0
	for i, n := range nodes {
		if i > 0 && (binary(nodes, i) || n.word() == "as") {
			break
		}
		if i > 0 {
			width += len(gap(nodes, i))
		}
		width += sourceWidth(n)
	}
	return width
}

// sourceWidth is about the width of a node on one line.
func sourceWidth(n *node) int {
	width := len(n.open.Text)
	for _, kid := range n.kids {
		width += 1 + sourceWidth(kid)
	}
	if n.close != nil {
		width += len(n.close.Text)
	}
	return width
}

// caseDoc is a case expression: on one line if the author had it so and it
// fits, else each when begins a line.
func caseDoc(n *node) doc {
	var rows [][]*node
	start := 0
	for i, kid := range n.kids {
		if w := kid.word(); (w == "when" || w == "else") && i > start {
			rows = append(rows, n.kids[start:i])
			start = i
		}
	}
	if len(n.kids) > 0 {
		rows = append(rows, n.kids[start:])
	}
	head := []doc{leafDoc(n.open)}
	var body []doc
	broken := n.close.newline
	for _, row := range rows {
		first := row[0]
		switch first.word() {
		case "when", "else":
			broken = broken || first.open.newline
			body = append(body, line{blank: first.open.blank && len(body) > 0}, lead(first.open), whenDoc(row))
		default:
			head = append(head, line{flat: true}, chainDoc(row))
		}
	}
	return grouped(cat(cat(head...), indent{cat(body...)}, line{}, leafDoc(n.close)), broken)
}

// whenDoc is when … then …, or else ….
func whenDoc(row []*node) doc {
	for i, n := range row {
		if i == 0 || n.word() != "then" {
			continue
		}
		value := cat(leafDoc(n.open), rest(row[i:]))
		condition := hanging(row[:i])
		if forced(value) && !n.open.newline {
			return cat(leafDoc(row[0].open), condition, line{flat: true}, value)
		}
		return grouped(cat(leafDoc(row[0].open), condition, indent{cat(line{}, value)}), n.open.newline)
	}
	return cat(leafDoc(row[0].open), hanging(row))
}

// rest is the expression after the first node, with the space before it.
func rest(nodes []*node) doc {
	if len(nodes) < 2 {
		return text("")
	}
	return cat(between(nodes, 1), chainDoc(nodes[1:]))
}

// hanging is the expression after the first node, whose further lines are
// indented if it has several conditions.
func hanging(nodes []*node) doc {
	for _, word := range []string{"and", "or"} {
		if len(splitLogical(nodes[1:], word)) > 1 {
			return indent{rest(nodes)}
		}
	}
	return rest(nodes)
}

// literals says whether the nodes are one value that is spelled out.
func literals(nodes []*node) bool {
	for i, n := range nodes {
		switch {
		case !n.leaf(), len(n.open.notes) > 0, len(n.open.trail) > 0:
			return false
		case n.open.Kind == lex.String, n.open.Kind == lex.Number, n.punct("-"):
		case n.word() == "null", n.word() == "true", n.word() == "false":
		case n.open.Kind == lex.Identifier && i+1 < len(nodes) && nodes[i+1].leaf() && nodes[i+1].open.Kind == lex.String:
		default:
			return false
		}
	}
	return len(nodes) > 0
}
