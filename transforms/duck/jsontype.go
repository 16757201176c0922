package duck

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// jsonTypeFunctions make and read values of the JSON type, which is DuckDB's JSON.
// The order of the keys of an object is not the same on both sides (GoogleSQL
// sorts them), so that functions which show it are refused.
var jsonTypeFunctions = map[string]rule{
	"parse_json":        {min: 1, max: 1, text: "bq.parse_json"},
	"to_json":           {min: 1, max: 1, write: (*writer).toJSONValue},
	"json_type":         {min: 1, max: 1, json: true, text: "bq.json_kind"},
	"int64":             {min: 1, max: 1, json: true, text: "bq.json_to_int64"},
	"float64":           {min: 1, max: 1, json: true, text: "bq.json_to_float64"},
	"bool":              {min: 1, max: 1, json: true, text: "bq.json_to_bool"},
	"string":            {min: 1, max: 1, json: true, write: (*writer).stringOf},
	"lax_int64":         {min: 1, max: 1, json: true, text: "bq.lax_int64"},
	"lax_float64":       {min: 1, max: 1, json: true, text: "bq.lax_float64"},
	"lax_bool":          {min: 1, max: 1, json: true, text: "bq.lax_bool"},
	"lax_string":        {min: 1, max: 1, json: true, text: "bq.lax_string"},
	"int64_array":       {min: 1, max: 1, json: true, text: "list_transform(bq.json_items($1), lambda _j: bq.json_to_int64(_j))"},
	"float64_array":     {min: 1, max: 1, json: true, text: "list_transform(bq.json_items($1), lambda _j: bq.json_to_float64(_j))"},
	"bool_array":        {min: 1, max: 1, json: true, text: "list_transform(bq.json_items($1), lambda _j: bq.json_to_bool(_j))"},
	"string_array":      {min: 1, max: 1, json: true, text: "list_transform(bq.json_items($1), lambda _j: bq.json_to_string(_j))"},
	"lax_int64_array":   {min: 1, max: 1, json: true, text: "list_transform(bq.json_elements($1, '$'), lambda _j: bq.lax_int64(_j))"},
	"lax_float64_array": {min: 1, max: 1, json: true, text: "list_transform(bq.json_elements($1, '$'), lambda _j: bq.lax_float64(_j))"},
	"lax_bool_array":    {min: 1, max: 1, json: true, text: "list_transform(bq.json_elements($1, '$'), lambda _j: bq.lax_bool(_j))"},
	"lax_string_array":  {min: 1, max: 1, json: true, text: "list_transform(bq.json_elements($1, '$'), lambda _j: bq.lax_string(_j))"},
	"json_query_array":  {min: 1, max: 2, json: true, write: (*writer).jsonArray},
}

// jsonLiteral writes JSON '…'.
func (w *writer) jsonLiteral(n *syntax.Node) string {
	if len(n.Kids) != 1 {
		w.refuseKind(n)
	}
	value, _ := w.constant(n.Kids[0])
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(value)); err != nil {
		w.fail(n, "this JSON is not understood: "+err.Error(), `write JSON '{"name": 1}'`)
	}
	return w.comments(n) + "CAST(" + stringText(compact.String()) + " AS JSON)"
}

// jsonOperand is JSON that a path is applied to.
func jsonField(text, name string) (string, bool) {
	if strings.ContainsAny(name, `"\`) {
		return "", false
	}
	return "json_extract(" + text + ", " + stringText(`$."`+name+`"`) + ")", true
}

// jsonPathOf writes a path that ends in fields of a JSON value; "" if it does not.
func (w *writer) jsonPathOf(n *syntax.Node, names []string, r *syntax.Resolved) string {
	var fields []string
	root := r
	for root != nil && root.Kind == "GetJsonField" && len(root.Kids) > 0 && len(fields) < len(names) {
		fields = append([]string{root.Mode}, fields...)
		root = root.Kids[0]
	}
	if fields == nil {
		return ""
	}
	text := w.pathAs(n, names[:len(names)-len(fields)], root)
	for _, field := range fields {
		inner, ok := jsonField(text, field)
		if !ok {
			w.fail(n, "a JSON field with quotes in its name does not run on DuckDB", "rename it at the source")
		}
		text = inner
	}
	return text
}

// jsonElement writes json['name'] and json[0].
func (w *writer) jsonElement(n, value, at *syntax.Node) string {
	text := w.node(value)
	if name, ok := w.constant(at); ok {
		inner, ok := jsonField(text, name)
		if !ok {
			w.fail(at, "a JSON field with quotes in its name does not run on DuckDB", "rename it at the source")
		}
		return w.comments(n) + inner
	}
	if index, ok := w.isInteger(at); ok && index >= 0 {
		return w.comments(n) + "json_extract(" + text + ", '$[" + w.integer(at) + "]')"
	}
	if w.typeOf(at).Kind != schemas.Int64 {
		w.fail(at, "a field of JSON must be named by a literal to run on DuckDB", "write json['name']")
	}
	return w.comments(n) + "bq.json_at(" + text + ", " + w.plain(at) + ")"
}

// jsonArray writes JSON_QUERY_ARRAY, whose elements are JSON where its input is.
func (w *writer) jsonArray(c call) string {
	if w.typeOf(c.args[0]).Kind != schemas.JSON {
		return w.json(c)
	}
	path := "$"
	if len(c.args) == 2 {
		path = w.jsonPath(c)
	}
	return w.comments(c.node) + "bq.json_elements(" + w.node(c.args[0]) + ", " + stringText(path) + ")"
}

// stringOf writes STRING(json), and STRING(x) of a time as a cast.
func (w *writer) stringOf(c call) string {
	switch t := w.typeOf(c.args[0]); {
	case t.Kind == schemas.JSON:
		return w.comments(c.node) + "bq.json_to_string(" + w.node(c.args[0]) + ")"
	case isTime(t.Kind):
		text := w.node(c.args[0])
		if form := castForm(t.Kind, schemas.String); form != "" {
			return w.comments(c.node) + strings.ReplaceAll(form, "$1", text)
		}
		if t.Kind == schemas.Date {
			return w.comments(c.node) + "CAST(" + text + " AS VARCHAR)"
		}
	}
	w.fail(c.node, "STRING of "+w.typeOf(c.args[0]).String()+" does not run on DuckDB", "write CAST(x AS STRING)")
	return ""
}

func (w *writer) toJSONValue(c call) string {
	t := w.typeWanted(c.args[0])
	if reason, hint := unusable(t); reason != "" || t.Kind == "" || holds(t, schemas.Numeric) {
		if hint == "" {
			hint = "cast NUMERIC to FLOAT64 or STRING"
		}
		w.fail(c.args[0], "TO_JSON of "+t.String()+" does not run on DuckDB", hint)
	}
	form := jsonForm(w.node(c.args[0]), t, 0)
	if t.Kind == schemas.Int64 {
		form = w.node(c.args[0])
	} else if holds(t, schemas.Int64) {
		// Integers of more than 53 bits stay numbers, other than in TO_JSON_STRING.
		form = strings.ReplaceAll(form, "bq.json_int64(", "to_json(")
	}
	return w.comments(c.node) + "coalesce(to_json(" + form + "), CAST('null' AS JSON))"
}

func holds(t schemas.Type, kind schemas.Kind) bool {
	if t.Kind == schemas.Array {
		return holds(*t.Elem, kind)
	}
	for _, f := range t.Fields {
		if holds(f.Type, kind) {
			return true
		}
	}
	return t.Kind == kind
}
