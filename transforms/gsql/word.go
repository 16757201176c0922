package gsql

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// missing are functions that BigQuery has and the analyzer has not, or that other
// databases have under another name.
var missing = map[string]string{
	"max_by":                 "write ANY_VALUE(x HAVING MAX y)",
	"min_by":                 "write ANY_VALUE(x HAVING MIN y)",
	"contains_substr":        "write STRPOS(LOWER(a), LOWER(b)) > 0",
	"search":                 "write STRPOS(LOWER(a), LOWER(b)) > 0",
	"now":                    "write @as_of",
	"getdate":                "write @as_of",
	"sysdate":                "write @as_of",
	"isnull":                 "write IFNULL(a, b), or a IS NULL",
	"nvl":                    "write IFNULL(a, b)",
	"iff":                    "write IF(condition, a, b)",
	"len":                    "write LENGTH(text)",
	"datediff":               "write DATE_DIFF(later, earlier, DAY)",
	"dateadd":                "write DATE_ADD(day, INTERVAL 1 DAY)",
	"date_part":              "write EXTRACT(YEAR FROM day)",
	"datepart":               "write EXTRACT(YEAR FROM day)",
	"to_date":                "write PARSE_DATE('%Y-%m-%d', text), or DATE(timestamp)",
	"to_timestamp":           "write PARSE_TIMESTAMP(format, text), or TIMESTAMP(text)",
	"to_char":                "write FORMAT_DATE or FORMAT_TIMESTAMP",
	"charindex":              "write STRPOS(text, part)",
	"position":               "write STRPOS(text, part)",
	"listagg":                "write STRING_AGG(x, ', ')",
	"group_concat":           "write STRING_AGG(x, ', ')",
	"array_contains":         "write x IN UNNEST(array)",
	"json_extract_path_text": "write JSON_VALUE(json, '$.path')",
	"get_json_object":        "write JSON_VALUE(json, '$.path')",
	"ml.predict":             "models of BigQuery ML do not run here: write the score as SQL",
	"median":                 "write PERCENTILE_CONT(x, 0.5) OVER (), or APPROX_QUANTILES(x, 2)[OFFSET(1)]",
	"median_cont":            "write PERCENTILE_CONT(x, 0.5) OVER ()",
	"count_if":               "write COUNTIF(condition)",
	"bool_or":                "write LOGICAL_OR(x)",
	"bool_and":               "write LOGICAL_AND(x)",
	"arg_max":                "write ANY_VALUE(x HAVING MAX y)",
	"arg_min":                "write ANY_VALUE(x HAVING MIN y)",
	"first":                  "write ANY_VALUE(x HAVING MIN ordered_by)",
	"last":                   "write ANY_VALUE(x HAVING MAX ordered_by)",
	"try_cast":               "write SAFE_CAST(x AS type)",
	"strftime":               "write FORMAT_TIMESTAMP(format, x)",
	"epoch":                  "write UNIX_SECONDS(timestamp)",
	"substring_index":        "write SPLIT(text, ',')[SAFE_OFFSET(0)]",
	"split_part":             "write SPLIT(text, ',')[SAFE_OFFSET(0)]",
	"generate_series":        "write UNNEST(GENERATE_ARRAY(1, 10)) or UNNEST(GENERATE_DATE_ARRAY(from, to))",
	"md5_hex":                "write TO_HEX(MD5(x))",
}

// dateParts are the words that functions of dates take.
var dateParts = set("microsecond", "millisecond", "second", "minute", "hour", "day", "dayofweek", "dayofyear",
	"week", "isoweek", "month", "quarter", "year", "isoyear", "date", "time")

// normalForms are the words that NORMALIZE takes.
var normalForms = set("nfc", "nfd", "nfkc", "nfkd")

