package landing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

func TestRun_LandsEveryTypeForBothReaders(t *testing.T) {
	for _, batch := range []int64{1, 7, 1000, 5000} {
		z := Open(newDir(t), Options{Clock: testClock})
		m, ok, err := land(t, z, 0, 5000, batch, "c1")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if len(m.Files) != 1 || m.Rows() != 5000 || !m.CommittedAt.Equal(testTime) || m.SchemaHash != allTypes().SchemaHash() {
			t.Fatalf("batches of %d: manifest %+v", batch, m)
		}
		checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), 0, 5000)
		checkRowsIndependently(t, z, m.Files, 0)
	}
}

func TestRun_FillsRowGroupsFromSmallBatches(t *testing.T) {
	table := schemas.Table{Dataset: "test", Name: "wide", Columns: []schemas.Column{
		{Name: "unique", Type: schemas.Type{Kind: schemas.String}, Required: true},
		{Name: "few", Type: schemas.Type{Kind: schemas.String}},
	}}
	text := func(row int64) string { return fmt.Sprintf("row %07d with some more text", row) }
	dir := newDir(t)
	z := Open(dir, Options{Clock: testClock, MaxFileRows: 2 * RowGroupRows})
	run, err := z.Begin(t.Context(), "app", table)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 3*RowGroupRows + 17
	// The first batch is too small to show that a column is unique, so that its
	// dictionary overflows within the row group and the rest is written plain.
	for next, size := int64(0), int64(10); next < rows; size = 9_999 {
		size = min(size, rows-next)
		b := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
		for row := next; row < next+size; row++ {
			b.Field(0).(*array.StringBuilder).Append(text(row))
			if row%3 == 0 {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.StringBuilder).Append(someTexts[row%7])
			}
			b.Field(2).AppendNull()
		}
		record := b.NewRecord()
		if next == 0 {
			run.data.dictionary = chooseDictionaries([]arrow.Record{record})
		}
		if err := run.Write(record); err != nil {
			t.Fatal(err)
		}
		record.Release()
		b.Release()
		next += size
	}
	run.Checkpoint("end")
	m, ok, err := run.Commit(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if len(m.Files) != 2 || m.Files[0].Rows != 2*RowGroupRows || m.Files[1].Rows != RowGroupRows+17 {
		t.Fatalf("files %+v, want two row groups, then one and the rest", m.Files)
	}
	next := int64(0)
	for _, f := range m.Files {
		object, err := dir.Open(t.Context(), f.Name)
		if err != nil {
			t.Fatal(err)
		}
		footer, _, err := readFooter(object, object.Size())
		if err != nil {
			t.Fatal(err)
		}
		for i, group := range footer.RowGroups {
			if group.NumRows == 17 {
				continue // the rest
			}
			if group.NumRows != RowGroupRows {
				t.Errorf("row group %d has %d rows", i, group.NumRows)
			}
			if n := len(group.Columns[0].MetaData.EncodingStats); n < 3 {
				t.Errorf("the dictionary of column unique did not overflow: %v", group.Columns[0].MetaData.EncodingStats)
			}
		}
		object.Close()
	}
	for _, record := range readBack(t, z, m.Files, table.ArrowSchema()) {
		unique, few := record.Column(0).(*array.String), record.Column(1).(*array.String)
		for i := range unique.Len() {
			if unique.Value(i) != text(next) || few.IsNull(i) != (next%3 == 0) || few.IsValid(i) && few.Value(i) != someTexts[next%7] {
				t.Fatalf("row %d reads %q and %q", next, unique.Value(i), few.Value(i))
			}
			next++
		}
	}
	if next != rows {
		t.Errorf("%d rows read, want %d", next, rows)
	}
}

