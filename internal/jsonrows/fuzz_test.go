package jsonrows

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ripen-data/ripen/schemas"
)

// accepts reports whether jsontext, in its strict default, takes the line as one object.
func accepts(line []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(line))
	value, err := dec.ReadValue()
	if err != nil || value.Kind() != '{' {
		return false
	}
	_, err = dec.ReadToken()
	return errors.Is(err, io.EOF)
}

var seedRecords = []string{
	`{"messageId":"m1","type":"track","event":"Project Created","userId":"u1","anonymousId":"a","timestamp":"2026-03-01T10:00:00.123Z","context":{"page":{"url":"https:\/\/x.io\/?a=1\u0026b=2","path":"/a"},"groupId":"g"},"properties":{"seats":3,"plan":"pro","nested":{"a":[1,2.5e-3,-0,true,false,null,""]}},"x":"é漢😀\ud83d\ude00"}`,
	`{"id":"sub_1","items":{"data":[{"price":{"id":"p","recurring":{"interval":"month"}},"quantity":1},{"a":[]}]},"customer":{"id":"c"}}`,
	` { "a" : [ ] , "b" : { } , "c" : -12.5E+10 } ` + "\r\n",
	`{"a":"\u0000\b\f\n\r\t\/\"\\","\u0061b":1,"ab2":2}`,
	`{}`,
	`{"a":{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":1,"k11":1,"k12":1,"k13":1,"k14":1,"k15":1,"k16":1,"k17":1,"k18":1,"k19":1,"k20":1,"k21":1,"k22":1,"k23":1,"k24":1,"k25":1,"k26":1,"k27":1}}`,
}

// fragments are what mutations insert: the places where readers of JSON differ.
var fragments = []string{
	`"messageId":"b",`, `"type":1,`, `,`, `:`, `"`, `\`, `{`, `}`, `[`, `]`, `\u0061`, `\ud83d`, `\udE00`, `\ud83d\ud83d`, `\u00g0`, `\x`,
	"\x00", "\x1f", "\x7f", "\x80", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80\xa8", "é", `-`, `0`, `01`, `.`, `1.`, `.5`,
	`e`, `1e`, `1e+`, `-0`, `+1`, `NaN`, `nul`, `true`, ` `, "\t", "\n", "\v", "\f", "\u00a0", "\ufeff", `/**/`, `"a":1,`, `"\u0061":1,`, `"k1":1,`, `"k27":1,`, `""`, `"":1,`,
}

func mutate(record []byte, random *rand.Rand) []byte {
	out := bytes.Clone(record)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(out) + 1)
		switch random.IntN(5) {
		case 0:
			out = append(out[:at:at], append([]byte(fragments[random.IntN(len(fragments))]), out[at:]...)...)
		case 1:
			end := min(len(out), at+1+random.IntN(4))
			out = append(out[:at:at], out[end:]...)
		case 2:
			if at < len(out) {
				out[at] = byte(random.IntN(256))
			}
		case 3:
			out = out[:at]
		case 4:
			end := min(len(out), at+random.IntN(20))
			out = append(out[:end:end], append(bytes.Clone(out[at:end]), out[end:]...)...)
		}
	}
	return out
}

// checkSame fails unless d's scanner takes exactly the lines that jsontext takes.
func checkSame(t *testing.T, d *Decoder, line []byte) {
	t.Helper()
	if got, want := d.scan.record(line), accepts(line); got != want {
		t.Fatalf("scanner accepts: %v (%s), jsontext accepts: %v\n%q", got, d.scan.problem(), want, line)
	}
}

func FuzzDecoder_AcceptsWhatJSONTextAccepts(f *testing.F) {
	for _, record := range seedRecords {
		f.Add([]byte(record), uint64(1))
	}
	segment, _ := schemas.Contract("segment.events")
	stripe, _ := schemas.Contract("stripe.subscriptions")
	f.Fuzz(func(t *testing.T, record []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 1))
		decoders := []*Decoder{New(segment, Options{}), New(stripe, Options{})}
		for range 8 {
			for _, d := range decoders {
				checkSame(t, d, record)
				checkSame(t, d, mutate(record, random)) // names learned from other records must not change the verdict
			}
		}
	})
}

func TestDecoder_AcceptsWhatJSONTextAcceptsOverManyMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	segment, _ := schemas.Contract("segment.events")
	stripe, _ := schemas.Contract("stripe.subscriptions")
	decoders := []*Decoder{New(segment, Options{}), New(stripe, Options{})}
	accepted := 0
	const rounds = 60_000
	for i := range rounds {
		line := mutate([]byte(seedRecords[i%len(seedRecords)]), random)
		if accepts(line) {
			accepted++
		}
		checkSame(t, decoders[i%2], line)
	}
	if accepted < rounds/20 || accepted > rounds*19/20 {
		t.Errorf("%d of %d mutations are valid: too one-sided to tell anything", accepted, rounds)
	}
}

func TestDecoder_AgreesWithJSONTextOnDepth(t *testing.T) {
	d := New(table(schemas.Discard, field("a", schemas.JSON)), Options{})
	for _, n := range []int{maxDepth - 2, maxDepth - 1, maxDepth, maxDepth + 1} {
		checkSame(t, d, []byte(`{"a":`+strings.Repeat(`[`, n)+strings.Repeat(`]`, n)+`}`))
		checkSame(t, d, []byte(strings.Repeat(`{"a":`, n)+`1`+strings.Repeat(`}`, n)))
		checkSame(t, d, []byte(strings.Repeat(`{"b":`, n)+`{}`+strings.Repeat(`}`, n)))
	}
}

func TestDecoder_FindsDuplicateAmongManyNames(t *testing.T) {
	d := New(table(schemas.Discard, field("a", schemas.JSON)), Options{})
	var many strings.Builder
	for i := range 5000 {
		many.WriteString(`"n` + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + `_` + strings.Repeat("y", i/1000) + `":0,`)
	}
	// 5000 names from few letters: most repeat, so both must refuse; with numbers none do.
	checkSame(t, d, []byte(`{`+many.String()+`"z":1}`))
	var unique strings.Builder
	for i := range 5000 {
		unique.WriteString(`"name`)
		for v := i; v > 0; v /= 10 {
			unique.WriteByte(byte('0' + v%10))
		}
		unique.WriteString(`":{"a":1},`)
	}
	for _, last := range []string{`"z":1}`, `"name1":1}`, `"name8994":1}`, `"name\u0038994":1}`} {
		checkSame(t, d, []byte(`{`+unique.String()+last))
		checkSame(t, d, []byte(`{"a":{`+unique.String()+last+`}`))
	}
}
