package duck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// likeAny writes LIKE ANY (…) and LIKE ALL (…) as OR and AND of LIKEs, which is
// what they mean, NULLs included.
func (w *writer) likeAny(n *syntax.Node) string {
	w.reviewed(n, "expr", "Location", "AnySomeAllOp", "InList")
	quantifier, list := firstKid(n, "AnySomeAllOp"), firstKid(n, "InList")
	if quantifier == nil || list == nil {
		w.fail(n, "this form of LIKE does not run on DuckDB", "write LIKE ANY ('a%', 'b%')")
	}
	word, like := " OR ", " LIKE "
	if strings.EqualFold(w.text[quantifier.Start:quantifier.End], "all") {
		word = " AND "
	}
	if slices.Contains(w.words(n), "NOT") || strings.HasPrefix(n.Attr, "NOT") {
		like = " NOT LIKE "
	}
	value := w.operand(n.Kids[0])
	texts := make([]string, len(list.Kids))
	for i, pattern := range list.Kids {
		texts[i] = value + like + w.operand(pattern)
		if text, ok := w.constant(pattern); !ok || strings.Contains(text, `\`) {
			texts[i] += ` ESCAPE '\'`
		}
	}
	return w.comments(n) + "(" + strings.Join(texts, word) + ")"
}

// isComposite reports whether a type is compared field by field or element by element.
func isComposite(t schemas.Type) bool { return t.Kind == schemas.Struct || t.Kind == schemas.Array }

// composite writes a comparison of STRUCTs or ARRAYs. GoogleSQL compares fields
// by their places and is NULL where a comparison of a field is; DuckDB compares
// fields by their names and takes NULL for a value.
func (w *writer) composite(n, left, right *syntax.Node, operator string) string {
	a, b := w.typeOf(left), w.typeOf(right)
	if left.Kind == "NullLiteral" || a.Kind == "" {
		a = b
	}
	if right.Kind == "NullLiteral" || b.Kind == "" {
		b = a // the analyzer folds a constant of another type
	}
	switch operator {
	case "=":
		return w.comments(n) + "(" + w.equal(n, w.side(left, a), w.side(right, b), a, b) + ")"
	case "!=", "<>":
		return w.comments(n) + "(NOT (" + w.equal(n, w.side(left, a), w.side(right, b), a, b) + "))"
	case "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		return w.comments(n) + "(" + w.whole(left, a) + " " + operator + " " + w.recast(n, w.whole(right, b), named(b), named(a)) + ")"
	}
	w.fail(n, "ordering "+a.String()+" does not run on DuckDB", "compare its parts")
	return ""
}

// named gives the fields of a type the names that DuckDB has for them.
func named(t schemas.Type) schemas.Type {
	switch t.Kind {
	case schemas.Array:
		elem := named(*t.Elem)
		return schemas.Type{Kind: schemas.Array, Elem: &elem}
	case schemas.Struct:
		fields := make([]schemas.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = schemas.Field{Name: f.Name, Type: named(f.Type)}
			if f.Name == "" {
				fields[i].Name = "_" + strconv.Itoa(i+1)
			}
		}
		return schemas.Type{Kind: schemas.Struct, Fields: fields}
	}
	return t
}

// part is one side of a comparison: a text, or the parts of a constructor.
type part struct {
	text  string
	parts []part
}

// side cuts a STRUCT constructor into its values, so that they need no names.
func (w *writer) side(n *syntax.Node, t schemas.Type) part {
	if n.Kind != "StructConstructorWithParens" && n.Kind != "StructConstructorWithKeyword" || w.computed(n) != "" || firstKid(n, "StructType") != nil {
		return part{text: w.whole(n, t)}
	}
	w.reviewed(n, "expr", "StructConstructorArg")
	var parts []part
	for _, kid := range n.Kids {
		if kid.Kind == "StructConstructorArg" {
			kid = kid.Kids[0]
		}
		field := w.typeOf(kid)
		if i := len(parts); field.Kind == "" && t.Kind == schemas.Struct && i < len(t.Fields) {
			field = t.Fields[i].Type
		}
		parts = append(parts, w.side(kid, field))
	}
	return part{parts: parts}
}

