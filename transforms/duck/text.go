package duck

import (
	"fmt"
	re "regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// textFunctions are those of STRING, and hashes.
var textFunctions = map[string]rule{
	"lower":                        {min: 1, max: 1},
	"upper":                        {min: 1, max: 1},
	"length":                       {min: 1, max: 1},
	"char_length":                  {min: 1, max: 1, text: "length"},
	"character_length":             {min: 1, max: 1, text: "length"},
	"byte_length":                  {min: 1, max: 1, text: "strlen"},
	"reverse":                      {min: 1, max: 1},
	"octet_length":                 {min: 1, max: 1, text: "strlen"},
	"unicode":                      {min: 1, max: 1, text: "bq.unicode"},
	"to_code_points":               {min: 1, max: 1, write: (*writer).codePoints},
	"code_points_to_string":        {min: 1, max: 1, text: "bq.code_points_to_string"},
	"normalize":                    {min: 1, max: 2, write: (*writer).normalize},
	"regexp_instr":                 {min: 2, max: 2, write: (*writer).regexpInstr},
	"from_base64":                  {min: 1, max: 1, text: "bq.from_base64"},
	"starts_with":                  {min: 2, max: 2, text: "starts_with"},
	"ends_with":                    {min: 2, max: 2, text: "ends_with"},
	"strpos":                       {min: 2, max: 2},
	"instr":                        {min: 2, max: 2},
	"replace":                      {min: 3, max: 3},
	"repeat":                       {min: 2, max: 2, text: "bq.repeat"},
	"lpad":                         {min: 2, max: 3, write: (*writer).pad},
	"rpad":                         {min: 2, max: 3, write: (*writer).pad},
	"left":                         {min: 2, max: 2, text: "bq.left_part"},
	"right":                        {min: 2, max: 2, text: "bq.right_part"},
	"trim":                         {min: 1, max: 2, write: (*writer).trim},
	"ltrim":                        {min: 1, max: 2, write: (*writer).trim},
	"rtrim":                        {min: 1, max: 2, write: (*writer).trim},
	"substr":                       {min: 2, max: 3, write: (*writer).substr},
	"substring":                    {min: 2, max: 3, write: (*writer).substr},
	"concat":                       {min: 1, max: 99, bytes: true, write: (*writer).concat},
	"split":                        {min: 1, max: 2, write: (*writer).split},
	"format":                       {min: 1, max: 99, write: (*writer).formatString},
	"initcap":                      {min: 1, max: 2, write: (*writer).initcap},
	"ascii":                        {min: 1, max: 1, text: "bq.ascii"},
	"chr":                          {min: 1, max: 1, text: "chr(CAST($1 AS INTEGER))"},
	"translate":                    {min: 3, max: 3, write: (*writer).translate},
	"edit_distance":                {min: 2, max: 2, text: "levenshtein"},
	"regexp_contains":              {min: 2, max: 2, write: (*writer).regexpContains},
	"regexp_extract":               {min: 2, max: 4, write: (*writer).regexpExtract},
	"regexp_substr":                {min: 2, max: 4, write: (*writer).regexpExtract},
	"regexp_extract_all":           {min: 2, max: 2, write: (*writer).regexpExtractAll},
	"regexp_replace":               {min: 3, max: 3, write: (*writer).regexpReplace},
	"to_hex":                       {min: 1, max: 1, bytes: true, write: (*writer).toHex},
	"from_hex":                     {min: 1, max: 1, text: "unhex"},
	"to_base64":                    {min: 1, max: 1, bytes: true, text: "to_base64"},
	"md5":                          {min: 1, max: 1, bytes: true, text: "unhex(md5($1))"},
	"sha1":                         {min: 1, max: 1, bytes: true, text: "unhex(sha1($1))"},
	"sha256":                       {min: 1, max: 1, bytes: true, text: "unhex(sha256($1))"},
	"safe_convert_bytes_to_string": {min: 1, max: 1, bytes: true, text: "TRY(decode($1))"},
}

// maxTextBytes is what a function may make of a text at most, in BigQuery.
const maxTextBytes = 1 << 20

func (w *writer) pad(c call) string {
	fill, isText := " ", true
	if len(c.args) == 3 {
		fill, isText = w.constant(c.args[2])
	}
	size, isNumber := w.isInteger(c.args[1])
	if isText && isNumber && fill != "" && size >= 0 && size <= maxTextBytes {
		return w.comments(c.node) + c.name + "(" + w.node(c.args[0]) + ", " + w.plain(c.args[1]) + ", " + stringText(fill) + ")"
	}
	return w.rename(c, "bq."+c.name)
}

// translate wants literals: GoogleSQL refuses a character that stands twice.
func (w *writer) translate(c call) string {
	from := w.literal(c, 1, "characters")
	seen := map[rune]bool{}
	for _, r := range from {
		if seen[r] {
			w.fail(c.args[1], "a character stands twice in TRANSLATE", "leave one out")
		}
		seen[r] = true
	}
	return w.rename(c, "")
}

func (w *writer) trim(c call) string {
	if len(c.args) == 2 {
		return w.rename(c, c.name)
	}
	return w.rename(c, "bq."+c.name) // of all the white space of Unicode
}

func (w *writer) substr(c call) string {
	at, ok := w.isInteger(c.args[1])
	plain := ok && at > 0
	if len(c.args) == 3 {
		size, ok := w.isInteger(c.args[2])
		plain = plain && ok && size >= 0
	}
	if plain {
		return w.rename(c, "substr")
	}
	return w.rename(c, "bq.substr")
}

// concat is NULL if any argument is, as || is; DuckDB's own skips NULLs.
func (w *writer) concat(c call) string {
	texts := make([]string, len(c.args))
	for i, arg := range c.args {
		texts[i] = w.textOf(arg, c.result.Kind)
	}
	return w.comments(c.node) + "(" + strings.Join(texts, " || ") + ")"
}

// textOf writes an argument that becomes a STRING beside others, or BYTES.
func (w *writer) textOf(n *syntax.Node, result schemas.Kind) string {
	from := w.typeOf(n).Kind
	w.wanted[spanOf(n)] = w.typeOf(n) // a number as written is written as a number
	text := wrap(n, w.node(n))
	switch form := castForm(from, schemas.String); {
	case from == schemas.String, n.Kind == "NullLiteral", from == schemas.Bytes && result == schemas.Bytes:
		return text
	case from == schemas.Bytes:
	case form != "":
		return strings.ReplaceAll(form, "$1", text)
	case from == schemas.Int64, from == schemas.Bool, from == schemas.Date:
		return "CAST(" + text + " AS VARCHAR)"
	}
	w.fail(n, "CONCAT of "+w.typeOf(n).String()+" does not run on DuckDB", "write CAST(x AS STRING)")
	return ""
}

func (w *writer) split(c call) string {
	if len(c.args) == 1 {
		return w.comments(c.node) + "string_split(" + w.node(c.args[0]) + ", ',')"
	}
	if delimiter, ok := w.constant(c.args[1]); ok && delimiter != "" {
		return w.comments(c.node) + "string_split(" + w.node(c.args[0]) + ", " + stringText(delimiter) + ")"
	}
	return w.comments(c.node) + "bq.split(" + w.node(c.args[0]) + ", " + w.node(c.args[1]) + ")"
}

// initcap writes INITCAP; its second argument lists what stands between words.
func (w *writer) initcap(c call) string {
	if len(c.args) == 1 {
		return w.rename(c, "bq.initcap")
	}
	var class strings.Builder
	for _, r := range w.literal(c, 1, "delimiters") {
		class.WriteString(fmt.Sprintf(`\x{%x}`, r))
	}
	pieces, delimiter := "(?s).+", ""
	if class.Len() > 0 {
		delimiter = "[" + class.String() + "]"
		pieces = "[^" + class.String() + "]+|" + delimiter
	}
	return w.comments(c.node) + "bq.initcap_by(" + w.node(c.args[0]) + ", " + stringText(pieces) + ", " + stringText(delimiter) + ")"
}

// regexpInstr writes REGEXP_INSTR as the length of what stands before the match.
func (w *writer) regexpInstr(c call) string {
	pattern, groups := w.pattern(c)
	if groups > 0 {
		w.fail(c.args[1], "REGEXP_INSTR of a group does not run on DuckDB", "write (?:…) for the groups")
	}
	value, _ := w.constant(c.args[1])
	return w.comments(c.node) + "bq.regexp_instr(" + w.node(c.args[0]) + ", " + pattern + ", " + stringText(`(?s:\A(.*?))(?:`+value+")") + ")"
}

// pattern checks a regular expression, which must be a literal, and counts its groups.
func (w *writer) pattern(c call) (text string, groups int) {
	value := w.literal(c, 1, "regular expression")
	parsed, err := re.Parse(value, re.Perl)
	if err != nil {
		w.fail(c.args[1], "this regular expression is not valid: "+err.Error(), `write it as a raw string, r'…'`)
	}
	return stringText(value), parsed.MaxCap()
}

// anyPattern is a regular expression of which no group is asked for: one that is
// not a literal faults at run time where it is not valid, as in GoogleSQL.
func (w *writer) anyPattern(c call) string {
	if _, literal := w.constant(c.args[1]); !literal {
		return w.node(c.args[1])
	}
	pattern, _ := w.pattern(c)
	return pattern
}

func (w *writer) regexpContains(c call) string {
	pattern := w.anyPattern(c)
	return w.comments(c.node) + "regexp_matches(" + w.node(c.args[0]) + ", " + pattern + ")"
}

func (w *writer) oneGroup(c call) (pattern, group string) {
	pattern, groups := w.pattern(c)
	if groups > 1 {
		w.fail(c.args[1], "this regular expression has more than one group", "write (?:…) for the groups that are not wanted")
	}
	return pattern, strconv.Itoa(groups)
}

func (w *writer) regexpExtract(c call) string {
	pattern, group := w.oneGroup(c)
	if len(c.args) == 2 {
		return w.comments(c.node) + "bq.regexp_extract(" + w.node(c.args[0]) + ", " + pattern + ", " + group + ")"
	}
	if at, ok := w.isInteger(c.args[2]); !ok || at != 1 {
		w.fail(c.args[2], strings.ToUpper(c.name)+" from another position than 1 does not run on DuckDB", "write REGEXP_EXTRACT(SUBSTR(x, n), r'…')")
	}
	occurrence := int64(1)
	if len(c.args) == 4 {
		value, ok := w.isInteger(c.args[3])
		if !ok || value < 1 {
			w.fail(c.args[3], "the occurrence of "+strings.ToUpper(c.name)+" must be a literal from 1 to run on DuckDB", "write a number")
		}
		occurrence = value
	}
	return w.comments(c.node) + "(regexp_extract_all(" + w.node(c.args[0]) + ", " + pattern + ", " + group + "))[" + strconv.FormatInt(occurrence, 10) + "]"
}

func (w *writer) regexpExtractAll(c call) string {
	pattern, group := w.oneGroup(c)
	return w.comments(c.node) + "regexp_extract_all(" + w.node(c.args[0]) + ", " + pattern + ", " + group + ")"
}

func (w *writer) regexpReplace(c call) string {
	pattern := w.anyPattern(c)
	return w.comments(c.node) + "regexp_replace(" + w.node(c.args[0]) + ", " + pattern + ", " + w.node(c.args[2]) + ", 'g')"
}

// toHex spares the way through bytes for hashes, which DuckDB gives as hex.
func (w *writer) toHex(c call) string {
	arg := c.args[0]
	if arg.Kind == "FunctionCall" {
		if name := w.functionName(arg); slices.Contains([]string{"md5", "sha1", "sha256"}, name) {
			inner := w.parse(arg)
			if len(inner.args) == 1 && w.typeOf(inner.args[0]).Kind == schemas.String {
				return w.comments(c.node) + name + "(" + w.node(inner.args[0]) + ")"
			}
		}
	}
	return w.comments(c.node) + "lower(hex(" + w.node(arg) + "))"
}
