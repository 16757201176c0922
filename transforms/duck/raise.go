package duck

import (
	"github.com/ripen-data/ripen/schemas"
)

// errorCall writes ERROR(message): a cast that fails, because DuckDB's own counts
// as volatile, and SAFE. refuses volatile expressions.
func (w *writer) errorCall(c call) string {
	t, ok := w.raised[spanOf(c.args[0])]
	if !ok {
		t = w.typeWanted(c.node)
	}
	text := "CAST('ERROR: ' || coalesce(" + w.node(c.args[0]) + ", 'NULL') AS BIGINT)"
	switch t.Kind {
	case schemas.Int64:
		return w.comments(c.node) + text
	case schemas.Array, schemas.Struct, schemas.JSON, "":
		w.fail(c.node, "ERROR as "+string(t.Kind)+" does not run on DuckDB", "use it as a number or a text")
	}
	return w.comments(c.node) + "CAST(CAST(" + text + " AS VARCHAR) AS " + w.duckType(c.node, t) + ")"
}
