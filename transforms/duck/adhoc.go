package duck

import (
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// CompileAdHoc is Compile for a query whose rows are read and not stored: columns
// of its result may have no name or that of another, and may be JSON or INTERVAL.
// An array that is NULL stays NULL.
func CompileAdHoc(stmt *syntax.Statement) (Compiled, error) {
	return compile(stmt, true)
}

// checkAdHoc refuses columns that cannot even be read.
func (w *writer) checkAdHoc(columns []schemas.Column) {
	for i, c := range columns {
		at := w.outputColumn(i)
		if last := firstKid(at, "SelectAs"); last != nil {
			w.fail(last, "SELECT AS STRUCT as the result does not run on DuckDB", "leave AS STRUCT out")
		}
		if !readable(c.Type) {
			w.fail(at, "column "+c.Name+" has a type that DuckDB has not", "cast it to STRING, INT64, NUMERIC, FLOAT64, DATE or TIMESTAMP")
		}
	}
}

func readable(t schemas.Type) bool {
	switch t.Kind {
	case schemas.Array:
		return readable(*t.Elem)
	case schemas.Struct:
		for _, f := range t.Fields {
			if !readable(f.Type) {
				return false
			}
		}
		return len(t.Fields) > 0
	}
	_, err := schemas.DuckDBType(t)
	return err == nil
}