// whole writes a side as one value; a STRUCT without field names gets some.
func (w *writer) whole(n *syntax.Node, t schemas.Type) string {
	switch {
	case n.Kind == "NullLiteral":
		return "NULL"
	case isComposite(t):
		return wrap(n, w.as(n, named(t)))
	}
	return w.operand(n)
}

func (p part) field(i int, t schemas.Type) part {
	if p.parts != nil {
		return p.parts[i]
	}
	return part{text: "(" + p.text + ")." + quote(t.Fields[i].Name)}
}

// equal writes the equality of two values with the NULLs of GoogleSQL.
func (w *writer) equal(n *syntax.Node, left, right part, a, b schemas.Type) string {
	switch {
	case a.Kind == schemas.JSON || b.Kind == schemas.JSON || a.Kind == schemas.Interval:
		w.fail(n, "comparing "+a.String()+" does not run on DuckDB", "compare its parts")
	case a.Kind == schemas.Struct && b.Kind == schemas.Struct && len(a.Fields) == len(b.Fields) && len(a.Fields) > 0:
		a, b = named(a), named(b)
		texts := make([]string, len(a.Fields))
		for i := range a.Fields {
			texts[i] = w.equal(n, left.field(i, a), right.field(i, b), a.Fields[i].Type, b.Fields[i].Type)
		}
		return strings.Join(texts, " AND ")
	case a.Kind == schemas.Array && b.Kind == schemas.Array && left.parts == nil && right.parts == nil:
		if !isComposite(*a.Elem) && !isComposite(*b.Elem) {
			if a.Elem.Kind == schemas.Float64 || b.Elem.Kind == schemas.Float64 {
				return "bq.float_array_equal(" + left.text + ", " + right.text + ")"
			}
			return "bq.array_equal(" + left.text + ", " + right.text + ")"
		}
		w.fail(n, "comparing arrays of STRUCTs does not run on DuckDB", "compare TO_JSON_STRING(x)")
	case !isComposite(a) && !isComposite(b) && left.parts == nil && right.parts == nil:
		if a.Kind == schemas.Float64 && b.Kind == schemas.Float64 {
			return "bq.eq(" + left.text + ", " + right.text + ")"
		}
		return left.text + " = " + right.text
	}
	w.fail(n, "comparing "+a.String()+" with "+b.String()+" does not run on DuckDB", "compare their parts")
	return ""
}

// compositeIn writes STRUCT IN (a, b).
func (w *writer) compositeIn(n, value, list *syntax.Node) string {
	texts := make([]string, len(list.Kids))
	for i, kid := range list.Kids {
		texts[i] = w.composite(kid, value, kid, "=")
	}
	text := "(" + strings.Join(texts, " OR ") + ")"
	if n.Attr == "NOT IN" {
		text = "(NOT " + text + ")"
	}
	return w.comments(n) + text
}

func (w *writer) caseCondition(n *syntax.Node) string {
	w.reviewed(n, "expr")
	return w.results(n, 0)
}

// results copies a CASE whose conditions begin at a kid. Results that are STRUCTs
// take the field names of the first: DuckDB would put fields of other names beside.
func (w *writer) results(n *syntax.Node, first int) string {
	t := w.typeWanted(n)
	if !hasStruct(t) {
		return w.copy(n)
	}
	at := map[*syntax.Node]bool{}
	for i := first; i < len(n.Kids); i += 2 {
		at[n.Kids[min(i+1, len(n.Kids)-1)]] = true // the last may be that of ELSE
	}
	return w.copyWith(n, func(kid *syntax.Node) string {
		if at[kid] {
			return w.as(kid, t)
		}
		return w.node(kid)
	})
}
