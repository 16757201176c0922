package duck

import (
	"strings"
	"unicode"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// advice says what to write instead of a node that is refused.
var advice = map[string]string{
	"SampleClause":           "filter by a hash of the key: WHERE SUBSTR(TO_HEX(MD5(id)), 1, 1) = '0'",
	"ForSystemTime":          "read a snapshot model instead",
	"TVF":                    "write the query it stands for",
	"NamedArgument":          "pass arguments by position",
	"Lambda":                 "use UNNEST in a subquery",
	"BigNumericLiteral":      "use NUMERIC",
	"RangeLiteral":           "use two columns",
	"Hint":                   "leave the hint out",
	"Collate":                "compare LOWER(x)",
	"RecursionDepthModifier": "leave the depth of the recursion out; filter in WHERE",
	"WithModifier":           "leave WITH after SELECT out",
	"FormatClause":           "use FORMAT_DATE, FORMAT_TIMESTAMP or PARSE_DATE",
	"TypeParameterList":      "leave the length or precision out",
	"WithExpression":         "use a subquery",
	"PipeAssert":             "write a check of the model",
	"PipeTablesample":        "filter by a hash of the key: WHERE SUBSTR(TO_HEX(MD5(id)), 1, 1) = '0'",
	"PipeCall":               "write the query it stands for",
	"PipeMatchRecognize":     "use window functions",
}

func (w *writer) refuseKind(n *syntax.Node) {
	hint := advice[n.Kind]
	switch {
	case hint != "":
	case strings.HasPrefix(n.Kind, "Pipe"):
		hint = "write WITH for the steps of a pipe"
	case strings.HasPrefix(n.Kind, "SetOperationColumn"):
		hint = "list the columns in the same order in every branch"
	default:
		hint = "write it in another way; docs/googlesql.md lists what runs"
	}
	w.fail(n, kind(n)+" does not run on DuckDB", hint)
}

// kind is the kind of a node in words, e.g. "for system time".
func kind(n *syntax.Node) string {
	name := strings.TrimSuffix(strings.TrimSuffix(n.Kind, "Expression"), "Clause")
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && unicode.IsLower(rune(name[i-1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}
