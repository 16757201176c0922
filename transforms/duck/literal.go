package duck

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// stringText is a string literal of DuckDB.
func stringText(s string) string {
	text := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, "\x00") {
		// NUL ends DuckDB's statements.
		text = "(" + strings.ReplaceAll(text, "\x00", "' || chr(0) || '") + ")"
	}
	return text
}

// duckType is the DuckDB name of a type.
func (w *writer) duckType(n *syntax.Node, t schemas.Type) string {
	if reason, hint := unusable(t); reason != "" && t.Kind != schemas.Interval {
		w.fail(n, "this "+reason, hint)
	}
	name, err := schemas.DuckDBType(t)
	if err != nil {
		w.fail(n, err.Error(), "use a type that a table can have")
	}
	return name
}

// intLiteral writes a literal that may define the type of a column: DuckDB's
// plain integers have 32 bits. See plain.
func (w *writer) intLiteral(n *syntax.Node) string {
	text := w.integer(n)
	switch t := w.typeWanted(n); t.Kind {
	case schemas.Float64:
		return text + "e0"
	case schemas.Numeric:
		return "CAST(" + text + " AS " + w.duckType(n, t) + ")"
	case schemas.Int64, "":
		return text + "::BIGINT"
	default:
		w.fail(n, "an integer as "+t.String()+" does not run on DuckDB", "cast it")
		return ""
	}
}

func (w *writer) integer(n *syntax.Node) string {
	value, ok := new(big.Int).SetString(strings.ToLower(w.text[n.Start:n.End]), 0)
	if text := w.text[n.Start:n.End]; len(text) > 1 && text[0] == '0' && text[1] != 'x' && text[1] != 'X' {
		value, ok = new(big.Int).SetString(text, 10) // 010 is ten
	}
	if !ok {
		w.fail(n, "this integer is not understood", "write decimal digits")
	}
	return value.String()
}

// plain writes an expression whose type another one decides: an integer stays as
// the author wrote it.
func (w *writer) plain(n *syntax.Node) string {
	switch {
	case n.Kind == "IntLiteral":
		if w.typeWanted(n).Kind == schemas.Float64 {
			return w.integer(n) + "e0"
		}
		return w.integer(n)
	case n.Kind == "UnaryExpression" && n.Attr == "-" && len(n.Kids) == 1 && n.Kids[0].Kind == "IntLiteral":
		return "-" + w.integer(n.Kids[0])
	}
	return w.node(n)
}

// isInteger reports whether n is an integer literal, with its value.
func (w *writer) isInteger(n *syntax.Node) (int64, bool) {
	sign := int64(1)
	if n.Kind == "UnaryExpression" && n.Attr == "-" && len(n.Kids) == 1 {
		sign, n = -1, n.Kids[0]
	}
	if n.Kind != "IntLiteral" {
		return 0, false
	}
	value, err := strconv.ParseInt(w.integer(n), 10, 64)
	return sign * value, err == nil
}

func (w *writer) floatLiteral(n *syntax.Node) string {
	text := strings.ToLower(w.text[n.Start:n.End])
	if t := w.typeWanted(n); t.Kind == schemas.Numeric {
		return "CAST(" + stringText(text) + " AS " + w.duckType(n, t) + ")"
	}
	if !strings.Contains(text, "e") {
		text += "e0" // a literal without exponent is a DECIMAL
	}
	return text
}

func (w *writer) numericLiteral(n *syntax.Node) string {
	value, _ := w.constant(n.Kids[0])
	if _, ok := new(big.Rat).SetString(strings.TrimSpace(value)); !ok {
		w.fail(n, "this NUMERIC is not understood", "write NUMERIC '1.5'")
	}
	return "CAST(" + stringText(strings.TrimSpace(value)) + " AS " + w.duckType(n, schemas.Type{Kind: schemas.Numeric}) + ")"
}

