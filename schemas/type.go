package schemas

import (
	"fmt"
	"strings"
)

// Kind is the kind of a GoogleSQL type.
type Kind string

// The kinds that ripen moves between its stages. JSON is text holding one JSON
// value: neither a Parquet file nor a BigQuery load job can carry the JSON type
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet),
// so landed tables declare it and models read it as STRING.
const (
	String    Kind = "STRING"
	Int64     Kind = "INT64"
	Float64   Kind = "FLOAT64"
	Bool      Kind = "BOOL"
	Numeric   Kind = "NUMERIC"
	Bytes     Kind = "BYTES"
	Date      Kind = "DATE"
	Timestamp Kind = "TIMESTAMP"
	Datetime  Kind = "DATETIME"
	Time      Kind = "TIME"
	JSON      Kind = "JSON"
	Interval  Kind = "INTERVAL"
	Array     Kind = "ARRAY"
	Struct    Kind = "STRUCT"
)

// Type is a GoogleSQL type. Elem is set for ARRAY, Fields for STRUCT.
type Type struct {
	Kind   Kind    `json:"kind"`
	Elem   *Type   `json:"elem,omitempty"`
	Fields []Field `json:"fields,omitempty"`
}

// Field is one field of a STRUCT; Name is empty for an anonymous field.
type Field struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// String prints the type as GoogleSQL spells it, e.g. ARRAY<STRUCT<k STRING, v INT64>>.
func (t Type) String() string {
	switch t.Kind {
	case Array:
		return "ARRAY<" + t.Elem.String() + ">"
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = strings.TrimSpace(f.Name + " " + f.Type.String())
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	default:
		return string(t.Kind)
	}
}

// Equal reports whether two types are the same, field names included.
func (t Type) Equal(u Type) bool { return t.String() == u.String() }

// ParseType reads a type as GoogleSQL spells it. Names of kinds may be in any case.
func ParseType(text string) (Type, error) {
	p := typeParser{rest: text}
	t, err := p.parse()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	if err != nil {
		return Type{}, fmt.Errorf("type %q: %w", text, err)
	}
	return t, nil
}

type typeParser struct{ rest string }

func (p *typeParser) word() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	end := strings.IndexAny(p.rest, "<>, ")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = strings.TrimLeft(p.rest[end:], " ")
	return word
}

func (p *typeParser) take(symbol string) bool {
	if !strings.HasPrefix(p.rest, symbol) {
		return false
	}
	p.rest = strings.TrimLeft(p.rest[len(symbol):], " ")
	return true
}

func (p *typeParser) parse() (Type, error) {
	return p.parseNamed(p.word())
}

func (p *typeParser) parseNamed(name string) (Type, error) {
	kind := Kind(strings.ToUpper(name))
	switch kind {
	case String, Int64, Float64, Bool, Numeric, Bytes, Date, Timestamp, Datetime, Time, JSON, Interval:
		return Type{Kind: kind}, nil
	case Array:
		if !p.take("<") {
			return Type{}, fmt.Errorf("ARRAY needs an element type")
		}
		elem, err := p.parse()
		if err != nil {
			return Type{}, err
		}
		if !p.take(">") {
			return Type{}, fmt.Errorf("ARRAY is not closed with >")
		}
		return Type{Kind: Array, Elem: &elem}, nil
	case Struct:
		return p.parseFields()
	default:
		return Type{}, fmt.Errorf("unknown type %q", name)
	}
}

func (p *typeParser) parseFields() (Type, error) {
	t := Type{Kind: Struct}
	if !p.take("<") {
		return t, fmt.Errorf("STRUCT needs its fields")
	}
	for !p.take(">") {
		if len(t.Fields) > 0 && !p.take(",") {
			return t, fmt.Errorf("STRUCT fields are separated by a comma")
		}
		first := p.word()
		var field Field
		var err error
		if p.rest == "" {
			return t, fmt.Errorf("STRUCT is not closed with >")
		}
		if strings.HasPrefix(p.rest, ",") || strings.HasPrefix(p.rest, ">") || strings.HasPrefix(p.rest, "<") {
			field.Type, err = p.parseNamed(first)
		} else {
			field.Name = first
			field.Type, err = p.parse()
		}
		if err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, field)
	}
	return t, nil
}
