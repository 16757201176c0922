package main

import (
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

func wrap(s string, width int) string { return text.WrapSoft(s, width) }

// reasonWidth leaves the reason what the terminal has beside the other columns.
func (a *app) reasonWidth() int {
	const others, least, most = 130, 30, 90
	f, ok := a.stdout.(*os.File)
	if !ok {
		return most
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return most
	}
	return max(least, min(most, width-others))
}