// constant is the value of a string literal.
func (w *writer) constant(n *syntax.Node) (string, bool) {
	if n.Kind != "StringLiteral" {
		return "", false
	}
	var b strings.Builder
	for _, part := range n.Kids {
		if part.Kind != "StringLiteralComponent" {
			w.refuseKind(part)
		}
		value, ok := unquote(w.text[part.Start:part.End])
		if !ok {
			w.fail(part, "this string has an escape that is not understood", `use \n, \t, \\, \' or \u and four digits`)
		}
		b.WriteString(value)
	}
	if strings.ContainsRune(b.String(), 0) {
		w.fail(n, "a string with a zero byte does not run on DuckDB", "leave it out")
	}
	return b.String(), true
}

func (w *writer) stringLiteral(n *syntax.Node) string {
	value, _ := w.constant(n)
	return w.comments(n) + w.literalAs(n, value, w.typeWanted(n))
}

// literalAs writes a string literal that the analyzer reads as a value of type t.
func (w *writer) literalAs(n *syntax.Node, value string, t schemas.Type) string {
	switch t.Kind {
	case schemas.String, "":
		return stringText(value)
	case schemas.Date:
		at, ok := parseDate(value)
		if !ok {
			w.fail(n, "this date is not understood", "write DATE '2024-12-31'")
		}
		return "DATE '" + at.Format("2006-01-02") + "'"
	case schemas.Timestamp:
		at, ok := parseTimestamp(value)
		if !ok {
			w.fail(n, "this timestamp is not understood", "write TIMESTAMP '2024-12-31 23:59:59+00'")
		}
		return "TIMESTAMP '" + at.UTC().Format("2006-01-02 15:04:05.999999") + "'"
	case schemas.Datetime:
		at, ok := parseTimestamp(value)
		if !ok || zoned.MatchString(value) {
			w.fail(n, "this datetime is not understood", "write DATETIME '2024-12-31 23:59:59'")
		}
		return "TIMESTAMP '" + at.Format("2006-01-02 15:04:05.999999") + "'"
	case schemas.Time:
		at, err := time.Parse("15:4:5.999999", value)
		if err != nil {
			w.fail(n, "this time is not understood", "write TIME '23:59:59'")
		}
		return "TIME '" + at.Format("15:04:05.999999") + "'"
	default:
		w.fail(n, "a string as "+t.String()+" does not run on DuckDB", "cast it")
		return ""
	}
}

var literalKinds = map[string]schemas.Kind{
	"TYPE_DATE": schemas.Date, "TYPE_TIMESTAMP": schemas.Timestamp, "TYPE_DATETIME": schemas.Datetime, "TYPE_TIME": schemas.Time,
}

func (w *writer) dateOrTimeLiteral(n *syntax.Node) string {
	kind, ok := literalKinds[n.Attr]
	if !ok || len(n.Kids) != 1 {
		w.refuseKind(n)
	}
	value, _ := w.constant(n.Kids[0])
	return w.comments(n) + w.literalAs(n, value, schemas.Type{Kind: kind})
}

