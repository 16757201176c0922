package transforms

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Param is the value of a query parameter.
type Param struct {
	Name  string // lower case, without @
	Type  schemas.Type
	Value any // in the form that Rows describes; nil is NULL
}

// paramForms tell the type of a value by how it is written; the first that fits
// counts, and what fits none is a STRING.
var paramForms = []struct {
	kind schemas.Kind
	form *regexp.Regexp
}{
	{schemas.Bool, regexp.MustCompile(`(?i)^(true|false)$`)},
	{schemas.Int64, regexp.MustCompile(`^[+-]?[0-9]+$`)},
	{schemas.Float64, regexp.MustCompile(`(?i)^[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+e[+-]?[0-9]+)(e[+-]?[0-9]+)?$`)},
	{schemas.Date, regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)},
	{schemas.Timestamp, regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}| UTC)$`)},
	{schemas.Datetime, regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$`)},
}

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseParam reads name=value, whose type is told by the form of the value, or
// name:TYPE=value. A value of ARRAY or STRUCT is JSON, one of BYTES base64. NULL
// needs a type.
func ParseParam(text string) (Param, error) {
	left, value, ok := strings.Cut(text, "=")
	name, typeText, typed := strings.Cut(left, ":")
	if !ok || !paramName.MatchString(name) {
		return Param{}, hint.New(fmt.Sprintf("parameter %q is not name=value", text), "write e.g. plan=pro or since:DATE=2026-01-31")
	}
	p := Param{Name: strings.ToLower(name), Type: schemas.Type{Kind: schemas.String}}
	if typed {
		var err error
		if p.Type, err = schemas.ParseType(typeText); err != nil {
			return p, hint.Wrap(fmt.Errorf("parameter %s: %w", name, err), "types are those of GoogleSQL, e.g. INT64, DATE, ARRAY<STRING>")
		}
	} else {
		for _, f := range paramForms {
			if f.form.MatchString(value) {
				p.Type.Kind = f.kind
				break
			}
		}
	}
	var err error
	switch {
	case typed && value == nullCell:
	case p.Type.Kind == schemas.String || p.Type.Kind == schemas.JSON:
		p.Value = value
	case typed && value == "":
		err = fmt.Errorf("the value is empty")
	default:
		p.Value, err = parseCell(p.Type, value)
	}
	if err != nil {
		return p, hint.Wrap(fmt.Errorf("parameter %s: %w", name, err), "its type can be given: %s:STRING=%s", name, value)
	}
	return p, nil
}

// AsOfParam is the parameter @as_of.
func AsOfParam(at time.Time) Param {
	return Param{Name: AsOf, Type: schemas.Type{Kind: schemas.Timestamp}, Value: formatTimestamp(at)}
}

// namedParams are the places of parameters in a text, by name in lower case.
func namedParams(src syntax.Source) map[string]int {
	tokens, _ := lex.Tokens(src.Text) // what comes before a fault counts
	places := map[string]int{}
	for _, t := range tokens {
		name := strings.ToLower(strings.TrimPrefix(t.Text, "@"))
		if t.Kind != lex.Parameter || strings.HasPrefix(name, "@") {
			continue
		}
		if _, ok := places[name]; !ok {
			places[name] = t.Start
		}
	}
	return places
}

// CheckParams refuses parameters that no statement of the source names.
func CheckParams(src syntax.Source, params []Param) error {
	named := namedParams(src)
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := map[string]bool{}
	for _, p := range params {
		_, ok := named[p.Name]
		switch {
		case seen[p.Name]:
			return fmt.Errorf("parameter %s is given twice", p.Name)
		case !ok && len(names) == 0:
			return hint.New("parameter "+p.Name+" is not used", "write @%s in a statement, or leave it out", p.Name)
		case !ok:
			return hint.New("parameter "+p.Name+" is not used", "%s", hint.DidYouMean(p.Name, names))
		}
		seen[p.Name] = true
	}
	return nil
}

// bindLiterals writes the values of parameters into DuckDB's SQL, $name: typed
// literals serve every type, and what --explain prints can be run.
func bindLiterals(sql string, params map[string]Param) (string, error) {
	var b strings.Builder
	for i := 0; i < len(sql); {
		rest := sql[i:]
		n := 1
		switch {
		case strings.HasPrefix(rest, "--"):
			n = skipTo(rest, 2, "\n")
		case strings.HasPrefix(rest, "/*"):
			n = skipTo(rest, 2, "*/")
		case rest[0] == '\'' || rest[0] == '"':
			n = skipTo(rest, 1, rest[:1])
		case rest[0] == '$':
			word := rest[1:]
			if end := strings.IndexFunc(word, notNameRune); end >= 0 {
				word = word[:end]
			}
			if p, ok := params[strings.ToLower(word)]; ok {
				literal, err := duckLiteral(p.Type, p.Value)
				if err != nil {
					return "", fmt.Errorf("parameter %s: %w", p.Name, err)
				}
				b.WriteString(literal)
				i += 1 + len(word)
				continue
			}
			n += len(word)
		}
		b.WriteString(rest[:n])
		i += n
	}
	return b.String(), nil
}
