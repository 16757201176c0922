package duckdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// Evolved returns the contracts with the columns that their raw tables gained by
// drift: nullable STRING columns, by name, behind the contract's own. So models
// can name a field as soon as it was landed.
func (db *DB) Evolved(ctx context.Context, tables []schemas.Table) ([]schemas.Table, error) {
	have, err := rawColumns(ctx, db.sql)
	if err != nil {
		return nil, fmt.Errorf("columns of raw tables: %w", err)
	}
	evolved := slices.Clone(tables)
	for i, t := range evolved {
		columns := have[t.RawDataset()+"."+t.Name]
		for _, key := range slices.Sorted(maps.Keys(columns)) {
			if !slices.ContainsFunc(t.RawColumns(), func(c schemas.Column) bool { return strings.ToLower(c.Name) == key }) {
				evolved[i].Columns = append(slices.Clip(evolved[i].Columns), schemas.Column{
					Name: columns[key].Name, Type: schemas.Type{Kind: schemas.String}, Description: "A field that the contract does not know.",
				})
			}
		}
	}
	return evolved, nil
}