var (
	datePattern      = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	timestampPattern = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})(?:[ tT](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6})0*)?)?\s*(?:([zZ])|([+-])(\d{1,2})(?::?(\d{2}))?|([A-Za-z][A-Za-z_]*(?:/[A-Za-z_+\-0-9]+)*))?$`)
	zoned            = regexp.MustCompile(`[zZ]$|[+-]\d{1,2}(:?\d{2})?$|[A-Za-z]$`)
)

func parseDate(text string) (time.Time, bool) {
	m := datePattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return time.Time{}, false
	}
	year, _ := strconv.Atoi(m[1])
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return at, year > 0 && int(at.Month()) == month && at.Day() == day
}

// parseTimestamp reads a timestamp literal; without a zone it is UTC, the default
// zone of BigQuery.
func parseTimestamp(text string) (time.Time, bool) {
	m := timestampPattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return time.Time{}, false
	}
	day, ok := parseDate(m[1])
	if !ok {
		return time.Time{}, false
	}
	number := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	hour, minute, second := number(2), number(3), number(4)
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	micros := 0
	if m[5] != "" {
		micros, _ = strconv.Atoi((m[5] + "000000")[:6])
	}
	zone := time.UTC
	switch {
	case m[7] != "":
		offset := number(8)*3600 + number(9)*60
		if offset > 14*3600 {
			return time.Time{}, false
		}
		if m[7] == "-" {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	case m[10] != "":
		loaded, err := time.LoadLocation(m[10])
		if err != nil || strings.EqualFold(m[10], "local") {
			return time.Time{}, false
		}
		zone = loaded
	}
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, micros*1000, zone), true
}

// nullLiteral writes NULL, with its type where nothing else decides it.
func (w *writer) nullLiteral(n *syntax.Node) string {
	t := w.typeWanted(n)
	if w.nullArguments[n] && t.Kind == schemas.JSON {
		return "CAST(NULL AS JSON)"
	}
	if w.nullArguments[n] && t.Kind != "" {
		return "CAST(NULL AS " + w.duckType(n, t) + ")"
	}
	return w.text[n.Start:n.End]
}

func (w *writer) bytesLiteral(n *syntax.Node) string {
	var b strings.Builder
	for _, part := range n.Kids {
		text := w.text[part.Start:part.End]
		raw := strings.ContainsAny(text[:min(2, len(text))], "rR")
		value, ok := unquoteBytes(strings.TrimLeft(text, "bBrR"), raw)
		if !ok {
			w.fail(part, "these bytes have an escape that is not understood", `use \x and two digits`)
		}
		for i := range len(value) {
			fmt.Fprintf(&b, "%02x", value[i])
		}
	}
	return "unhex('" + b.String() + "')"
}

// unquote decodes a string literal: 'x', "x", ”'x”', """x""" and raw ones.
func unquote(text string) (string, bool) {
	if raw, ok := strings.CutPrefix(strings.ToLower(text[:min(1, len(text))]), "r"); ok {
		return unquoteBytes(raw+text[1:], true)
	}
	return unquoteString(text, false)
}

func unquoteBytes(text string, raw bool) (string, bool) {
	if raw {
		body, ok := trimQuotes(text)
		return body, ok
	}
	return unquoteString(text, true)
}

func trimQuotes(text string) (string, bool) {
	for _, mark := range []string{`'''`, `"""`, `'`, `"`} {
		if len(text) >= 2*len(mark) && strings.HasPrefix(text, mark) && strings.HasSuffix(text, mark) {
			return text[len(mark) : len(text)-len(mark)], true
		}
	}
	return "", false
}

func unquoteString(text string, bytes bool) (string, bool) {
	body, ok := trimQuotes(text)
	if !ok {
		return "", false
	}
	if bytes {
		return unescapeAs(body, true)
	}
	return unescape(body)
}

// unescape decodes the escapes of GoogleSQL in a string or a quoted name.
func unescape(body string) (string, bool) { return unescapeAs(body, false) }

var simpleEscapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	'\\': '\\', '?': '?', '\'': '\'', '"': '"', '`': '`', '\n': '\n',
}

func unescapeAs(body string, bytes bool) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			continue
		}
		i++
		if i >= len(body) {
			return "", false
		}
		if c, ok := simpleEscapes[body[i]]; ok {
			b.WriteByte(c)
			continue
		}
		digits, base := 0, 16
		from := i + 1
		switch body[i] {
		case 'x', 'X':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		case '0', '1', '2', '3':
			digits, base, from = 3, 8, i
		}
		if digits == 0 || from+digits > len(body) {
			return "", false
		}
		value, err := strconv.ParseUint(body[from:from+digits], base, 32)
		if err != nil {
			return "", false
		}
		switch {
		case bytes && value < 256:
			b.WriteByte(byte(value))
		case value <= utf8.MaxRune && utf8.ValidRune(rune(value)):
			b.WriteRune(rune(value))
		default:
			return "", false
		}
		i = from + digits - 1
	}
	return b.String(), true
}
