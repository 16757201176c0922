package duck

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

func (w *writer) aggregateScan(r *syntax.Resolved) *block {
	b := w.groupable(w.open(w.scan(firstScan(r))), r)
	b.order = ""
	made := map[int]string{}
	keys := map[int]string{}
	var groups, sets []string
	for _, kid := range r.Kids {
		switch {
		case isScan(kid):
		case kid.Kind == "ComputedColumn" && kid.Kids[0].Kind == "AggregateFunctionCall":
			made[kid.Columns[0].ID] = w.expr(kid.Kids[0])
		case kid.Kind == "ComputedColumn":
			text := w.low.names[kid.Columns[0].ID]
			if text == "" {
				text = w.typed(w.expr(kid.Kids[0]), kid.Kids[0])
			}
			made[kid.Columns[0].ID], keys[kid.Columns[0].ID] = text, text
			groups = append(groups, text)
		}
	}
	for _, kid := range r.Kids {
		switch kid.Kind {
		case "GroupingSet", "Rollup", "Cube":
			sets = append(sets, w.groupingSet(kid, keys))
		case "GroupingCall":
			made[kid.Columns[0].ID] = "CAST(grouping(" + keys[kid.Kids[0].Columns[0].ID] + ") AS BIGINT)"
		case "ComputedColumn":
		default:
			if !isScan(kid) {
				w.failScan(kid, "this GROUP BY does not run on DuckDB", "list the keys")
			}
		}
	}
	b.made, b.grouped = made, "yes"
	switch {
	case sets != nil:
		b.group = "GROUPING SETS (" + strings.Join(sets, ", ") + ")"
	case groups != nil:
		b.group = strings.Join(groups, ", ")
	default:
		b.group = "()"
	}
	return b
}

// groupable computes keys that are subqueries before the aggregation.
func (w *writer) groupable(b *block, r *syntax.Resolved) *block {
	made := map[int]string{}
	wider := *b.scan
	wider.Columns = slices.Clone(wider.Columns)
	for _, kid := range r.Kids {
		if kid.Kind == "ComputedColumn" && findScan(kid.Kids[0], "SubqueryExpr") && kid.Kids[0].Kind != "AggregateFunctionCall" {
			made[kid.Columns[0].ID] = w.typed(w.expr(kid.Kids[0]), kid.Kids[0])
			wider.Columns = append(wider.Columns, kid.Columns[0])
		}
	}
	if len(made) == 0 {
		return b
	}
	b.made, b.scan = made, &wider
	return w.closed(b)
}

// groupingSet writes one grouping set, whose keys are references to the keys.
func (w *writer) groupingSet(r *syntax.Resolved, keys map[int]string) string {
	parts := make([]string, len(r.Kids))
	for i, kid := range r.Kids {
		switch {
		case kid.Kind == "ColumnRef" && keys[kid.Columns[0].ID] != "":
			parts[i] = keys[kid.Columns[0].ID]
		case kid.Kind == "GroupingSetMultiColumn":
			parts[i] = w.groupingSet(kid, keys)
		default:
			w.failScan(kid, "this grouping set does not run on DuckDB", "list the keys")
		}
	}
	word := map[string]string{"Rollup": "ROLLUP ", "Cube": "CUBE "}[r.Kind]
	return word + "(" + strings.Join(parts, ", ") + ")"
}

func (w *writer) analyticScan(r *syntax.Resolved) *block {
	b := w.open(w.scan(firstScan(r)))
	made := map[int]string{}
	for _, group := range r.Kids {
		if isScan(group) {
			continue
		}
		if group.Kind != "AnalyticFunctionGroup" {
			w.failScan(group, "this window does not run on DuckDB", "write OVER (PARTITION BY … ORDER BY …)")
		}
		var parts []string
		var ordering []*syntax.Resolved
		for _, kid := range group.Kids {
			switch kid.Kind {
			case "WindowPartitioning":
				keys := make([]string, len(kid.Kids))
				for i, key := range kid.Kids {
					keys[i] = w.expr(key)
				}
				parts = append(parts, "PARTITION BY "+strings.Join(keys, ", "))
			case "WindowOrdering":
				ordering = kid.Kids
			case "ComputedColumn":
				made[kid.Columns[0].ID] = w.windowOf(kid.Kids[0], parts, ordering)
			}
		}
	}
	b.made = made
	return b
}

// windowOf writes a window function over a partition and an order.
func (w *writer) windowOf(r *syntax.Resolved, parts []string, ordering []*syntax.Resolved) string {
	at := span{r.Start, r.End}
	parts = slices.Clone(parts)
	if ordering != nil {
		parts = append(parts, w.orderOf(ordering))
	}
	for _, kid := range r.Kids {
		if kid.Kind != "WindowFrame" || kid.Start < 0 {
			continue
		}
		frame := w.low.nodes[span{kid.Start, kid.End}]
		if frame == nil {
			w.failScan(kid, "this window frame does not run on DuckDB", "write ROWS BETWEEN …")
		}
		if w.hasOffset(frame) {
			if len(ordering) != 1 {
				w.failScan(kid, "a RANGE with an offset over several keys does not run on DuckDB", "order by one key")
			}
			parts[len(parts)-1] = w.rangeKey(ordering[0])
		}
		parts = append(parts, w.inScan(func() string { return w.node(frame) }))
	}
	w.low.over[at] = " OVER (" + strings.Join(parts, " ") + ")"
	return w.expr(r)
}

// orderOf writes ORDER BY with the items of a scan.
func (w *writer) orderOf(items []*syntax.Resolved) string {
	texts := make([]string, len(items))
	for i, item := range items {
		if item.Kind != "OrderByItem" || strings.Contains(item.Mode, "COLLATE") {
			w.failScan(item, "this ORDER BY does not run on DuckDB", "order by columns")
		}
		text := w.expr(item.Kids[0])
		descending := strings.Contains(item.Mode, "DESC")
		if descending {
			text += " DESC"
		}
		switch {
		case strings.Contains(item.Mode, "NULLS LAST"):
			text += " NULLS LAST"
		case strings.Contains(item.Mode, "NULLS FIRST") || !descending:
			text += " NULLS FIRST"
		}
		texts[i] = nanFirst(item, w.expr(item.Kids[0])) + text
	}
	return "ORDER BY " + strings.Join(texts, ", ")
}
