package schemas

import (
	"fmt"
	"strings"
)

// GoogleSQLType is the type under which models see a column of this type in a raw table.
func GoogleSQLType(t Type) Type {
	if t.Kind == JSON {
		return Type{Kind: String}
	}
	return t
}

// DuckDBType is the DuckDB type of a GoogleSQL type. TIMESTAMP is DuckDB's
// TIMESTAMP holding UTC: its TIMESTAMPTZ goes through ICU for every row and is
// 10 to 40 times slower in date functions.
func DuckDBType(t Type) (string, error) {
	switch t.Kind {
	case String, JSON:
		return "VARCHAR", nil
	case Int64:
		return "BIGINT", nil
	case Float64:
		return "DOUBLE", nil
	case Bool:
		return "BOOLEAN", nil
	case Numeric:
		return fmt.Sprintf("DECIMAL(%d,%d)", NumericPrecision, NumericScale), nil
	case Bytes:
		return "BLOB", nil
	case Date:
		return "DATE", nil
	case Timestamp, Datetime:
		return "TIMESTAMP", nil
	case Time:
		return "TIME", nil
	case Interval:
		return "INTERVAL", nil
	case Array:
		elem, err := DuckDBType(*t.Elem)
		return elem + "[]", err
	case Struct:
		fields := t.FieldNames()
		for i, f := range t.Fields {
			ft, err := DuckDBType(f.Type)
			if err != nil {
				return "", err
			}
			fields[i] = quote(fields[i], `"`) + " " + ft
		}
		return "STRUCT(" + strings.Join(fields, ", ") + ")", nil
	default:
		return "", fmt.Errorf("type %s has no DuckDB form", t)
	}
}

// DuckDBCreate is the DDL of a table in DuckDB.
func DuckDBCreate(dataset, table string, columns []Column) (string, error) {
	return create(quote(dataset, `"`)+"."+quote(table, `"`), columns, `"`, func(c Column) (string, error) {
		return DuckDBType(c.Type)
	})
}

// BigQueryCreate is the DDL of a table in BigQuery.
func BigQueryCreate(dataset, table string, columns []Column) (string, error) {
	return create(quote(dataset+"."+table, "`"), columns, "`", func(c Column) (string, error) {
		return GoogleSQLType(c.Type).String(), nil
	})
}

func create(name string, columns []Column, quoteMark string, typeOf func(Column) (string, error)) (string, error) {
	lines := make([]string, len(columns))
	for i, c := range columns {
		t, err := typeOf(c)
		if err != nil {
			return "", fmt.Errorf("column %s: %w", c.Name, err)
		}
		lines[i] = "    " + quote(c.Name, quoteMark) + " " + t
		if c.Required {
			lines[i] += " NOT NULL"
		}
	}
	return "CREATE TABLE IF NOT EXISTS " + name + " (\n" + strings.Join(lines, ",\n") + "\n)", nil
}

func quote(name, mark string) string {
	if mark == "`" {
		return mark + strings.ReplaceAll(name, mark, "\\"+mark) + mark
	}
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark
}
