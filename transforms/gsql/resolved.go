package gsql

import (
	"fmt"
	"runtime"
	"strings"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// syntaxType is a type or why it has none in this project.
type syntaxType struct {
	typ schemas.Type
	err error
}

// resolvedCopy copies a resolved tree. Attr is the name of what a node calls,
// reads or makes: the function, table, WITH entry, struct field, parameter or
// output column; for joins, set operations and subqueries their kind.
type resolvedCopy struct {
	types map[string]syntaxType // by the analyzer's text
}

func (c *resolvedCopy) query(query *googlesql.ResolvedQueryStmt) (*syntax.Resolved, []schemas.Column, error) {
	root, err := c.node(query)
	if err != nil {
		return nil, nil, err
	}
	columns, err := c.output(query)
	return root, columns, err
}

// outputColumns are the columns of an analysed query.
func outputColumns(output *googlesql.AnalyzerOutput) ([]schemas.Column, error) {
	root, err := output.ResolvedStatement()
	if err != nil {
		return nil, err
	}
	query, ok := root.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return nil, fmt.Errorf("this is a %T, not a query", root)
	}
	copied := resolvedCopy{types: map[string]syntaxType{}}
	columns, err := copied.output(query)
	runtime.KeepAlive(output)
	return columns, err
}

func (c *resolvedCopy) output(query *googlesql.ResolvedQueryStmt) ([]schemas.Column, error) {
	size, err := query.OutputColumnListSize()
	if err != nil {
		return nil, err
	}
	columns := make([]schemas.Column, size)
	for i := range size {
		output, err := query.OutputColumnList2(i)
		if err != nil {
			return nil, err
		}
		if columns[i].Name, err = output.Name(); err != nil {
			return nil, err
		}
		column, err := output.Column()
		if err != nil {
			return nil, err
		}
		node, err := column.Type()
		if err != nil {
			return nil, err
		}
		typ, err := c.typ(node)
		if err != nil {
			return nil, err
		}
		columns[i].Type = typ
	}
	return columns, nil
}

func (c *resolvedCopy) node(from googlesql.ResolvedNode) (*syntax.Resolved, error) {
	to := &syntax.Resolved{Start: -1, End: -1}
	var err error
	if to.Kind, err = from.NodeKindString(); err != nil {
		return nil, err
	}
	place, err := from.GetParseLocationRangeOrNULL()
	if err != nil {
		return nil, err
	}
	if to.Start, to.End, err = offsets(place); err != nil {
		return nil, err
	}
	if expr, ok := from.(googlesql.ResolvedExprNode); ok {
		node, err := expr.Type()
		if err != nil {
			return nil, err
		}
		if node != nil {
			typ, err := c.typ(node)
			if err != nil {
				return nil, err
			}
			to.Type = &typ
		}
	}
	if err := c.describe(to, from); err != nil {
		return nil, fmt.Errorf("%s: %w", to.Kind, err)
	}
	if err := c.mode(to, from); err != nil {
		return nil, fmt.Errorf("%s: %w", to.Kind, err)
	}
	if array, ok := from.(*googlesql.ResolvedArrayScan); ok {
		return to, c.arrayScan(to, array)
	}
	children, err := from.GetChildNodes()
	if err != nil {
		return nil, err
	}
	for _, child := range children {
		kid, err := c.node(child)
		if err != nil {
			return nil, err
		}
		to.Kids = append(to.Kids, kid)
	}
	return to, nil
}

type functionCall interface {
	Function() (*googlesql.Function, error)
}

type computedColumn interface {
	Column() (*googlesql.ResolvedColumn, error)
}

type named interface{ Name() (string, error) }

type withName interface{ WithQueryName() (string, error) }

// describe fills Attr and Columns.
func (c *resolvedCopy) describe(to *syntax.Resolved, from googlesql.ResolvedNode) error {
	if scan, ok := from.(interface {
		ColumnList() ([]*googlesql.ResolvedColumn, error)
	}); ok {
		if err := c.columns(to, scan.ColumnList); err != nil {
			return err
		}
	}
	var err error
	switch n := from.(type) {
	case functionCall:
		function, err := n.Function()
		if err != nil {
			return err
		}
		to.Attr, err = function.Name()
		return err
	case *googlesql.ResolvedTableScan:
		table, err := n.Table()
		if err != nil {
			return err
		}
		if to.Attr, err = table.FullName(); err != nil {
			return err
		}
		for i := range to.Columns {
			to.Columns[i].Table = to.Attr
		}
		return nil
	case withName:
		to.Attr, err = n.WithQueryName()
		return err
	case *googlesql.ResolvedGetStructField:
		return describeField(to, n)
	case *googlesql.ResolvedJoinScan:
		kind, err := n.JoinType()
		to.Attr = strings.TrimPrefix(kind.String(), "ResolvedJoinScanEnums_JoinType")
		return err
	case *googlesql.ResolvedSetOperationScan:
		kind, err := n.OpType()
		to.Attr = strings.TrimPrefix(kind.String(), "ResolvedSetOperationScanEnums_SetOperationType")
		return err
	case *googlesql.ResolvedRecursiveScan:
		kind, err := n.OpType()
		to.Attr = strings.TrimPrefix(kind.String(), "ResolvedRecursiveScanEnums_RecursiveSetOperationType")
		return err
	case *googlesql.ResolvedSubqueryExpr:
		kind, err := n.SubqueryType()
		to.Attr = strings.TrimPrefix(kind.String(), "ResolvedSubqueryExprEnums_SubqueryType")
		return err
	case *googlesql.ResolvedSetOperationItem:
		return c.columns(to, n.OutputColumnList)
	case *googlesql.ResolvedGroupingCall:
		column, err := n.OutputColumn()
		if err != nil {
			return err
		}
		ref, err := columnRef(column)
		to.Columns = []syntax.ColumnRef{ref}
		return err
	case *googlesql.ResolvedLiteral, *googlesql.ResolvedCast:
		return nil
	}
	if n, ok := from.(named); ok {
		if to.Attr, err = n.Name(); err != nil {
			return err
		}
	}
	if n, ok := from.(computedColumn); ok {
		column, err := n.Column()
		if err != nil {
			return err
		}
		ref, err := columnRef(column)
		if err != nil {
			return err
		}
		to.Columns = []syntax.ColumnRef{ref}
	}
	return nil
}

