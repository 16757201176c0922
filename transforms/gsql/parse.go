package gsql

import "github.com/ripen-data/ripen/transforms/syntax"

// Parse returns the parse tree of one query: what can be said without a catalog.
// A fault is a *syntax.Diagnostic. The tree must not be changed.
func (e *Engine) Parse(src syntax.Source) (*syntax.Node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parse(src)
}