// typeNames are the types that a query may name.
var typeNames = []string{"STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "BYTES", "DATE", "DATETIME", "TIME", "TIMESTAMP", "JSON", "INTERVAL"}

var (
	guess         = regexp.MustCompile("^Did you mean `?([^?`]+)`?\\?$")
	argumentTypes = regexp.MustCompile(`(?m)^\s*Argument types: (.*)$`)
	signatureLine = regexp.MustCompile(`(?m)^\s*Signature: (.*)$`)
	structType    = regexp.MustCompile(`does not exist in (STRUCT<.*>)`)
	ambiguous     = regexp.MustCompile(`^Column name (\S+) is ambiguous`)
	ungrouped     = regexp.MustCompile(`references column (\S+) which is neither grouped nor aggregated`)
)

// word words a fault for its reader: what is wrong, and what to write. r says what
// the query offers; it may be nil.
func (e *Engine) word(f fault, r *recovery) (message, advice string) {
	message = f.message
	guessed := ""
	if before, after, ok := strings.Cut(message, "; "); ok {
		if found := guess.FindStringSubmatch(after); found != nil {
			message, guessed = before, found[1]
		}
	}
	if f.kind == signatureFault {
		if types := argumentTypes.FindStringSubmatch(f.detail); types != nil && !strings.Contains(message, "argument types") {
			message += " for argument types: " + strings.TrimSpace(types[1])
		}
		message = strings.ReplaceAll(message, "DATE_TIME_PART", "date part")
	}
	if advice = e.advise(f, r, guessed); advice == "" && guessed != "" {
		advice = `did you mean "` + guessed + `"?`
	}
	return message, advice
}

func (e *Engine) advise(f fault, r *recovery, guessed string) string {
	m := f.message
	switch {
	case f.callee != "" && f.kind == certainFault:
		if known := missing[strings.ToLower(f.callee)]; known != "" {
			return known
		}
		if len(f.callee) < 4 {
			return "" // everything is close to so short a word
		}
		return closest(f.callee, e.functions())
	case strings.HasPrefix(m, "A valid date part"):
		if part := bestDatePart(f.name); part != "" {
			return `did you mean "` + part + `"?`
		}
		return "a date part is one of " + strings.ToUpper(strings.Join(slices.Sorted(maps.Keys(dateParts)), ", "))
	case strings.HasPrefix(m, "Type not found: "):
		return hint.DidYouMean(strings.TrimPrefix(m, "Type not found: "), typeNames)
	case f.kind == signatureFault:
		return signatures(f)
	case ungrouped.MatchString(m):
		column := ungrouped.FindStringSubmatch(m)[1]
		return "add it to GROUP BY, or aggregate it: ANY_VALUE(" + column + ")"
	case ambiguous.MatchString(m):
		return "write the table before it: table." + ambiguous.FindStringSubmatch(m)[1]
	case strings.HasPrefix(m, "Aggregate function") && strings.Contains(m, "WHERE"):
		return "write the condition in HAVING"
	case strings.HasPrefix(m, "Analytic function") && strings.Contains(m, "WHERE"):
		return "write the condition in QUALIFY"
	case strings.Contains(m, "has incompatible types"):
		return "cast the column in one of the branches"
	case strings.HasPrefix(m, "QUALIFY") || strings.HasPrefix(m, "The QUALIFY"):
		return "conditions on columns go into WHERE"
	case r == nil:
		return ""
	}
	return r.advise(f, guessed)
}

// signatures says what a function takes.
func signatures(f fault) string {
	var takes []string
	for _, line := range signatureLine.FindAllStringSubmatch(f.detail, -1) {
		takes = append(takes, strings.ReplaceAll(strings.TrimSpace(line[1]), "DATE_TIME_PART", "date part"))
		if len(takes) > 3 {
			break
		}
	}
	operator := !regexp.MustCompile(`^\w+$`).MatchString(f.callee)
	switch {
	case operator || strings.HasPrefix(f.callee, "BETWEEN") || f.callee == "IN" || f.callee == "LIKE" || strings.HasPrefix(f.callee, "CASE"):
		return "cast one side: CAST(x AS type)"
	case strings.Contains(f.detail, "common supertype"):
		return "cast the arguments to one type: CAST(x AS type)"
	case len(takes) == 0:
		return ""
	case len(takes) > 3:
		return "it takes " + strings.Join(takes[:3], " or ") + ", …"
	}
	return "it takes " + strings.Join(takes, " or ")
}

// closest is advice on a slip; empty when no known word is close.
func closest(word string, known []string) string {
	if advice := hint.DidYouMean(word, known); strings.HasPrefix(advice, "did you mean") {
		return advice
	}
	return ""
}

// bestDatePart is the date part that a misspelt one is closest to, in upper case.
func bestDatePart(word string) string {
	if word == "" {
		return ""
	}
	advice := closest(word, slices.Sorted(maps.Keys(dateParts)))
	if _, part, ok := strings.Cut(advice, `"`); ok {
		return strings.ToUpper(strings.TrimSuffix(part, `"?`))
	}
	return ""
}

// functions are the names of all functions, longer ones first: of equally close
// names the one that a letter was left out of is meant more often.
func (e *Engine) functions() []string {
	if e.known == nil {
		names, err := e.builtins.FunctionNames()
		if err != nil {
			return nil // advice on a slip is lost, nothing else
		}
		e.known = []string{}
		for _, name := range names {
			if !strings.HasPrefix(name, "$") {
				e.known = append(e.known, name)
			}
		}
		slices.SortFunc(e.known, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	}
	return e.known
}

// advise is advice on names that only the query itself can give.
func (r *recovery) advise(f fault, guessed string) string {
	m := f.message
	switch {
	case strings.HasPrefix(m, "Query parameter "):
		var known []string
		for _, name := range slices.Sorted(maps.Keys(r.cat.Params)) {
			known = append(known, "@"+name)
		}
		name := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(m, "Query parameter "), " not found"), "'")
		if len(known) == 0 {
			return "this query has no parameters"
		}
		return hint.DidYouMean("@"+name, known)
	case strings.HasPrefix(m, "Table not found: "):
		name, _, _ := strings.Cut(strings.TrimPrefix(m, "Table not found: "), ";")
		var known []string
		r.eachNode(r.root, func(n *syntax.Node) {
			if n.Kind == "WithClauseEntry" {
				if id := firstOf(n, "Identifier"); id != nil {
					known = append(known, identifier(r.src, id))
				}
			}
		})
		for _, t := range r.cat.Tables {
			known = append(known, t.Name)
		}
		if len(known) == 0 {
			return ""
		}
		return hint.DidYouMean(name, known)
	case structType.MatchString(m):
		typ, err := schemas.ParseType(structType.FindStringSubmatch(m)[1])
		if err != nil {
			return ""
		}
		var known []string
		for _, field := range typ.Fields {
			known = append(known, field.Name)
		}
		return hint.DidYouMean(f.name, known)
	case f.name != "" && (f.kind == nameFault && guessed == "" || f.kind == unitFault):
		if known := r.offered(f); len(known) > 0 {
			return hint.DidYouMean(f.name, known)
		}
	}
	return ""
}

