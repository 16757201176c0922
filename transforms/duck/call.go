package duck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// call is one call of a function.
type call struct {
	node     *syntax.Node
	name     string // lower case, without safe.
	args     []*syntax.Node
	named    map[string]*syntax.Node // arguments by name, lower case
	distinct bool
	ignore   bool // IGNORE NULLS
	respect  bool // RESPECT NULLS
	order    *syntax.Node
	limit    *syntax.Node
	having   *syntax.Node
	over     string // " OVER (…)" of a window call
	result   schemas.Type
}

// rule says how a function is written.
type rule struct {
	min, max  int    // number of arguments
	text      string // a template with $1 …, or a bare name to which the call is renamed
	write     func(*writer, call) string
	aggregate bool
	window    bool // a window function only
	bytes     bool // takes BYTES as well
	json      bool // takes JSON as well
}

// functions are all the functions that were reviewed, by GoogleSQL name. A writer
// holds them: in a variable they would refer to themselves through its methods.
func functions() map[string]rule {
	all := map[string]rule{}
	for _, part := range []map[string]rule{textFunctions, numberFunctions, dateFunctions(), jsonFunctions, jsonTypeFunctions, arrayFunctions, aggregateFunctions, windowFunctions} {
		for name, rule := range part {
			all[name] = rule
		}
	}
	return all
}

func (w *writer) functionName(n *syntax.Node) string {
	path := firstKid(n, "PathExpression")
	if path == nil {
		w.refuseKind(n)
	}
	return strings.ToLower(strings.Join(w.parts(path), "."))
}

// parse reads a FunctionCall; everything about it that is not reviewed is refused.
func (w *writer) parse(n *syntax.Node) call {
	c := call{node: n, name: w.functionName(n), result: w.typeOf(n)}
	for _, kid := range n.Kids[1:] {
		switch kid.Kind {
		case "OrderBy":
			c.order = kid
		case "LimitOffset":
			c.limit = kid
		case "HavingModifier":
			c.having = kid
		default:
			if kid.Kind == "NamedArgument" && len(kid.Kids) == 2 && c.name == "make_interval" {
				if c.named == nil {
					c.named = map[string]*syntax.Node{}
				}
				c.named[strings.ToLower(w.nameOf(kid.Kids[0]))] = kid.Kids[1]
				continue
			}
			if !isExpression(kid.Kind) && kid.Kind != "Star" {
				w.refuseKind(kid)
			}
			c.args = append(c.args, kid)
		}
	}
	for _, attr := range strings.Split(n.Attr, ", ") {
		switch attr {
		case "", "distinct=true", "distinct=false":
		default:
			w.fail(n, "this form of "+strings.ToUpper(c.name)+" does not run on DuckDB ("+attr+")", "write a plain call")
		}
	}
	for _, word := range w.words(n) {
		switch word {
		case "DISTINCT":
			c.distinct = true
		case "IGNORE":
			c.ignore = true
		case "RESPECT":
			c.respect = true
		case "NULLS":
		default:
			w.fail(n, word+" in "+strings.ToUpper(c.name)+" does not run on DuckDB", "write a plain call")
		}
	}
	return c
}

func (w *writer) functionCall(n *syntax.Node) string { return w.call(w.parse(n)) }

// refuseFaults refuses operands that may fault themselves where a fault of what is
// done with them gives NULL: TRY would swallow theirs too. Nor does TRY take
// aggregates, windows and subqueries.
func (w *writer) refuseFaults(operands []*syntax.Node) {
	for _, operand := range operands {
		if w.unfitForTry(operand) {
			w.fail(operand, "a SAFE function of an aggregate, a window or a subquery does not run on DuckDB", "compute that in a CTE")
		}
		if at := w.mayFault(operand); at != nil {
			w.fail(at, "a fault of this operand would not be told apart from one of the SAFE function around it", "make it safe itself (SAFE_CAST, SAFE_DIVIDE, SAFE.…, SAFE_OFFSET), or compute it in a CTE")
		}
	}
}

// unfitForTry reports what DuckDB's TRY refuses to hold.
func (w *writer) unfitForTry(n *syntax.Node) bool {
	return w.aggregates(n) || contains(n, "AnalyticFunctionCall") || contains(n, "ExpressionSubquery")
}

// beyondTry reports an operand that must be computed outside of TRY.
func (w *writer) beyondTry(n *syntax.Node) bool { return w.unfitForTry(n) || w.mayFault(n) != nil }

