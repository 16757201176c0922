package transforms

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

func TestLocate_FindsTheOnlyExpressionThatRaisesAFault(t *testing.T) {
	division := &warehouse.Fault{Message: "division by zero", Raised: []string{"/", "DIV", "MOD"}}
	cast := &warehouse.Fault{Message: "not an INT64", Raised: []string{"CAST AS INT64"}}
	minus := &warehouse.Fault{Message: "overflow", Raised: []string{"-"}}
	for _, test := range []struct {
		sql   string
		fault *warehouse.Fault
		want  string
	}{
		{"select a / b -- not / this\nfrom t", division, "q:1:10: division by zero"},
		{"select '/', safe.div(a, b), div(a, b), `div` from t", division, "q:1:29: division by zero"},
		{"\n\n  select a from t", division, "q:3:3: division by zero"},
		{"select cast(a as string), cast((cast(b as bytes)) as bigint)", cast, "q:1:27: not an INT64"},
		{"select safe_cast(a as int64), cast(a as float64), cast(a as int64)", cast, "q:1:51: not an INT64"},
		{"select cast(a as int64), cast(b as int64)", cast, "q:1:1: not an INT64 (raised at 1:8 or 1:26)"},
		{"select -1, (-2), a - b from t", minus, "q:1:20: overflow"},
	} {
		err := Locate(fmt.Errorf("outer: %w", test.fault), syntax.Source{Name: "q", Text: test.sql})
		if err.Error() != test.want {
			t.Errorf("%s\n got %v\nwant %s", test.sql, err, test.want)
		}
	}
}

func TestLocate_LeavesErrorsOfTheEngineAlone(t *testing.T) {
	err := errors.New("disk full")
	if got := Locate(err, syntax.Source{Name: "q", Text: "select 1 / 0"}); got != err {
		t.Errorf("got %v", got)
	}
}

func TestLocate_LooksIntoTextThatIsRunInPlace(t *testing.T) {
	fault := &warehouse.Fault{Message: "division by zero", Raised: []string{"/"}}
	sources := []syntax.Source{{Name: "a", Text: "select x from b"}, {Name: "b", Text: "select 1 / 0 as x"}}
	if got := Locate(fault, sources...); got.Error() != "b:1:10: division by zero" {
		t.Errorf("got %v", got)
	}
	sources[0].Text = "select x / 2 from b"
	if got := Locate(fault, sources...); got.Error() != "a:1:1: division by zero (raised at 1:10 or b:1:10)" {
		t.Errorf("got %v", got)
	}
}
