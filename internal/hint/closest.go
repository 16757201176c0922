package hint

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// DidYouMean is advice on an unknown word: the closest known one when it is
// close enough to be a slip, otherwise all known ones (the first 20).
func DidYouMean(word string, known []string) string {
	best, bestDistance := "", max(2, utf8.RuneCountInString(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best != "" && word != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) > 20 {
		return fmt.Sprintf("known: %s and %d more", strings.Join(known[:20], ", "), len(known)-20)
	}
	return "known: " + strings.Join(known, ", ")
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between two words (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
