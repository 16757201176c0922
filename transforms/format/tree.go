package format

import "github.com/ripen-data/ripen/transforms/lex"

// node is a token, or what stands between two brackets or between case and end.
type node struct {
	open  *tok
	close *tok // nil for a token
	kids  []*node
	path  bool // it follows a dot: a name, whatever it looks like
}

func (n *node) leaf() bool   { return n.close == nil }
func (n *node) first() *tok  { return n.open }
func (n *node) isCase() bool { return !n.leaf() && n.open.word() == "case" }

func (n *node) last() *tok {
	if n.close != nil {
		return n.close
	}
	return n.open
}

// word is the keyword that the node may be, or empty.
func (n *node) word() string {
	if !n.leaf() || n.path {
		return ""
	}
	return n.open.word()
}

func (n *node) punct(text string) bool { return n.leaf() && n.open.punct(text) }

// bracket says whether the node is a pair of brackets that opens with text.
func (n *node) bracket(text string) bool { return !n.leaf() && n.open.punct(text) }

var closers = map[string]string{"(": ")", "[": "]", "{": "}", "<": ">"}

// tree nests the tokens.
func tree(toks []*tok) ([]*node, error) {
	root := &node{}
	stack := []*node{root}
	for i, t := range toks {
		top := stack[len(stack)-1]
		n := &node{open: t, path: i > 0 && toks[i-1].punct(".")}
		switch {
		case t.punct("("), t.punct("["), t.punct("{"), t.punct("<") && opensType(top.kids),
			t.word() == "case" && !n.path:
			top.kids = append(top.kids, n)
			stack = append(stack, n)
			continue
		case t.punct(")"), t.punct("]"), t.punct("}"), t.punct(">") && top.open != nil && top.open.punct("<"):
			if top.open == nil || closers[top.open.Text] != t.Text {
				return nil, unbalanced(top.open, t)
			}
			top.close = t
			stack = stack[:len(stack)-1]
			continue
		case t.word() == "end" && !n.path && top.open != nil && top.open.word() == "case":
			top.close = t
			stack = stack[:len(stack)-1]
			continue
		}
		top.kids = append(top.kids, n)
	}
	if top := stack[len(stack)-1]; top != root {
		return nil, unbalanced(top.open, nil)
	}
	return root.kids, nil
}

// opensType says whether < after the nodes opens a type.
func opensType(before []*node) bool {
	if len(before) == 0 {
		return false
	}
	switch before[len(before)-1].word() {
	case "array", "struct", "range":
		return true
	}
	return false
}

func unbalanced(open, close *tok) error {
	switch {
	case open == nil:
		return &lex.Error{Offset: close.Start, Message: close.Text + " closes nothing", Hint: "leave it out or open it"}
	case open.word() == "case":
		return &lex.Error{Offset: open.Start, Message: "case has no end", Hint: "close it with end"}
	case close == nil:
		return &lex.Error{Offset: open.Start, Message: open.Text + " is not closed", Hint: "close it with " + closers[open.Text]}
	}
	return &lex.Error{
		Offset: close.Start, Message: open.Text + " is closed by " + close.Text, Hint: "close it with " + closers[open.Text],
	}
}
