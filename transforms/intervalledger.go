package transforms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Ledgers of incremental tables.
var (
	intervalTable = warehouse.TableName{Dataset: warehouse.MetaDataset, Table: "interval"}
	seenTable     = warehouse.TableName{Dataset: warehouse.MetaDataset, Table: "seen"}
)

// kept is what an incremental table holds: a row of the interval ledger. Inputs
// is <what it was computed from>/<which loads brought its tracked rows>; the
// first part is empty while rows have arrived that it was not computed from.
type kept struct {
	Window
	arrivals string
	computed string
	rows     int64
}

func (k kept) inputs() string { return k.computed + "/" + k.arrivals }

// ledger is what ripen knows of an incremental table.
type ledger struct {
	table     warehouse.TableName
	exists    bool
	intervals map[time.Time]kept             // by start
	seen      map[string]map[string]struct{} // raw table -> loads
}

// readLedger reads it. A table that is gone has none, whatever is written.
func (b *Builder) readLedger(ctx context.Context, table warehouse.TableName) (*ledger, error) {
	l := &ledger{table: table, intervals: map[time.Time]kept{}, seen: map[string]map[string]struct{}{}}
	built, err := b.rows(ctx, fmt.Sprintf("select b.table_name from %s.built as b where b.table_dataset = %s and b.table_name = %s",
		warehouse.MetaDataset, text(table.Dataset), text(table.Table)))
	if err != nil || len(built) == 0 {
		return l, err
	}
	l.exists = true
	intervals, err := b.rows(ctx, fmt.Sprintf("select i.start_at, i.end_at, i.inputs, i.row_count from %s as i where i.table_name = %s",
		intervalTable, text(table.String())))
	if err != nil {
		return nil, err
	}
	for _, row := range intervals {
		var k kept
		if k.Start, err = parseInstant(Text(row[0])); err == nil {
			k.End, err = parseInstant(Text(row[1]))
		}
		if err != nil {
			return nil, fmt.Errorf("interval ledger of %s: %w", table, err)
		}
		k.computed, k.arrivals, _ = strings.Cut(Text(row[2]), "/")
		k.rows, _ = row[3].(int64)
		l.intervals[k.Start] = k
	}
	seen, err := b.rows(ctx, fmt.Sprintf("select s.source_table, s.load_id from %s as s where s.table_name = %s", seenTable, text(table.String())))
	if err != nil {
		return nil, err
	}
	for _, row := range seen {
		l.see(Text(row[0]), Text(row[1]))
	}
	return l, nil
}

func (l *ledger) see(table, load string) {
	if l.seen[table] == nil {
		l.seen[table] = map[string]struct{}{}
	}
	l.seen[table][load] = struct{}{}
}

// arrived returns those of the loads that the table does not hold.
func (l *ledger) arrived(table string, loads []string) []string {
	return slices.DeleteFunc(slices.Clone(loads), func(id string) bool {
		_, known := l.seen[table][id]
		return known
	})
}

// sorted are the intervals by time.
func (l *ledger) sorted() []kept {
	return slices.SortedFunc(maps.Values(l.intervals), func(a, b kept) int { return a.Start.Compare(b.Start) })
}

// rows sums what the intervals hold.
func (l *ledger) rows() int64 {
	var sum int64
	for _, k := range l.intervals {
		sum += k.rows
	}
	return sum
}

// state digests what the table holds, for those who read it.
func (l *ledger) state() string {
	var parts []string
	for _, k := range l.sorted() {
		if k.computed != "" {
			parts = append(parts, k.Start.Format(time.RFC3339)+" "+k.inputs())
		}
	}
	return digest(parts)
}

// outdate marks intervals as not computed.
func (l *ledger) outdate(intervals []kept) []kept {
	for i := range intervals {
		intervals[i].computed = ""
		l.intervals[intervals[i].Start] = intervals[i]
	}
	return intervals
}

// forget clears what is written of the table, and of those that are gone.
func (l *ledger) forget() []warehouse.Statement {
	var list []warehouse.Statement
	for _, of := range []warehouse.TableName{intervalTable, seenTable} {
		list = append(list, warehouse.Statement{
			Name: "forget " + l.table.String(),
			SQL: fmt.Sprintf("delete from %s as l where l.table_name = %s or l.table_name not in "+
				"(select concat(b.table_dataset, '.', b.table_name) from %s.built as b)", of, text(l.table.String()), warehouse.MetaDataset),
		})
	}
	return list
}

// maxValues bounds the values that one statement lists.
const maxValues = 1000

// write replaces rows of the interval ledger; intervals are sorted.
func (l *ledger) write(intervals []kept, now time.Time) []warehouse.Statement {
	var list []warehouse.Statement
	name, table := "interval ledger of "+l.table.String(), text(l.table.String())
	for part := range slices.Chunk(intervals, maxValues) {
		var stretches []string
		values := make([]string, len(part))
		first := 0
		for i, k := range part {
			values[i] = fmt.Sprintf("(%s, %s, %s, %s, %d, %s)", table, instantText(k.Start), instantText(k.End), text(k.inputs()), k.rows, instantText(now))
			if i+1 == len(part) || !k.End.Equal(part[i+1].Start) {
				stretches = append(stretches, fmt.Sprintf("l.start_at between %s and %s", instantText(part[first].Start), instantText(k.Start)))
				first = i + 1
			}
		}
		list = append(list,
			warehouse.Statement{Name: name, SQL: fmt.Sprintf("delete from %s as l where l.table_name = %s and (%s)", intervalTable, table, strings.Join(stretches, " or "))},
			warehouse.Statement{Name: name, SQL: fmt.Sprintf("insert into %s (table_name, start_at, end_at, inputs, row_count, built_at) values %s", intervalTable, strings.Join(values, ", "))})
	}
	return list
}

// unseen is the condition on rows r of a raw table that came with loads, which
// are those that the table does not hold.
func (l *ledger) unseen(table string, loads []string) string {
	switch {
	case len(loads) <= maxValues:
		return fmt.Sprintf("r.%s in (%s)", schemas.LoadID, texts(loads))
	case len(l.seen[table]) == 0:
		return "true"
	}
	return fmt.Sprintf("r.%s not in (select k.load_id from %s as k where k.table_name = %s and k.source_table = %s)",
		schemas.LoadID, seenTable, text(l.table.String()), text(table))
}

// writeSeen adds loads to the table's.
func (l *ledger) writeSeen(loads map[string][]string) []warehouse.Statement {
	var list []warehouse.Statement
	for _, table := range slices.Sorted(maps.Keys(loads)) {
		for part := range slices.Chunk(loads[table], maxValues) {
			values := make([]string, len(part))
			for i, id := range part {
				values[i] = fmt.Sprintf("(%s, %s, %s)", text(l.table.String()), text(table), text(id))
			}
			list = append(list, warehouse.Statement{
				Name: "loads of " + l.table.String(),
				SQL:  fmt.Sprintf("insert into %s (table_name, source_table, load_id) values %s", seenTable, strings.Join(values, ", ")),
			})
		}
	}
	return list
}

// rows reads a small result.
func (b *Builder) rows(ctx context.Context, sql string) ([][]any, error) {
	rows, err := query(ctx, b.into, warehouse.Statement{Name: "ledger", SQL: sql}, -1)
	if err != nil {
		return nil, err
	}
	return rows.Values, nil
}

// texts writes a list of STRINGs.
func texts(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = text(s)
	}
	return strings.Join(quoted, ", ")
}
