package format_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/transforms/format"
	"github.com/ripen-data/ripen/transforms/lex"
)

// TestFormat_WritesTheHouseStyle takes pairs of <name>.in.sql and <name>.sql.
func TestFormat_WritesTheHouseStyle(t *testing.T) {
	text, err := os.ReadFile("testdata/style.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range txtar.Parse(text).Files {
		files[file.Name] = string(file.Data)
	}
	cases := 0
	for name, in := range files {
		base, ok := strings.CutSuffix(name, ".in.sql")
		if !ok {
			continue
		}
		cases++
		t.Run(base, func(t *testing.T) {
			got, err := format.Format(in)
			if err != nil {
				t.Fatal(err)
			}
			if want := files[base+".sql"]; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			holds(t, in)
		})
	}
	if 2*cases != len(files) || cases == 0 {
		t.Errorf("%d cases in %d files", cases, len(files))
	}
}

func TestFormat_RefusesWhatIsNotClosed(t *testing.T) {
	for text, offset := range map[string]int{
		"select 'a":                   7,
		"select (a, b":                7,
		"select a)":                   8,
		"select (a]":                  9,
		"select case when a then b":   7,
		"select array<struct<a int64": 19,
	} {
		formatted, err := format.Format(text)
		var fault *lex.Error
		if !errors.As(err, &fault) || fault.Offset != offset || fault.Hint == "" || formatted != "" {
			t.Errorf("%s: %q, %v", text, formatted, err)
		}
	}
}

func TestFormat_TakesNothingAndCommentsAlone(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " \n ": "", "# only\n\n\n/* this */": "-- only\n\n/* this */\n", ";": ";\n", "select 1;;": "select 1;\n\n;\n",
	} {
		if got, err := format.Format(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestFormat_BreaksLongLines(t *testing.T) {
	column := strings.Repeat("c", 40)
	for _, text := range []string{
		"select concat(" + column + ", " + column + ", " + column + ") as x from t",
		"select " + column + ", " + column + ", " + column + " from t",
		"select a from t where " + column + " and " + column + " or " + column,
		"select " + column + " + " + column + " - " + column + " as x from t",
		"select a from t where a in ('" + strings.Repeat("x', 'y", 80) + "')",
		"select sum(a) over (partition by " + column + ", " + column + " order by " + column + ") from t",
		"select case when " + column + " then " + column + " else " + column + " end from t",
		"select a from t order by " + column + ", " + column + ", " + column,
	} {
		formatted, err := format.Format(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for line := range strings.Lines(formatted) {
			if len(strings.TrimRight(line, "\n")) > format.Width {
				t.Errorf("%d characters: %s", len(line), line)
			}
		}
	}
}
