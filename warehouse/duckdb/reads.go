package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tablesOf returns the tables and views that a SELECT names with their dataset,
// sorted. DuckDB's parser tells: it keeps no record of what a view reads, and its
// own list of the tables in a text is empty for many a valid one.
func tablesOf(ctx context.Context, q querier, query string) ([]tableName, error) {
	var tree string
	err := scan(ctx, q, "SELECT CAST(json_serialize_sql("+text(query)+") AS VARCHAR)",
		func(rows *sql.Rows) error { return rows.Scan(&tree) })
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Error      bool   `json:"error"`
		Message    string `json:"error_message"`
		Statements any    `json:"statements"`
	}
	if err := json.Unmarshal([]byte(tree), &parsed); err != nil {
		return nil, fmt.Errorf("tables of a view: %w", err)
	}
	if parsed.Error {
		return nil, errors.New(parsed.Message)
	}
	found := map[tableName]bool{}
	collectTables(parsed.Statements, found)
	return slices.SortedFunc(maps.Keys(found), func(a, b tableName) int { return strings.Compare(a.String(), b.String()) }), nil
}

func collectTables(node any, found map[tableName]bool) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			collectTables(child, found)
		}
	case map[string]any:
		dataset, _ := node["schema_name"].(string)
		table, _ := node["table_name"].(string)
		if node["type"] == "BASE_TABLE" && dataset != "" { // a name without is a WITH query
			found[tableName{Dataset: dataset, Table: table}] = true
		}
		for _, child := range node {
			collectTables(child, found)
		}
	}
}
