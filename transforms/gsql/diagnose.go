package gsql

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

var errorPlace = regexp.MustCompile(`\s*\[at (\d+):(\d+)\]`)

// diagnose turns an error of the parser into a place and a sentence. Its
// messages end in [at line:column], with columns that count a tab as up to eight
// characters.
func (e *Engine) diagnose(src syntax.Source, err error) *syntax.Diagnostic {
	text := err.Error()
	at := 0
	if place := errorPlace.FindStringSubmatchIndex(text); place != nil {
		at = offsetOf(src.Text, text[place[2]:place[3]], text[place[4]:place[5]])
		text = text[:place[0]] + text[place[1]:]
	}
	message, hint := e.word(classify(strings.TrimSpace(text)), nil)
	return src.At(at, message, hint)
}

// offsetOf is the byte of a line and of a column that counts a tab up to the next
// multiple of eight.
func offsetOf(text, line, column string) int {
	lines, _ := strconv.Atoi(line)
	wide, _ := strconv.Atoi(column)
	offset := 0
	for ; lines > 1; lines-- {
		end := strings.IndexByte(text[offset:], '\n')
		if end < 0 {
			return len(text)
		}
		offset += end + 1
	}
	at := 1
	for i, r := range text[offset:] {
		if at >= wide || r == '\n' {
			return offset + i
		}
		if r == '\t' {
			at += 8 - (at-1)%8
		} else {
			at++
		}
	}
	return len(text)
}
