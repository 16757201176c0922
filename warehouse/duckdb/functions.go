package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"

	farm "github.com/dgryski/go-farm"
	duck "github.com/duckdb/duckdb-go/v2"
)

// registerFunctions adds the functions that GoogleSQL has and neither DuckDB nor
// a macro can give. They live in the process, not in the file.
func (db *DB) registerFunctions(ctx context.Context) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := duck.RegisterScalarUDF(conn, "farm_fingerprint", &farmFingerprint{}); err != nil {
		return fmt.Errorf("register farm_fingerprint: %w", err)
	}
	return nil
}

// farmFingerprint is FARM_FINGERPRINT of GoogleSQL: STRING -> INT64, NULL for NULL.
type farmFingerprint struct{}

func (*farmFingerprint) Config() duck.ScalarFuncConfig {
	return duck.ScalarFuncConfig{
		InputTypeInfos: []duck.TypeInfo{primitive(duck.TYPE_VARCHAR)},
		ResultTypeInfo: primitive(duck.TYPE_BIGINT),
	}
}

func (*farmFingerprint) Executor() duck.ScalarFuncExecutor {
	return duck.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		return int64(farm.Fingerprint64([]byte(values[0].(string)))), nil
	}}
}

func primitive(t duck.Type) duck.TypeInfo {
	info, err := duck.NewTypeInfo(t)
	if err != nil {
		panic(err) // primitive types need nothing else
	}
	return info
}
