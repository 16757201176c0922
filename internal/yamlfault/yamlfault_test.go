package yamlfault

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

type settings struct {
	Key     []string          `yaml:"key"`
	Enabled *bool             `yaml:"enabled"`
	Seats   int               `yaml:"seats"`
	Rate    float64           `yaml:"rate"`
	Name    string            `yaml:"name"`
	Columns map[string]string `yaml:"columns"`
	After   time.Duration     `yaml:"after"`
	Inner   *struct {
		Count int `yaml:"count"`
	} `yaml:"inner"`
}

func TestUnmarshal_SaysWhatWasExpectedAndNothingOfGo(t *testing.T) {
	expects := map[string]string{"key": "a list of column names, e.g. [account_id]"}
	for text, want := range map[string]string{
		"name: x\nkey: {a: b}\n":        "2:6: key: expected a list of column names, e.g. [account_id]",
		"enabled: maybe\n":              "1:10: enabled: expected true or false",
		"seats: many\n":                 "1:8: seats: expected a whole number",
		"rate: [1]\n":                   "1:7: rate: expected a number",
		"name: [a]\n":                   "1:7: name: expected a text",
		"columns: [a]\n":                "1:10: columns: expected settings below it, each as `name: value`",
		"name: x\ninner:\n  count: a\n": "3:10: count: expected a whole number",
		"nmae: x\n":                     `1:1: unknown setting "nmae"`,
		"name: x\nname: y\n":            `2:1: "name" stands twice`,
	} {
		var s settings
		f := Unmarshal(text, &s, expects)
		if f == nil {
			t.Errorf("%q: no fault", text)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestUnmarshal_NeverSpeaksGo(t *testing.T) {
	values := []string{"a", "[a]", "{a: b}", "1", "1.5", "true", "[[a]]", "[{a: b}]", "{a: [b]}", "!!binary a", "2024-01-01", "''", "- a"}
	for _, name := range []string{"key", "enabled", "seats", "rate", "name", "columns", "after", "inner"} {
		for _, value := range values {
			text := name + ": " + value + "\n"
			var s settings
			f := Unmarshal(text, &s, nil)
			if f == nil {
				continue
			}
			for _, word := range []string{"unmarshal", "Go ", "struct", "settings.", "uint64", "[]string"} {
				if strings.Contains(f.Message, word) {
					t.Errorf("%q: %s", text, f.Message)
				}
			}
		}
	}
}

func TestUnmarshalAll_FindsTheFaultsBehindTheFirst(t *testing.T) {
	text := "nmae: x\nkey: yes: no\nseats: many\nname: a\ninner:\n  cuont: 1\n  count: b\ncolumns:\n  a: [x]\n  b: fine\nseats: 3\n"
	value, rest, faults := UnmarshalAll[settings](text, nil)
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message))
	}
	for _, want := range []string{`1:1: unknown setting "nmae"`, "3:8: seats: expected a whole number", `6:3: unknown setting "cuont"`, "7:10: count: expected a whole number"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if value.Name != "a" || value.Columns["b"] != "fine" {
		t.Errorf("the rest was not read: %+v", value)
	}
	if strings.Count(rest, "\n") != strings.Count(text, "\n") {
		t.Errorf("the rest has lines in other places: %q", rest)
	}
	if _, _, faults := UnmarshalAll[settings]("name: a\n", nil); faults != nil {
		t.Errorf("faults where there are none: %v", faults)
	}
	if _, _, faults := UnmarshalAll[settings]("\t\tname\n: [", nil); len(faults) == 0 {
		t.Error("no fault in a text that is no YAML")
	}
}
