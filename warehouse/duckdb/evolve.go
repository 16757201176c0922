package duckdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// evolve adds a column for each field that the contract does not know and the
// raw table does not have, and says which column each field fills.
func evolve(ctx context.Context, tx *sql.Tx, table schemas.Table, parts []part) ([]extraColumn, error) {
	var fields []string
	for _, p := range parts {
		fields = append(fields, p.extra...)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	slices.Sort(fields)
	raw, err := rawColumns(ctx, tx)
	if err != nil {
		return nil, err
	}
	have := raw[table.RawDataset()+"."+table.Name]
	var columns []extraColumn
	for _, field := range slices.Compact(fields) {
		name := extraName(table, have, field)
		columns = append(columns, extraColumn{field, name})
		if _, exists := have[strings.ToLower(name)]; exists {
			continue
		}
		if len(have) >= len(table.RawColumns())+maxExtraColumns {
			return nil, hint.New(fmt.Sprintf("%d fields beside its contract are more than a raw table takes", maxExtraColumns+1),
				"drop them with `drift: {%s: discard}` in ripen.yaml", table.ID())
		}
		add := "ALTER TABLE " + rawName(table) + " ADD COLUMN " + ident(name) + " VARCHAR"
		if _, err := tx.ExecContext(ctx, add); err != nil {
			return nil, fmt.Errorf("add column %s: %w", name, err)
		}
		have[strings.ToLower(name)] = struct{ Name, Type string }{name, "VARCHAR"}
	}
	return columns, nil
}

var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,199}$`)

// extraName is the column of a field. It is the field's own name where that is a
// plain one and free, or taken by the same field before; else a tame form of it
// with a hash. Warehouses ignore case in names of columns, sources do not.
func extraName(table schemas.Table, have columnTypes, field string) string {
	taken, exists := have[strings.ToLower(field)]
	_, contract := table.Column(taken.Name)
	if plainName.MatchString(field) && (!exists || taken.Name == field && !contract) {
		return field
	}
	tame := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, field)
	sum := sha256.Sum256([]byte(field))
	return fmt.Sprintf("x_%.150s_%s", tame, hex.EncodeToString(sum[:4]))
}
