package jsonrows

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

func TestDecoder_ConvertsValues(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const null, misfit = "NULL", "MISFIT"
	for _, test := range []struct {
		kind   schemas.Kind
		format schemas.Format
		json   string
		want   string
	}{
		{schemas.String, "", `"x"`, "x"},
		{schemas.String, "", `""`, ""},
		{schemas.String, "", `12.50`, "12.50"},
		{schemas.String, "", `true`, "true"},
		{schemas.String, "", `{}`, misfit},
		{schemas.String, "", `[]`, misfit},
		{schemas.JSON, "", `"x\n"`, `"x\n"`},
		{schemas.JSON, "", `[1, 2]`, `[1, 2]`},
		{schemas.JSON, "", `null`, null},
		{schemas.Int64, "", `12`, "12"},
		{schemas.Int64, "", `"12"`, "12"},
		{schemas.Int64, "", `"-007"`, "-7"},
		{schemas.Int64, "", `"+7"`, "7"},
		{schemas.Int64, "", `12.0`, "12"},
		{schemas.Int64, "", `1.2e1`, "12"},
		{schemas.Int64, "", `-9223372036854775808`, "-9223372036854775808"},
		{schemas.Int64, "", `9223372036854775808`, misfit},
		{schemas.Int64, "", `1e400`, misfit},
		{schemas.Int64, "", `12.5`, misfit},
		{schemas.Int64, "", `"12 "`, misfit},
		{schemas.Int64, "", `"0x10"`, misfit},
		{schemas.Int64, "", `"1_000"`, misfit},
		{schemas.Int64, "", `""`, null},
		{schemas.Int64, "", `true`, misfit},
		{schemas.Float64, "", `0.1`, "0.1"},
		{schemas.Float64, "", `"1e3"`, "1000"},
		{schemas.Float64, "", `1e400`, misfit},
		{schemas.Float64, "", `"NaN"`, misfit},
		{schemas.Float64, "", `"inf"`, misfit},
		{schemas.Float64, "", `"0x1p4"`, misfit},
		{schemas.Bool, "", `true`, "true"},
		{schemas.Bool, "", `"False"`, "false"},
		{schemas.Bool, "", `1`, "true"},
		{schemas.Bool, "", `"yes"`, "true"},
		{schemas.Bool, "", `2`, misfit},
		{schemas.Bool, "", `"maybe"`, misfit},
		{schemas.Numeric, "", `12.34`, "12.340000000"},
		{schemas.Numeric, "", `"-0.000000001"`, "-0.000000001"},
		{schemas.Numeric, "", `0.0000000005`, "0.000000001"},
		{schemas.Numeric, "", `-0.0000000005`, "-0.000000001"},
		{schemas.Numeric, "", `0.00000000049999`, "0.000000000"},
		{schemas.Numeric, "", `99999999999999999999999999999.999999999`, "99999999999999999999999999999.999999999"},
		{schemas.Numeric, "", `99999999999999999999999999999.9999999999`, misfit},
		{schemas.Numeric, "", `100000000000000000000000000000`, misfit},
		{schemas.Numeric, "", `1e28`, "10000000000000000000000000000.000000000"},
		{schemas.Numeric, "", `1e-400`, "0.000000000"},
		{schemas.Numeric, "", `"1,5"`, misfit},
		{schemas.Date, "", `"2024-02-29"`, "2024-02-29"},
		{schemas.Date, "", `"2023-02-29"`, misfit},
		{schemas.Date, "", `"2024-02-29T00:00:00Z"`, "2024-02-29"},
		{schemas.Date, "", `"2024-02-29T00:00:01Z"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T07:08:09Z"`, "2024-05-06 07:08:09Z"},
		{schemas.Timestamp, "", `"2024-05-06T07:08:09.123456789Z"`, "2024-05-06 07:08:09.123456Z"},
		{schemas.Timestamp, "", `"2024-05-06t07:08:09,5z"`, "2024-05-06 07:08:09.5Z"},
		{schemas.Timestamp, "", `"2024-05-06 07:08:09+02:00"`, "2024-05-06 05:08:09Z"},
		{schemas.Timestamp, "", `"2024-05-06 07:08:09 -0230"`, "2024-05-06 09:38:09Z"},
		{schemas.Timestamp, "", `"2024-05-06 07:08:09+02"`, "2024-05-06 05:08:09Z"},
		{schemas.Timestamp, "", `"2024-05-06 07:08:09 UTC"`, "2024-05-06 07:08:09Z"},
		{schemas.Timestamp, "", `"2024-05-06T07:08"`, "2024-05-06 05:08:00Z"}, // Berlin in summer
		{schemas.Timestamp, "", `"2024-01-06"`, "2024-01-05 23:00:00Z"},
		{schemas.Timestamp, "", `"1969-12-31T23:59:59.5Z"`, "1969-12-31 23:59:59.5Z"},
		{schemas.Timestamp, "", `"9999-12-31T23:59:59.999999Z"`, "9999-12-31 23:59:59.999999Z"},
		{schemas.Timestamp, "", `"0001-01-01T00:00:00Z"`, "0001-01-01 00:00:00Z"},
		{schemas.Timestamp, "", `"0001-01-01T00:00:00+01:00"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T24:00:00Z"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T07:08:60Z"`, misfit},
		{schemas.Timestamp, "", `"2024-13-06T07:08:09Z"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T07:08:09X"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T07:08:09.Z"`, misfit},
		{schemas.Timestamp, "", `"2024-05-06T"`, misfit},
		{schemas.Timestamp, "", `"06.05.2024"`, misfit},
		{schemas.Timestamp, "", `1700000000`, misfit},
		{schemas.Timestamp, "", `""`, null},
		{schemas.Timestamp, schemas.EpochSecond, `1700000000`, "2023-11-14 22:13:20Z"},
		{schemas.Timestamp, schemas.EpochSecond, `"1700000000"`, "2023-11-14 22:13:20Z"},
		{schemas.Timestamp, schemas.EpochSecond, `1700000000.25`, "2023-11-14 22:13:20.25Z"},
		{schemas.Timestamp, schemas.EpochSecond, `-1`, "1969-12-31 23:59:59Z"},
		{schemas.Timestamp, schemas.EpochSecond, `1e15`, misfit},
		{schemas.Timestamp, schemas.EpochSecond, `999999999999`, misfit}, // milliseconds taken for seconds
		{schemas.Timestamp, schemas.EpochMilli, `1700000000123`, "2023-11-14 22:13:20.123Z"},
		{schemas.Timestamp, schemas.EpochMilli, `"170000000012"`, "1975-05-22 14:13:20.012Z"},
		{schemas.Timestamp, schemas.EpochMilli, `"2024-01-01"`, misfit},
	} {
		c := field("c", test.kind)
		c.Format = test.format
		rows, out := decode(t, table(schemas.Discard, c), Options{Zone: berlin}, `{"c":`+test.json+`}`)
		got := misfit
		if len(rows) == 1 {
			var ok bool
			if got, ok = rows[0]["c"]; !ok {
				got = null
			}
		} else if r := out.Rejects[0]; r.Reason != schemas.WrongType || !strings.Contains(r.Detail, `column "c": `) {
			t.Errorf("%s from %s: reject %+v", test.kind, test.json, r)
		}
		if got != test.want {
			t.Errorf("%s %s from %s is %q, want %q", test.kind, test.format, test.json, got, test.want)
		}
		if test.json[0] != '"' || strings.Contains(test.json, `\`) || test.json == `""` || test.kind == schemas.JSON {
			continue
		}
		// The same text in a CSV file means the same.
		d := New(table(schemas.Discard, c), Options{Zone: berlin})
		d.AppendTexts(TextRow{Texts: []string{strings.Trim(test.json, `"`)}, Payload: func() []byte { return nil }}, "f", 1)
		texts, err := d.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if rows := textRows(texts); len(rows) == 1 && rows[0]["c"] != test.want || len(rows) != 1 && test.want != misfit {
			t.Errorf("%s from text %s is %v, want %q", test.kind, test.json, rows, test.want)
		}
	}
}

func TestDecoder_AgreesWithTimeParse(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		at := time.UnixMicro(minMicros + random.Int64N(maxMicros-minMicros)).UTC()
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.000000-07:00", time.DateOnly} {
			text := at.Format(layout)
			want, err := time.Parse(layout, text)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := parseTime([]byte(text), nil); !ok || got != want.UnixMicro() {
				t.Fatalf("%s is %d, %v, want %d", text, got, ok, want.UnixMicro())
			}
		}
	}
}

