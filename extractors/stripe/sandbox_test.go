package stripe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	vendor "github.com/stripe/stripe-go/v85"

	"github.com/ripen-data/ripen/sandbox"
)

// simulated serves a sandbox company whose now can be moved.
type simulated struct {
	company atomic.Pointer[sandbox.Company]
	url     string
}

func startSandbox(t *testing.T, until time.Time) *simulated {
	t.Helper()
	s := &simulated{}
	s.moveTo(t, until)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Stripe's client takes no address with a path in front of /v1.
		r.URL.Path = "/stripe" + r.URL.Path
		s.company.Load().Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *simulated) moveTo(t *testing.T, until time.Time) {
	t.Helper()
	company, err := sandbox.New(sandbox.Config{
		Seed: 7, Accounts: 120, Days: 90, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: until, ThrottleEvery: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.company.Store(company)
}

func (s *simulated) now() time.Time { return s.company.Load().Config().Until }

// read collects what Stripe's own client sees: id and one field per object.
func read[T any](t *testing.T, list vendor.Seq2[T, error], describe func(T) string) []string {
	t.Helper()
	var all []string
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, describe(item))
	}
	slices.Sort(all)
	return all
}

func TestExtractor_ReadsTheSameAsStripesOwnClient(t *testing.T) {
	s := startSandbox(t, time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC))
	f := newFake(t)
	open := func() *Extractor {
		return f.extractor(t, func(c *Config) {
			c.BaseURL, c.PageSize, c.CheckpointRows, c.Clock = s.url, 100, 40, s.now
			c.HTTP.MaxAttempts = 6
		})
	}
	compare := func(landed map[string]*warehouse) {
		t.Helper()
		retries := int64(5)
		config := &vendor.BackendConfig{
			URL: vendor.String(s.url), MaxNetworkRetries: &retries, HTTPClient: &http.Client{Transport: patient{}},
			LeveledLogger: &vendor.LeveledLogger{Level: vendor.LevelNull}, EnableTelemetry: vendor.Bool(false),
		}
		client := vendor.NewClient(testKey, vendor.WithBackends(vendor.NewBackendsWithConfig(config)))
		ctx := context.Background()
		want := map[string][]string{
			"stripe.customers": read(t, client.V1Customers.List(ctx, &vendor.CustomerListParams{}).All(ctx), func(c *vendor.Customer) string {
				return c.ID + "/" + c.Email
			}),
			"stripe.subscriptions": read(t, client.V1Subscriptions.List(ctx, &vendor.SubscriptionListParams{Status: vendor.String("all")}).All(ctx), func(u *vendor.Subscription) string {
				return fmt.Sprintf("%s/%s/%s/%s", u.ID, u.Status, u.Customer.ID, u.Items.Data[0].Price.ID)
			}),
			"stripe.invoices": read(t, client.V1Invoices.List(ctx, &vendor.InvoiceListParams{}).All(ctx), func(i *vendor.Invoice) string {
				return fmt.Sprintf("%s/%s/%d", i.ID, i.Status, i.AmountPaid)
			}),
			"stripe.events": read(t, client.V1Events.List(ctx, &vendor.EventListParams{}).All(ctx), func(e *vendor.Event) string {
				return fmt.Sprintf("%s/%s", e.ID, e.Type)
			}),
		}
		columns := map[string][]string{
			"stripe.customers": {"id", "email"}, "stripe.subscriptions": {"id", "status", "customer_id", "price_id"},
			"stripe.invoices": {"id", "status", "amount_paid"}, "stripe.events": {"id", "type"},
		}
		for id, expected := range want {
			if len(expected) < 20 || len(landed[id].rejects) > 0 {
				t.Errorf("%s: the client sees %d objects; rejects %v", id, len(expected), landed[id].rejects)
			}
			present := landed[id].newest(columns[id])
			if id == "stripe.events" { // landed ones stay when Stripe forgets them
				present = slices.DeleteFunc(present, func(e string) bool { return !slices.Contains(expected, e) })
			}
			if diff := cmp.Diff(expected, present); diff != "" {
				t.Errorf("%s at %s: %.1500s", id, s.now(), diff)
			}
		}
	}
	landed := map[string]*warehouse{}
	pull := func() (commits int) {
		for _, table := range open().Tables() {
			if landed[table.ID()] == nil {
				landed[table.ID()] = &warehouse{}
			}
			before := landed[table.ID()].commits
			landed[table.ID()].mustPull(t, open(), table.ID())
			commits += landed[table.ID()].commits - before
		}
		return commits
	}
	pull()
	compare(landed)
	if n := pull(); n != 0 {
		t.Errorf("nothing was new, yet %d commits", n)
	}
	for _, days := range []int{1, 4} {
		s.moveTo(t, s.now().Add(time.Duration(days)*24*time.Hour))
		if pull() == 0 {
			t.Error("nothing was new after days of business")
		}
		compare(landed)
	}
}

// newest lists columns of the newest row of each object that is not deleted.
func (w *warehouse) newest(columns []string) []string {
	last := map[string]map[string]any{}
	for _, row := range w.rows {
		last[row["id"].(string)] = row
	}
	newest := &warehouse{}
	for _, row := range last {
		if row["is_deleted"] != "true" {
			newest.rows = append(newest.rows, row)
		}
	}
	return newest.column(columns...)
}

// patient asks again after 429, which Stripe's client does not do itself.
type patient struct{}

func (patient) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests {
			return resp, err
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
