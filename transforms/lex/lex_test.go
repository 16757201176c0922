package lex_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// spell writes the tokens with a meaning as kind:text, apart by blanks.
func spell(t *testing.T, text string) string {
	t.Helper()
	tokens, err := lex.Tokens(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var words []string
	for _, token := range tokens {
		if token.Kind != lex.Space {
			words = append(words, token.Kind.String()[:2]+":"+token.Text)
		}
	}
	return strings.Join(words, "  ")
}

func TestTokens_KnowsEveryFormOfGoogleSQL(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"select a, b", "id:select  id:a  pu:,  id:b"},
		{"-- one\n1 # two\n/* three\n*/2", "co:-- one  nu:1  co:# two  co:/* three\n*/  nu:2"},
		{"'a;b' \"c''d\" '''e'f\n''' \"\"\"g\"\"\"", "st:'a;b'  st:\"c''d\"  st:'''e'f\n'''  st:\"\"\"g\"\"\""},
		{`r'\'' B"x" rb'\\' Br"\"" b'''y'''`, `st:r'\''  st:B"x"  st:rb'\\'  st:Br"\""  st:b'''y'''`},
		{`'\\' '\''`, `st:'\\'  st:'\''`},
		{"rr'x' br 'x'", "id:rr  st:'x'  id:br  st:'x'"},
		{"''", "st:''"},
		{"0xFF 1. .5 1.5e-3 1E10 12abc", "nu:0xFF  nu:1.  nu:.5  nu:1.5e-3  nu:1E10  nu:12abc"},
		{"select .5, t.5, t.1st, x[0].2", "id:select  nu:.5  pu:,  id:t  pu:.  id:5  pu:,  id:t  pu:.  id:1st  pu:,  id:x  pu:[  nu:0  pu:]  pu:.  id:2"},
		{"`a b` `c\\`d`", "qu:`a b`  qu:`c\\`d`"},
		{"@as_of @@time_zone @`odd name` @{x=1}", "pa:@as_of  pa:@@time_zone  pa:@`odd name`  pu:@  pu:{  id:x  pu:=  nu:1  pu:}"},
		{"a|>b=>c<<d>>e<>f!=g||h<=i>=j->k", "id:a  pu:|>  id:b  pu:=>  id:c  pu:<<  id:d  pu:>>  id:e  pu:<>  id:f  pu:!=  id:g  pu:||  id:h  pu:<=  id:i  pu:>=  id:j  pu:->  id:k"},
		{"array<struct<a int64>>[]", "id:array  pu:<  id:struct  pu:<  id:a  id:int64  pu:>  pu:>  pu:[  pu:]"},
		{"t.array < 2 and 8 >> 1", "id:t  pu:.  id:array  pu:<  nu:2  id:and  nu:8  pu:>>  nu:1"},
		{"from my-project-1.d.t join a-b", "id:from  id:my-project-1  pu:.  id:d  pu:.  id:t  id:join  id:a-b"},
		{"extract(day from a-b) is distinct from a-b", "id:extract  pu:(  id:day  id:from  id:a  pu:-  id:b  pu:)  id:is  id:distinct  id:from  id:a  pu:-  id:b"},
		{"a--b", "id:a  co:--b"},
		{"\ufeffa\u00a0b", "id:a  id:b"},
		{"“é$", "pu:“  pu:é  pu:$"},
	} {
		if got := spell(t, c.text); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestTokens_RefusesWhatHasNoEnd(t *testing.T) {
	for text, offset := range map[string]int{
		"select 'a\n'":    7,
		"select 'a":       7,
		"1 '''a''":        2,
		"1 rb\"x":         2,
		"1 /* */ /* x":    8,
		"`a":              0,
		"`a\n`":           0,
		"@`a":             1,
		"'ends with \\":   0,
		"x /*/":           2,
		"select r'a\\'":   7,
		"'''\\''' and on": 0,
	} {
		_, err := lex.Tokens(text)
		var fault *lex.Error
		if !errors.As(err, &fault) || fault.Offset != offset || fault.Hint == "" {
			t.Errorf("%q: %v, want an error at %d with a hint", text, err, offset)
		}
	}
}

func TestSplit_KeepsPositionsOfTheFile(t *testing.T) {
	src := syntax.Source{Name: "x.sql", Text: "-- first;\nselect ';' as a; -- the first ends\n;;\n/* é */ select 2;\n\n-- last\nselect `b;`, nope"}
	statements, err := lex.Split(src)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"-- first;\nselect ';' as a", "/* é */ select 2", "-- last\nselect `b;`, nope"}
	if len(statements) != len(want) {
		t.Fatalf("%d statements, want %d", len(statements), len(want))
	}
	for i, s := range statements {
		if s.Text() != want[i] || src.Text[s.Start:s.End] != want[i] || s.Source.Name != "x.sql" {
			t.Errorf("statement %d: %q at %d", i+1, s.Text(), s.Start)
		}
	}
	last := statements[2].Source
	at := last.At(strings.Index(last.Text, "nope"), "no such column", "")
	if in := src.At(strings.Index(src.Text, "nope"), "no such column", ""); *at != *in || at.Line != 7 {
		t.Errorf("%v, in the file %v", at, in)
	}
}

