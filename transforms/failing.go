package transforms

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// store keeps failing rows and reads examples of them.
func (t *auditing) store(ctx context.Context, c setCheck, rows int64) (Failure, error) {
	f := Failure{Check: c.name, Severity: c.severity, Rows: rows, Unit: c.unit, Stored: checkTable(t.Model, t.options.Environment, c.name)}
	_, err := t.into.Build(ctx, warehouse.Statement{
		Name: t.statementOf(c.name), Target: f.Stored, Columns: optional(c.returns), Params: t.paramsOf(c),
		SQL: fmt.Sprintf("select failing.* from (\n%s\n) as failing limit %d", c.sql, maxStored),
	})
	if err != nil {
		return f, fmt.Errorf("keep the rows that fail %s: %w", c.name, err)
	}
	shown := scalars(pick(c.returns, c.shown))
	if shown = shown[:min(len(shown), max(maxExamples, len(t.Model.Key)+1))]; len(shown) == 0 {
		return f, nil
	}
	names := qualified("kept", shown)
	kept, err := t.ask(ctx, fmt.Sprintf("select %s from %s as kept order by %s limit %d", names, f.Stored, names, maxExamples))
	if err != nil {
		return f, err
	}
	for _, row := range kept {
		var cells []string
		for i, value := range row {
			if shown[i] == keyRows {
				cells = append(cells, "("+Text(value)+" rows)")
			} else {
				cells = append(cells, shown[i]+"="+Text(value))
			}
		}
		f.Examples = append(f.Examples, strings.Join(cells, " "))
	}
	return f, nil
}

// keyRows is the column of a kept key that says how often it stands.
const keyRows = "key_rows"

// optional drops NOT NULL: rows that fail may lack what they must have.
func optional(columns []schemas.Column) []schemas.Column {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Required = false
	}
	return columns
}

// scalars are the names, once each, of columns by which rows can be ordered.
func scalars(columns []schemas.Column) []string {
	var names []string
	for _, c := range columns {
		if isComparable(c.Type) && c.Type.Kind != schemas.Struct && !slices.Contains(names, c.Name) && plainName.MatchString(c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// statementOf names the statements of a check.
func (t *auditing) statementOf(check string) string { return t.checkPrefix(t.Model) + check }

func (b *Builder) checkPrefix(m *Model) string {
	return "check " + b.options.Environment.View(m.VersionView()).String() + ": "
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// ofColumn are names of checks of which no two become the same word.
var ofColumn = regexp.MustCompile(`^(unique|not_null|accepted_values)\([a-z0-9_]+\)$`)

// checkTable is where failing rows are kept.
func checkTable(m *Model, env Environment, name string) warehouse.TableName {
	slug := strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "_"), "_")
	if !ofColumn.MatchString(name) || len(slug) > 60 {
		slug = slug[:min(len(slug), 50)] + "_" + digest(name)[:8]
	}
	view := env.View(m.VersionView())
	return warehouse.TableName{Dataset: warehouse.CheckDataset, Table: view.Dataset + "__" + view.Table + "__" + slug}
}

// keptFailures are the tables with failing rows that earlier runs have left.
type keptFailures struct {
	mu     sync.Mutex
	tables map[warehouse.TableName]string // with the name of the statement that made them; nil until read
}

// of returns the tables of statements that begin with prefix.
func (k *keptFailures) of(ctx context.Context, b *Builder, prefix string) ([]warehouse.TableName, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tables == nil {
		rows, err := b.rows(ctx, fmt.Sprintf("select b.table_name, b.statement_name from %s.built as b where b.table_dataset = %s",
			warehouse.MetaDataset, text(warehouse.CheckDataset)))
		if err != nil {
			return nil, err
		}
		k.tables = map[warehouse.TableName]string{}
		for _, row := range rows {
			k.tables[warehouse.TableName{Dataset: warehouse.CheckDataset, Table: Text(row[0])}] = Text(row[1])
		}
	}
	var found []warehouse.TableName
	for table, statement := range k.tables {
		if strings.HasPrefix(statement, prefix) {
			found = append(found, table)
		}
	}
	slices.SortFunc(found, compareNames)
	return found, nil
}

var checkLedger = warehouse.TableName{Dataset: warehouse.MetaDataset, Table: "check"}

// checked writes what was checked into the ledger.
func (b *Builder) checked(m *Model, runs []checkRun) []warehouse.Statement {
	if len(runs) == 0 {
		return nil
	}
	now := instantText(b.options.Clock())
	values := make([]string, len(runs))
	for i, c := range runs {
		stored := ""
		if c.stored != (warehouse.TableName{}) {
			stored = c.stored.String()
		}
		values[i] = fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %d, %s, %s)", text(b.options.Release), text(string(b.options.Environment)),
			text(m.Address()), text(c.table.String()), text(c.name), text(string(c.severity)), c.failing, text(stored), now)
	}
	return []warehouse.Statement{{Name: "checks of " + m.Address(), SQL: fmt.Sprintf(
		"insert into %s (release, environment, model, table_name, check_name, severity, failing_rows, stored_in, checked_at) values %s",
		checkLedger, strings.Join(values, ", "))}}
}

// dropPassed drops failing rows that an earlier run has kept of checks that are
// gone or have passed now.
func (b *Builder) dropPassed(ctx context.Context, m *Model, runs []checkRun) error {
	if len(runs) == 0 {
		return nil
	}
	old, err := b.failing.of(ctx, b, b.checkPrefix(m))
	if err != nil {
		return err
	}
	old = slices.DeleteFunc(old, func(table warehouse.TableName) bool {
		return slices.ContainsFunc(runs, func(c checkRun) bool { return c.stored == table })
	})
	if len(old) == 0 {
		return nil
	}
	return b.into.Drop(ctx, old)
}