func TestRun_CommitsNothingWhenNothingIsNew(t *testing.T) {
	dir := newDir(t)
	z := Open(dir, Options{Clock: testClock})
	if m, ok, err := land(t, z, 0, 0, 1, ""); ok || err != nil {
		t.Fatalf("first run without rows: %+v, %v, %v", m, ok, err)
	}
	if names := listAll(t, dir); len(names) != 0 {
		t.Errorf("%q were written", names)
	}
	if m, ok, err := land(t, z, 0, 0, 1, "moved"); !ok || err != nil || m.Rows() != 0 || len(m.Files) != 0 || m.After != "moved" {
		t.Fatalf("moved cursor: %+v, %v, %v", m, ok, err)
	}
	if m, ok, err := land(t, z, 0, 0, 1, "moved"); ok || err != nil {
		t.Fatalf("unmoved cursor: %+v, %v, %v", m, ok, err)
	}
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	record := testRecord(t, allTypes(), 0, 0)
	defer record.Release()
	if err := errors.Join(run.Write(record), run.Reject(nil)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := run.Commit(t.Context()); ok || err != nil || run.After() != "moved" {
		t.Errorf("empty batch: %v, %v after %q", ok, err, run.After())
	}
}

func TestRun_NeverWritesAnEmptyRowGroup(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock, MaxFileRows: 10})
	m, ok, err := land(t, z, 0, 20, 5, "20")
	if err != nil || !ok || len(m.Files) != 2 || m.Files[0].Rows != 10 || m.Files[1].Rows != 10 {
		t.Errorf("%+v, %v, %v, want two files of ten rows", m.Files, ok, err)
	}
}

func TestRun_SecondOfTwoGetsErrConflict(t *testing.T) {
	dir := newDir(t)
	z, other := Open(dir, Options{Clock: testClock}), Open(dir, Options{Clock: testClock})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	record := testRecord(t, allTypes(), 0, 10)
	defer record.Release()
	if err := run.Write(record); err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("10")
	first, ok, err := land(t, other, 0, 10, 10, "10")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := run.Commit(t.Context()); ok || !errors.Is(err, ErrConflict) {
		t.Errorf("second Commit = %v, %v, want ErrConflict", ok, err)
	}
	if names := listAll(t, dir); len(names) != 2 || names[0] != first.Files[0].Name {
		t.Errorf("%q stayed, want the first run's file and manifest", names)
	}
	checkRows(t, readBack(t, z, first.Files, allTypes().ArrowSchema()), 0, 10)
}

// TestRun_ConflictAtTheManifestItself lets the other run commit in between the
// check for a conflict and the write of the manifest.
func TestRun_ConflictAtTheManifestItself(t *testing.T) {
	dir := newDir(t)
	z := Open(dir, Options{Clock: testClock})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("mine")
	m, err := run.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := land(t, z, 0, 3, 3, "theirs"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := run.publish(t.Context(), m); !errors.Is(err, ErrConflict) {
		t.Errorf("publish = %v, want ErrConflict", err)
	}
	if latest, _, err := z.Latest(t.Context(), "app", "test.rows"); err != nil || latest.After != "theirs" {
		t.Errorf("newest manifest %+v, %v, want theirs", latest, err)
	}
}

func TestRun_KnowsItsOwnManifest(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	record := testRecord(t, allTypes(), 0, 10)
	defer record.Release()
	if err := run.Write(record); err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("10")
	m, err := run.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A bucket that retries sees ErrExists for what its first attempt has written.
	for range 2 {
		if err := run.publish(t.Context(), m); err != nil {
			t.Errorf("publish = %v", err)
		}
	}
}

func TestRun_CommitsAfterItsContextHasEnded(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock})
	ctx, cancel := context.WithCancel(t.Context())
	run, err := z.Begin(ctx, "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	record := testRecord(t, allTypes(), 0, 10)
	defer record.Release()
	if err := run.Write(record); err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("10")
	cancel()
	m, ok, err := run.Commit(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), 0, 10)
}

