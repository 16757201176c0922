package duck

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

func (w *writer) limitScan(r *syntax.Resolved) *block {
	b := w.scan(r.Kids[0])
	if b.limit != "" || b.whole != "" {
		b = w.closed(b)
	}
	for i, word := range []string{"LIMIT ", "OFFSET "} {
		if len(r.Kids) <= i+1 {
			break
		}
		if b.limit != "" {
			b.limit += " "
		} else {
			b.limit = "\n"
		}
		count := w.expr(r.Kids[i+1])
		switch n := w.low.nodes[span{r.Kids[i+1].Start, r.Kids[i+1].End}]; {
		case r.Kids[i+1].Kind == "Literal" && (strings.Contains(count, "-") || strings.Contains(count, "NULL")), n != nil && !isCount(n):
			w.failScan(r.Kids[i+1], "LIMIT and OFFSET take a constant that is not negative", "write a number, or number the rows with ROW_NUMBER")
		case r.Kids[i+1].Kind != "Literal":
			count = "bq.rows(" + count + ")"
		}
		b.limit += word + strings.TrimSuffix(count, "::BIGINT")
	}
	return b
}

var setWords = map[string]string{
	"UnionAll": "UNION ALL", "UnionDistinct": "UNION", "IntersectAll": "INTERSECT ALL", "IntersectDistinct": "INTERSECT",
	"ExceptAll": "EXCEPT ALL", "ExceptDistinct": "EXCEPT",
}

func (w *writer) setScan(r *syntax.Resolved) *block {
	word := setWords[r.Attr]
	if word == "" {
		w.failScan(r, "this set operation does not run on DuckDB", "write UNION ALL")
	}
	names := w.outputs(r)
	var branches []string
	for i, item := range r.Kids {
		branches = append(branches, w.branch(item, names, i == 0))
	}
	return &block{whole: strings.Join(branches, "\n"+word+"\n")}
}

// branch writes one input of a set operation; the first names the columns.
func (w *writer) branch(item *syntax.Resolved, names []output, first bool) string {
	if item.Kind != "SetOperationItem" {
		w.failScan(item, "this set operation does not run on DuckDB", "write UNION ALL")
	}
	b := w.scan(firstScan(item))
	if b.whole != "" {
		b = w.closed(b)
	}
	// The item may read the columns of its scan in another order, or one twice.
	outputs := w.outputs(item)
	for i := range outputs {
		outputs[i].name = names[i].name
	}
	text := w.render(b, outputs)
	if b.order != "" || b.limit != "" || b.with != "" {
		return "(" + text + ")"
	}
	return text
}
