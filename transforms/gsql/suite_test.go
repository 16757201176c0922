package gsql

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// suiteEntry is one entry of a file of GoogleSQL's compliance suite
// (googlesql/compliance/testdata/*.test of github.com/google/googlesql).
type suiteEntry struct {
	name    string // file/name, or file/#number for one without a name
	table   string // the table that a [prepare_database] entry makes
	sql     string
	want    string // a typed value, or "ERROR: …"
	zone    string // of [default_time_zone=…]; "" for the suite's own, Los Angeles
	params  string
	skipped string // why it cannot be run as it stands; "" if it can
}

// heldOut reports whether a file belongs to the third that is never run here, so
// that it can tell how the compiler does on what nobody looked at.
func heldOut(name string) bool {
	digest := sha256.Sum256([]byte(name))
	return digest[0]>>4 < 5
}

var (
	suiteOption = regexp.MustCompile(`^\s*\[\s*(default\s+)?([a-z_]+)\s*(?:=|\])`)
	suiteCreate = regexp.MustCompile(`(?is)^\s*create\s+(?:temp\s+)?table\s+([A-Za-z_][A-Za-z_0-9]*)\s+as\s+(.*)$`)
	suiteNote   = regexp.MustCompile(`(?m)^NOTE: Reference implementation reports non-determinism\.`)
)

// readSuite reads one file. Entries end with a line of ==; in an entry a line of
// -- stands between the statement and its result; comments and bracketed options,
// over one or more lines, stand before the statement.
func readSuite(file string) ([]suiteEntry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	base, zone := filepath.Base(file), ""
	names := map[string]bool{}
	var entries []suiteEntry
	for i, block := range splitLines(string(text), "==") {
		parts := splitLines(block, "--")
		e, options := suiteHead(parts[0])
		if value, ok := options["default_time_zone"]; ok {
			zone = value
		}
		e.zone = zone
		if strings.TrimSpace(e.sql) == "" {
			continue
		}
		e.name = base + "/" + options["name"]
		if options["name"] == "" || names[e.name] {
			e.name = fmt.Sprintf("%s/#%d", base, i)
		}
		names[e.name] = true
		e.params = options["parameters"]
		if len(parts) > 1 {
			e.want = strings.TrimSpace(suiteNote.ReplaceAllString(parts[1], ""))
		}
		_, prepares := options["prepare_database"]
		made := suiteCreate.FindStringSubmatch(e.sql)
		switch {
		case prepares && made != nil:
			e.table, e.sql = made[1], strings.TrimSuffix(strings.TrimSpace(made[2]), ";")
		case prepares:
			e.skipped = "set-up other than CREATE TABLE AS"
		case suiteNote.MatchString(block):
			e.skipped = "not deterministic"
		case strings.Contains(e.sql, "{{"):
			e.skipped = "alternatives"
		case len(parts) != 2:
			e.skipped = "several results or none"
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// splitLines cuts text at the lines that consist of mark.
func splitLines(text, mark string) []string {
	var parts []string
	var part strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, " \r\n") == mark {
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		part.WriteString(line)
	}
	return append(parts, part.String())
}

// suiteHead takes the comments and options before a statement.
func suiteHead(text string) (suiteEntry, map[string]string) {
	options := map[string]string{}
	for {
		trimmed := strings.TrimLeft(text, " \t\r\n")
		if rest, ok := strings.CutPrefix(trimmed, "#"); ok {
			_, text, _ = strings.Cut(rest, "\n")
			continue
		}
		m := suiteOption.FindStringSubmatch(trimmed)
		if m == nil {
			return suiteEntry{sql: strings.TrimRight(trimmed, " \r\n\t")}, options
		}
		end := closing(trimmed)
		if value, _, ok := strings.Cut(trimmed[:end], "="); ok {
			options[m[2]] = strings.TrimSpace(trimmed[len(value)+1 : end])
		} else {
			options[m[2]] = ""
		}
		text = trimmed[min(end+1, len(trimmed)):]
	}
}

// closing finds the bracket that ends the option at the start of text.
func closing(text string) int {
	depth, quoted := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted != 0:
			if c == '\\' {
				i++
			} else if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}
