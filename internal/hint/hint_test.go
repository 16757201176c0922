package hint

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestOf_FindsAdviceInJoinedAndWrappedErrors(t *testing.T) {
	a := Wrap(errors.New("a"), "do A")
	b := fmt.Errorf("outer: %w", Wrap(errors.New("b"), "do %s", "B"))
	got := Of(errors.Join(a, b, a))
	if !slices.Equal(got, []string{"do A", "do B"}) {
		t.Errorf("got %q", got)
	}
	if Wrap(nil, "x") != nil {
		t.Error("a nil error must stay nil")
	}
}

func TestDidYouMean_NamesTheSlipOrTheChoices(t *testing.T) {
	known := []string{"segment", "stripe", "hubspot"}
	for word, want := range map[string]string{
		"stirpe": `did you mean "stripe"?`, "Segmnt": `did you mean "segment"?`,
		"oracle": "known: segment, stripe, hubspot", "": "known: segment, stripe, hubspot",
	} {
		if got := DidYouMean(word, known); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}
