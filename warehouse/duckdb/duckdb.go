// Package duckdb is the warehouse in one DuckDB file, in process.
//
// One process at a time may hold the file; inside it everything is safe for
// concurrent use. Every change is one DuckDB transaction, so a process that is
// killed leaves the file as it was before or as it is after. Transactions that
// collide (DuckDB detects it when they write or commit) are repeated.
//
// Sessions are the same everywhere: time zone UTC, and NULL the smallest value
// in every order as in GoogleSQL. Extensions are neither downloaded nor loaded
// from disk: those that ripen needs are linked in.
//
// Layout of the file:
//
//	raw_<dataset>.<table>         what the Loader appends to
//	ripen_build.<table>           what models are built into
//	ripen_check, ripen_stage      rows that failed a check; rows on their way
//	<dataset>.<model>             views that Publish points at the tables of ripen_build
//	<dataset>__<env>.<model>      the same of an environment
//	ripen_meta.<ledger>           warehouse.Ledgers
//	ripen_meta.setup              hash of the Setup that ran last
package duckdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/warehouse"
)

// Memory is the Path of a database without a file.
const Memory = ":memory:"

// Config says which database to open and what it may use.
type Config struct {
	Path        string // of the file, created where it is missing; or Memory
	Threads     int    // default: one per core
	MemoryLimit string // e.g. 4GB; default: 80 % of the machine's memory
	TempDir     string // where DuckDB spills to; default: beside the file
	// Setup is SQL whose effect lives in the database file, e.g. CREATE OR REPLACE
	// MACRO. What ran last on this file is not run again, so that an open which
	// changes nothing writes nothing; with ReadOnly it is not run at all.
	Setup    []string
	ReadOnly bool
	Clock    func() time.Time // default time.Now
}

// DB is an open database. It implements warehouse.Warehouse and warehouse.Batches.
type DB struct {
	sql      *sql.DB
	clock    func() time.Time
	memory   bool // there is no file
	ledgers  ledgers
	views    views
	datasets datasets
}

var (
	_ warehouse.Warehouse = (*DB)(nil)
	_ warehouse.Batches   = (*DB)(nil)
)

// Open opens the database and creates what ripen keeps in it for itself. When
// another process holds the file the error is ErrLocked.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db, err := open(ctx, cfg)
	if err != nil && !cfg.ReadOnly && removeUnborn(cfg.Path) {
		db, err = open(ctx, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", cfg.Path, lockError(err))
	}
	return db, nil
}

func open(ctx context.Context, cfg Config) (*DB, error) {
	dsn, err := cfg.dsn()
	if err != nil {
		return nil, err
	}
	connector, err := duck.NewConnector(dsn, initSession)
	if err != nil {
		return nil, err
	}
	db := &DB{sql: sql.OpenDB(connector), clock: cfg.Clock, memory: cfg.Path == Memory}
	if db.clock == nil {
		db.clock = time.Now
	}
	if cfg.ReadOnly {
		db.ledgers, err = readLedgers(ctx, db.sql)
	} else {
		err = db.setUp(ctx, cfg.Setup)
	}
	if err != nil {
		_ = db.sql.Close() // the first error tells more
		return nil, err
	}
	return db, nil
}

// Close writes what is in the log into the file and closes it.
func (db *DB) Close() error {
	if err := db.sql.Close(); err != nil {
		return fmt.Errorf("close warehouse: %w", err)
	}
	return nil
}

// initSession runs on every connection of the pool.
func initSession(conn driver.ExecerContext) error {
	_, err := conn.ExecContext(context.Background(), `SET TimeZone = 'UTC'`, nil)
	return err
}

func (cfg Config) dsn() (string, error) {
	path := cfg.Path
	switch {
	case path == "":
		return "", hint.New("no path is given", "give a file name, or %s for a database that is gone when the process ends", Memory)
	case path != Memory:
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		path = abs
	}
	if strings.ContainsAny(path, "?%") {
		return "", fmt.Errorf("the driver takes no path with ? or %%")
	}
	options := url.Values{
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
		"default_null_order":           {"nulls_first_on_asc_last_on_desc"},
		// Landed files are read once; and a file that was restored is read from disk.
		"enable_external_file_cache": {"false"},
		// The usual 16 MB make many a commit of a run wait until small tables were
		// written a second time; what the log holds after a kill is read in a second.
		"checkpoint_threshold": {"256MB"},
	}
	if cfg.Threads > 0 {
		options.Set("threads", strconv.Itoa(cfg.Threads))
	}
	if cfg.MemoryLimit != "" {
		options.Set("memory_limit", cfg.MemoryLimit)
	}
	if cfg.TempDir != "" {
		options.Set("temp_directory", cfg.TempDir)
	}
	if cfg.ReadOnly {
		options.Set("access_mode", "READ_ONLY")
	}
	return path + "?" + options.Encode(), nil
}

// runSetup runs the texts unless they are what ran last on this file.
func (db *DB) runSetup(ctx context.Context, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	hash := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(hash, "%d %s", len(text), text)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	var done bool
	err := db.sql.QueryRowContext(ctx, `SELECT count(*) > 0 FROM ripen_meta.setup WHERE sha256 = $1`, sum).Scan(&done)
	if err != nil || done {
		return err
	}
	return db.inTx(ctx, func(tx *sql.Tx) error {
		for i, text := range texts {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("setup text %d: %w", i+1, err)
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM ripen_meta.setup`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO ripen_meta.setup VALUES ($1, $2)`, sum, timestamp(db.clock()))
		return err
	})
}

// timestamp is a parameter of the type TIMESTAMP; without it the driver would
// bind TIMESTAMPTZ.
func timestamp(t time.Time) any { return duck.Typed(t.UTC(), duck.TYPE_TIMESTAMP) }
