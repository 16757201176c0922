// Package yamlfault words the errors of the YAML library for people who know
// neither it nor Go: where, what was expected, what is there.
package yamlfault

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

var defined = regexp.MustCompile(`^mapping key "(.*)" already defined`)

const (
	settingsBelow = "settings below it, each as `name: value`"
	someList      = "a list, e.g. [a, b]"
)

// Fault is one error in a YAML text.
type Fault struct {
	Line, Column int    // from 1
	Word         string // the unknown or misused setting; may be empty
	Unknown      bool   // the setting does not exist
	Message      string
	Hint         string
}

// Unmarshal reads text strictly: unknown settings are faults. expects says what a
// setting holds, by its name. It returns nil when all is well.
func Unmarshal(text string, into any, expects map[string]string) (fault *Fault) {
	defer func() {
		// The library trips over tags on values that cannot have them.
		if reason := recover(); reason != nil {
			fault = &Fault{Line: 1, Column: 1, Message: "a value has a tag (!!…) that does not fit it", Hint: "leave the tag out"}
		}
	}()
	err := yaml.UnmarshalWithOptions([]byte(text), into, yaml.Strict())
	if err == nil {
		return nil
	}
	return read(err, text, expects)
}

// maxFaults bounds what is said of one file.
const maxFaults = 20

// UnmarshalAll is Unmarshal that finds the faults behind the first one too: each
// setting at fault is taken out with what is below it. With faults the value holds
// the rest of the settings, and rest is their text, line for line.
func UnmarshalAll[T any](text string, expects map[string]string) (value T, rest string, faults []*Fault) {
	lines := strings.Split(text, "\n")
	for {
		value = *new(T)
		rest = strings.Join(lines, "\n")
		fault := Unmarshal(rest, &value, expects)
		if fault == nil {
			return value, rest, faults
		}
		if len(faults) == maxFaults || !takeOut(lines, fault.Line) {
			value, rest = *new(T), ""
			if len(faults) > 0 && fault.Line == faults[len(faults)-1].Line {
				return value, rest, faults
			}
			return value, rest, append(faults, fault)
		}
		faults = append(faults, fault)
	}
}

// takeOut empties a line and the lines below it that are indented further. It
// returns false when there is nothing on it.
func takeOut(lines []string, line int) bool {
	if line < 1 || line > len(lines) || strings.TrimSpace(lines[line-1]) == "" {
		return false
	}
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	own := indent(lines[line-1])
	lines[line-1] = ""
	for i := line; i < len(lines) && (strings.TrimSpace(lines[i]) == "" || indent(lines[i]) > own); i++ {
		lines[i] = ""
	}
	return true
}

// read words an error of the library.
func read(err error, text string, expects map[string]string) *Fault {
	var place yaml.Error
	if !errors.As(err, &place) || place.GetToken() == nil {
		return &Fault{Line: 1, Column: 1, Message: err.Error()}
	}
	token := place.GetToken()
	f := &Fault{Line: token.Position.Line, Column: token.Position.Column, Message: place.GetMessage()}
	var unknown *yaml.UnknownFieldError
	var mistyped *yaml.TypeError
	var node *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &unknown):
		f.Word, f.Unknown = unknown.Token.Value, true
		f.Message = fmt.Sprintf("unknown setting %q", f.Word)
	case errors.As(err, &mistyped):
		f.Word = setting(text, f.Line, f.Column)
		want := expects[f.Word]
		if want == "" {
			want = kindOf(mistyped.DstType)
		}
		f.Message = fmt.Sprintf("%s: expected %s", f.Word, want)
		if f.Word == "" {
			f.Message = "expected " + want
		}
	case strings.Contains(f.Message, "unmarshal") || strings.Contains(f.Message, "Go ") || errors.As(err, &node):
		f.Word = setting(text, f.Line, f.Column)
		f.Message = fmt.Sprintf("%s: expected %s", f.Word, expects[f.Word])
		if expects[f.Word] == "" {
			f.Message = fmt.Sprintf("%s: expected %s", f.Word, kindOfNode(node))
		}
	case defined.MatchString(f.Message):
		f.Word = defined.FindStringSubmatch(f.Message)[1]
		f.Message, f.Hint = fmt.Sprintf("%q stands twice", f.Word), "leave one of them out"
	}
	return f
}

// kindOfNode says in words what the library expected.
func kindOfNode(e *yaml.UnexpectedNodeTypeError) string {
	switch {
	case e == nil:
		return "another value"
	case e.Expected == ast.MappingType:
		return settingsBelow
	case e.Expected == ast.SequenceType:
		return someList
	}
	return "one value"
}

// setting is the key whose value is at a place: the one on the line before the
// place, or that of the nearest line above that is indented less.
func setting(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	runes := []rune(lines[line-1])
	before := string(runes[:min(max(column-1, 0), len(runes))])
	if at := strings.LastIndex(before, ":"); at >= 0 {
		return key(before[:at+1])
	}
	if rest := string(runes[min(max(column-1, 0), len(runes)):]); strings.Contains(rest, ":") && !strings.Contains(before, "-") && strings.TrimSpace(before) != "" {
		return key(rest[:strings.Index(rest, ":")+1])
	}
	indent := len(before) - len(strings.TrimLeft(before, " "))
	dash := strings.HasPrefix(strings.TrimSpace(before), "-")
	for i := line - 2; i >= 0; i-- {
		trimmed := strings.TrimLeft(lines[i], " ")
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		if own := len(lines[i]) - len(trimmed); own < indent || dash && own == indent && !strings.HasPrefix(trimmed, "-") {
			return key(trimmed)
		}
	}
	return ""
}

// key is the last key of a piece of YAML that ends behind a colon.
func key(text string) string {
	if at := strings.Index(text, ":"); at >= 0 && !strings.HasSuffix(strings.TrimSpace(text), ":") {
		text = text[:at]
	}
	text = strings.TrimSuffix(strings.TrimSpace(text), ":")
	return strings.Trim(text[strings.LastIndexAny(text, " {,-")+1:], `"'`)
}

// kindOf says in words what a Go type holds.
func kindOf(t reflect.Type) string {
	if t == nil {
		return "another value"
	}
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration, e.g. 26h"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return someList
	case reflect.Map, reflect.Struct:
		return settingsBelow
	case reflect.Pointer:
		return kindOf(t.Elem())
	}
	return "another value"
}
