package format

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
)

// dateParts are the words that name a part of a date.
var dateParts = strings.Fields(`microsecond millisecond second minute hour day dayofweek dayofyear week isoweek month
	quarter year isoyear date time`)

// plain are keywords that are no reserved words, each with the words after which
// it is one: elsewhere it may be a name.
var plain = map[string]string{
	"offset": "with", "first": "nulls", "last": "nulls", "row": "current", "system_time": "for", "materialized": "as not",
	"name": "by", "temp": "create replace", "temporary": "create replace", "table": "create replace temp temporary drop truncate",
	"view": "create replace materialized drop", "function": "create replace temp temporary drop", "replace": "or",
}

// literalTypes are the types whose name before a string makes it a value.
var literalTypes = strings.Fields("date datetime timestamp time numeric bignumeric decimal bigdecimal json range interval")

// typeNames are the names of types without brackets.
var typeNames = strings.Fields(`int64 int integer smallint bigint tinyint byteint float64 float32 double bool boolean string bytes
	date datetime time timestamp numeric bignumeric decimal bigdecimal json geography interval uint64 int32 uint32`)

// spaces are the names before a dot that go with a function.
var spaces = strings.Fields("safe net keys aead hll_count kll_quantiles d3a_count")

// keywords writes every keyword in lower case, and nothing that may be a name
// whose letter case is seen in a result: functions where they are called, types
// where they are named, and words that only stand in one place. function is what
// the nodes are the arguments of, in lower case.
func keywords(nodes []*node, function string) {
	for i, n := range nodes {
		if !n.leaf() {
			if n.open.word() == "case" {
				n.open.print, n.close.print = "case", "end"
			}
			keywords(n.kids, callee(nodes, i))
			continue
		}
		if n.open.Kind == lex.Identifier && keyword(nodes, i, function) {
			n.open.print = strings.ToLower(n.open.Text)
		}
	}
}

// callee is the function that the bracket at i holds the arguments of; "<" for types.
func callee(nodes []*node, i int) string {
	if nodes[i].bracket("<") {
		return "<"
	}
	if i > 0 && nodes[i].bracket("(") {
		return nodes[i-1].word()
	}
	return ""
}

func keyword(nodes []*node, i int, function string) bool {
	n := nodes[i]
	word := n.open.word()
	at := func(j int) *node {
		if j < 0 || j >= len(nodes) {
			return &node{open: &tok{}}
		}
		return nodes[j]
	}
	before, next := at(i-1), at(i+1)
	switch {
	case n.path:
		return next.bracket("(") && before.punct(".") && slices.Contains(spaces, at(i-2).word()) && i >= 2
	case lex.Reserved(word):
		return true
	case next.bracket("(") && slices.Contains(functions, word):
		return true
	case next.punct(".") && at(i+3).bracket("(") && slices.Contains(spaces, word):
		return true
	case next.leaf() && next.open.Kind == lex.String && slices.Contains(literalTypes, word):
		return true
	case i == 0 && function == "" && next.open.Text != "" && statement(word), before.punct("|>"):
		return true
	case before.word() != "" && slices.Contains(strings.Fields(plain[word]), before.word()):
		return true
	case word == "offset" && limited(nodes[:i]):
		return true
	case next.bracket("(") && (word == "pivot" || word == "unpivot" || word == "values"):
		return true
	}
	return slices.Contains(typeNames, word) && typeHere(nodes, i, function) ||
		slices.Contains(dateParts, word) && datePartHere(nodes, i, function)
}

func statement(word string) bool {
	return slices.Contains(strings.Fields("insert update delete truncate drop alter declare begin commit export call assert"), word)
}

// limited says whether the nodes end with limit and a number.
func limited(nodes []*node) bool {
	return len(nodes) > 1 && nodes[len(nodes)-2].word() == "limit"
}

// typeHere says whether the name of a type is one where it stands: after as in
// a cast, in the brackets of a type.
func typeHere(nodes []*node, i int, function string) bool {
	switch function {
	case "cast", "safe_cast":
		return i > 0 && nodes[i-1].word() == "as"
	case "<":
		last := i+1 == len(nodes) || nodes[i+1].punct(",") || nodes[i+1].bracket("(")
		return last
	}
	return false
}

// datePartHere says whether a word names a part of a date where it stands.
func datePartHere(nodes []*node, i int, function string) bool {
	if function == "extract" && i+1 < len(nodes) && (nodes[i+1].word() == "from" || nodes[i+1].bracket("(")) && i == 0 {
		return true
	}
	for j := i - 1; j >= 0 && j >= i-8 && !nodes[j].punct(","); j-- {
		if nodes[j].word() == "interval" {
			return true
		}
	}
	unit := strings.HasSuffix(function, "_trunc") || strings.HasSuffix(function, "_diff") || function == "last_day"
	return unit && i > 0 && nodes[i-1].punct(",") &&
		(i+1 == len(nodes) || nodes[i+1].punct(",") || nodes[i+1].bracket("("))
}