func TestSplit_CountsCharactersOnALineOfTwoStatements(t *testing.T) {
	src := syntax.Source{Name: "x.sql", Text: "select 'é😀'; select 2"}
	statements, err := lex.Split(src)
	if err != nil || len(statements) != 2 {
		t.Fatal(statements, err)
	}
	second := statements[1].Source
	if got := second.At(strings.Index(second.Text, "2"), "", ""); got.Line != 1 || got.Column != 21 {
		t.Errorf("line %d column %d, want 1 and 21", got.Line, got.Column)
	}
}

func TestSplit_GivesWhatIsCompleteBeforeAFault(t *testing.T) {
	statements, err := lex.Split(syntax.Source{Name: "x.sql", Text: "select 1;\nselect 'x"})
	var fault *syntax.Diagnostic
	if len(statements) != 1 || !errors.As(err, &fault) || fault.Line != 2 || fault.Column != 8 || fault.Name != "x.sql" {
		t.Errorf("%d statements, %v", len(statements), err)
	}
}

func TestSplit_OfNothingIsNothing(t *testing.T) {
	statements, err := lex.Split(syntax.Source{Text: " ; -- only a comment\n; /* another */"})
	if len(statements) != 0 || err != nil {
		t.Errorf("%v, %v", statements, err)
	}
}

func TestMeaning_IsOneForTextsThatDoTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"select A from T", "SELECT a\n-- why\nFROM t;", true},
		{"select a, b, from t", "select a,b from t", true},
		{"select a, |> limit 1", "select a |> limit 1", true},
		{"(select a,)", "(select a)", true},
		{"select 1.5E3, 0XFF, R'x'", "select 1.5e3, 0xff, r'x'", true},
		{"array<array<int64> >[]", "array<array<int64>>[]", true},
		{"select 'a'", "select 'A'", false},
		{"select 'a  b'", "select 'a b'", false},
		{"select `A`", "select `a`", false},
		{"select ab", "select a b", false},
		{"select 1 - -1", "select 1 --1", false},
		{"select 'a' 'b'", "select 'a'' b'", false},
		{"select a > > b", "select a >> b", false},
		{"select a, b", "select a b", false},
	} {
		a, errA := lex.Meaning(c.a)
		b, errB := lex.Meaning(c.b)
		if errA != nil || errB != nil || (a == b) != c.same {
			t.Errorf("%q and %q: %q and %q, %v %v", c.a, c.b, a, b, errA, errB)
		}
	}
}

func FuzzTokens_LoseNothing(f *testing.F) {
	if err := fs.WalkDir(sql.Models, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".sql") {
			text, _ := fs.ReadFile(sql.Models, path)
			f.Add(string(text))
		}
		return err
	}); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"a.5 .5 1.", "rb'x' '''y''' \"\"\"", "from a-b-1", "array<array<a>> >>", "@{ @@a @`x`", "\xff\u2028'\\"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := lex.Tokens(text)
		var b strings.Builder
		for i, token := range tokens {
			if token.Start != b.Len() || token.End <= token.Start || token.Text != text[token.Start:token.End] {
				t.Fatalf("token %d is %v after %d bytes", i, token, b.Len())
			}
			b.WriteString(token.Text)
		}
		if err != nil {
			var fault *lex.Error
			if !errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > len(text) || !strings.HasPrefix(text, b.String()) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if b.String() != text {
			t.Fatalf("tokens give %q", b.String())
		}
		meaning, err := lex.Meaning(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := lex.Meaning(meaning)
		if err != nil || again != meaning {
			t.Fatalf("meaning of %q is %q, its meaning %q, %v", text, meaning, again, err)
		}
		statements, err := lex.Split(syntax.Source{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if !strings.HasSuffix(s.Source.Text, text[s.Start:s.End]) {
				t.Fatalf("statement %q is not %q", s.Source.Text, text[s.Start:s.End])
			}
		}
	})
}
