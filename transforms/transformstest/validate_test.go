package transformstest

import (
	"testing"

	"github.com/ripen-data/ripen/transforms"
)

func validateGenerated(tb testing.TB, engine *transforms.Engine, models int) *transforms.Validation {
	tb.Helper()
	project, loaded := transforms.Load(Generate(models), nil)
	v, err := engine.Validate(project, loaded, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestValidate_GeneratedProjectsAreSound(t *testing.T) {
	for _, models := range []int{3, 10, 31} {
		v := validateGenerated(t, Engine(t.TempDir()), models)
		if err := v.Err(); err != nil || v.Models != models {
			t.Errorf("%d of %d models, %v", v.Models, models, err)
		}
	}
}

// BenchmarkValidate100 starts from nothing but files and the cache of the last
// start, as the command does.
func BenchmarkValidate100(b *testing.B) { benchmarkValidate(b, 100, true) }

func BenchmarkValidate500(b *testing.B) { benchmarkValidate(b, 500, true) }

// BenchmarkValidateCold100 has no cache: every model is analysed.
func BenchmarkValidateCold100(b *testing.B) { benchmarkValidate(b, 100, false) }

func BenchmarkValidateCold500(b *testing.B) { benchmarkValidate(b, 500, false) }

func benchmarkValidate(b *testing.B, models int, warm bool) {
	cache := ""
	if warm {
		cache = b.TempDir()
		validateGenerated(b, Engine(cache), models)
	}
	for b.Loop() {
		if v := validateGenerated(b, Engine(cache), models); v.Err() != nil {
			b.Fatal(v.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/float64(models), "ms/model")
}
