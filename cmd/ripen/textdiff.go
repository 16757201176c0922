package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// writeDiff prints how two texts differ, line by line, indented.
func writeDiff(w io.Writer, before, after string) {
	text := string(diff.Diff("deployed", []byte(before), "files", []byte(after)))
	_, text, _ = strings.Cut(text, "\n") // the first line is a command that nobody ran
	for line := range strings.Lines(text) {
		fmt.Fprint(w, "        ", line)
	}
}