func TestRun_AbortRemovesItsFiles(t *testing.T) {
	dir := newDir(t)
	z := Open(dir, Options{Clock: testClock, MaxFileRows: 10})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	record := testRecord(t, allTypes(), 0, 25)
	defer record.Release()
	if err := run.Write(record); err != nil {
		t.Fatal(err)
	}
	if names := listAll(t, dir); len(names) != 2 {
		t.Fatalf("%q are landed, want two full files", names)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(run.Abort(ctx), run.Abort(ctx)); err != nil {
		t.Fatal(err)
	}
	if names := listAll(t, dir); len(names) != 0 {
		t.Errorf("%q stayed", names)
	}
	if err := run.Write(record); err == nil {
		t.Error("an aborted run takes rows")
	}
	if _, ok, err := run.Commit(t.Context()); ok || err == nil {
		t.Errorf("an aborted run commits: %v, %v", ok, err)
	}
}

func TestRun_RefusesWhatTheContractDoesNotPromise(t *testing.T) {
	table := schemas.Table{Dataset: "test", Name: "t", Columns: []schemas.Column{
		{Name: "id", Type: schemas.Type{Kind: schemas.Int64}, Required: true},
		{Name: "name", Type: schemas.Type{Kind: schemas.String}},
	}}
	record := func(fields []arrow.Field, fill func(*array.RecordBuilder)) arrow.Record {
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
		defer b.Release()
		fill(b)
		return b.NewRecord()
	}
	fields := table.ArrowSchema().Fields()
	texts := func(texts ...string) func(*array.RecordBuilder) {
		return func(b *array.RecordBuilder) {
			for _, text := range texts {
				b.Field(0).(*array.Int64Builder).Append(1)
				b.Field(1).(*array.StringBuilder).Append(text)
				b.Field(2).AppendNull()
			}
		}
	}
	nullID := func(b *array.RecordBuilder) {
		b.Field(0).AppendNull()
		b.Field(1).AppendNull()
		b.Field(2).AppendNull()
	}
	for name, test := range map[string]struct {
		record arrow.Record
		want   string
	}{
		"FewerColumns": {record(fields[:2], func(*array.RecordBuilder) {}), "2 columns"},
		"OtherOrder":   {record([]arrow.Field{fields[1], fields[0], fields[2]}, func(*array.RecordBuilder) {}), "column 1 of a batch is name"},
		"OtherType": {record([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int32}, fields[1], fields[2]},
			func(*array.RecordBuilder) {}), "column id"},
		"NullInRequired":  {record(fields, nullID), "column id is required"},
		"NotUTF8":         {record(fields, texts("fine", "\xff")), "column name: row 1"},
		"RuneInTwoValues": {record(fields, texts("\xc3", "\xa4")), "column name: row 0"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			run, err := Open(dir, Options{Clock: testClock}).Begin(t.Context(), "app", table)
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Write(test.record); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Write = %v, want %q", err, test.want)
			}
			run.Checkpoint("x")
			if _, ok, err := run.Commit(t.Context()); ok || err == nil {
				t.Errorf("Commit = %v, %v after a refused batch", ok, err)
			}
			if names := listAll(t, dir); len(names) != 0 {
				t.Errorf("%q stayed", names)
			}
		})
	}
	run, err := Open(newDir(t), Options{Clock: testClock}).Begin(t.Context(), "app", table)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Write(record(fields, texts("", "ä", "🙂", "\x00"))); err != nil {
		t.Errorf("Write = %v of good text", err)
	}
	if err := run.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRun_RefusesToCommitBeyondItsLease(t *testing.T) {
	now := testTime
	dir := newDir(t)
	z := Open(dir, Options{Clock: func() time.Time { return now }, Lease: time.Hour})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("x")
	now = now.Add(time.Hour + time.Second)
	if _, ok, err := run.Commit(t.Context()); ok || err == nil || len(hint.Of(err)) != 1 {
		t.Errorf("Commit = %v, %v, want an error with a hint", ok, err)
	}
	if names := listAll(t, dir); len(names) != 0 {
		t.Errorf("%q were written", names)
	}
}