// mayFault finds a division, a cast, an element or a reading of text that can
// fault. Sums and products that leave the range of INT64 are not looked for.
func (w *writer) mayFault(n *syntax.Node) *syntax.Node {
	switch n.Kind {
	case "CastExpression":
		if !strings.HasPrefix(strings.ToUpper(w.text[n.Start:n.End]), "SAFE_CAST") {
			return n
		}
		return nil
	case "BinaryExpression":
		if n.Attr == "/" {
			return n
		}
	case "ArrayElement":
		if index := n.Kids[len(n.Kids)-1]; index.Kind != "FunctionCall" || !strings.HasPrefix(w.functionName(index), "safe_") {
			return n
		}
	case "FunctionCall":
		name := w.functionName(n)
		if strings.HasPrefix(name, "safe") {
			return nil
		}
		if strings.HasPrefix(name, "parse_") || slices.Contains([]string{"div", "mod", "error", "from_hex", "from_base64"}, name) {
			return n
		}
	}
	for _, kid := range n.Kids {
		if at := w.mayFault(kid); at != nil {
			return at
		}
	}
	return nil
}

func (w *writer) call(c call) string {
	if name, ok := strings.CutPrefix(c.name, "safe."); ok {
		c.name = name
		if rule, ok := w.rules[name]; ok && !rule.aggregate && !rule.window {
			if name == "error" && len(c.args) == 1 && c.args[0].Kind != "StringLiteral" && c.args[0].Kind != "PathExpression" {
				w.fail(c.args[0], "SAFE.ERROR of a computed message does not run on DuckDB", "write NULL")
			}
			if name != "nulliferror" { // which takes any fault
				w.refuseFaults(c.args)
			}
			return "TRY(" + w.call(c) + ")"
		} else if ok {
			w.fail(c.node, "SAFE. of an aggregate or window function does not run on DuckDB", "leave SAFE. out")
		}
	}
	rule, ok := w.rules[c.name]
	if !ok {
		w.refuseFunction(c)
	}
	if len(c.args) < rule.min || len(c.args) > rule.max {
		w.fail(c.node, strings.ToUpper(c.name)+" with "+strconv.Itoa(len(c.args))+" arguments does not run on DuckDB", "use another form of it")
	}
	if !rule.aggregate && (c.distinct || c.order != nil || c.limit != nil || c.having != nil) {
		w.fail(c.node, "DISTINCT, ORDER BY, LIMIT and HAVING inside "+strings.ToUpper(c.name)+" do not run on DuckDB", "leave them out")
	}
	if rule.window && c.over == "" {
		w.fail(c.node, strings.ToUpper(c.name)+" needs OVER", "add OVER (ORDER BY …)")
	}
	if c.over != "" && !rule.window && !rule.aggregate {
		w.fail(c.node, strings.ToUpper(c.name)+" with OVER does not run on DuckDB", "leave OVER out")
	}
	if !rule.aggregate && !rule.window && (c.ignore || c.respect) {
		w.fail(c.node, "IGNORE NULLS and RESPECT NULLS in "+strings.ToUpper(c.name)+" do not run on DuckDB", "leave them out")
	}
	for _, arg := range c.args {
		if arg.Kind == "NullLiteral" && !unifies[c.name] {
			w.nullArguments[arg] = true
		}
		switch w.typeOf(arg).Kind {
		case schemas.JSON:
			if rule.json {
				continue
			}
			w.fail(arg, "the JSON type does not run on DuckDB", "keep JSON text in a STRING and use JSON_VALUE(text, '$.name')")
		case schemas.Interval:
			if arg.Kind != "IntervalExpr" && !slices.Contains(intervalTypes, c.name) {
				w.fail(arg, strings.ToUpper(c.name)+" of an INTERVAL does not run on DuckDB", "write DATE_DIFF or TIMESTAMP_DIFF for a number")
			}
		case schemas.Bytes:
			if _, ok := w.ofBytes(c); !ok && !rule.bytes {
				w.fail(arg, strings.ToUpper(c.name)+" of BYTES does not run on DuckDB", "use STRING")
			}
		}
	}
	bytesForm, isBytes := w.ofBytes(c)
	switch {
	case isBytes:
		return w.comments(c.node) + w.fill(bytesForm, c.args)
	case c.having != nil && c.name != "any_value":
		return w.havingCall(c)
	case rule.write != nil:
		return rule.write(w, c)
	case strings.ContainsAny(rule.text, "$( "):
		return w.comments(c.node) + w.fill(rule.text, c.args)
	default:
		return w.rename(c, rule.text)
	}
}

