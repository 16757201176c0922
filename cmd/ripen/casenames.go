package main

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/internal/hint"
)

// caseNames chooses cases by name and remembers which it saw. It is safe for
// concurrent use.
type caseNames struct {
	patterns []string // * stands for any text; none: all cases

	mu      sync.Mutex
	seen    []string
	matched map[string]bool // by pattern
}

func (n *caseNames) match(_, name string) bool {
	if len(n.patterns) == 0 {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, name)
	matches := false
	for _, pattern := range n.patterns {
		expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
		if regexp.MustCompile(`^(?s:` + expression + `)$`).MatchString(name) {
			matches = true
			if n.matched == nil {
				n.matched = map[string]bool{}
			}
			n.matched[pattern] = true
		}
	}
	return matches
}

// unmatched is the error of a pattern that no case has; nil if there is none.
func (n *caseNames) unmatched() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, pattern := range n.patterns {
		if !n.matched[pattern] {
			slices.Sort(n.seen)
			return usagef("no case is named %q; %s", pattern, hint.DidYouMean(pattern, slices.Compact(n.seen)))
		}
	}
	return nil
}
