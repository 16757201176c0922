package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFmt_FormatsStandardInput(t *testing.T) {
	for _, c := range []struct {
		args           []string
		in, out, error string
		code           int
	}{
		{args: []string{"fmt", "-"}, in: "SELECT 1 as A;", out: "select 1 as A;\n"},
		{args: []string{"fmt", "-", "--check"}, in: "SELECT 1", code: exitCheck, error: "standard input is not in the house style"},
		{args: []string{"fmt", "-", "--check"}, in: "select 1\n"},
		{args: []string{"fmt", "-"}, in: "select (1", code: exitUsage, error: "standard input:1:8: ( is not closed"},
		{args: []string{"fmt", "-"}, in: "select '\xff'", code: exitUsage, error: "not UTF-8"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), c.args, strings.NewReader(c.in), &stdout, &stderr)
		if code != c.code || stdout.String() != c.out || !strings.Contains(stderr.String(), c.error) {
			t.Errorf("%v of %q: %d\n%s%s", c.args, c.in, code, &stdout, &stderr)
		}
	}
}

func TestRewriteFile_KeepsModeAndLinks(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "query.sql"), filepath.Join(dir, "link.sql")
	if err := os.WriteFile(name, []byte("select 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("query.sql", link); err != nil {
		t.Fatal(err)
	}
	if err := rewriteFile(link, "select 2"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != "select 2" {
		t.Errorf("%q, %v", text, err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
