package duck

import "strings"

// strftimeCodes are the format elements that mean the same in DuckDB, or stand
// for several of its own.
var strftimeCodes = map[string]string{
	"Y": "%Y", "y": "%y", "m": "%m", "d": "%d", "H": "%H", "I": "%I", "M": "%M", "S": "%S", "p": "%p", "j": "%j",
	"a": "%a", "A": "%A", "b": "%b", "h": "%b", "B": "%B", "u": "%u", "w": "%w", "U": "%U", "W": "%W", "V": "%V", "G": "%G",
	"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "E4Y": "%Y", "n": "\n", "t": "\t", "%": "%%",
	"E3S": "%S.%g", "E6S": "%S.%f",
}

// dateCodes are those that a DATE has.
const dateCodes = "YymdejaAbhBuwUWVGFDQ%nt"

// format writes FORMAT_DATE and its kin, whose format must be a literal.
func (w *writer) format(c call) string {
	layout := w.literal(c, 0, "format")
	value := w.node(c.args[1])
	if len(c.args) == 3 {
		value = local(value, w.zone(c.args[2]))
	}
	zone := "UTC"
	if len(c.args) == 3 {
		if zone = w.zone(c.args[2]); zone == "" {
			zone = "UTC"
		}
	}
	var parts []string
	run := ""
	flush := func() {
		if run != "" {
			parts = append(parts, "strftime("+value+", "+stringText(run)+")")
			run = ""
		}
	}
	for _, element := range w.elementsOf(c, layout) {
		code, isCode := strings.CutPrefix(element, "%")
		if !isCode {
			run += element
			continue
		}
		if c.name == "format_date" && code != "E4Y" && !strings.Contains(dateCodes, code) {
			w.fail(c.args[0], "FORMAT_DATE has no "+element, "use FORMAT_TIMESTAMP")
		}
		switch text, ok := strftimeCodes[code]; {
		case code == "Y" || code == "F": // a year has as many digits as it needs; %E4Y has four
			flush()
			parts = append(parts, "CAST(year("+value+") AS VARCHAR)")
			if code == "F" {
				run += "-%m-%d"
			}
		case ok:
			run += text
		case code == "Q":
			flush()
			parts = append(parts, "CAST(quarter("+value+") AS VARCHAR)")
		case code == "e":
			flush()
			parts = append(parts, "lpad(CAST(day("+value+") AS VARCHAR), 2, ' ')")
		case code == "s" && zone == "UTC" && c.name != "format_datetime":
			flush()
			parts = append(parts, "CAST(bq.unix_seconds("+value+") AS VARCHAR)")
		case code == "Z" && zone == "UTC" && c.name == "format_timestamp":
			run += "UTC"
		case code == "z" && zone == "UTC" && c.name == "format_timestamp":
			run += "+0000"
		case code == "Ez" && zone == "UTC" && c.name == "format_timestamp":
			run += "+00:00"
		default:
			w.fail(c.args[0], "the format element "+element+" does not run on DuckDB", "use %F, %T, %Y, %m, %d, %H, %M or %S")
		}
	}
	flush()
	if parts == nil {
		parts = []string{"CASE WHEN " + value + " IS NOT NULL THEN '' END"}
	}
	return w.comments(c.node) + "(" + strings.Join(parts, " || ") + ")"
}

// elementsOf cuts a format into its elements and the text between.
func (w *writer) elementsOf(c call, layout string) []string {
	var parts []string
	for layout != "" {
		at := strings.IndexByte(layout, '%')
		switch {
		case at > 0:
			parts, layout = append(parts, layout[:at]), layout[at:]
			continue
		case at < 0:
			return append(parts, layout)
		}
		size := 2
		for _, long := range []string{"%E4Y", "%E3S", "%E6S", "%E*S", "%Ez", "%E1S", "%E2S", "%E4S", "%E5S"} {
			if strings.HasPrefix(layout, long) {
				size = len(long)
			}
		}
		if size > len(layout) {
			w.fail(c.args[0], "this format ends in the middle of an element", "write %% for a percent sign")
		}
		parts, layout = append(parts, layout[:size]), layout[size:]
	}
	return parts
}

// strptimeCodes are the elements that PARSE_X shares with DuckDB.
var strptimeCodes = map[string]string{
	"Y": "%Y", "y": "%y", "m": "%m", "d": "%d", "H": "%H", "I": "%I", "M": "%M", "S": "%S", "p": "%p", "j": "%j",
	"b": "%b", "h": "%b", "B": "%B", "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "E4Y": "%Y",
	"a": "%a", "A": "%A", "%": "%%",
}

// parseTime writes PARSE_DATE and its kin, whose format must be a literal.
func (w *writer) parseTime(c call) string {
	layout := w.literal(c, 0, "format")
	text := ""
	zoned := false
	for _, element := range w.elementsOf(c, layout) {
		code, isCode := strings.CutPrefix(element, "%")
		if !isCode {
			text += element
			continue
		}
		mapped, ok := strptimeCodes[code]
		if (code == "z" || code == "Ez") && c.name == "parse_timestamp" {
			mapped, ok, zoned = "%z", true, true
		}
		if !ok || c.name == "parse_date" && code != "E4Y" && !strings.Contains(dateCodes, code) {
			w.fail(c.args[0], "parsing the format element "+element+" does not run on DuckDB", "use %F, %T, %Y, %m, %d, %H, %M or %S")
		}
		text += mapped
	}
	parsed := "strptime(" + w.node(c.args[1]) + ", " + stringText(text) + ")"
	switch {
	case c.name == "parse_date":
		parsed = "CAST(" + parsed + " AS DATE)"
	case zoned:
		parsed = "timezone('UTC', " + parsed + ")"
	}
	return w.comments(c.node) + parsed
}