func TestDecoder_AppliesDriftPolicy(t *testing.T) {
	lines := []string{`{"a":"1","new":{"x": 1},"n\u0065w2":2}`, `{"a":"2"}`, `{"a":"3","new":null}`, `{"a":{},"new":1}`}
	for _, test := range []struct {
		drift schemas.Drift
		whole bool
		extra []string
		count map[string]int64
	}{
		{schemas.Evolve, false, []string{`{"new":{"x": 1},"n\u0065w2":2}`, "", `{"new":null}`}, map[string]int64{"new": 2, "new2": 1}},
		{schemas.Discard, false, []string{"", "", ""}, map[string]int64{"new": 2, "new2": 1}},
		{schemas.Discard, true, []string{"", "", ""}, nil}, // nothing is dropped
	} {
		columns := []schemas.Column{field("a", schemas.String)}
		if test.whole {
			columns = append(columns, schemas.Column{Name: "payload", Type: schemas.Type{Kind: schemas.JSON}, Fields: []string{"$"}})
		}
		rows, out := decode(t, table(test.drift, columns...), Options{}, lines...)
		var extra []string
		for _, row := range rows {
			extra = append(extra, row[schemas.ExtraColumn])
		}
		if !cmp.Equal(extra, test.extra) || !cmp.Equal(out.Extra, test.count) {
			t.Errorf("%s: extra %q, counted %v", test.drift, extra, out.Extra)
		}
	}

	d := New(table(schemas.Freeze, field("a", schemas.String)), Options{})
	d.Append([]byte(`{"a":"1"}`), "f.jsonl", 1)
	d.Append([]byte(lines[0]), "f.jsonl", 2)
	d.Append([]byte(`{"a":"1"}`), "f.jsonl", 3)
	_, err := d.Flush()
	if err == nil || d.Err() == nil || !strings.Contains(err.Error(), `f.jsonl: line 2: field "new" is not in contract test.things, which is frozen`) || len(hint.Of(err)) != 1 {
		t.Errorf("frozen: %v with hints %q", err, hint.Of(err))
	}
}

