package gsql

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

var errorPlace = regexp.MustCompile(`\s*\[at (\d+):(\d+)\]`)

// diagnose turns an error of the analyzer into a place and a sentence. Its
// messages end in [at line:column], with columns that count a tab as up to eight
// characters; signature errors carry a list of candidates, of which the first
// line is kept.
func diagnose(src syntax.Source, err error) *syntax.Diagnostic {
	text := err.Error()
	d := &syntax.Diagnostic{Name: src.Name, Line: 1, Column: 1}
	if place := errorPlace.FindStringSubmatchIndex(text); place != nil {
		line, _ := strconv.Atoi(text[place[2]:place[3]])
		wide, _ := strconv.Atoi(text[place[4]:place[5]])
		d.Line, d.Column = line, narrow(src.Text, line, wide)
		text = text[:place[0]] + text[place[1]:]
	}
	text, _, _ = strings.Cut(text, "\n")
	d.Message = strings.TrimSpace(text)
	if d.Hint = hintFor(d.Message); d.Hint != "" {
		d.Message, _, _ = strings.Cut(d.Message, ";") // the analyzer's guess is worse
	}
	return d
}

// narrow turns a column that counts a tab up to the next multiple of eight into
// one that counts characters.
func narrow(text string, line, wide int) int {
	for ; line > 1; line-- {
		_, text, _ = strings.Cut(text, "\n")
	}
	column, at := 1, 1
	for _, r := range text {
		if at >= wide || r == '\n' {
			break
		}
		if r == '\t' {
			at += 8 - (at-1)%8
		} else {
			at++
		}
		column++
	}
	return column
}

// missing are functions that BigQuery has and the analyzer has not.
var missing = map[string]string{
	"max_by":          "write ANY_VALUE(x HAVING MAX y)",
	"min_by":          "write ANY_VALUE(x HAVING MIN y)",
	"contains_substr": "write STRPOS(LOWER(a), LOWER(b)) > 0",
	"search":          "write STRPOS(LOWER(a), LOWER(b)) > 0",
}

var notFound = regexp.MustCompile(`^Function not found: (\w+)`)

func hintFor(message string) string {
	if name := notFound.FindStringSubmatch(message); name != nil {
		return missing[strings.ToLower(name[1])]
	}
	return ""
}
