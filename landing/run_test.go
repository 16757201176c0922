package landing

import (
	"testing"
)

func TestRun_LandsWhatWasWritten(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock})
	m, ok, err := land(t, z, 0, 20_000, 777, "c1")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), 0, 20_000)
	m2, ok, err := land(t, z, 20_000, 5, 1, "c2")
	if err != nil || !ok || m2.Sequence != 2 || m2.Before != "c1" {
		t.Fatal(m2, ok, err)
	}
}
