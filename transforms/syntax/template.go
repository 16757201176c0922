package syntax

import "strings"

// Template is compiled SQL in which every table that the statement reads can be
// given another name: the table behind a view, a view of another environment, a
// subquery.
type Template struct {
	Text   []string   `json:"text"` // what stands around the tables: one more than Tables
	Tables []TableUse `json:"tables,omitempty"`
}

// TableUse is a place where a statement names a table of the catalog.
type TableUse struct {
	Name  string `json:"name"`            // as in the catalog
	SQL   string `json:"sql"`             // as it stands in the statement, quoted
	Alias string `json:"alias,omitempty"` // quoted; what the statement calls the table because it gives it no alias
}

// Render writes the statement. as returns what stands for a table, or an empty
// text to leave it as it is; nil leaves all.
func (t Template) Render(as func(name string) string) string {
	var b strings.Builder
	for i, text := range t.Text {
		b.WriteString(text)
		if i >= len(t.Tables) {
			continue
		}
		use := t.Tables[i]
		other := ""
		if as != nil {
			other = as(use.Name)
		}
		switch {
		case other == "":
			b.WriteString(use.SQL)
		case use.Alias == "":
			b.WriteString(other)
		default:
			b.WriteString(other + " AS " + use.Alias)
		}
	}
	return b.String()
}

// mark is what stands for a table while a compiler puts its text together. NUL
// cannot stand in SQL otherwise.
const mark = "\x00"

// Mark returns the text by which Fold finds the table again.
func (u TableUse) Mark() string {
	return mark + strings.Join([]string{u.Name, u.SQL, u.Alias}, "\x01") + mark
}

// Fold turns text with marks into a template.
func Fold(text string) Template {
	var t Template
	parts := strings.Split(text, mark)
	for i, part := range parts {
		if i%2 == 0 {
			t.Text = append(t.Text, part)
			continue
		}
		fields := strings.Split(part, "\x01")
		t.Tables = append(t.Tables, TableUse{Name: fields[0], SQL: fields[1], Alias: fields[2]})
	}
	return t
}
