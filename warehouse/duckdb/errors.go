package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/internal/hint"
)

// ErrLocked is returned by Open when another process holds the file.
var ErrLocked = errors.New("another process holds the database file")

var lockHolder = regexp.MustCompile(`held in (.*?) \(PID (\d+)\)`)

// lockError recognises DuckDB's refusal of a file that is in use.
func lockError(err error) error {
	text := err.Error()
	if !strings.Contains(text, "Could not set lock on file") {
		return err
	}
	if m := lockHolder.FindStringSubmatch(text); m != nil {
		return hint.Wrap(fmt.Errorf("%w: %s, process %s", ErrLocked, m[1], m[2]),
			"wait for process %s to end, or close the program that has the file open", m[2])
	}
	return hint.Wrap(ErrLocked, "close the program that has the file open")
}

const (
	txAttempts = 10
	txPause    = 5 * time.Millisecond // doubled with every attempt, jittered
)

// inTx runs do in a transaction and commits it. Where DuckDB finds that another
// transaction of this process was in the way, it is all done again.
func (db *DB) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return inTxOn(ctx, conn, do)
}

func inTxOn(ctx context.Context, conn *sql.Conn, do func(*sql.Tx) error) error {
	pause := txPause
	for attempt := 1; ; attempt++ {
		err := tryTx(ctx, conn, do)
		if err == nil || !isConflict(err) {
			return err
		}
		if attempt == txAttempts {
			return fmt.Errorf("gave up after %d conflicts with other transactions: %w", attempt, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause *= 2
	}
}

func tryTx(ctx context.Context, conn *sql.Conn, do func(*sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		// A statement that failed has ended the transaction in DuckDB already.
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// isConflict is true for errors that are gone when the transaction is repeated.
func isConflict(err error) bool {
	var e *duck.Error
	if !errors.As(err, &e) {
		return false
	}
	return strings.Contains(e.Msg, "write-write conflict") ||
		strings.Contains(e.Msg, "Transaction conflict") ||
		strings.Contains(e.Msg, "Conflict on") ||
		// Somebody else has just done the same load: the next look finds it in the ledger.
		strings.Contains(e.Msg, `Duplicate key "load_id:`) ||
		strings.Contains(e.Msg, "duplicate key") && strings.Contains(e.Msg, "Failed to commit")
}

// isMissing is true when a table does not exist.
func isMissing(err error) bool {
	var e *duck.Error
	return errors.As(err, &e) && e.Type == duck.ErrorTypeCatalog && strings.Contains(e.Msg, "does not exist")
}

// ident quotes an identifier.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// text quotes a string.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