// unifies are functions whose arguments share a type, which NULL takes too.
var unifies = map[string]bool{"if": true, "ifnull": true, "coalesce": true, "nullif": true}

// fill puts the arguments into a template. $0 is all of them with commas.
func (w *writer) fill(template string, args []*syntax.Node) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = w.node(arg)
	}
	pairs := []string{"$0", strings.Join(texts, ", ")}
	for i, text := range texts {
		pairs = append(pairs, "$"+strconv.Itoa(i+1), text)
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// rename copies a call under another name: line breaks and comments stay.
func (w *writer) rename(c call, name string) string {
	path := firstKid(c.node, "PathExpression")
	texts := map[*syntax.Node]string{}
	for i, text := range w.unified(c.args) {
		texts[c.args[i]] = text
	}
	return w.copyWith(c.node, func(kid *syntax.Node) string {
		if kid == path {
			if name == "" {
				return w.nameAsWritten(c)
			}
			return name
		}
		if text, ok := texts[kid]; ok {
			return text
		}
		return w.node(kid)
	})
}

// analyticCall writes a call with OVER.
func (w *writer) analyticCall(n *syntax.Node) string {
	w.reviewed(n, "FunctionCall", "WindowSpecification")
	if len(n.Kids) != 2 {
		w.refuseKind(n)
	}
	c := w.parse(n.Kids[0])
	if over, ok := w.low.over[spanOf(n)]; ok {
		c.over = over
	} else {
		c.over = w.gap(n.Kids[0].End, n.Kids[1].Start) + w.node(n.Kids[1])
	}
	c.result = w.typeOf(n) // the analyzer knows the whole, not the inner call
	return w.call(c)
}

// refused are functions that are known and not run, with what to write instead.
var refused = map[string]string{
	"current_timestamp":      "use @as_of: a model gives the same rows when it is built again",
	"current_date":           "use DATE(@as_of): a model gives the same rows when it is built again",
	"current_datetime":       "use DATETIME(@as_of): a model gives the same rows when it is built again",
	"current_time":           "use TIME(@as_of): a model gives the same rows when it is built again",
	"rand":                   "order by a hash, TO_HEX(MD5(id)): a model gives the same rows when it is built again",
	"generate_uuid":          "make a key of the row: TO_HEX(MD5(CONCAT(a, '|', b)))",
	"farm_fingerprint":       "use TO_HEX(MD5(x))",
	"session_user":           "a model gives the same rows to everybody",
	"iferror":                "use SAFE_CAST, SAFE_DIVIDE or NULLIF",
	"iserror":                "use SAFE_CAST, SAFE_DIVIDE or NULLIF",
	"approx_top_sum":         "sum in a GROUP BY and keep the first by ROW_NUMBER",
	"net.host":               "use REGEXP_EXTRACT(url, r'^https?://([^/:]+)')",
	"net.reg_domain":         "keep the domain at the source",
	"soundex":                "compare LOWER(x)",
	"contains_substr":        "write STRPOS(LOWER(x), 'text') > 0",
	"normalize_and_casefold": "compare LOWER(NORMALIZE(x))",
	"collate":                "compare LOWER(x)",
}

func (w *writer) refuseFunction(c call) {
	name := strings.ToUpper(c.name)
	if hint, ok := refused[c.name]; ok {
		w.fail(c.node, name+" does not run on DuckDB", hint)
	}
	w.fail(c.node, "function "+name+" does not run on DuckDB", "write it with other functions; docs/googlesql.md lists those that run")
}

// part is the date part that an argument names, e.g. DAY or WEEK(MONDAY).
func (w *writer) part(n *syntax.Node) string {
	switch {
	case n.Kind == "PathExpression" || n.Kind == "Identifier":
		return strings.ToUpper(w.text[n.Start:n.End])
	case n.Kind == "FunctionCall" && len(n.Kids) == 2:
		return strings.ToUpper(w.functionName(n)) + "(" + strings.ToUpper(w.text[n.Kids[1].Start:n.Kids[1].End]) + ")"
	}
	w.fail(n, "this date part is not understood", "write DAY, WEEK(MONDAY), MONTH, QUARTER or YEAR")
	return ""
}

// literal is the string of an argument that must be a literal.
func (w *writer) literal(c call, i int, what string) string {
	value, ok := w.constant(c.args[i])
	if !ok {
		w.fail(c.args[i], "the "+what+" of "+strings.ToUpper(c.name)+" must be a literal to run on DuckDB", "write it as a string")
	}
	return value
}
