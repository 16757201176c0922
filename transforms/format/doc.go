package format

import (
	"strings"
	"unicode/utf8"
)

// doc is a text with choices: what may be broken over lines and what may not.
// A group stands on one line if it fits, else each of its own breaks is taken.
type doc interface{ traits() traits }

// traits are what a doc does to the group around it.
type traits struct {
	must    bool // it cannot stand on one line
	comment bool // a comment waits for the end of the line
	line    bool // it holds a break
}

type (
	text   string // written as it is
	concat struct {
		parts []doc
		all   traits
	}
	indent struct{ doc }
	group  struct {
		doc
		must bool
	}
	// line is a break: else a space, or nothing where soft. A flat one is a space
	// in any case, and a hard one always a break.
	line struct{ soft, hard, blank, flat bool }
	// fresh begins a line unless the line is empty so far.
	fresh struct{}
	// suffix waits for the end of the line: a comment.
	suffix string
	// fill breaks only before the parts that do not fit.
	fill []string
)

func (t text) traits() traits   { return traits{must: strings.Contains(string(t), "\n")} }
func (c concat) traits() traits { return c.all }
func (i indent) traits() traits { return i.doc.traits() }
func (l line) traits() traits   { return traits{must: l.hard, line: true} }
func (fresh) traits() traits    { return traits{must: true, line: true} }
func (suffix) traits() traits   { return traits{comment: true} }
func (fill) traits() traits     { return traits{} }

func (g group) traits() traits {
	t := g.doc.traits()
	t.must = g.must
	return t
}

func cat(parts ...doc) concat {
	c := concat{parts: parts}
	for _, part := range parts {
		t := part.traits()
		// A break after a comment that ends the line has to be taken.
		c.all.must = c.all.must || t.must || c.all.comment && t.line
		c.all.comment = c.all.comment || t.comment
		c.all.line = c.all.line || t.line
	}
	return c
}

func forced(d doc) bool { return d.traits().must }

func grouped(d doc, broken bool) group { return group{doc: d, must: broken || forced(d)} }

// flatWidth is how long the doc is on one line, or more than any line if it
// cannot stand on one.
func flatWidth(d doc) int {
	if forced(d) {
		return 10 * Width
	}
	switch d := d.(type) {
	case text:
		return utf8.RuneCountInString(string(d))
	case concat:
		n := 0
		for _, part := range d.parts {
			n += flatWidth(part)
		}
		return n
	case fill:
		return utf8.RuneCountInString(strings.Join(d, " "))
	case indent:
		return flatWidth(d.doc)
	case group:
		return flatWidth(d.doc)
	case line:
		if !d.soft {
			return 1
		}
	}
	return 0
}

// command is a doc to be written at an indent, on one line or broken.
type command struct {
	doc    doc
	indent int
	broken bool
}

type printer struct {
	out     strings.Builder
	column  int
	pending []string // suffixes of the line
	empty   bool     // nothing but indentation is on the line
	opened  bool     // the line above opened a bracket, or there is none
	owed    int      // spaces before the next text
}

// render writes the doc.
func render(d doc) string {
	p := &printer{empty: true, opened: true}
	stack := []command{{doc: d, broken: true}}
	for len(stack) > 0 {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch d := c.doc.(type) {
		case text:
			p.write(string(d))
		case suffix:
			p.pending = append(p.pending, string(d))
		case concat:
			for i := len(d.parts) - 1; i >= 0; i-- {
				stack = append(stack, command{d.parts[i], c.indent, c.broken})
			}
		case indent:
			stack = append(stack, command{d.doc, c.indent + indentWidth, c.broken})
		case group:
			broken := d.must || c.broken && !p.fits(command{d.doc, c.indent, false}, stack)
			stack = append(stack, command{d.doc, c.indent, broken})
		case fresh:
			if !p.empty || len(p.pending) > 0 {
				p.newline(c.indent, false)
			}
		case line:
			switch {
			case c.broken && !d.flat, d.hard, len(p.pending) > 0:
				p.newline(c.indent, d.blank)
			case !d.soft:
				p.owed = 1
			}
		case fill:
			p.filled(d, c.indent)
		}
	}
	p.newline(0, false)
	return strings.TrimLeft(p.out.String(), "\n")
}

// filled writes the parts, as many on a line as fit.
func (p *printer) filled(parts fill, indent int) {
	for i, part := range parts {
		if i > 0 {
			p.owed = 1
			if p.column+1+utf8.RuneCountInString(part) > Width {
				p.newline(indent, false)
			}
		}
		p.write(part)
	}
}

func (p *printer) write(s string) {
	if s == "" {
		return
	}
	if p.owed > 0 && !p.empty {
		p.out.WriteString(strings.Repeat(" ", p.owed))
		p.column += p.owed
	}
	p.owed = 0
	if p.empty {
		p.out.WriteString(strings.Repeat(" ", p.column))
	}
	p.out.WriteString(s)
	p.empty = false
	p.opened = s == "(" || s == "[" || s == "<" || s == "{"
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		p.column = utf8.RuneCountInString(s[i+1:])
	} else {
		p.column += utf8.RuneCountInString(s)
	}
}

// newline ends the line, its comments first, and begins the next at indent.
func (p *printer) newline(indent int, blank bool) {
	opened := p.opened
	for _, comment := range p.pending {
		p.owed = 1
		p.write(comment)
		p.opened = opened
	}
	p.pending = p.pending[:0]
	if blank && !p.opened {
		p.out.WriteByte('\n')
		p.opened = true // no second one
	}
	if !p.empty {
		p.out.WriteByte('\n')
	}
	p.column, p.empty, p.owed = indent, true, 0
}

// fits says whether the command and what follows it up to the next possible
// break stand on the rest of the line. Comments at its end do not count.
func (p *printer) fits(c command, rest []command) bool {
	left := Width - p.column - p.owed
	stack := []command{c}
	for left >= 0 {
		if len(stack) == 0 {
			if len(rest) == 0 {
				return true
			}
			stack = append(stack, rest[len(rest)-1])
			rest = rest[:len(rest)-1]
		}
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch d := c.doc.(type) {
		case text:
			if head, _, several := strings.Cut(string(d), "\n"); several {
				return utf8.RuneCountInString(head) <= left
			}
			left -= utf8.RuneCountInString(string(d))
		case concat:
			for i := len(d.parts) - 1; i >= 0; i-- {
				stack = append(stack, command{d.parts[i], c.indent, c.broken})
			}
		case indent:
			stack = append(stack, command{d.doc, c.indent, c.broken})
		case group:
			stack = append(stack, command{d.doc, c.indent, d.must || c.broken})
		case fill:
			left -= flatWidth(d)
		case line:
			if c.broken && !d.flat || d.hard {
				return true
			}
			if !d.soft {
				left--
			}
		case fresh:
			return true
		}
	}
	return false
}
