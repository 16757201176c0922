package duckdb

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ripen-data/ripen/warehouse"
)

// faultRule reads one kind of message.
type faultRule struct {
	pattern *regexp.Regexp
	say     func(groups []string) string
	raised  func(groups []string) []string
	hint    string
}

// inQuotes is how a value stands in a message: short and in quotes.
func inQuotes(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

func saying(text string) func([]string) string { return func([]string) string { return text } }

func raisedBy(names ...string) func([]string) []string {
	return func([]string) []string { return names }
}

const safeCast = "write SAFE_CAST, which gives NULL"

// typeNames are the types of DuckDB's messages in GoogleSQL.
var typeNames = map[string]string{
	"INT64": "INT64", "INT32": "INT64", "INT128": "INT64", "DOUBLE": "FLOAT64", "FLOAT": "FLOAT64", "BOOL": "BOOL", "VARCHAR": "STRING",
	"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIME": "TIME", "BLOB": "BYTES",
}

func typeName(duck string) string {
	if name, ok := typeNames[duck]; ok {
		return name
	}
	if strings.HasPrefix(duck, "DECIMAL") {
		return "NUMERIC"
	}
	return duck
}

var operators = map[string]string{"addition": "+", "subtraction": "-", "multiplication": "*", "division": "/"}

// faultRules are tried in order on the message without its prefix and the lines
// that show DuckDB's own SQL. The first ones are those of the macros in schema bq,
// which raise a fault by a cast that fails: its text says what is wrong.
var faultRules = []faultRule{
	{
		pattern: regexp.MustCompile(`^Could not convert string 'division by zero' to`),
		say:     saying("division by zero"), raised: raisedBy("/", "DIV", "MOD"),
		hint: "write SAFE_DIVIDE(a, b), which gives NULL, or divide by NULLIF(b, 0)",
	},
	{
		pattern: regexp.MustCompile(`(?s)['"]not (an?) ([A-Z0-9]+): (.*?)['"](?: to |, expected| has)`),
		say:     func(g []string) string { return "not " + g[1] + " " + g[2] + ": " + inQuotes(g[3]) },
		raised:  func(g []string) []string { return []string{"CAST AS " + g[2]} }, hint: safeCast,
	},
	{
		pattern: regexp.MustCompile(`^Could not convert string 'array index out of bounds' to`),
		say:     saying("array index out of bounds"), raised: raisedBy("OFFSET", "ORDINAL", "ARRAY_FIRST", "ARRAY_LAST"),
		hint: "write SAFE_OFFSET or SAFE_ORDINAL, which give NULL",
	},
	{
		pattern: regexp.MustCompile(`^Could not convert string 'negative (length|number) of ([A-Z]+)' to`),
		say:     func(g []string) string { return "negative " + g[1] + " of " + g[2] },
		raised:  func(g []string) []string { return []string{g[2]} },
	},
	{
		pattern: regexp.MustCompile(`(?s)^Could not convert string ['"](\s*[-+.0-9][-+.0-9eE]*\s*)['"] to ([A-Z0-9]+)`),
		say:     func(g []string) string { return typeName(g[2]) + " out of range: " + g[1] },
		raised:  func(g []string) []string { return []string{"CAST AS " + typeName(g[2])} }, hint: safeCast,
	},
	{ // any other text of a macro
		pattern: regexp.MustCompile(`(?s)^Could not convert string ['"](.*)['"] to [A-Z0-9]+`),
		say:     func(g []string) string { return g[1] },
	},
	{
		pattern: regexp.MustCompile(`^Overflow in (addition|subtraction|multiplication|division) of INT\d+ \((.*)\)!`),
		say:     func(g []string) string { return "INT64 overflow: " + g[2] },
		raised:  func(g []string) []string { return []string{operators[g[1]]} },
		hint:    "calculate in NUMERIC or FLOAT64",
	},
	{
		pattern: regexp.MustCompile(`^Overflow in (addition|subtraction|multiplication|division) of DECIMAL`),
		say:     func(g []string) string { return "NUMERIC overflow in " + g[1] },
		raised:  func(g []string) []string { return []string{operators[g[1]]} },
		hint:    "calculate in FLOAT64",
	},
	{
		pattern: regexp.MustCompile(`^Type [A-Z0-9(),]+ with value (\S+) can't be cast because the value is out of range for the destination type ([A-Z0-9]+)`),
		say:     func(g []string) string { return typeName(g[2]) + " out of range: " + g[1] },
		raised: func(g []string) []string {
			return []string{"CAST AS " + typeName(g[2]), "SUM", "ABS", "-", "+", "*", "ROUND", "FLOOR", "CEIL", "CEILING", "TRUNC"}
		},
		hint: safeCast + ", or calculate in NUMERIC",
	},
	{
		pattern: regexp.MustCompile(`^(?:Could not cast value|Casting value) "?(.*?)"? to (?:type )?(DECIMAL|[A-Z0-9]+)`),
		say: func(g []string) string {
			return typeName(g[2]) + " out of range: " + strings.TrimSuffix(g[1], ".000000")
		},
		raised: func(g []string) []string { return []string{"CAST AS " + typeName(g[2])} }, hint: safeCast,
	},
	{
		pattern: regexp.MustCompile(`^(date|time|timestamp) field value out of range: "(.*?)"`),
		say:     func(g []string) string { return "no such " + g[1] + ": " + inQuotes(g[2]) },
		raised: func(g []string) []string {
			return []string{"CAST AS DATE", "CAST AS DATETIME", "CAST AS TIMESTAMP", "CAST AS TIME"}
		}, hint: safeCast,
	},
	{
		pattern: regexp.MustCompile(`^invalid (date|time|timestamp) field format: "(.*?)"`),
		say:     func(g []string) string { return "not a " + strings.ToUpper(g[1]) + ": " + inQuotes(g[2]) },
		raised: func(g []string) []string {
			return []string{"CAST AS DATE", "CAST AS DATETIME", "CAST AS TIMESTAMP", "CAST AS TIME"}
		}, hint: safeCast,
	},
	{
		pattern: regexp.MustCompile(`^More than one row returned by a subquery`),
		say:     saying("a subquery that stands for one value returned more than one row"),
		hint:    "write ARRAY(SELECT …), or LIMIT 1 with ORDER BY",
	},
	{
		pattern: regexp.MustCompile(`(?s)^Malformed JSON at byte \d+ of input: ([^.]*)\.\s+Input: "(.*)"`),
		say:     func(g []string) string { return "not JSON: " + inQuotes(g[2]) + " (" + g[1] + ")" },
		raised:  raisedBy("PARSE_JSON"), hint: "write SAFE.PARSE_JSON(x)",
	},
	{
		pattern: regexp.MustCompile(`(?s)^Could not parse string "(.*?)" according to format specifier "(.*?)"`),
		say:     func(g []string) string { return inQuotes(g[1]) + " is not written in the format " + inQuotes(g[2]) },
		raised:  raisedBy("PARSE_DATE", "PARSE_DATETIME", "PARSE_TIMESTAMP", "PARSE_TIME"),
		hint:    "write SAFE.PARSE_DATE and its kin, which give NULL",
	},
	{
		pattern: regexp.MustCompile(`^Unknown TimeZone '(.*?)'`),
		say:     func(g []string) string { return "unknown time zone " + inQuotes(g[1]) },
		hint:    "write a name such as Europe/Berlin",
	},
	{
		pattern: regexp.MustCompile(`^cannot take square root of a negative number`),
		say:     saying("square root of a negative number"), raised: raisedBy("SQRT"), hint: "write SAFE.SQRT(x), which gives NULL",
	},
	{
		pattern: regexp.MustCompile(`^cannot take logarithm of (zero|a negative number)`),
		say:     func(g []string) string { return "logarithm of " + g[1] },
		raised:  raisedBy("LN", "LOG", "LOG10"), hint: "write SAFE.LN(x), which gives NULL",
	},
	{
		pattern: regexp.MustCompile(`^([A-Z0-9]+) is undefined outside (\S+)`),
		say:     func(g []string) string { return g[1] + " of a value outside " + g[2] },
		raised:  func(g []string) []string { return []string{g[1]} },
	},
	{
		pattern: regexp.MustCompile(`^Date out of range: (\S+)`),
		say:     func(g []string) string { return "no such date: " + g[1] }, raised: raisedBy("DATE", "DATETIME"),
	},
	{
		pattern: regexp.MustCompile(`(?i)not in timestamp range|timestamp microseconds out of range|out of range for TIMESTAMP`),
		say:     saying("TIMESTAMP out of range"), hint: "years are 1 to 9999",
	},
	{
		pattern: regexp.MustCompile(`(?i)^(overflow|underflow) .*date|date.* out of range`),
		say:     saying("DATE out of range"), hint: "years are 1 to 9999",
	},
	{
		pattern: regexp.MustCompile(`(?s)^Could not decode string "(.*)" as base64`),
		say:     func(g []string) string { return "not base64: " + inQuotes(g[1]) }, raised: raisedBy("FROM_BASE64"),
		hint: "write SAFE.FROM_BASE64(x)",
	},
	{
		pattern: regexp.MustCompile(`^Invalid input for hex digit: (.*)`),
		say:     func(g []string) string { return "not a hexadecimal digit: " + inQuotes(g[1]) }, raised: raisedBy("FROM_HEX"),
	},
	{
		pattern: regexp.MustCompile(`^Failure in decode: could not convert blob to UTF8`),
		say:     saying("BYTES that are not UTF-8"), raised: raisedBy("CAST AS STRING"), hint: "write SAFE_CONVERT_BYTES_TO_STRING(x)",
	},
}

// faultPrefixes are the classes of DuckDB's errors that a value brings about.
var faultPrefixes = []string{"Conversion Error: ", "Out of Range Error: ", "Invalid Input Error: ", "Not implemented Error: Unknown TimeZone"}

// asFault recognises an error that a value of a running statement brought about
// and says it in GoogleSQL's words; other errors are returned as they are.
func asFault(err error) error {
	var known *warehouse.Fault
	if err == nil || errors.As(err, &known) {
		return err
	}
	message := err.Error()
	for _, prefix := range faultPrefixes {
		if !strings.HasPrefix(message, prefix) {
			continue
		}
		_, message, _ = strings.Cut(message, "Error: ")
		// What follows shows SQL that the reader has not written.
		message, _, _ = strings.Cut(message, "\nLINE ")
		return readFault(strings.TrimSpace(message), err)
	}
	return err
}

func readFault(message string, err error) *warehouse.Fault {
	for _, rule := range faultRules {
		groups := rule.pattern.FindStringSubmatch(message)
		if groups == nil {
			continue
		}
		fault := &warehouse.Fault{Message: rule.say(groups), Hint: rule.hint, Err: err}
		if rule.raised != nil {
			fault.Raised = rule.raised(groups)
		}
		return fault
	}
	first, _, _ := strings.Cut(message, "\n")
	return &warehouse.Fault{Message: strings.TrimRight(first, " !."), Err: err}
}
