package transforms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// adHoc is a statement of a session as its first words tell.
type adHoc struct {
	query   syntax.Source // the query, at its place in the statement
	table   string        // what CREATE TABLE makes; empty for a query
	temp    bool          // CREATE TEMP TABLE
	replace bool          // OR REPLACE
	missing bool          // IF NOT EXISTS
	at      int           // offset of the first word
}

// refusedWords are first words of statements that a session does not run, with
// what they are called and what to do instead.
var refusedWords = func() map[string][2]string {
	const (
		reads  = "ripen query reads; CREATE TEMP TABLE name AS SELECT … keeps rows for the statements behind it"
		plain  = "write queries, pass values with --param name=value"
		models = "tables are made by models: see `ripen plan`"
	)
	words := map[string][2]string{}
	for _, word := range []string{"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"} {
		words[word] = [2]string{word + " changes data", reads}
	}
	for _, word := range []string{"DROP", "ALTER", "UNDROP", "GRANT", "REVOKE", "EXPORT", "LOAD", "RENAME"} {
		words[word] = [2]string{word + " changes the warehouse", models}
	}
	for _, word := range []string{"DECLARE", "SET", "BEGIN", "IF", "LOOP", "WHILE", "REPEAT", "FOR", "CALL", "EXECUTE", "RAISE", "COMMIT", "ROLLBACK", "END", "RETURN", "BREAK", "LEAVE", "CONTINUE", "ITERATE"} {
		words[word] = [2]string{word + " belongs to scripts, which ripen does not run", plain}
	}
	return words
}()

// readAdHoc reads how a statement begins. A fault is a *syntax.Diagnostic.
func readAdHoc(src syntax.Source) (adHoc, error) {
	all, err := lex.Tokens(src.Text)
	if err != nil {
		return adHoc{}, err // Split has seen to it that there is none
	}
	words := slices.DeleteFunc(all, lex.Token.Blank)
	if len(words) == 0 {
		return adHoc{}, src.At(0, "there is no statement", "write a query")
	}
	first := words[0]
	statement := adHoc{query: src, at: first.Start}
	keyword := strings.ToUpper(first.Text)
	if refusal, ok := refusedWords[keyword]; ok && first.Kind == lex.Identifier {
		return statement, src.At(first.Start, refusal[0], refusal[1])
	}
	if keyword != "CREATE" {
		return statement, nil
	}
	return statement, statement.readCreate(src, words)
}

// readCreate reads CREATE [OR REPLACE] [TEMP] TABLE [IF NOT EXISTS] name AS.
func (a *adHoc) readCreate(src syntax.Source, words []lex.Token) error {
	i := 1
	take := func(keywords ...string) bool {
		for j, k := range keywords {
			if i+j >= len(words) || !strings.EqualFold(words[i+j].Text, k) {
				return false
			}
		}
		i += len(keywords)
		return true
	}
	const form = "write CREATE TEMP TABLE name AS SELECT …"
	refuse := func(message string) error {
		at := len(src.Text)
		if i < len(words) {
			at = words[i].Start
		}
		return src.At(at, message, form)
	}
	a.replace = take("OR", "REPLACE")
	a.temp = take("TEMP") || take("TEMPORARY")
	if !take("TABLE") {
		what := ""
		if i < len(words) {
			what = " " + strings.ToUpper(words[i].Text)
		}
		return refuse("CREATE" + what + " is not run here")
	}
	a.missing = take("IF", "NOT", "EXISTS")
	var name strings.Builder
	for i < len(words) && (words[i].Kind == lex.Identifier || words[i].Kind == lex.Quoted) {
		name.WriteString(strings.Trim(words[i].Text, "`"))
		i++
		if i >= len(words) || words[i].Text != "." {
			break
		}
		name.WriteString(".")
		i++
	}
	a.table = name.String()
	switch {
	case a.table == "":
		return refuse("the table has no name")
	case !take("AS"):
		return refuse(fmt.Sprintf("only AS and a query may follow the name of %s", a.table))
	case i >= len(words):
		return refuse(fmt.Sprintf("the query of %s is missing", a.table))
	}
	// What stands before the query becomes blank: places stay what they are.
	blank := strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, src.Text[a.at:words[i].Start])
	a.query.Text = src.Text[:a.at] + blank + src.Text[words[i].Start:]
	return nil
}
