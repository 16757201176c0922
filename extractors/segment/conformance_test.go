package segment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/extractors/extractorstest"
)

func TestExtractor_KeepsTheContractOfExtractors(t *testing.T) {
	f := newFolder(t)
	for i := range 6 {
		var text strings.Builder
		for n := range 200 * i { // some files are larger than a batch, some smaller
			fmt.Fprintln(&text, strings.Replace(call(fmt.Sprintf("%d-%d", i, n)), "{", `{"pad":"`+strings.Repeat("x", 3000)+`",`, 1))
		}
		text.WriteString("{bad\n")
		name := fmt.Sprintf("2026/%d.jsonl", i)
		if i%2 == 0 {
			f.write(name+".gz", zip(text.String()))
		} else {
			f.write(name, text.String())
		}
	}
	extractorstest.TestExtractor(t, func(t *testing.T) extractors.Extractor {
		e, err := New(Config{Location: f.dir, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