func describeField(to *syntax.Resolved, n *googlesql.ResolvedGetStructField) error {
	index, err := n.FieldIdx()
	if err != nil {
		return err
	}
	expr, err := n.Expr()
	if err != nil {
		return err
	}
	typ, err := expr.Type()
	if err != nil {
		return err
	}
	structType, err := typ.AsStruct()
	if err != nil {
		return err
	}
	field, err := structType.Field(index)
	if err != nil {
		return err
	}
	to.Attr = field.Name
	return nil
}

// arrayScan copies UNNEST: Attr-free ArrayElement nodes tie each element column
// to its array, which the analyzer's own child order does not.
func (c *resolvedCopy) arrayScan(to *syntax.Resolved, from *googlesql.ResolvedArrayScan) error {
	input, err := from.InputScan()
	if err != nil {
		return err
	}
	if input != nil {
		kid, err := c.node(input)
		if err != nil {
			return err
		}
		to.Kids = append(to.Kids, kid)
	}
	arrays, err := from.ArrayExprList()
	if err != nil {
		return err
	}
	elements, err := from.ElementColumnList()
	if err != nil {
		return err
	}
	for i, array := range arrays {
		expr, err := c.node(array)
		if err != nil {
			return err
		}
		element := &syntax.Resolved{Kind: "ArrayElement", Start: expr.Start, End: expr.End, Kids: []*syntax.Resolved{expr}}
		if i < len(elements) {
			ref, err := columnRef(elements[i])
			if err != nil {
				return err
			}
			element.Columns = []syntax.ColumnRef{ref}
		}
		to.Kids = append(to.Kids, element)
	}
	offset, err := from.ArrayOffsetColumn()
	if err != nil {
		return err
	}
	if offset != nil {
		column, err := offset.Column()
		if err != nil {
			return err
		}
		ref, err := columnRef(column)
		if err != nil {
			return err
		}
		to.Kids = append(to.Kids, &syntax.Resolved{Kind: "ArrayOffset", Start: -1, End: -1, Columns: []syntax.ColumnRef{ref}})
	}
	join, err := from.JoinExpr()
	if err != nil {
		return err
	}
	if join != nil {
		kid, err := c.node(join)
		if err != nil {
			return err
		}
		to.Kids = append(to.Kids, kid)
	}
	return nil
}

func (c *resolvedCopy) columns(to *syntax.Resolved, list func() ([]*googlesql.ResolvedColumn, error)) error {
	columns, err := list()
	if err != nil {
		return err
	}
	to.Columns = nil
	for _, column := range columns {
		ref, err := columnRef(column)
		if err != nil {
			return err
		}
		to.Columns = append(to.Columns, ref)
	}
	return nil
}

func columnRef(column *googlesql.ResolvedColumn) (syntax.ColumnRef, error) {
	id, err := column.ColumnId()
	if err != nil {
		return syntax.ColumnRef{}, err
	}
	table, err := column.TableName()
	if err != nil {
		return syntax.ColumnRef{}, err
	}
	name, err := column.Name()
	return syntax.ColumnRef{ID: int(id), Table: table, Name: name}, err
}

// unknownKind stands for types that are the analyzer's and not this project's,
// e.g. the enum behind a date part.
const unknownKind schemas.Kind = "OTHER"

func (c *resolvedCopy) typ(node googlesql.Googlesql_TypeNode) (schemas.Type, error) {
	text, err := node.DebugString(false)
	if err != nil {
		return schemas.Type{}, err
	}
	if known, ok := c.types[text]; ok {
		return known.typ, known.err
	}
	typ, err := c.makeType(node)
	c.types[text] = syntaxType{typ, err}
	return typ, err
}

func (c *resolvedCopy) makeType(node googlesql.Googlesql_TypeNode) (schemas.Type, error) {
	kind, err := node.Kind()
	if err != nil {
		return schemas.Type{}, err
	}
	switch kind {
	case googlesql.TypeKindTypeArray:
		array, err := node.AsArray()
		if err != nil {
			return schemas.Type{}, err
		}
		elemNode, err := array.ElementType()
		if err != nil {
			return schemas.Type{}, err
		}
		elem, err := c.typ(elemNode)
		return schemas.Type{Kind: schemas.Array, Elem: &elem}, err
	case googlesql.TypeKindTypeStruct:
		structType, err := node.AsStruct()
		if err != nil {
			return schemas.Type{}, err
		}
		count, err := structType.NumFields()
		if err != nil {
			return schemas.Type{}, err
		}
		typ := schemas.Type{Kind: schemas.Struct}
		for i := range count {
			field, err := structType.Field(i)
			if err != nil {
				return schemas.Type{}, err
			}
			fieldType, err := c.typ(field.Type_)
			if err != nil {
				return schemas.Type{}, err
			}
			typ.Fields = append(typ.Fields, schemas.Field{Name: field.Name, Type: fieldType})
		}
		return typ, nil
	}
	for ours, theirs := range simpleKinds {
		if theirs == kind {
			return schemas.Type{Kind: ours}, nil
		}
	}
	return schemas.Type{Kind: unknownKind}, nil
}
