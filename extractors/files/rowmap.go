package files

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
)

// rowMap turns the fields of one record, given as texts, into the texts of a
// contract's columns. It is shared by workers and never changes.
type rowMap struct {
	columns []func(fields []string) string
	where   []condition
	zone    *time.Location
}

type condition struct {
	field  int
	values Values
}

// fieldIndex finds fields of the source by name.
type fieldIndex interface {
	// field is the index of a field that the mapping names.
	field(name string) (int, error)
	// own are the indices of the fields that a column takes which is not mapped;
	// the first one with a value counts.
	own(column string, paths []string) []int
}

func compile(m mapping, index fieldIndex) (rowMap, error) {
	r := rowMap{zone: m.zone}
	for _, c := range m.table.Columns {
		spec, mapped := m.Columns[c.Name]
		if !mapped {
			indices := index.own(c.Name, c.Fields)
			if c.Required && len(indices) == 0 {
				// Without it every record would become a dead letter; it is the file that is wrong.
				field, err := index.field(c.Name)
				if err != nil {
					return r, fmt.Errorf("column %s is required: %w", c.Name, err)
				}
				indices = []int{field}
			}
			r.columns = append(r.columns, firstOf(indices))
			continue
		}
		value, err := spec.compile(index)
		if err != nil {
			return r, fmt.Errorf("column %s: %w", c.Name, err)
		}
		r.columns = append(r.columns, value)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Where)) {
		field, err := index.field(name)
		if err != nil {
			return r, fmt.Errorf("where: %w", err)
		}
		r.where = append(r.where, condition{field, m.Where[name]})
	}
	return r, nil
}

func firstOf(indices []int) func([]string) string {
	return func(fields []string) string {
		for _, i := range indices {
			if fields[i] != "" {
				return fields[i]
			}
		}
		return ""
	}
}

func (c Column) compile(index fieldIndex) (func([]string) string, error) {
	var indices []int
	for _, name := range c.fields() {
		i, err := index.field(name)
		if err != nil {
			return nil, err
		}
		indices = append(indices, i)
	}
	var value func([]string) string
	switch {
	case c.Value != nil:
		text := *c.Value
		value = func([]string) string { return text }
	case len(c.Hash) > 0:
		value = func(fields []string) string { return hashOf(fields, indices) }
	case len(c.Concat) > 0:
		value = func(fields []string) string { return concat(fields, indices, c.Separator) }
	default:
		value = firstOf(indices)
	}
	if c.Map == nil {
		return value, nil
	}
	return func(fields []string) string { return c.translate(value(fields)) }, nil
}

func (c Column) translate(text string) string {
	if to, ok := c.Map[text]; ok {
		return to
	}
	for _, bool := range []string{"true", "false"} {
		if to, ok := c.Map[bool]; ok && sameText(bool, text) {
			return to
		}
	}
	if c.Else != nil {
		return *c.Else
	}
	return text
}

// hashOf hashes lengths and texts, so that "ab","c" and "a","bc" differ.
func hashOf(fields []string, indices []int) string {
	var text []byte
	for _, i := range indices {
		text = binary.AppendUvarint(text, uint64(len(fields[i])))
		text = append(text, fields[i]...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

func concat(fields []string, indices []int, separator string) string {
	var parts []string
	for _, i := range indices {
		if fields[i] != "" {
			parts = append(parts, fields[i])
		}
	}
	return strings.Join(parts, separator)
}

// takes reports whether the record is one of those the mapping wants.
func (r rowMap) takes(fields []string) bool {
	for _, c := range r.where {
		if !c.values.has(fields[c.field]) {
			return false
		}
	}
	return true
}

// append gives the record to the decoder. texts is scratch.
func (r rowMap) append(d *jsonrows.Decoder, fields, texts []string, row jsonrows.TextRow, location string, line int64) []string {
	texts = texts[:0]
	for _, value := range r.columns {
		texts = append(texts, value(fields))
	}
	row.Texts, row.Zone = texts, r.zone
	d.AppendTexts(row, location, line)
	return texts
}

// header is the fieldIndex of files that name their fields once.
type header []string

func (h header) field(name string) (int, error) {
	if i := slices.Index(h, name); i >= 0 {
		return i, nil
	}
	return 0, hint.New(fmt.Sprintf("the file has no column %q", name), "%s", hint.DidYouMean(name, h))
}

func (h header) own(column string, _ []string) []int {
	if i := slices.Index(h, column); i >= 0 {
		return []int{i}
	}
	return nil
}

// unknown are the indices of fields that no mapping uses.
func (h header) unknown(known map[string]bool) []int {
	var indices []int
	for i, name := range h {
		if name != "" && !known[name] {
			indices = append(indices, i)
		}
	}
	return indices
}

// extra is the unknown fields that have a value, as one JSON object; nil: none has.
func (h header) extra(fields []string, unknown []int) []byte {
	var out []byte
	for _, i := range unknown {
		if fields[i] == "" {
			continue
		}
		if out == nil {
			out = append(out, '{')
		} else {
			out = append(out, ',')
		}
		out = appendQuote(out, h[i])
		out = append(out, ':')
		out = appendQuote(out, fields[i])
	}
	if out != nil {
		out = append(out, '}')
	}
	return out
}

// appendQuote quotes text as JSON; what is not UTF-8 becomes U+FFFD.
func appendQuote(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}
