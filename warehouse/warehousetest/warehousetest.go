// Package warehousetest is the conformance suite of warehouse.Warehouse: every
// engine runs it, against the real thing, with files that landing really wrote.
package warehousetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Engine is what the suite needs to know of an engine.
type Engine struct {
	// Open returns an empty warehouse that is closed when the test ends.
	Open func(t *testing.T) warehouse.Warehouse
	// Param spells a parameter, e.g. $name or @name.
	Param func(name string) string
	// Range spells a table expression with the column n from 1 to count.
	Range func(count int) string
}

// Run runs the suite.
func Run(t *testing.T, engine Engine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"PrepareTwiceChangesNothing", prepareTwice},
		{"PrepareAddsColumnsThatAContractGained", prepareGainedColumn},
		{"LoadKeepsEveryTypeAndValue", loadTypes},
		{"LoadTwiceIsOneLoad", loadTwice},
		{"LoadTwiceAtTheSameTimeIsOneLoad", loadAtOnce},
		{"LoadOfABrokenFileLeavesNothing", loadBroken},
		{"LoadAddsUnknownFieldsWhenDriftIsEvolve", loadEvolve},
		{"LoadDropsUnknownFieldsWhenDriftIsDiscard", loadDiscard},
		{"LoadBringsDeadLettersAlong", loadDeadLetters},
		{"LoadFillsColumnsThatAnOlderFileLacks", loadOlderFile},
		{"LoadsOfManyTablesRunAtTheSameTime", loadManyTables},
		{"BatchIsTheSameAsOneByOne", loadBatch},
		{"LoaderCatchesUpAndThenFindsNothing", loaderCatchesUp},
		{"LoaderGoesOnWhenATableFails", loaderGoesOn},
		{"BuildGivesTheTypesOfItsColumns", buildTypes},
		{"BuildThatFailsKeepsTheOldTable", buildFails},
		{"BuildIsSeenAsAWhole", buildAtomic},
		{"BuildsOfManyTablesRunAtTheSameTime", buildMany},
		{"ParametersKeepTheirTypes", parameters},
		{"BuildMakesViewsToo", buildViews},
		{"BuildTellsWhatATableTakes", buildBytes},
		{"ChangeRunsAllStatementsOrNone", changeAtomic},
		{"ChangesThatCollideAreRepeated", changeCollides},
		{"DropLeavesWhatIsPublished", dropBuilt},
		{"LedgersAreTables", ledgersAreTables},
		{"PublishMovesAllViewsOrNone", publishAtomic},
		{"PublishWritesLedgersWithTheViewsOrNothing", publishLedgers},
		{"PublishKeepsHistory", publishHistory},
		{"PublishRefusesWhatContradictsItself", publishRefuses},
		{"PublishKeepsWhatARollbackNeeds", publishKeeps},
		{"PublishKeepsWhatAnotherEnvironmentShows", publishShared},
		{"PublishKeepsWhatViewsRead", publishReads},
		{"PublishWithdrawsAnEnvironmentWithItsDataset", publishWithdraws},
		{"ReleasesAreRolledBackByPublishingAgain", rollBack},
		{"PublishingAtTheSameTimeIsSeenAsAWhole", publishAtOnce},
		{"QueryOfNoRowsStillHasColumns", queryEmpty},
		{"QueryCanBeLeftEarly", queryEarly},
		{"QueryNamesTheStatementThatFailed", queryFails},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}

// Rows runs a query and returns its rows as text, NULL as "NULL", columns joined by |.
func Rows(t *testing.T, w warehouse.Models, sql string) []string {
	t.Helper()
	rows, err := rowsOf(t.Context(), w, warehouse.Statement{Name: "test query", SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func rowsOf(ctx context.Context, w warehouse.Models, stmt warehouse.Statement) ([]string, error) {
	var rows []string
	for record, err := range w.Query(ctx, stmt) {
		if err != nil {
			return nil, err
		}
		for row := range int(record.NumRows()) {
			line := ""
			for i, column := range record.Columns() {
				if i > 0 {
					line += "|"
				}
				line += valueText(column, row)
			}
			rows = append(rows, line)
		}
	}
	return rows, nil
}

func valueText(values arrow.Array, row int) string {
	if values.IsNull(row) {
		return "NULL"
	}
	if decimals, ok := values.(*array.Decimal128); ok { // its own text goes through a float
		return decimals.Value(row).ToString(values.DataType().(*arrow.Decimal128Type).Scale)
	}
	return values.ValueStr(row)
}

func column(name, typ string) schemas.Column {
	t, err := schemas.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return schemas.Column{Name: name, Type: t, Description: "Of a test."}
}

func required(name, typ string) schemas.Column {
	c := column(name, typ)
	c.Required = true
	return c
}

// items is a contract with every type that can be landed.
func items() schemas.Table {
	return schemas.Table{
		Dataset: "suite", Name: "items", Description: "One row per item.",
		Key: []string{"id"}, Drift: schemas.Evolve,
		Columns: []schemas.Column{
			required("id", "string"), column("n", "int64"), column("x", "float64"), column("ok", "bool"),
			column("price", "numeric"), column("on_day", "date"), column("seen_at", "timestamp"), column("props", "json"),
		},
	}
}

func named(table schemas.Table, name string) schemas.Table {
	table.Name = name
	return table
}

func prepared(t *testing.T, engine Engine, tables ...schemas.Table) warehouse.Warehouse {
	t.Helper()
	w := engine.Open(t)
	letters, ok := schemas.Contract("ripen.dead_letters")
	if !ok {
		t.Fatal("no contract of dead letters")
	}
	if err := w.Prepare(t.Context(), append(tables, letters)); err != nil {
		t.Fatal(err)
	}
	return w
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
