package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/landing"
)

// startMock runs stripe-mock, Stripe's own server of its OpenAPI description and
// fixtures: it refuses parameters that the API does not know.
func startMock(t *testing.T) (address string) {
	t.Helper()
	binary := findMock(t)
	plain, encrypted := freePort(t), freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	// With only one of the flags it opens the other port on all interfaces.
	server := exec.CommandContext(ctx, binary, "-http-addr", plain, "-https-addr", encrypted)
	output := &strings.Builder{}
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	deadline, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("stripe-mock ended: %v\n%s", err, output)
		case <-deadline.Done():
			t.Fatal("stripe-mock did not start within 30 s")
		case <-tick.C:
			if c, err := net.Dial("tcp", plain); err == nil {
				c.Close()
				return "http://" + plain
			}
		}
	}
}

// findMock looks in $RIPEN_TOOLS, in .tools/bin of the repository and in PATH.
func findMock(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("RIPEN_TOOLS"), filepath.Join("..", "..", ".tools", "bin")} {
		if dir == "" {
			continue
		}
		if name, err := filepath.Abs(filepath.Join(dir, "stripe-mock")); err == nil {
			if _, err := os.Stat(name); err == nil {
				return name
			}
		}
	}
	name, err := exec.LookPath("stripe-mock")
	if err != nil {
		t.Fatal("stripe-mock is missing: run `make tools`, which builds it into .tools/bin")
	}
	return name
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestExtractor_LandsTheOfficialFixtures(t *testing.T) {
	address := startMock(t)
	clock := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	e, err := New(Config{BaseURL: address, APIKey: testKey, Clock: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range e.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			var w warehouse
			w.mustPull(t, e, table.ID())
			if len(w.rows) != 1 || len(w.rejects) != 0 {
				t.Fatalf("%d rows, rejects %+v", len(w.rows), w.rejects)
			}
			row := w.rows[0]
			for _, column := range table.Columns {
				if column.Required && row[column.Name] == nil {
					t.Errorf("%s is empty", column.Name)
				}
			}
			if payload, ok := row["payload"].(string); ok && !json.Valid([]byte(payload)) {
				t.Errorf("payload %q", payload)
			}
			for _, want := range fixtureValues[table.Name] {
				if row[want.column] == nil || !strings.HasPrefix(fmt.Sprint(row[want.column]), want.prefix) {
					t.Errorf("%s is %v, want %s…", want.column, row[want.column], want.prefix)
				}
			}
			w.mustPull(t, e, table.ID())
			if len(w.rows) != 1 {
				t.Errorf("the second run landed %d rows", len(w.rows)-1)
			}
		})
	}
	t.Run("in the landing zone", func(t *testing.T) {
		bucket, err := landing.NewDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		now := func() time.Time { return clock }
		zone := landing.Open(bucket, landing.Options{Clock: now})
		for run, want := range []int64{1, 0} { // rows of each table; the second run finds nothing new
			results, err := extractors.Run(t.Context(), extractors.RunOptions{Source: "stripe", Extractor: e, Zone: zone, Clock: now})
			if err != nil || len(results) != len(e.Tables()) {
				t.Fatalf("run %d: %d tables, %v", run, len(results), err)
			}
			for _, r := range results {
				if r.Rows() != want || r.RejectedRows() != 0 {
					t.Errorf("run %d: %s has %d rows and %d dead letters, want %d rows", run, r.Table, r.Rows(), r.RejectedRows(), want)
				}
			}
		}
	})
	t.Run("objects by id", func(t *testing.T) {
		for _, c := range collections {
			r := run{collection: c, config: e.config, client: e.client}
			objects, err := r.fetch(t.Context(), []change{{id: "x_1"}, {id: "x_2"}})
			if err != nil || len(objects) != 2 || !json.Valid(objects[1].raw) {
				t.Errorf("%s: %v, %v", c.path, objects, err)
			}
		}
	})
	t.Run("items of a subscription", func(t *testing.T) {
		r := run{config: e.config, client: e.client}
		items, err := r.subscriptionItems(t.Context(), "sub_1")
		if err != nil || !strings.Contains(string(items), `"id":"si_`) {
			t.Errorf("%s, %v", items, err)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		wrong, err := New(Config{BaseURL: address, APIKey: "nonsense"})
		if err != nil {
			t.Fatal(err)
		}
		if err := new(warehouse).pull(t, wrong, "stripe.customers"); httpx.Status(err) != http.StatusUnauthorized {
			t.Errorf("got %v", err)
		}
	})
}

// fixtureValues are the shapes that values of the official fixtures have.
var fixtureValues = map[string][]struct{ column, prefix string }{
	"customers":     {{"id", "cus_"}, {"created", ""}, {"payload", "{"}},
	"subscriptions": {{"id", "sub_"}, {"customer_id", "cus_"}, {"price_id", "price_"}, {"unit_amount", ""}, {"price_interval", "month"}, {"items", "["}},
	"invoices":      {{"id", "in_"}, {"customer_id", "cus_"}, {"status", ""}, {"amount_due", ""}},
	"events":        {{"id", "evt_"}, {"type", ""}, {"object", "{"}},
}
