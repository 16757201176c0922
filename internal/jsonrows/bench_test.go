package jsonrows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ripen-data/ripen/schemas"
)

// productEvents are records as a product sends them: ids, two timestamps, a
// page below context and properties of three to eight names.
func productEvents(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, n)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range lines {
		at = at.Add(time.Duration(random.IntN(2000)) * time.Millisecond)
		var b bytes.Buffer
		stamp := at.Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&b, `{"messageId":"%08x-%04x-4%03x-a%03x-%012x","type":"track","event":"event_%d"`,
			random.Uint32(), random.IntN(1<<16), random.IntN(1<<12), random.IntN(1<<12), random.Uint64()>>16, random.IntN(40))
		if random.IntN(10) < 8 {
			fmt.Fprintf(&b, `,"userId":"user_%d"`, random.IntN(5000))
		}
		fmt.Fprintf(&b, `,"anonymousId":"anon-%08x","timestamp":"%s","receivedAt":"%s"`, random.Uint32(), stamp, stamp)
		fmt.Fprintf(&b, `,"context":{"page":{"url":"https://app.example.com/projects/%d?tab=a\u0026x=1","path":"/projects/%d"},"groupId":"ws_%d"}`,
			random.IntN(1000), random.IntN(1000), random.IntN(300))
		b.WriteString(`,"properties":{`)
		for k := range 3 + random.IntN(6) {
			if k > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"prop_%d":`, k)
			if k%2 == 0 {
				fmt.Fprintf(&b, `"value %d"`, random.IntN(1000))
			} else {
				fmt.Fprintf(&b, `%d`, random.IntN(100000))
			}
		}
		b.WriteString(`}}`)
		lines[i] = b.Bytes()
	}
	return lines
}

// event is what a reader with a static type would decode the same columns into.
type event struct {
	MessageID   string     `json:"messageId"`
	Type        string     `json:"type"`
	Event       *string    `json:"event"`
	Name        *string    `json:"name"`
	UserID      *string    `json:"userId"`
	AnonymousID *string    `json:"anonymousId"`
	PreviousID  *string    `json:"previousId"`
	GroupID     *string    `json:"groupId"`
	Timestamp   time.Time  `json:"timestamp"`
	OriginalAt  *time.Time `json:"originalTimestamp"`
	SentAt      *time.Time `json:"sentAt"`
	ReceivedAt  *time.Time `json:"receivedAt"`
	Context     struct {
		GroupID   *string         `json:"groupId"`
		SessionID *string         `json:"sessionId"`
		Campaign  json.RawMessage `json:"campaign"`
		Traits    json.RawMessage `json:"traits"`
		Page      struct {
			Path *string `json:"path"`
		} `json:"page"`
	} `json:"context"`
	Properties json.RawMessage `json:"properties"`
	Traits     json.RawMessage `json:"traits"`
}

// BenchmarkDecoder decodes the same lines with encoding/json (to a struct), with
// jsontext (tokens only, no values kept) and with the decoder (to Arrow columns),
// one after the other in every iteration. It reports rows per second of the best
// pass of each, which other work on the machine disturbs least, and how many
// times as fast as the others the decoder is.
func BenchmarkDecoder(b *testing.B) {
	lines := productEvents(8192)
	segment, _ := schemas.Contract("segment.events")
	d := New(segment, Options{Clock: func() time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }})
	reader := bytes.NewReader(nil)
	tokens := jsontext.NewDecoder(reader)
	ways := []struct {
		name string
		pass func()
	}{
		{"encoding_json", func() {
			for _, line := range lines {
				var e event
				if err := json.Unmarshal(line, &e); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"jsontext", func() {
			for _, line := range lines {
				reader.Reset(line)
				tokens.Reset(reader)
				for {
					if _, err := tokens.ReadToken(); err != nil {
						break
					}
				}
			}
		}},
		{"jsonrows", func() {
			for i, line := range lines {
				d.Append(line, "bench", int64(i))
			}
			out, err := d.Flush()
			if err != nil || out.Record.NumRows() != int64(len(lines)) {
				b.Fatal(err, len(out.Rejects))
			}
			out.Record.Release()
		}},
	}
	best := make([]time.Duration, len(ways))
	for b.Loop() {
		for i, way := range ways {
			start := time.Now()
			way.pass()
			if spent := time.Since(start); best[i] == 0 || spent < best[i] {
				best[i] = spent
			}
		}
	}
	own := best[len(ways)-1].Seconds()
	for i, way := range ways {
		b.ReportMetric(float64(len(lines))/best[i].Seconds(), way.name+"_rows/s")
		if i < len(ways)-1 {
			b.ReportMetric(best[i].Seconds()/own, "x_"+way.name)
		}
	}
}

func TestDecoder_AllocatesNothingPerRow(t *testing.T) {
	lines := productEvents(1000)
	segment, _ := schemas.Contract("segment.events")
	d := New(segment, Options{})
	batch := func() {
		for i, line := range lines {
			d.Append(line, "test", int64(i))
		}
		out, err := d.Flush()
		if err != nil || out.Record.NumRows() != int64(len(lines)) {
			t.Fatal(err, out.Rejects)
		}
		out.Record.Release()
	}
	batch() // learns names and sizes
	if perRow := testing.AllocsPerRun(10, batch) / float64(len(lines)); perRow > 0.3 {
		t.Errorf("%.2f allocations per row", perRow)
	}
}
