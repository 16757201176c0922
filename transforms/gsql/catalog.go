package gsql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// catalog builds what one analysis sees: the built-in functions, made once, and
// the tables, each made once per shape. Only the small maps between them are new.
func (e *Engine) catalog(cat syntax.Catalog) (*googlesql.MultiCatalog, error) {
	root, err := googlesql.NewSimpleCatalog("project", nil)
	if err != nil {
		return nil, err
	}
	if len(e.tables) > maxCachedTables {
		clear(e.tables)
	}
	datasets := map[string]*googlesql.SimpleCatalog{}
	for _, t := range cat.Tables {
		table, err := e.table(t)
		if err != nil {
			return nil, err
		}
		if dataset, name, ok := strings.Cut(t.Name, "."); ok {
			sub := datasets[dataset]
			if sub == nil {
				if sub, err = googlesql.NewSimpleCatalog(dataset, nil); err != nil {
					return nil, err
				}
				if err := root.AddCatalog2(dataset, sub); err != nil {
					return nil, err
				}
				datasets[dataset] = sub
			}
			if err := sub.AddTable2(name, table); err != nil {
				return nil, fmt.Errorf("catalog table %s: %w", t.Name, err)
			}
		}
		// `dataset.table` in one pair of backticks is one identifier.
		if err := root.AddTable2(t.Name, table); err != nil {
			return nil, fmt.Errorf("catalog table %s: %w", t.Name, err)
		}
	}
	return googlesql.NewMultiCatalogCreate("catalog", []googlesql.CatalogNode{root, e.builtins})
}

func (e *Engine) table(t syntax.Table) (*googlesql.SimpleTable, error) {
	var key strings.Builder
	key.WriteString(t.Name)
	for _, c := range t.Columns {
		fmt.Fprintf(&key, "\x00%s\x00%s", c.Name, c.Type)
	}
	if table := e.tables[key.String()]; table != nil {
		return table, nil
	}
	// "Did you mean" puts the dataset before the table's own name.
	table, err := googlesql.NewSimpleTable(t.Name[strings.LastIndex(t.Name, ".")+1:], 0)
	if err != nil {
		return nil, err
	}
	if err := table.SetFullName(t.Name); err != nil {
		return nil, err
	}
	for _, c := range t.Columns {
		typ, err := e.typeNode(c.Type)
		if err != nil {
			return nil, fmt.Errorf("catalog column %s.%s: %w", t.Name, c.Name, err)
		}
		column, err := googlesql.NewSimpleColumn(t.Name, c.Name, typ, false, true)
		if err != nil {
			return nil, err
		}
		if err := table.AddColumn2(column, false); err != nil {
			return nil, fmt.Errorf("catalog column %s.%s: %w", t.Name, c.Name, err)
		}
	}
	e.tables[key.String()] = table
	return table, nil
}

var simpleKinds = map[schemas.Kind]googlesql.TypeKind{
	schemas.String:    googlesql.TypeKindTypeString,
	schemas.Int64:     googlesql.TypeKindTypeInt64,
	schemas.Float64:   googlesql.TypeKindTypeDouble,
	schemas.Bool:      googlesql.TypeKindTypeBool,
	schemas.Numeric:   googlesql.TypeKindTypeNumeric,
	schemas.Bytes:     googlesql.TypeKindTypeBytes,
	schemas.Date:      googlesql.TypeKindTypeDate,
	schemas.Timestamp: googlesql.TypeKindTypeTimestamp,
	schemas.Datetime:  googlesql.TypeKindTypeDatetime,
	schemas.Time:      googlesql.TypeKindTypeTime,
	schemas.JSON:      googlesql.TypeKindTypeJson,
	schemas.Interval:  googlesql.TypeKindTypeInterval,
}

// typeNode is the analyzer's form of a type.
func (e *Engine) typeNode(t schemas.Type) (googlesql.Googlesql_TypeNode, error) {
	text := t.String()
	if known := e.typeOf[text]; known != nil {
		return known, nil
	}
	made, err := e.makeType(t)
	if err != nil {
		return nil, err
	}
	e.typeOf[text] = made
	return made, nil
}

func (e *Engine) makeType(t schemas.Type) (googlesql.Googlesql_TypeNode, error) {
	switch t.Kind {
	case schemas.Array:
		elem, err := e.typeNode(*t.Elem)
		if err != nil {
			return nil, err
		}
		return e.types.MakeArrayType2(elem)
	case schemas.Struct:
		fields := make([]*googlesql.StructField, len(t.Fields))
		for i, f := range t.Fields {
			field, err := e.typeNode(f.Type)
			if err != nil {
				return nil, err
			}
			fields[i] = &googlesql.StructField{Name: f.Name, Type_: field}
		}
		return e.types.MakeStructType2(fields)
	default:
		kind, ok := simpleKinds[t.Kind]
		if !ok {
			return nil, fmt.Errorf("unknown type %s", t)
		}
		return e.types.MakeSimpleType(kind)
	}
}

// declare makes params the query parameters in scope.
func (e *Engine) declare(params map[string]schemas.Type) error {
	if err := e.analyzer.ClearQueryParameters(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		typ, err := e.typeNode(params[name])
		if err != nil {
			return fmt.Errorf("parameter @%s: %w", name, err)
		}
		if err := e.analyzer.AddQueryParameter(name, typ); err != nil {
			return fmt.Errorf("parameter @%s: %w", name, err)
		}
	}
	return nil
}

// checkSpelling refuses names that differ from the catalog's in case only: the
// analyzer's catalog takes them, BigQuery does not.
func checkSpelling(cat syntax.Catalog, src syntax.Source, named []syntax.Ref) []error {
	var faults []error
	seen := map[string]bool{}
	for _, ref := range named {
		for _, t := range cat.Tables {
			if t.Name != ref.Name && strings.EqualFold(t.Name, ref.Name) && !seen[ref.Name] {
				seen[ref.Name] = true
				faults = append(faults, src.At(ref.Start, "Table not found: "+ref.Name, "table names are case-sensitive: write "+t.Name))
			}
		}
	}
	return faults
}
