package format

import "slices"

// part is an item of a list, with the comma after it.
type part struct {
	nodes []*node
	comma *tok
}

// section is a list of items, after a heading such as order by.
type section struct {
	heading []*node
	parts   []part
}

// bracketDoc is what stands in brackets: a query or a list.
func bracketDoc(n *node) doc {
	open, close, last := leafDoc(n.open), leafDoc(n.close), doc(text(""))
	if n.close.onOwnLine() {
		// Comments above the closing bracket are indented like what they follow.
		bare := *n.close
		bare.notes = nil
		close, last = leafDoc(&bare), cat(line{hard: true, blank: n.close.blank}, notesDoc(n.close.notes))
	}
	if len(n.kids) == 0 {
		return grouped(cat(open, indent{last}, line{soft: true}, close), false)
	}
	if n.open.punct("(") && isQuery(n.kids) {
		return grouped(cat(open, indent{cat(line{soft: true}, queryDoc(n.kids), last)}, line{soft: true}, close),
			severalLines(n))
	}
	sections := split(n.kids)
	newline := n.kids[0].open.newline
	single := len(sections) == 1 && len(sections[0].parts) == 1 && len(sections[0].heading) == 0
	if single && !newline && !forced(last) && !n.open.endsLine() &&
		!n.kids[len(n.kids)-1].last().endsLine() && hugs(sections[0].parts[0].nodes) {
		return cat(open, partDoc(sections[0].parts[0]), close)
	}
	kept := newline && n.close.newline
	var body []doc
	for i, s := range sections {
		if i > 0 {
			body = append(body, line{blank: s.first().blank}, lead(s.first()))
		}
		body = append(body, sectionDoc(s, kept))
	}
	return grouped(cat(open, indent{cat(line{soft: true}, cat(body...), last)}, line{soft: true}, close), kept)
}

// severalLines says whether the author's brackets end on a later line.
func severalLines(n *node) bool {
	if !n.leaf() && n.close.newline {
		return true
	}
	return slices.ContainsFunc(n.kids, func(kid *node) bool { return kid.open.newline || severalLines(kid) })
}

// split cuts the content of brackets into sections and items.
func split(nodes []*node) []section {
	sections := []section{{}}
	for i := 0; i < len(nodes); i++ {
		s := &sections[len(sections)-1]
		if heading := headingLen(nodes, i); heading > 0 {
			if len(s.parts) > 0 || len(s.heading) > 0 {
				sections = append(sections, section{})
				s = &sections[len(sections)-1]
			}
			s.heading = nodes[i : i+heading]
			i += heading - 1
			continue
		}
		if len(s.parts) == 0 || s.parts[len(s.parts)-1].comma != nil {
			s.parts = append(s.parts, part{})
		}
		p := &s.parts[len(s.parts)-1]
		if nodes[i].punct(",") {
			p.comma = nodes[i].open
		} else {
			p.nodes = append(p.nodes, nodes[i])
		}
	}
	return sections
}

// headingLen is how many words at i begin a section in brackets.
func headingLen(nodes []*node, i int) int {
	next := ""
	if i+1 < len(nodes) {
		next = nodes[i+1].word()
	}
	switch nodes[i].word() {
	case "partition", "order":
		if next == "by" {
			return 2
		}
	case "rows", "range", "groups":
		if next == "between" || next == "unbounded" || next == "current" || i > 0 && next == "" && i+2 < len(nodes) && nodes[i+2].word() == "preceding" {
			return 1
		}
	case "limit":
		if i > 0 {
			return 1
		}
	}
	return 0
}

func (s section) first() *tok {
	if len(s.heading) > 0 {
		return s.heading[0].open
	}
	return s.parts[0].first()
}

func (p part) first() *tok {
	if len(p.nodes) > 0 {
		return p.nodes[0].open
	}
	return p.comma
}

// sectionDoc is a section; kept says that the author's lines stay.
func sectionDoc(s section, kept bool) doc {
	if len(s.heading) == 0 {
		return rowsDoc(s.parts, kept)
	}
	head := wordsDoc(s.heading)
	if len(s.parts) == 0 {
		return head
	}
	return listed(head, s.parts).group()
}

// list is a heading with its items on lines of the group around it.
type list struct {
	doc
	broken bool // by the author
}

