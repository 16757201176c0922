package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// castElements are the elements of CAST(time AS STRING FORMAT …) by their longest
// spelling first, with their form: codes of strftime, or an expression of $1.
var castElements = []struct {
	name, form string
	ofTime     bool // not of a DATE
}{
	{"SSSSS", "printf('%05d', hour($1) * 3600 + minute($1) * 60 + second($1))", true},
	{"RRRR", "printf('%04d', year($1))", false}, {"YYYY", "printf('%04d', year($1))", false},
	{"YYY", "printf('%03d', year($1) % 1000)", false},
	{"HH24", "%H", true}, {"HH12", "%I", true},
	{"MON", "strftime($1, '%b')", false}, {"DDD", "%j", false},
	{"RR", "printf('%02d', year($1) % 100)", false}, {"YY", "printf('%02d', year($1) % 100)", false},
	{"MM", "%m", false}, {"DD", "%d", false}, {"DY", "strftime($1, '%a')", false},
	{"HH", "%I", true}, {"MI", "%M", true}, {"SS", "%S", true}, {"AM", "strftime($1, '%p')", true}, {"PM", "strftime($1, '%p')", true},
	{"D", "CAST(dayofweek($1) + 1 AS VARCHAR)", false}, {"Y", "CAST(year($1) % 10 AS VARCHAR)", false},
}

// castFormat writes CAST(x AS STRING FORMAT '…') of a DATE, DATETIME or TIMESTAMP.
func (w *writer) castFormat(n, value, clause *syntax.Node, to schemas.Type) string {
	kind := w.typeWanted(value).Kind
	hint := "use FORMAT_DATE, FORMAT_TIMESTAMP or PARSE_DATE"
	if to.Kind != schemas.String || kind != schemas.Date && kind != schemas.Datetime && kind != schemas.Timestamp || len(clause.Kids) == 0 {
		w.fail(clause, "FORMAT in a cast from "+string(kind)+" to "+to.String()+" does not run on DuckDB", hint)
	}
	layout, ok := w.constant(clause.Kids[0])
	if !ok {
		w.fail(clause.Kids[0], "the format of a cast must be a literal to run on DuckDB", "write it as a string")
	}
	text := w.node(value)
	if len(clause.Kids) == 2 && kind == schemas.Timestamp {
		text = local(text, w.zone(clause.Kids[1]))
	} else if len(clause.Kids) > 1 {
		w.fail(clause.Kids[1], "AT TIME ZONE here is for a TIMESTAMP", "leave it out")
	}
	if strings.Contains(strings.ToUpper(layout), "Y,YYY") {
		w.fail(clause.Kids[0], "the format element Y,YYY does not run on DuckDB", "write YYYY")
	}
	var parts []string
	run := ""
	flush := func() {
		if run != "" {
			parts = append(parts, "strftime("+text+", "+stringText(run)+")")
			run = ""
		}
	}
	for layout != "" {
		if strings.IndexByte("-./,;: '", layout[0]) >= 0 {
			run, layout = run+layout[:1], layout[1:]
			continue
		}
		if end := strings.IndexByte(layout[1:], '"'); layout[0] == '"' && end >= 0 && !strings.Contains(layout[1:1+end], `\`) {
			run, layout = run+strings.ReplaceAll(layout[1:1+end], "%", "%%"), layout[end+2:]
			continue
		}
		name, form := w.castElement(clause.Kids[0], layout, kind)
		written := layout[:len(name)]
		layout = layout[len(name):]
		if strings.HasPrefix(form, "%") {
			run += form
			continue
		}
		flush()
		form = strings.ReplaceAll(form, "$1", text)
		switch first, second := written[0], written[1:]; {
		case name != "MON" && name != "DY" && name != "AM" && name != "PM":
		case first >= 'a':
			form = "lower(" + form + ")"
		case name == "AM" || name == "PM" || second[0] < 'a':
			form = "upper(" + form + ")"
		}
		parts = append(parts, form)
	}
	flush()
	if parts == nil {
		parts = []string{"CASE WHEN " + text + " IS NOT NULL THEN '' END"}
	}
	return w.comments(n) + "(" + strings.Join(parts, " || ") + ")"
}

// castElement finds the element at the start of a format. The names in full are
// refused: whether blanks fill them up is not settled.
func (w *writer) castElement(at *syntax.Node, layout string, kind schemas.Kind) (name, form string) {
	upper := strings.ToUpper(layout)
	for _, element := range castElements {
		if !strings.HasPrefix(upper, element.name) || strings.HasPrefix(upper, "MONTH") || strings.HasPrefix(upper, "DAY") {
			continue
		}
		if element.ofTime && kind == schemas.Date {
			w.fail(at, "a DATE has no "+element.name, "cast a DATETIME or a TIMESTAMP")
		}
		return element.name, element.form
	}
	w.fail(at, "the format of this cast does not run on DuckDB from '"+layout+"'", "write YYYY, MM, DD, HH24, MI, SS, MON or DY, or use FORMAT_DATE or FORMAT_TIMESTAMP")
	return "", ""
}
