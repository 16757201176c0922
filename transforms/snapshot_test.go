package transforms

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// history is a snapshot of raw_shop.orders, whose rows a test puts in and takes out.
func history(settings string) map[string]modelText {
	return map[string]modelText{"core/snap_order_v1": {
		query:  "select id, amount, ordered_at from raw_shop.orders",
		config: "description: d\nkey: [id]\nmaterialized: snapshot\n" + settings,
	}}
}

// put replaces what the source holds.
func (w *world) put(orders ...order) {
	w.t.Helper()
	w.exec("DELETE FROM raw_shop.orders")
	w.load(fmt.Sprintf("load %d", len(w.loads)), orders...)
}

const versions = "SELECT id, amount, strftime(valid_from_at, '%d'), coalesce(strftime(valid_to_at, '%d'), '') FROM core.snap_order"

func (w *world) day(n int) { w.asOf = time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func TestSnapshot_KeepsEveryVersionHalfOpen(t *testing.T) {
	const at = "TIMESTAMP '2025-12-01'"
	for settings, want := range map[string]string{
		"":                                "a,1,01,03\na,2,03,05\na,2,06,\nb,1,01,04\nc,1,05,",
		"snapshot: {deletes: keep}\n":     "a,1,01,03\na,2,03,\nb,1,01,\nc,1,05,",
		"snapshot: {check: [ordered_at]}": "a,1,01,05\na,2,06,\nb,1,01,04\nc,1,05,",
	} {
		w := newWorld(t, history(settings))
		for day, orders := range [][]order{
			1: {{"a", 1, at}, {"b", 1, at}},
			2: {{"a", 1, at}, {"b", 1, at}},
			3: {{"a", 2, at}, {"b", 1, at}},
			4: {{"a", 2, at}},
			5: {{"c", 1, at}},
			6: {{"c", 1, at}, {"a", 2, at}},
		} {
			if day == 0 {
				continue
			}
			w.day(day)
			w.put(orders...)
			w.mustRun()
			w.mustRun()
		}
		if got := w.rows(versions); got != want {
			t.Errorf("with %q the history is\n%s\nwant\n%s", settings, got, want)
		}
	}
}

func TestSnapshot_ByUpdatedAtBeginsWhenTheRowSaysSo(t *testing.T) {
	w := newWorld(t, history("snapshot: {updated_at: ordered_at}\n"))
	for _, step := range []struct {
		day    int
		orders []order
		want   string
	}{
		{10, []order{{"a", 1, jan(2)}, {"n", 1, "NULL"}, {"f", 1, jan(30)}}, "a,1,02,\nf,1,10,\nn,1,10,"},
		{11, []order{{"a", 2, jan(2)}, {"n", 1, "NULL"}, {"f", 1, jan(30)}}, "a,1,02,\nf,1,10,\nn,1,10,"}, // not updated
		{12, []order{{"a", 3, jan(5)}, {"n", 2, jan(7)}, {"f", 1, jan(30)}}, "a,1,02,05\na,3,05,\nf,1,10,\nn,1,10,12\nn,2,12,"},
		{13, []order{{"a", 4, jan(4)}, {"n", 3, "NULL"}}, "a,1,02,05\na,3,05,13\na,4,13,\nf,1,10,13\nn,1,10,12\nn,2,12,13\nn,3,13,"}, // back in time
		{14, []order{{"n", 3, "NULL"}}, "a,1,02,05\na,3,05,13\na,4,13,14\nf,1,10,13\nn,1,10,12\nn,2,12,13\nn,3,13,"},
		{16, []order{{"n", 3, "NULL"}, {"a", 5, jan(4)}, {"f", 2, jan(14)}}, "a,1,02,05\na,3,05,13\na,4,13,14\na,5,16,\nf,1,10,13\nf,2,14,\nn,1,10,12\nn,2,12,13\nn,3,13,"},
	} {
		w.day(step.day)
		w.put(step.orders...)
		w.mustRun()
		if got := w.rows(versions); got != step.want {
			t.Errorf("day %d: the history is\n%s\nwant\n%s", step.day, got, step.want)
		}
	}
}

func TestSnapshot_SameInstantTwiceReplacesWhatBeganThen(t *testing.T) {
	const at = "TIMESTAMP '2025-12-01'"
	w := newWorld(t, history(""))
	w.day(1)
	w.put(order{"a", 1, at})
	w.mustRun()
	w.day(2)
	for _, amount := range []int{2, 3, 4} {
		w.put(order{"a", amount, at}, order{fmt.Sprint("only", amount), 1, at})
		w.mustRun()
	}
	if got := w.rows(versions); got != "a,1,01,02\na,4,02,\nonly4,1,02," {
		t.Errorf("the history is\n%s", got)
	}
}

func TestSnapshot_GoesForwardOnly(t *testing.T) {
	w := newWorld(t, history(""))
	w.day(5)
	w.put(order{"a", 1, jan(1)})
	w.mustRun()
	w.day(4)
	w.mustRun() // nothing is new
	w.put(order{"a", 2, jan(1)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "build core.snap_order: the history reaches to 2026-01-05T00:00:00Z, which is after --as-of 2026-01-04T00:00:00Z")
	if got := w.rows(versions); got != "a,1,05," {
		t.Errorf("the history is\n%s", got)
	}
}

func TestSnapshot_KeyThatFailsItsChecksChangesNothing(t *testing.T) {
	w := newWorld(t, history("checks: [{name: positive, accepted_values: {column: amount, values: [1, 2]}}]\n"))
	w.day(1)
	w.put(order{"a", 1, jan(1)})
	w.mustRun()
	w.day(2)
	for _, bad := range [][]order{{{"a", 2, jan(1)}, {"a", 1, jan(1)}}, {{"a", 3, jan(1)}}} {
		w.put(bad...)
		var failed *CheckError
		if _, err := w.run(w.into, nil); !errors.As(err, &failed) {
			t.Errorf("error is %v", err)
		}
	}
	if got := w.rows(versions); got != "a,1,01," {
		t.Errorf("the history is\n%s", got)
	}
}

func TestSnapshot_HistoryOutlivesItsQuery(t *testing.T) {
	const at = "TIMESTAMP '2025-12-01'"
	w := newWorld(t, history(""))
	w.day(1)
	w.put(order{"a", 1, at}, order{"b", 1, at})
	w.mustRun()
	w.day(2)
	w.put(order{"a", 2, at}, order{"b", 1, at})
	w.mustRun()
	first := w.table("core.snap_order")

	changed := history("")
	changed["core/snap_order_v1"] = modelText{query: "select id, amount, amount > 1 as is_large from raw_shop.orders", config: changed["core/snap_order_v1"].config}
	w.define(changed)
	w.day(3)
	into := &mortal{Models: w.into, left: 4}
	if _, err := w.run(into, nil); !errors.Is(err, errKilled) {
		t.Fatalf("error is %v", err)
	}
	w.mustRun()
	const withNew = "SELECT id, amount, is_large, strftime(valid_from_at, '%d'), coalesce(strftime(valid_to_at, '%d'), '') FROM core.snap_order"
	if got := w.rows(withNew); got != "a,1,NULL,01,02\na,2,NULL,02,03\na,2,true,03,\nb,1,NULL,01,03\nb,1,false,03," {
		t.Errorf("with another column the history is\n%s", got)
	}
	// Back at the first query: what was kept under the second is carried over, too.
	w.define(history(""))
	w.day(4)
	w.put(order{"a", 2, at}, order{"b", 7, at})
	w.mustRun()
	if got := w.rows(versions); !strings.Contains(got, "a,2,03,") || !strings.Contains(got, "b,7,04,") || w.table("core.snap_order") == first {
		t.Errorf("back at the first query, in %s, the history is\n%s", w.table("core.snap_order"), got)
	}

	other := history("")
	other["core/snap_order_v1"] = modelText{query: "select 1 as id, amount from raw_shop.orders limit 1", config: other["core/snap_order_v1"].config}
	w.define(other)
	before := w.rows(versions)
	_, err := w.run(w.into, nil)
	wantError(t, err, "the history of core.snap_order cannot be carried over: column id is new or has another type")
	if got := w.rows(versions); got != before {
		t.Errorf("after the refusal the history is\n%s", got)
	}
}

func TestSnapshot_EnvironmentsKeepTheirOwnHistory(t *testing.T) {
	const at = "TIMESTAMP '2025-12-01'"
	w := newWorld(t, history(""))
	w.day(1)
	w.put(order{"a", 1, at})
	w.mustRun()
	changed := history("")
	changed["core/snap_order_v1"] = modelText{query: "select id, amount, 'x' as extra from raw_shop.orders", config: changed["core/snap_order_v1"].config}
	w.define(changed)
	dev := func(o *Options) { o.Environment = "dev" }
	if _, err := w.run(w.into, dev); err != nil {
		t.Fatal(err)
	}
	w.define(history(""))
	w.day(2)
	w.put(order{"a", 2, at})
	w.mustRun()
	w.define(changed)
	w.day(3)
	w.put(order{"a", 3, at})
	w.mustRun() // production takes the change over: nothing of its own history is lost
	if got := w.rows(versions); got != "a,1,01,02\na,2,02,03\na,3,03," {
		t.Errorf("production's history is\n%s", got)
	}
}

func TestSnapshot_HasNoOverlapsWhateverHappens(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 4))
			settings := []string{"", "snapshot: {updated_at: ordered_at}\n", "snapshot: {deletes: keep, check: [amount]}\n"}[r.IntN(3)]
			w := newWorld(t, history(settings))
			day := 1
			var last map[string]order
			for range 25 {
				last = map[string]order{}
				for range r.IntN(6) {
					o := order{fmt.Sprintf("o%d", r.IntN(4)), r.IntN(3), jan(1 + r.IntN(28))}
					if r.IntN(5) == 0 {
						o.at = "NULL"
					}
					last[o.id] = o
				}
				w.put(slices.Collect(maps.Values(last))...)
				day += r.IntN(2)
				w.day(day)
				if r.IntN(3) == 0 {
					if _, err := w.run(&mortal{Models: w.into, left: 1 + r.IntN(9), after: r.IntN(2) == 0}, nil); err != nil && !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
					continue
				}
				w.mustRun()
				if got := w.rows("SELECT a.id FROM core.snap_order a JOIN core.snap_order b ON a.id = b.id AND a.valid_from_at < coalesce(b.valid_to_at, TIMESTAMP '9999-01-01')" +
					" AND b.valid_from_at < coalesce(a.valid_to_at, TIMESTAMP '9999-01-01') AND a.valid_from_at <> b.valid_from_at"); got != "" {
					t.Fatalf("versions overlap: %s\n%s", got, w.rows(versions))
				}
				if got := w.rows("SELECT id FROM core.snap_order WHERE valid_from_at >= valid_to_at OR valid_from_at > " + instantText(w.asOf)); got != "" {
					t.Fatalf("versions of no length or of the future: %s", got)
				}
				open := w.rows("SELECT id FROM core.snap_order WHERE valid_to_at IS NULL")
				want := strings.Join(slices.Sorted(maps.Keys(last)), "\n")
				if strings.Contains(settings, "keep") {
					want = w.rows("SELECT DISTINCT id FROM core.snap_order")
				}
				if open != want {
					t.Fatalf("open versions are of\n%s\nwant\n%s", open, want)
				}
				if settings != "snapshot: {deletes: keep, check: [amount]}\n" {
					compared := "amount"
					if settings != "" {
						compared = "ordered_at"
					}
					if got := w.rows("SELECT s.id FROM core.snap_order s JOIN raw_shop.orders o USING (id) WHERE valid_to_at IS NULL AND s." + compared + " IS DISTINCT FROM o." + compared); got != "" {
						t.Fatalf("open versions are not what the query returns: %s", got)
					}
				}
			}
		})
	}
}