func TestDecoder_BoundsNamesOfUnknownFields(t *testing.T) {
	d := New(table(schemas.Discard, field("a", schemas.String)), Options{})
	for i := range 3 * maxNames {
		d.Append(fmt.Appendf(nil, `{"a":"1","u%d":1}`, i), "f", int64(i))
	}
	out, err := d.Flush()
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, n := range out.Extra {
		total += n
	}
	if total != 3*maxNames || len(out.Extra) > maxNames+1 || out.Extra[OtherFields] < maxNames {
		t.Errorf("%d fields counted under %d names, %d under %s", total, len(out.Extra), out.Extra[OtherFields], OtherFields)
	}
	if len(d.scan.root.names) > maxNames {
		t.Errorf("%d names are remembered", len(d.scan.root.names))
	}
}

func TestDecoder_PresetsColumnsAndKnowsFields(t *testing.T) {
	rows, out := decode(t, contract(t, "hubspot.engagements"), Options{Preset: map[string]string{"object_type": "calls"}},
		`{"id":"1","properties":{"hs_lastmodifieddate":"2026-01-01"}}`)
	if len(rows) != 1 || rows[0]["object_type"] != "calls" {
		t.Errorf("rows %v, rejects %v", rows, out.Rejects)
	}
	_, out = decode(t, table(schemas.Discard, field("a", schemas.String)), Options{Known: []string{"b", "a"}}, `{"a":"1","b":2,"c":3}`)
	if !cmp.Equal(out.Extra, map[string]int64{"c": 1}) || out.Record.Column(0).ValueStr(0) != "1" {
		t.Errorf("unknown fields: %v, row %v", out.Extra, out.Record)
	}
}

// TestDecoder_KeepsColumnsAlignedBesideRejects decodes random records, some of
// which do not fit, and compares with what each of them says.
func TestDecoder_KeepsColumnsAlignedBesideRejects(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	kinds := []schemas.Kind{schemas.String, schemas.Int64, schemas.Bool, schemas.Float64, schemas.Numeric, schemas.Timestamp, schemas.Date, schemas.JSON, schemas.String}
	good := []string{"s", "1", "true", "0.5", "2.25", "2024-01-01", "2024-01-02", "[1]", "t"}
	shown := []string{"s", "1", "true", "0.5", "2.250000000", "2024-01-01 00:00:00Z", "2024-01-02", "[1]", "t"}
	var columns []schemas.Column
	for i, kind := range kinds {
		columns = append(columns, field(fmt.Sprint("c", i), kind))
	}
	d := New(table(schemas.Evolve, columns...), Options{})
	for batch := range 200 {
		var want []map[string]string
		rejects := 0
		nullShare := random.IntN(4)
		for range random.IntN(70) {
			row, bad := map[string]string{}, false
			var fields []string
			for i := range kinds {
				value := good[i]
				if kinds[i] != schemas.JSON {
					value = `"` + value + `"`
				}
				switch {
				case random.IntN(4) < nullShare:
					continue
				case random.IntN(60) == 0:
					value, bad = `{"bad":1}`, bad || kinds[i] != schemas.JSON
					row[columns[i].Name] = value
				default:
					row[columns[i].Name] = shown[i]
				}
				fields = append(fields, fmt.Sprintf("%q:%s", columns[i].Name, value))
			}
			if random.IntN(9) == 0 {
				fields = append(fields, `"x":1`)
				row[schemas.ExtraColumn] = `{"x":1}`
			}
			random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
			d.Append([]byte("{"+strings.Join(fields, ",")+"}"), "f", 1)
			if bad {
				rejects++
			} else {
				want = append(want, row)
			}
		}
		out, err := d.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, textRows(out)); diff != "" || len(out.Rejects) != rejects {
			t.Fatalf("batch %d: %d rejects, want %d; rows (-want +got):\n%s", batch, len(out.Rejects), rejects, diff)
		}
	}
}

func TestDecoder_CutsPayloadAtCharacter(t *testing.T) {
	_, out := decode(t, contract(t, "segment.events"), Options{}, `{"a":"`+strings.Repeat("é", schemas.MaxPayload))
	payload := out.Rejects[0].Payload
	if len(payload) > schemas.MaxPayload || len(payload) < schemas.MaxPayload-3 || strings.Contains(payload, "\ufffd") {
		t.Errorf("payload has %d bytes and ends in %q", len(payload), payload[len(payload)-4:])
	}
}