func (l list) group() doc { return grouped(l.doc, l.broken) }

// listed is a heading with its items: on one line, or each on one below it.
func listed(head doc, parts []part) list {
	broken := false
	docs := []doc{line{}}
	for i, p := range parts {
		if i > 0 {
			docs = append(docs, line{blank: p.first().blank})
		}
		broken = broken || p.first().newline
		docs = append(docs, partDoc(p))
	}
	return list{doc: cat(head, indent{cat(docs...)}), broken: broken}
}

// rowsDoc is a list without a heading. Where the author's lines are kept, items
// that share a line go on doing so.
func rowsDoc(parts []part, kept bool) doc {
	if !kept && len(parts) > 8 {
		if f := fillDoc(parts); f != nil {
			return f
		}
	}
	var docs, row []doc
	flush := func() {
		if len(row) == 1 {
			docs = append(docs, row[0])
		} else {
			docs = append(docs, grouped(cat(row...), false))
		}
		row = nil
	}
	for i, p := range parts {
		switch {
		case i == 0:
		case kept && !p.first().newline && !parts[i-1].ends():
			row = append(row, line{})
		default:
			flush()
			docs = append(docs, line{blank: p.first().blank})
		}
		row = append(row, partDoc(p))
	}
	flush()
	return cat(docs...)
}

// ends says whether a comment ends the line after the item.
func (p part) ends() bool {
	return p.comma != nil && p.comma.endsLine()
}

// fillDoc is a long list of literals, as many on a line as fit.
func fillDoc(parts []part) doc {
	f := make(fill, len(parts))
	for i, p := range parts {
		if !literals(p.nodes) || p.comma != nil && len(p.comma.trail) > 0 {
			return nil
		}
		for j, n := range p.nodes {
			if j > 0 {
				f[i] += gap(p.nodes, j)
			}
			f[i] += n.open.print
		}
		if p.comma != nil {
			f[i] += ","
		}
	}
	return f
}

func partDoc(p part) doc {
	var d doc
	if len(p.nodes) == 1 && p.nodes[0].bracket("(") && row(p.nodes[0]) {
		d = rowDoc(p.nodes[0])
	} else {
		d = chainDoc(p.nodes)
	}
	if p.comma == nil {
		return d
	}
	return cat(d, leafDoc(p.comma))
}

// rowDoc is a row of literals, which is never broken.
func rowDoc(n *node) doc {
	docs := []doc{leafDoc(n.open)}
	for i, p := range split(n.kids)[0].parts {
		if i > 0 {
			docs = append(docs, text(" "))
		}
		docs = append(docs, partDoc(p))
	}
	return cat(append(docs, leafDoc(n.close))...)
}

func wordsDoc(nodes []*node) doc {
	docs := []doc{nodeDoc(nodes[0])}
	for i := 1; i < len(nodes); i++ {
		docs = append(docs, between(nodes, i), nodeDoc(nodes[i]))
	}
	return cat(docs...)
}

// hugs says whether an only argument stands between the brackets of its call
// without lines of its own: max(if( … )).
func hugs(nodes []*node) bool {
	if len(nodes) == 0 || nodes[0].open.onOwnLine() {
		return false
	}
	if len(nodes) == 1 {
		return nodes[0].leaf() || nodes[0].bracket("[")
	}
	if nodes[len(nodes)-1].leaf() {
		return false
	}
	for i, n := range nodes {
		switch {
		case i > 0 && gap(nodes, i) == " " && nodes[i-1].word() != "distinct":
			return false
		case n.isCase(), n.open.endsLine(), n.open.onOwnLine():
			return false
		}
	}
	return true
}

// row says whether the brackets hold a row of literals: data keeps one line.
func row(n *node) bool {
	sections := split(n.kids)
	if len(n.kids) == 0 || len(sections) != 1 || len(sections[0].heading) > 0 || n.kids[0].open.newline || n.close.newline ||
		n.close.onOwnLine() || n.open.endsLine() {
		return false
	}
	for _, p := range sections[0].parts {
		if !literals(p.nodes) || p.comma != nil && (len(p.comma.trail) > 0 || len(p.comma.notes) > 0) {
			return false
		}
	}
	return true
}
