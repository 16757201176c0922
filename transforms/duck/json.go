package duck

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// jsonFunctions read and write JSON text in STRINGs.
var jsonFunctions = map[string]rule{
	"json_value":                {min: 1, max: 2, json: true, write: (*writer).json},
	"json_query":                {min: 1, max: 2, json: true, write: (*writer).json},
	"json_extract":              {min: 1, max: 2, json: true, write: (*writer).json},
	"json_extract_scalar":       {min: 1, max: 2, json: true, write: (*writer).json},
	"json_value_array":          {min: 1, max: 2, json: true, write: (*writer).json},
	"json_extract_array":        {min: 1, max: 2, json: true, write: (*writer).jsonArray},
	"json_extract_string_array": {min: 1, max: 2, json: true, write: (*writer).json},
	"to_json_string":            {min: 1, max: 1, bytes: false, write: (*writer).toJSON},
}

var jsonMacros = map[string]string{
	"json_value": "bq.json_value", "json_extract_scalar": "bq.json_value",
	"json_query": "bq.json_query", "json_extract": "bq.json_query",
	"json_value_array": "bq.json_value_array", "json_extract_string_array": "bq.json_value_array",
	"json_query_array": "bq.json_query_array", "json_extract_array": "bq.json_query_array",
}

var jsonStep = regexp.MustCompile(`^(?:\.([A-Za-z_][A-Za-z0-9_\-]*)|\."((?:[^"\\])+)"|\['((?:[^'\\])+)'\]|\[(\d+)\])`)

func (w *writer) json(c call) string {
	path := "$"
	if len(c.args) == 2 {
		path = w.jsonPath(c)
	}
	if w.typeOf(c.args[0]).Kind == schemas.JSON && (c.name == "json_query" || c.name == "json_extract") {
		return w.comments(c.node) + "json_extract(" + w.node(c.args[0]) + ", " + stringText(path) + ")"
	}
	return w.comments(c.node) + jsonMacros[c.name] + "(" + w.node(c.args[0]) + ", " + stringText(path) + ")"
}

// jsonPath writes a JSON path in DuckDB's spelling, every name in quotes.
func (w *writer) jsonPath(c call) string {
	text := w.literal(c, 1, "JSON path")
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		w.fail(c.args[1], "a JSON path starts with $", "write '$.name'")
	}
	path := "$"
	for rest != "" {
		m := jsonStep.FindStringSubmatch(rest)
		if m == nil {
			w.fail(c.args[1], "this JSON path does not run on DuckDB", "write '$.name', '$.\"a name\"' or '$.list[0]'")
		}
		rest = rest[len(m[0]):]
		if m[4] != "" {
			path += "[" + m[4] + "]"
			continue
		}
		path += `."` + m[1] + m[2] + m[3] + `"`
	}
	return path
}

func (w *writer) toJSON(c call) string {
	arg := c.args[0]
	t := w.typeWanted(arg)
	if reason, hint := unusable(t); reason != "" || t.Kind == "" {
		w.fail(arg, "TO_JSON_STRING of a value that "+reason, hint)
	}
	return w.comments(c.node) + "coalesce(CAST(to_json(" + jsonForm(w.node(arg), t, 0) + ") AS VARCHAR), 'null')"
}

// jsonForm writes a value such that DuckDB's to_json gives the text of GoogleSQL:
// timestamps in RFC 3339, numbers without zeros behind.
func jsonForm(text string, t schemas.Type, depth int) string {
	if !needsJSONForm(t) {
		return text
	}
	switch t.Kind {
	case schemas.Float64:
		return "bq.json_float(" + text + ")"
	case schemas.Numeric:
		return "bq.json_numeric(" + text + ")"
	case schemas.Int64:
		return "bq.json_int64(" + text + ")"
	case schemas.Timestamp:
		return "bq.json_timestamp(" + text + ")"
	case schemas.Datetime:
		return "bq.json_datetime(" + text + ")"
	case schemas.Bytes:
		return "to_base64(" + text + ")"
	case schemas.Array:
		name := "_e" + strconv.Itoa(depth)
		return "list_transform(" + text + ", lambda " + name + ": " + jsonForm(name, *t.Elem, depth+1) + ")"
	default: // STRUCT
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = stringText(f.Name) + ": " + jsonForm("("+text+")."+quote(f.Name), f.Type, depth+1)
		}
		return "CASE WHEN " + text + " IS NOT NULL THEN {" + strings.Join(fields, ", ") + "} END"
	}
}

func needsJSONForm(t schemas.Type) bool {
	switch t.Kind {
	case schemas.Array:
		return needsJSONForm(*t.Elem)
	case schemas.Struct:
		for _, f := range t.Fields {
			if needsJSONForm(f.Type) {
				return true
			}
		}
		return false
	case schemas.String, schemas.Bool, schemas.Date, schemas.Time:
		return false
	}
	return true
}