func TestBegin_RefusesNamesThatAreNoFolder(t *testing.T) {
	z := Open(newDir(t), Options{})
	for _, source := range []string{"", ".", "..", "a/b", "../a", ".tmp-x", `a\b`} {
		if _, err := z.Begin(t.Context(), source, allTypes()); err == nil {
			t.Errorf("source %q was taken", source)
		}
	}
}

func TestRun_HoldsNoMoreMemoryThanItMay(t *testing.T) {
	const budget = 8 << 20
	z := Open(newDir(t), Options{Clock: testClock, MemoryBytes: budget})
	record := testRecord(t, allTypes(), 0, 2000)
	defer record.Release()
	var runs []*Run
	for i := range 6 {
		run, err := z.Begin(t.Context(), fmt.Sprintf("app%d", i), allTypes())
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	peak := int64(0)
	for range 30 {
		for _, run := range runs {
			if err := run.Write(record); err != nil {
				t.Fatal(err)
			}
			peak = max(peak, z.buffered.Load())
		}
	}
	// Every run may keep idleBytes, and a batch is taken before it is weighed.
	if limit := int64(budget + len(runs)*idleBytes); peak > limit || peak < budget/4 {
		t.Errorf("%d bytes were held, want at most %d", peak, limit)
	}
	for _, run := range runs {
		run.Checkpoint("x")
		m, ok, err := run.Commit(t.Context())
		if err != nil || !ok || m.Rows() != 60_000 {
			t.Fatal(m.Rows(), ok, err)
		}
	}
	if n := z.buffered.Load(); n != 0 {
		t.Errorf("%d bytes are still charged", n)
	}
}

func TestReject_LandsDeadLetters(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ä", MaxPayload)
	rejects := []Reject{
		{Location: "a.jsonl", Line: 3, Reason: Malformed, Detail: "no \xff JSON", Payload: "{\"a\": \xc3"},
		{Location: "a.jsonl", Line: 4, Reason: FutureTime, Payload: "x" + long},
		{Location: "a.jsonl", Line: 4, Reason: FutureTime, Payload: "x" + long},
	}
	if err := run.Reject(rejects); err != nil {
		t.Fatal(err)
	}
	run.Checkpoint("1")
	m, ok, err := run.Commit(t.Context())
	if err != nil || !ok || m.RejectedRows() != 3 || m.Rows() != 0 {
		t.Fatal(m, ok, err)
	}
	records := readBack(t, z, m.Rejects, deadLetterSchema())
	if len(records) != 1 {
		t.Fatalf("%d batches", len(records))
	}
	value := func(column string, row int) string {
		return records[0].Column(deadLetterSchema().FieldIndices(column)[0]).ValueStr(row)
	}
	for column, want := range map[string]string{
		"source_name": "app", "table_name": "test.rows", "location": "a.jsonl", "line_number": "3", "reason_code": "malformed",
		"detail": "no \uFFFD JSON", "payload": "{\"a\": \uFFFD", "dead_letter_id": DeadLetterID("app", "test.rows", rejects[0]),
	} {
		if got := value(column, 0); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := records[0].Column(8).(*array.Timestamp).Value(0); int64(got) != testTime.UnixMicro() {
		t.Errorf("rejected_at is %d, want %d", got, testTime.UnixMicro())
	}
	if got := value("payload", 1); len(got) > MaxPayload+2 || !strings.HasPrefix(got, "xää") {
		t.Errorf("the long payload has %d bytes", len(got))
	}
	if value("dead_letter_id", 1) != value("dead_letter_id", 2) || value("dead_letter_id", 0) == value("dead_letter_id", 1) {
		t.Error("equal records must have equal ids, others not")
	}
}
