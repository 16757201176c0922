package jsonrows

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/schemas"
)

func contract(t *testing.T, id string) schemas.Table {
	t.Helper()
	table, ok := schemas.Contract(id)
	if !ok {
		t.Fatalf("no contract %s", id)
	}
	return table
}

// decode runs lines through a decoder and returns the rows as text, column by name.
func decode(t *testing.T, table schemas.Table, opts Options, lines ...string) ([]map[string]string, Rows) {
	t.Helper()
	d := New(table, opts)
	for i, line := range lines {
		d.Append([]byte(line), "test.jsonl", int64(i+1))
	}
	out, err := d.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return textRows(out), out
}

func textRows(out Rows) []map[string]string {
	var rows []map[string]string
	if out.Record == nil {
		return rows
	}
	for r := range int(out.Record.NumRows()) {
		row := map[string]string{}
		for c, field := range out.Record.Schema().Fields() {
			if !out.Record.Column(c).IsNull(r) {
				row[field.Name] = out.Record.Column(c).ValueStr(r)
				if n, ok := out.Record.Column(c).(*array.Decimal128); ok { // its ValueStr is not exact
					row[field.Name] = new(big.Rat).SetFrac(n.Value(r).BigInt(), big.NewInt(1e9)).FloatString(9)
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func table(drift schemas.Drift, columns ...schemas.Column) schemas.Table {
	for i := range columns {
		if columns[i].Fields == nil {
			columns[i].Fields = []string{columns[i].Name}
		}
	}
	return schemas.Table{Dataset: "test", Name: "things", Drift: drift, Columns: columns}
}

func field(name string, kind schemas.Kind) schemas.Column {
	return schemas.Column{Name: name, Type: schemas.Type{Kind: kind}}
}

func TestDecoder_ReadsSegmentCall(t *testing.T) {
	rows, out := decode(t, contract(t, "segment.events"), Options{},
		`{"messageId":"m1","type":"track","event":"Projet cr\u00e9\u00e9 \ud83d\ude00","userId":12345,"timestamp":"2026-03-01T10:00:00.123Z","receivedAt":"2026-03-01T12:00:01+02:00","context":{"page":{"path":"/a\/b"},"groupId":"g1"},"properties":{"n": 1, "s":"x"},"traits":null}`)
	want := []map[string]string{{
		"message_id": "m1", "type": "track", "event": "Projet créé 😀", "user_id": "12345", "group_id": "g1",
		"timestamp": "2026-03-01 10:00:00.123Z", "received_at": "2026-03-01 10:00:01Z",
		"page_path": "/a/b", "properties": `{"n": 1, "s":"x"}`,
	}}
	if diff := cmp.Diff(want, rows); diff != "" || len(out.Rejects) > 0 {
		t.Errorf("rows (-want +got):\n%s\nrejects: %v", diff, out.Rejects)
	}
}

func TestDecoder_ReadsNestedPathsAndWholeRecord(t *testing.T) {
	record := `{"id":"sub_1","customer":{"id":"cus_1"},"status":"trialing","created":1700000000,"trial_end":null,` +
		`"items":{"object":"list","data":[{"price":{"id":"p1","recurring":{"interval":"month","interval_count":1},"unit_amount":4900},"quantity":3},{"price":{"id":"p2"}}]},"metadata":{}}`
	rows, out := decode(t, contract(t, "stripe.subscriptions"), Options{}, " "+record+"\r\n")
	want := []map[string]string{{
		"id": "sub_1", "customer_id": "cus_1", "status": "trialing", "created": "2023-11-14 22:13:20Z",
		"price_id": "p1", "price_interval": "month", "price_interval_count": "1", "unit_amount": "4900", "quantity": "3",
		"items":    `[{"price":{"id":"p1","recurring":{"interval":"month","interval_count":1},"unit_amount":4900},"quantity":3},{"price":{"id":"p2"}}]`,
		"metadata": "{}", "payload": record,
	}}
	if diff := cmp.Diff(want, rows); diff != "" || len(out.Rejects) > 0 {
		t.Errorf("rows (-want +got):\n%s\nrejects: %v", diff, out.Rejects)
	}
}

func TestDecoder_TakesFirstAlternativeWithValue(t *testing.T) {
	for record, want := range map[string]string{
		`{"id":"1","properties":{"createdate":"2024-01-02T00:00:00Z"},"createdAt":"2025-01-01","updatedAt":"2026-01-01"}`: "2024-01-02 00:00:00Z",
		`{"id":"1","properties":{"createdate":""},"createdAt":"2025-01-01","updatedAt":"2026-01-01"}`:                     "2025-01-01 00:00:00Z",
		`{"id":"1","properties":{"createdate":null},"createdAt":"2025-01-01","updatedAt":"2026-01-01"}`:                   "2025-01-01 00:00:00Z",
		`{"id":"1","createdAt":"2025-01-01","properties":null,"updatedAt":"2026-01-01"}`:                                  "2025-01-01 00:00:00Z",
	} {
		rows, out := decode(t, contract(t, "hubspot.companies"), Options{}, record)
		if len(rows) != 1 || rows[0]["created_at"] != want {
			t.Errorf("%s: %v, rejects %v", record, rows, out.Rejects)
		}
	}
}

func TestDecoder_RejectsWithReasonAndKeepsOthers(t *testing.T) {
	good := `{"messageId":"m","type":"track","timestamp":"2026-03-01"}`
	for _, test := range []struct {
		line   string
		reason schemas.Reason
		detail string
	}{
		{`{"messageId":"m"`, schemas.Malformed, "byte 17"},
		{``, schemas.Malformed, "empty"},
		{`[1]`, schemas.Malformed, "not a JSON object"},
		{good + `x`, schemas.Malformed, "text after"},
		{`{"messageId":"a","messageId":"b","type":"track","timestamp":"2026-03-01"}`, schemas.Malformed, "twice"},
		{`{"properties":{"a":1,"\u0061":2}}`, schemas.Malformed, "twice"},
		{"{\"messageId\":\"\xff\"}", schemas.Malformed, "UTF-8"},
		{`{"messageId":"m","type":"track","timestamp":"yesterday"}`, schemas.WrongType, `column "timestamp": "yesterday" is not a TIMESTAMP`},
		{`{"messageId":"m","type":"track","timestamp":1700000000}`, schemas.WrongType, `"1700000000"`},
		{`{"messageId":{"a":1},"type":"track","timestamp":"2026-03-01"}`, schemas.WrongType, `{"a":1} is not a STRING`},
		{`{"type":"track","timestamp":"2026-03-01"}`, schemas.MissingRequired, `column "message_id" has no value`},
		{`{"messageId":null,"type":"track","timestamp":"2026-03-01"}`, schemas.MissingRequired, `"message_id"`},
		{`{"messageId":"m","type":"track","timestamp":"2026-03-01","receivedAt":"2027-01-01"}`, schemas.FutureTime, `column "received_at": 2027-01-01 lies ahead`},
		{`{"messageId":"m","type":"track","timestamp":"2027-03-01"}`, schemas.FutureTime, "timestamp"},
	} {
		clock := func() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }
		rows, out := decode(t, contract(t, "segment.events"), Options{Clock: clock, NotAhead: []string{"timestamp"}}, good, test.line, good)
		if len(rows) != 2 || !cmp.Equal(rows[0], rows[1]) {
			t.Errorf("%s: the good rows are %v", test.line, rows)
		}
		if len(out.Rejects) != 1 {
			t.Errorf("%s: rejects %v", test.line, out.Rejects)
			continue
		}
		r := out.Rejects[0]
		if r.Reason != test.reason || !strings.Contains(r.Detail, test.detail) || r.Line != 2 || r.Location != "test.jsonl" {
			t.Errorf("%s: %+v, want %s with %q", test.line, r, test.reason, test.detail)
		}
	}
}
