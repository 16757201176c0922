package files

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/internal/filerun"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// plainJSON is a mapping that needs no texts in between: each column is a field or a constant.
type plainJSON struct {
	table  schemas.Table // with the mapping's fields in place of the contract's
	preset map[string]string
	known  []string
}

// plainJSON returns the plain form of a table's only mapping, if it has one.
func (e *Extractor) plainJSON(mappings []mapping) (plainJSON, bool) {
	if len(mappings) != 1 {
		return plainJSON{}, false
	}
	m := mappings[0]
	if m.format(m.spelling) != JSONL || len(m.Where) > 0 {
		return plainJSON{}, false
	}
	out := plainJSON{table: m.table, preset: map[string]string{}}
	out.table.Columns = slices.Clone(m.table.Columns)
	for i, c := range out.table.Columns {
		spec, ok := m.Columns[c.Name]
		switch {
		case !ok:
			continue
		case spec.Map != nil || len(spec.Concat) > 0 || len(spec.Hash) > 0 || spec.Value != nil && *spec.Value == "":
			return plainJSON{}, false
		case spec.Value != nil:
			out.preset[c.Name] = *spec.Value
			out.table.Columns[i].Fields = nil
		default:
			out.table.Columns[i].Fields = []string{spec.From}
		}
	}
	// What another table takes from the same files is known too.
	known := map[string]bool{}
	for _, other := range e.mappings {
		if other.spelling == m.spelling {
			other.know(known)
		}
	}
	for field := range known {
		out.known = append(out.known, rootOf(field))
	}
	slices.Sort(out.known)
	out.known = slices.Compact(out.known)
	return out, true
}

func rootOf(path string) string {
	root, _, _ := strings.Cut(path, ".")
	return root
}

// jsonReader reads JSON Lines whose mapping needs the values as texts.
type jsonReader struct {
	mapped
	rows    []rowMap
	paths   []string
	known   map[string]bool
	pickers *sync.Pool
}

// jsonPaths is the fieldIndex of JSON: every path may be there.
type jsonPaths struct{ paths []string }

func (p *jsonPaths) field(name string) (int, error) {
	if i := slices.Index(p.paths, name); i >= 0 {
		return i, nil
	}
	p.paths = append(p.paths, name)
	return len(p.paths) - 1, nil
}

func (p *jsonPaths) own(_ string, paths []string) []int {
	var indices []int
	for _, path := range paths {
		if i, err := p.field(path); err == nil {
			indices = append(indices, i)
		}
	}
	return indices
}

func newJSONReader(source mapped) filerun.Reader {
	var index jsonPaths
	rows, err := source.compile(&index)
	if err != nil {
		return refusing{err}
	}
	j := jsonReader{mapped: source, rows: rows, paths: index.paths, known: map[string]bool{}}
	for field := range source.known {
		j.known[rootOf(field)] = true
	}
	j.pickers = &sync.Pool{New: func() any { return jsonrows.NewPicker(j.paths) }}
	return j
}

// Read implements filerun.Reader.
func (j jsonReader) Read(ctx context.Context, in *filerun.Input) iter.Seq2[filerun.Piece, error] {
	return filerun.Lines{Decode: j.decode}.Read(ctx, in)
}

func (j jsonReader) decode(d *jsonrows.Decoder, line []byte, location string, number int64) {
	picker := j.pickers.Get().(*jsonrows.Picker)
	defer j.pickers.Put(picker)
	fields, problem := picker.Pick(line)
	if problem != "" {
		d.Reject(landing.Malformed, problem, line, location, number)
		return
	}
	if whole := slices.Index(j.paths, "$"); whole >= 0 {
		fields[whole] = string(line)
	}
	taken := 0
	row := jsonrows.TextRow{Payload: func() []byte { return line }}
	for _, r := range j.rows {
		if !r.takes(fields) {
			continue
		}
		if taken == 0 {
			row.Extra = j.unknown(d, picker, location, number)
		}
		r.append(d, fields, nil, row, location, number)
		taken++
	}
}

// unknown counts the record's fields that no mapping knows and returns them for
// schemas.ExtraColumn, under drift evolve.
func (j jsonReader) unknown(d *jsonrows.Decoder, picker *jsonrows.Picker, location string, number int64) []byte {
	var out []byte
	for name, value := range picker.Unknown {
		if j.known[name] {
			continue
		}
		d.Unknown(name, 1, location, number)
		if d.Drift() != schemas.Evolve {
			continue
		}
		if out == nil {
			out = append(out, '{')
		} else {
			out = append(out, ',')
		}
		out = appendQuote(out, name)
		out = append(out, ':')
		out = append(out, value...)
	}
	if out != nil {
		out = append(out, '}')
	}
	return out
}
