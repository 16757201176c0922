package duck

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// specifier is one %[flags][width][.precision]letter of FORMAT.
var specifier = regexp.MustCompile(`^%([-+ #0']*)(\d*)(?:\.(\d+))?([a-zA-Z%])`)

type element struct {
	flags, width, precision, letter string
}

// formatString writes FORMAT(format, …), whose format must be a literal, as its
// parts put together: it is NULL if one of them is, as GoogleSQL's.
func (w *writer) formatString(c call) string {
	layout := w.literal(c, 0, "format")
	var parts []string
	plain := ""
	flush := func() {
		if plain != "" {
			parts, plain = append(parts, stringText(plain)), ""
		}
	}
	args := c.args[1:]
	for layout != "" {
		at := strings.IndexByte(layout, '%')
		if at != 0 {
			if at < 0 {
				at = len(layout)
			}
			plain, layout = plain+layout[:at], layout[at:]
			continue
		}
		m := specifier.FindStringSubmatch(layout)
		if m == nil {
			w.fail(c.args[0], "this format does not run on DuckDB from "+strconv.Quote(layout), "write %s, %d, %t or %.2f")
		}
		layout = layout[len(m[0]):]
		if m[4] == "%" {
			plain += "%"
			continue
		}
		if len(args) == 0 {
			w.fail(c.args[0], "FORMAT has fewer values than its format", "give a value for every %")
		}
		flush()
		parts = append(parts, w.formatted(c, element{m[1], m[2], m[3], m[4]}, args[0]))
		args = args[1:]
	}
	flush()
	if len(args) > 0 {
		w.fail(args[0], "FORMAT has more values than its format", "write a % for every value")
	}
	if parts == nil {
		return "''"
	}
	return w.comments(c.node) + "(" + strings.Join(parts, " || ") + ")"
}

// formatted writes one value by its specifier.
func (w *writer) formatted(c call, e element, arg *syntax.Node) string {
	kind := w.typeWanted(arg).Kind
	refuse := func() {
		w.fail(arg, "FORMAT of "+string(kind)+" by %"+e.flags+e.width+e.letter+" does not run on DuckDB", "cast it to STRING and use %s")
	}
	number := "%" + e.flags + e.width
	if e.precision != "" {
		number += "." + e.precision
	}
	if n, _ := strconv.Atoi(e.width + "0"); n > 10000 {
		refuse()
	}
	if n, _ := strconv.Atoi(e.precision); n > 100 {
		refuse()
	}
	text := w.node(arg)
	switch e.letter {
	case "d", "i":
		switch {
		case kind != schemas.Int64:
			refuse()
		case e.flags == "'" && e.precision == "":
			return padded("format('{:,}', "+text+")", "", e.width)
		case strings.Contains(e.flags, "'"):
			refuse()
		case e.flags+e.width+e.precision == "":
			return "CAST(" + text + " AS VARCHAR)"
		}
		return "printf(" + stringText(number+"d") + ", " + text + ")"
	case "x", "X", "o":
		if kind != schemas.Int64 || strings.ContainsAny(e.flags, "'+ ") {
			refuse()
		}
		return "printf(" + stringText(number+e.letter) + ", bq.not_negative(" + text + "))"
	case "f", "F", "e", "E", "g", "G":
		switch {
		case kind == schemas.Float64 && !strings.ContainsAny(e.flags, "'#"):
			return "printf(" + stringText(number+e.letter) + ", " + text + ")"
		case kind == schemas.Numeric && (e.letter == "f" || e.letter == "F") && strings.Trim(e.flags, "-") == "":
			return padded(w.numericFixed(text, e), e.flags, e.width)
		}
		refuse()
	case "s":
		if kind != schemas.String || strings.Trim(e.flags, "-") != "" {
			refuse()
		}
		return padded(shortened(wrap(arg, text), e.precision), e.flags, e.width)
	case "t":
		if strings.Trim(e.flags, "-") != "" {
			refuse()
		}
		return padded(shortened("coalesce("+w.readable(c, arg, text, kind)+", 'NULL')", e.precision), e.flags, e.width)
	}
	refuse()
	return ""
}

// numericFixed writes a NUMERIC with a fixed number of digits, rounded half away
// from zero; a negative value keeps its sign when nothing of it is left.
func (w *writer) numericFixed(text string, e element) string {
	digits := 6
	if e.precision != "" {
		digits, _ = strconv.Atoi(e.precision)
	}
	zeros := ""
	if digits > 9 {
		zeros, digits = " || '"+strings.Repeat("0", digits-9)+"'", 9
	}
	fixed := "bq.numeric_fixed(" + text + ", " + strconv.Itoa(digits) + ")"
	if zeros != "" {
		return "(" + fixed + zeros + ")"
	}
	return fixed
}

// readable writes a value as %t shows it.
func (w *writer) readable(c call, arg *syntax.Node, text string, kind schemas.Kind) string {
	switch kind {
	case schemas.String:
		return text
	case schemas.Int64, schemas.Bool, schemas.Date:
		return "CAST(" + text + " AS VARCHAR)"
	case schemas.Float64:
		return "bq.float_literal(" + text + ")"
	case schemas.Timestamp, schemas.Datetime:
		return strings.ReplaceAll(castForm(kind, schemas.String), "$1", text)
	}
	w.fail(arg, "FORMAT of "+w.typeWanted(arg).String()+" by %t does not run on DuckDB", "cast it to STRING, or use TO_JSON_STRING")
	return ""
}

// shortened keeps the first characters.
func shortened(text, precision string) string {
	if precision == "" {
		return text
	}
	return `"left"(` + text + ", " + precision + ")"
}

// padded fills a text up to a width. DuckDB's LPAD would cut a longer one.
func padded(text, flags, width string) string {
	if width == "" || width == "0" {
		return text
	}
	if strings.Contains(flags, "-") {
		return "bq.fill_right(" + text + ", " + width + ")"
	}
	return "bq.fill_left(" + text + ", " + width + ")"
}
