package blob

import (
	"path"
	"strings"
)

// Match reports whether a pattern takes a file's name. The parts between
// slashes match as in path.Match; ** stands for any number of parts. An empty
// pattern takes every file.
func Match(pattern, name string) (bool, error) {
	if pattern == "" {
		return true, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return false, err
	}
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/")), nil
}

func matchParts(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			rest := pattern[1:]
			for len(rest) > 0 && rest[0] == "**" {
				rest = rest[1:]
			}
			for skip := range len(name) + 1 {
				if matchParts(rest, name[skip:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, _ := path.Match(pattern[0], name[0]); !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}
