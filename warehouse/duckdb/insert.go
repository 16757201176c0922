package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// part is what one run brings to one raw table.
type part struct {
	run    warehouse.Run
	files  []file
	schema string   // parts with the same have the same columns in their files
	extra  []string // fields that become columns of their own
}

func (p part) rows() (n int64) {
	for _, f := range p.files {
		n += f.Rows
	}
	return n
}

// insertParts appends the parts to the raw table: one INSERT per file schema. An
// INSERT per file would take five times as long when files are small.
func insertParts(ctx context.Context, tx *sql.Tx, table schemas.Table, parts []part) error {
	type group struct {
		schema   string
		hasExtra bool
	}
	groups := map[group][]part{}
	var order []group
	for _, p := range parts {
		if len(p.files) == 0 {
			continue
		}
		g := group{p.schema, len(p.extra) > 0}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], p)
	}
	for _, g := range order {
		if err := insertGroup(ctx, tx, table, groups[g]); err != nil {
			return err
		}
	}
	return nil
}

func insertGroup(ctx context.Context, tx *sql.Tx, table schemas.Table, parts []part) error {
	var files []file
	var want int64
	for _, p := range parts {
		files = append(files, p.files...)
		want += p.rows()
	}
	if err := checkRows(ctx, tx, files); err != nil {
		return err
	}
	types, err := fileColumns(ctx, tx, files[0])
	if err != nil {
		return err
	}
	extra, err := evolve(ctx, tx, table, parts)
	if err != nil {
		return err
	}
	query, err := insertSQL(table, types, extra, parts, files)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read %d files: %w", len(files), err)
	}
	got, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%d rows arrived of %d that the manifests name; nothing was loaded", got, want)
	}
	return nil
}

// insertSQL appends the columns that the contract has: as they are, converted
// where the file has another type, NULL where an older file does not have them.
func insertSQL(table schemas.Table, types map[string]string, extra []extraColumn, parts []part, files []file) (string, error) {
	var names, values []string
	add := func(name, value string) {
		names = append(names, ident(name))
		values = append(values, value)
	}
	for _, c := range table.Columns {
		want, err := schemas.DuckDBType(c.Type)
		if err != nil {
			return "", fmt.Errorf("column %s: %w", c.Name, err)
		}
		add(c.Name, convert("p."+ident(c.Name), types[c.Name], want))
	}
	for _, x := range extra {
		// A JSON pointer can say any name; a JSON path cannot.
		pointer := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(x.field)
		add(x.column, fmt.Sprintf("json_extract_string(p.%s, %s)", schemas.ExtraColumn, text(pointer)))
	}
	var origin [3]string
	from := "read_parquet(" + pathList(files) + ") AS p"
	if len(parts) == 1 {
		origin = originValues(parts[0].run)
	} else {
		origin = [3]string{"m.source", "m.load_id", "m.committed_at"}
		from = "read_parquet(" + pathList(files) + ", filename = '_ripen_file') AS p JOIN (VALUES\n    " +
			strings.Join(fileOrigins(parts), ",\n    ") +
			"\n) AS m (file, source, load_id, committed_at) ON m.file = p._ripen_file"
	}
	for i, c := range schemas.LoadColumns() {
		add(c.Name, origin[i])
	}
	return "INSERT INTO " + rawName(table) + " (" + strings.Join(names, ", ") + ")\nSELECT\n    " +
		strings.Join(values, ",\n    ") + "\nFROM " + from, nil
}

// originValues are the values of schemas.LoadColumns for a run, in their order.
func originValues(run warehouse.Run) [3]string {
	return [3]string{
		text(run.Manifest.Source),
		text(run.LoadID),
		fmt.Sprintf("make_timestamp(%d)", run.Manifest.CommittedAt.UnixMicro()),
	}
}

func fileOrigins(parts []part) []string {
	var rows []string
	for _, p := range parts {
		o := originValues(p.run)
		for _, f := range p.files {
			rows = append(rows, "("+text(f.path)+", "+o[0]+", "+o[1]+", "+o[2]+")")
		}
	}
	return rows
}

// convert turns a file's column into the raw table's type. Landed instants are
// TIMESTAMPTZ to DuckDB; a cast would ask ICU about every row (20 times the time).
func convert(column, have, want string) string {
	switch {
	case have == "":
		return "CAST(NULL AS " + want + ")"
	case have == want:
		return column
	case have == "TIMESTAMP WITH TIME ZONE" && want == "TIMESTAMP":
		return "make_timestamp(epoch_us(" + column + "))"
	default:
		return "CAST(" + column + " AS " + want + ")"
	}
}

// fileColumns are the DuckDB types of the file's columns by name.
func fileColumns(ctx context.Context, tx *sql.Tx, f file) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, "DESCRIBE SELECT * FROM read_parquet("+pathList([]file{f})+")")
	if err != nil {
		return nil, fmt.Errorf("landed file %s: %w", f.path, err)
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var name, typ string
		var null, key, def, extra any
		if err := rows.Scan(&name, &typ, &null, &key, &def, &extra); err != nil {
			return nil, err
		}
		types[name] = typ
	}
	return types, rows.Err()
}

// checkRows compares the footers of the files with their manifests.
func checkRows(ctx context.Context, tx *sql.Tx, files []file) error {
	rows, err := tx.QueryContext(ctx, "SELECT file_name, num_rows FROM parquet_file_metadata("+pathList(files)+")")
	if err != nil {
		return fmt.Errorf("footers of landed files: %w", err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		counts[name] = n
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, f := range files {
		if n := counts[f.path]; n != f.Rows {
			return changed(f, fmt.Sprintf("it has %d rows, its manifest says %d", n, f.Rows))
		}
	}
	return nil
}

// maxExtraColumns bounds what drift can add to one raw table.
const maxExtraColumns = 1000

// extraColumn is a column made of a field that the contract does not know.
type extraColumn struct{ field, column string }

// extraNames are the fields counted one by one: the name "*" stands for
// the rest of a source that sends ever new names, and has no values of its own.
func extraNames(extra map[string]int64) []string {
	names := make([]string, 0, len(extra))
	for name := range extra {
		if name != otherFields {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const otherFields = "*"