func (r *recovery) eachNode(n *syntax.Node, do func(*syntax.Node)) {
	do(n)
	for _, kid := range n.Kids {
		r.eachNode(kid, do)
	}
}

// offered is what FROM offers at the place of a fault, as far as the text and the
// catalog say: the columns of f.within if the fault names it, the names of the
// tables if the name stands before a dot, else all columns.
func (r *recovery) offered(f fault) []string {
	leaf := r.leaf(f.at)
	before := false
	if path := r.parent[leaf]; path != nil {
		before = path.Kind == "PathExpression" && path.Kids[0] == leaf &&
			(len(path.Kids) > 1 || r.parent[path] != nil && strings.HasPrefix(r.parent[path].Kind, "DotStar"))
	}
	var names []string
	for query := r.around(leaf, "Select"); query != nil && len(names) == 0; query = r.around(r.parent[query], "Select") {
		r.eachSource(query, func(alias string, n *syntax.Node) {
			switch {
			case before && alias != "":
				names = append(names, alias)
			case !before && (f.within == "" || strings.EqualFold(alias, f.within)):
				names = append(names, r.columnsOf(n, 0)...)
			}
		})
		if f.within == "" {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// eachSource calls do with the tables of a SELECT's own FROM.
func (r *recovery) eachSource(query *syntax.Node, do func(alias string, n *syntax.Node)) {
	var visit func(n *syntax.Node)
	visit = func(n *syntax.Node) {
		switch n.Kind {
		case "TablePathExpression", "TableSubquery":
			do(aliasOf(r.src, n), n)
		case "FromClause", "Join", "ParenthesizedJoin":
			for _, kid := range n.Kids {
				visit(kid)
			}
		}
	}
	if from := firstOf(query, "FromClause"); from != nil {
		visit(from)
	}
}

// columnsOf are the columns of a table of FROM.
func (r *recovery) columnsOf(n *syntax.Node, depth int) []string {
	const deepest = 8 // stars through WITH steps that read each other
	if depth > deepest {
		return nil
	}
	if n.Kind == "TableSubquery" {
		return r.columnsOfQuery(firstOf(n, "Query"), depth)
	}
	path := firstOf(n, "PathExpression")
	if path == nil {
		return nil
	}
	parts := make([]string, len(path.Kids))
	for i, id := range path.Kids {
		parts[i] = identifier(r.src, id)
	}
	name := strings.Join(parts, ".")
	var step *syntax.Node
	r.eachNode(r.root, func(entry *syntax.Node) {
		if entry.Kind == "WithClauseEntry" && entry.Start < n.Start {
			if id := firstOf(entry, "Identifier"); id != nil && strings.EqualFold(identifier(r.src, id), name) {
				step = firstOf(entry, "Query")
			}
		}
	})
	if step != nil {
		return r.columnsOfQuery(step, depth)
	}
	for _, t := range r.cat.Tables {
		if strings.EqualFold(t.Name, name) {
			columns := make([]string, len(t.Columns))
			for i, c := range t.Columns {
				columns[i] = c.Name
			}
			return columns
		}
	}
	return nil
}

func (r *recovery) columnsOfQuery(query *syntax.Node, depth int) []string {
	if query == nil {
		return nil
	}
	list := selectList(query)
	if list == nil {
		return nil
	}
	var columns []string
	for _, column := range list.Kids {
		if strings.Contains(column.Kids[0].Kind, "Star") {
			r.eachSource(r.parent[list], func(_ string, n *syntax.Node) { columns = append(columns, r.columnsOf(n, depth+1)...) })
		} else if name := r.outputName(column); name != "" {
			columns = append(columns, name)
		}
	}
	return columns
}
