package gsql

import (
	"slices"
	"strconv"
	"strings"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// modifiers are those of aggregate and window functions.
type modifiers interface {
	Distinct() (bool, error)
	NullHandlingModifier() (googlesql.ResolvedNonScalarFunctionCallBaseEnums_NullHandlingModifier, error)
}

// mode fills Mode: what a compiler must know of a node to write it without the
// author's text.
func (c *resolvedCopy) mode(to *syntax.Resolved, from googlesql.ResolvedNode) error {
	var words []string
	when := func(word string, holds bool, err error) error {
		if holds {
			words = append(words, word)
		}
		return err
	}
	switch n := from.(type) {
	case *googlesql.ResolvedLiteral:
		// A value that the author did not write has no text to be found in.
		if to.Start >= 0 {
			return nil
		}
		text, err := n.DebugString()
		_, value, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(text), ")"), "value=")
		to.Mode = strings.TrimSuffix(value, ", has_explicit_type=TRUE")
		return err
	case *googlesql.ResolvedGetStructField:
		index, err := n.FieldIdx()
		to.Mode = strconv.Itoa(int(index))
		return err
	case *googlesql.ResolvedGetJsonField:
		name, err := n.FieldName()
		to.Mode = name
		return err
	case *googlesql.ResolvedRecursiveScan:
		kind, err := n.OpType()
		to.Mode = strings.TrimPrefix(kind.String(), "ResolvedRecursiveScanEnums_RecursiveSetOperationType")
		return err
	case *googlesql.ResolvedArrayScan:
		outer, err := n.IsOuter()
		if err := when("OUTER", outer, err); err != nil {
			return err
		}
	case *googlesql.ResolvedOrderByItem:
		descending, err := n.IsDescending()
		if err := when("DESC", descending, err); err != nil {
			return err
		}
		nulls, err := n.NullOrder()
		if err := when("NULLS FIRST", nulls == googlesql.ResolvedOrderByItemEnums_NullOrderModeNullsFirst, err); err != nil {
			return err
		}
		if nulls == googlesql.ResolvedOrderByItemEnums_NullOrderModeNullsLast {
			words = append(words, "NULLS LAST")
		}
		collation, err := n.CollationName()
		if err := when("COLLATE", collation != nil, err); err != nil {
			return err
		}
	case *googlesql.ResolvedAggregateFunctionCall:
		limit, err := n.Limit()
		if err := when("LIMIT", limit != nil, err); err != nil {
			return err
		}
	}
	if n, ok := from.(modifiers); ok {
		distinct, err := n.Distinct()
		if err := when("DISTINCT", distinct, err); err != nil {
			return err
		}
		nulls, err := n.NullHandlingModifier()
		if err := when("IGNORE NULLS", nulls == googlesql.ResolvedNonScalarFunctionCallBaseEnums_NullHandlingModifierIgnoreNulls, err); err != nil {
			return err
		}
	}
	slices.Sort(words)
	to.Mode = strings.Join(words, ", ")
	return nil
}
