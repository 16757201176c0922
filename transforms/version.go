package transforms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Version is what a model was under one fingerprint: enough to compare files
// with what is deployed.
type Version struct {
	Fingerprint string
	Model       string // address
	Own         string // Fingerprint.Own
	Query       string // GoogleSQL
	Config      VersionConfig
	Columns     []schemas.Column
}

// VersionConfig is what of the configuration a plan compares.
type VersionConfig struct {
	Kind   Kind     `json:"kind"`
	Key    []string `json:"key"`
	Checks any      `json:"checks,omitempty"`
}

// versionTable keeps them.
var versionTable = warehouse.TableName{Dataset: warehouse.MetaDataset, Table: "version"}

// versionLedger knows which fingerprints are in the ledger.
type versionLedger struct {
	mu    sync.Mutex
	known map[string]bool // nil until read
}

func (l *versionLedger) has(ctx context.Context, from warehouse.Models, fingerprint string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		rows, err := query(ctx, from, warehouse.Statement{Name: "versions", SQL: fmt.Sprintf("select v.fingerprint from %s as v", versionTable)}, -1)
		if err != nil {
			return false, err
		}
		l.known = map[string]bool{}
		for _, row := range rows.Values {
			l.known[Text(row[0])] = true
		}
	}
	return l.known[fingerprint], nil
}

func (l *versionLedger) add(fingerprint string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[fingerprint] = true
}

// remember keeps the version once.
func (b *Builder) remember(ctx context.Context, w *work) ([]warehouse.Statement, error) {
	if known, err := b.versions.has(ctx, b.into, w.print.Whole); known || err != nil {
		return nil, err
	}
	columns, err := json.Marshal(w.Columns)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(VersionConfig{Kind: w.Model.Kind, Key: w.Model.Key, Checks: w.Model.checksMeaning()})
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf("insert into %s (fingerprint, model, own_digest, query, config, columns, created_at) "+
		"values (%s, %s, %s, %s, %s, %s, %s)",
		versionTable, text(w.print.Whole), text(w.Model.Address()), text(w.print.Own), text(remembered(w.Model.Source.Text)),
		text(string(config)), text(string(columns)), instantText(b.options.Clock()))
	return []warehouse.Statement{{Name: "remember " + w.Model.Address(), SQL: sql}}, nil
}

// maxRemembered bounds the text of a query that is kept, in bytes: a seed is half
// a megabyte.
const maxRemembered = 64 << 10

func remembered(query string) string {
	if len(query) <= maxRemembered {
		return query
	}
	end := strings.LastIndex(query[:maxRemembered], "\n") + 1
	return query[:end] + fmt.Sprintf("-- … and %d lines more\n", strings.Count(query[end:], "\n"))
}

// Versions reads what was deployed under fingerprints. What was built before there
// were fingerprints has an empty one, and no version.
func Versions(ctx context.Context, from warehouse.Models, fingerprints []string) (map[string]Version, error) {
	fingerprints = slices.DeleteFunc(slices.Clone(fingerprints), func(f string) bool { return f == "" })
	if len(fingerprints) == 0 {
		return map[string]Version{}, nil
	}
	rows, err := query(ctx, from, warehouse.Statement{
		Name: "versions", SQL: fmt.Sprintf("select v.fingerprint, v.model, v.own_digest, v.query, v.config, v.columns from %s as v where v.fingerprint in (%s)",
			versionTable, texts(fingerprints)),
	}, -1)
	if err != nil {
		return nil, err
	}
	versions := map[string]Version{}
	for _, row := range rows.Values {
		v := Version{Fingerprint: Text(row[0]), Model: Text(row[1]), Own: Text(row[2]), Query: Text(row[3])}
		if err := json.Unmarshal([]byte(Text(row[4])), &v.Config); err != nil {
			return nil, fmt.Errorf("version %s of %s: %w", v.Fingerprint, v.Model, err)
		}
		if err := json.Unmarshal([]byte(Text(row[5])), &v.Columns); err != nil {
			return nil, fmt.Errorf("version %s of %s: %w", v.Fingerprint, v.Model, err)
		}
		versions[v.Fingerprint] = v
	}
	return versions, nil
}
