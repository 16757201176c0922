package duck

import (
	"testing"
	"time"
)

func TestParseTimestamp_ReadsEveryFormOfALiteral(t *testing.T) {
	for text, want := range map[string]string{
		"2024-01-05":                           "2024-01-05T00:00:00Z",
		"2024-1-5 1:2:3":                       "2024-01-05T01:02:03Z",
		"2024-01-05T23:00:00Z":                 "2024-01-05T23:00:00Z",
		"2024-01-05 23:00:00-05":               "2024-01-06T04:00:00Z",
		"2024-01-05 23:00:00.25 +05:30":        "2024-01-05T17:30:00.25Z",
		"2024-07-01 00:00:00 America/New_York": "2024-07-01T04:00:00Z",
		"2024-01-05 23:00:00.123456+00":        "2024-01-05T23:00:00.123456Z",
	} {
		at, ok := parseTimestamp(text)
		if got := at.UTC().Format(time.RFC3339Nano); !ok || got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "soon", "2024-02-30", "2024-13-01", "2024-01-05 24:00:00", "2024-01-05 1:2", "0000-01-01", "2024-01-05 00:00:00 Mars/Base",
		"2024-01-05 00:00:00 Local", "2024-01-05 00:00:00+15", "2024-01-05 00:00:00.1234567",
	} {
		if at, ok := parseTimestamp(text); ok {
			t.Errorf("%q: got %s, want a refusal", text, at)
		}
	}
}

func TestUnquote_DecodesEveryLiteral(t *testing.T) {
	for text, want := range map[string]string{
		`'a'`: "a", `"it's"`: "it's", `'it\'s'`: "it's", `r'a\n'`: `a\n`, `R"\d"`: `\d`, `'\n\t\\'`: "\n\t\\",
		`'\x41\u00e9\U0001F600\101'`: "Aé😀A", `'''a'b'''`: "a'b", `"""a"b"""`: `a"b`, `''`: "", `'\?'`: "?",
	} {
		if got, ok := unquote(text); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{``, `'`, `'\q'`, `'\x4'`, `'\u12'`, `'\U00110000'`, `'a"`, `'\`} {
		if got, ok := unquote(text); ok {
			t.Errorf("%s: got %q, want a refusal", text, got)
		}
	}
}

func FuzzUnquote_NeverPanics(f *testing.F) {
	for _, seed := range []string{`'a\x41'`, `r"\"`, `'''\'''`, `b'\377'`, `'\u12`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		unquote(text)
		parseTimestamp(text)
		for _, p := range lex(text) {
			_ = p.duck() + p.block()
		}
	})
}

func TestLex_KeepsCommentsAndNothingOpensInThem(t *testing.T) {
	for text, want := range map[string]string{
		"a # b\nc":        "a -- b\nc",
		"a -- b":          "a -- b",
		"a /* b */ c":     "a /* b */ c",
		"/* a /* b */ c":  "/* a / * b */ c",
		"# a /* b\n c */": "-- a / * b\n c */",
		"#":               "--",
	} {
		got := ""
		for _, p := range lex(text) {
			got += p.duck()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestQuote_QuotesWhatDuckDBReserves(t *testing.T) {
	for name, want := range map[string]string{
		"id": "id", "_x": "_x", "Map": `"Map"`, "offset": `"offset"`, "a b": `"a b"`, `a"b`: `"a""b"`, "é": `"é"`, "1a": `"1a"`,
	} {
		if got := quote(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
