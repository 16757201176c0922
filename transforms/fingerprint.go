package transforms

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lex"
)

// Fingerprint identifies what a model means. Comments, white space, letter case
// and descriptions do not count.
type Fingerprint struct {
	Own   string // of the model's own files
	Whole string // of them and of the models that it reads: what a table was made by
}

// Fingerprints returns those of all models that compiled.
func (g *Graph) Fingerprints(compiled map[*Model]*Compiled) map[*Model]Fingerprint {
	prints := map[*Model]Fingerprint{}
	for _, m := range g.Order { // parents first
		c := compiled[m]
		if c == nil {
			continue
		}
		own := c.meaning()
		parents := map[string]string{}
		for _, p := range g.Parents(m) {
			parents[p.Address()] = prints[p].Whole
		}
		prints[m] = Fingerprint{Own: own, Whole: digest(struct {
			Own     string
			Parents map[string]string
		}{own, parents})}
	}
	return prints
}

// meaning digests what of the model's own files decides its rows.
func (c *Compiled) meaning() string {
	m := c.Model
	text, err := lex.Meaning(m.Source.Text)
	if err != nil {
		text = m.Source.Text // the analyzer took it all the same
	}
	parts := struct {
		Address, Query string
		Kind           Kind
		Key, Columns   []string
		Incremental    *IncrementalSettings
		Snapshot       SnapshotSettings
	}{Address: m.Address(), Query: text, Kind: m.Kind, Key: m.Key, Columns: columnTypes(c.Columns), Snapshot: m.Snapshot}
	if m.Incremental != nil {
		meant := *m.Incremental
		meant.Batch, meant.Lookback = 0, 0 // how the table is kept, not what is in it
		parts.Incremental = &meant
	}
	return digest(parts)
}

// columnTypes are columns as `name TYPE`.
func columnTypes(columns []schemas.Column) []string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = column.Name + " " + column.Type.String()
	}
	return list
}

// bare is compiled SQL without comments, and outside of quotes in small letters
// and with single spaces: what neither changes rows nor names.
func bare(sql string) string {
	out := make([]byte, 0, len(sql))
	space := func() {
		if len(out) > 0 && out[len(out)-1] != ' ' {
			out = append(out, ' ')
		}
	}
	for i := 0; i < len(sql); {
		rest := sql[i:]
		size := 1
		switch {
		case startsWithAny(rest, "--"):
			size = skipTo(rest, 2, "\n")
			space()
		case startsWithAny(rest, "/*"):
			size = skipTo(rest, 2, "*/")
			space()
		case startsWithAny(rest, " ", "\t", "\n", "\r"):
			space()
		case startsWithAny(rest, "'", `"`, "`"):
			size = skipTo(rest, 1, rest[:1])
			out = append(out, rest[:size]...)
		default:
			out = append(out, lower(rest[0]))
		}
		i += size
	}
	return strings.TrimSpace(string(out))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func startsWithAny(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return len(text) >= len(p) && text[:len(p)] == p })
}
