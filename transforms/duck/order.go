package duck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// orderBy spells out where NULLs go when the ascending order of DuckDB differs, and
// NaN, which is less than every number in GoogleSQL and more in DuckDB.
func (w *writer) orderBy(n *syntax.Node) string {
	w.reviewed(n, "OrderingExpression")
	items := w.selects
	return w.copyWith(n, func(kid *syntax.Node) string {
		w.reviewed(kid, "expr", "NullOrder")
		nulls := firstKid(kid, "NullOrder")
		value := ""
		text := w.copyWith(kid, func(part *syntax.Node) string {
			switch {
			case part.Kind == "NullOrder":
				return w.node(part)
			case part.Kind == "IntLiteral":
				value = w.text[part.Start:part.End]
			case part.Kind == "PathExpression" && len(part.Kids) == 1:
				// A bare name is the alias first, on both sides.
				w.selects = nil
				value = w.node(part)
				w.selects = items
			default:
				value = w.node(part)
			}
			if w.wide[part] {
				return "CAST(" + value + " AS HUGEINT)"
			}
			return value
		})
		if nulls == nil && kid.Attr != "DESC" {
			text += " NULLS FIRST"
		}
		return w.nanKey(kid, items) + text
	})
}

// nanKey is the key before a FLOAT64 key that puts NaN below all numbers.
func (w *writer) nanKey(ordering *syntax.Node, items []selectItem) string {
	key := ordering.Kids[0]
	if w.keyType(ordering).Kind != schemas.Float64 {
		return ""
	}
	value := ""
	if at, ok := w.isInteger(key); !ok {
		value = w.node(key)
	} else if items == nil {
		value = "#" + strconv.FormatInt(at, 10)
	} else if at <= int64(len(items)) && !slices.ContainsFunc(items, func(i selectItem) bool { return i.expr == nil }) {
		outer := w.selects
		w.selects = nil
		value = w.node(items[at-1].expr)
		w.selects = outer
	} else {
		w.fail(key, "ORDER BY a number does not run on DuckDB here for a FLOAT64", "write the column's name")
	}
	direction, nulls := " DESC", " NULLS FIRST"
	if ordering.Attr == "DESC" {
		direction, nulls = "", " NULLS LAST"
	}
	if order := firstKid(ordering, "NullOrder"); order != nil {
		nulls = " " + w.node(order)
	}
	return "isnan(" + value + ")" + direction + nulls + ", "
}

// ordersFloats reports whether a key of an ORDER BY, which may be nil, is a FLOAT64.
func (w *writer) ordersFloats(order *syntax.Node) bool {
	return order != nil && slices.ContainsFunc(order.Kids, func(kid *syntax.Node) bool { return w.keyType(kid).Kind == schemas.Float64 })
}

// keyType is the type of what an OrderingExpression orders by.
func (w *writer) keyType(ordering *syntax.Node) schemas.Type {
	if t, ok := w.keys[spanOf(ordering)]; ok {
		return t
	}
	return w.typeOf(ordering.Kids[0])
}

// windowSpecification writes OVER (…). Bounds of a RANGE are added to the key: as
// INT64 they may overflow, and as FLOAT64 they would put NaN where GoogleSQL does not.
func (w *writer) windowSpecification(n *syntax.Node) string {
	w.reviewed(n, "Identifier", "PartitionBy", "OrderBy", "WindowFrame")
	frame, order := firstKid(n, "WindowFrame"), firstKid(n, "OrderBy")
	if frame == nil || !w.hasOffset(frame) {
		return w.copy(n)
	}
	if order == nil || len(order.Kids) != 1 {
		w.fail(frame, "a RANGE with an offset over a named window does not run on DuckDB", "write ORDER BY beside the RANGE")
	}
	ordering := order.Kids[0]
	key := ordering.Kids[0]
	switch w.keyType(ordering).Kind {
	case schemas.Int64:
	case schemas.Numeric:
		return w.copy(n)
	default:
		w.fail(key, "a RANGE with an offset over "+w.keyType(ordering).String()+" does not run on DuckDB", "order by an INT64 or a NUMERIC")
	}
	w.wide[key] = true
	return w.copy(n)
}

// hasOffset reports whether a frame is a RANGE with a number in a bound.
func (w *writer) hasOffset(frame *syntax.Node) bool {
	if !slices.Contains(w.words(frame), "RANGE") && !strings.Contains(strings.ToUpper(frame.Attr), "RANGE") {
		return false
	}
	return slices.ContainsFunc(frame.Kids, func(bound *syntax.Node) bool {
		return slices.ContainsFunc(bound.Kids, func(kid *syntax.Node) bool { return kid.Kind != "Location" })
	})
}

// nanFirst is the key before a FLOAT64 key that puts NaN below all numbers.
func nanFirst(item *syntax.Resolved, value string) string {
	if t := item.Kids[0].Type; t == nil || t.Kind != schemas.Float64 {
		return ""
	}
	descending := strings.Contains(item.Mode, "DESC")
	direction, nulls := " DESC", " NULLS FIRST"
	if descending {
		direction, nulls = "", " NULLS LAST"
	}
	for _, place := range []string{" NULLS FIRST", " NULLS LAST"} {
		if strings.Contains(item.Mode, place[1:]) {
			nulls = place
		}
	}
	return "isnan(" + value + ")" + direction + nulls + ", "
}

// rangeKey writes the ORDER BY of a RANGE with offsets; see windowSpecification.
func (w *writer) rangeKey(item *syntax.Resolved) string {
	key := w.expr(item.Kids[0])
	switch t := item.Kids[0].Type; {
	case t != nil && t.Kind == schemas.Int64:
		key = "CAST(" + key + " AS HUGEINT)"
	case t == nil || t.Kind != schemas.Numeric:
		w.failScan(item, "a RANGE with an offset over this key does not run on DuckDB", "order by an INT64 or a NUMERIC")
	}
	if strings.Contains(item.Mode, "DESC") {
		return "ORDER BY " + key + " DESC"
	}
	return "ORDER BY " + key + " NULLS FIRST"
}
