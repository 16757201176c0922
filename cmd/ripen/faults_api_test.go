package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ripen-data/ripen/sandbox"
)

// Keys of the vendors in these tests; the simulated ones take any of their shape.
const (
	testStripeKey    = "sk_test_51NeverToBeSeenAnywhere"
	testHubSpotToken = "pat-na1-never-to-be-seen-anywhere"
)

// apiCompany is served to every project of these tests, and its events.
var apiCompany struct {
	once    sync.Once
	handler http.Handler
	events  map[string]string
	tables  map[string]string // of a project that met no fault
}

// fault breaks requests; n counts those of one path, from 1. It is true when the answer was given.
type fault func(n int64, w http.ResponseWriter, r *http.Request) bool

// api is a project on the APIs of the simulated company, with a fault before them.
type api struct {
	*desk
	cured    atomic.Bool
	requests sync.Map // path -> *atomic.Int64
}

func newAPI(t *testing.T, broken fault) *api {
	t.Helper()
	apiCompany.once.Do(func() { makeCompany(t) })
	return makeAPI(t, broken)
}

func makeCompany(t *testing.T) {
	for name, value := range map[string]string{"RIPEN_TEST_STRIPE": testStripeKey, "RIPEN_TEST_HUBSPOT": testHubSpotToken} {
		if err := os.Setenv(name, value); err != nil { // for all tests that run side by side
			t.Fatal(err)
		}
	}
	company := companyAt(t, apiNow)
	apiCompany.handler, apiCompany.events = company.Handler(), map[string]string{}
	dir := t.TempDir()
	if err := company.WriteEvents(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	written := &desk{t, dir}
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	for _, name := range names[max(0, len(names)-3):] { // the newest files are enough
		apiCompany.events["events/"+name] = written.read(name)
	}
	if err != nil || len(apiCompany.events) == 0 {
		t.Fatalf("events of the company: %v", err)
	}
	calm := makeAPI(t, func(int64, http.ResponseWriter, *http.Request) bool { return false })
	calm.run(exitOK, " because: ")
	apiCompany.tables = tables(t, calm.dir)
	for _, name := range []string{"raw_stripe.customers", "raw_stripe.subscriptions", "raw_stripe.invoices", "raw_stripe.events", "raw_hubspot.companies",
		"raw_hubspot.contacts", "raw_hubspot.deals", "raw_hubspot.engagements", "raw_hubspot.owners", "raw_segment.events", "report.rpt_sales_queue"} {
		if strings.HasPrefix(apiCompany.tables[name], "0 rows") {
			t.Errorf("%s is empty", name)
		}
	}
}

// apiNow is the company's now.
var apiNow = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func companyAt(t *testing.T, now time.Time) *sandbox.Company {
	company, err := sandbox.New(sandbox.Config{
		Seed: 7, Accounts: 200, Days: 30, Start: apiNow.Truncate(24*time.Hour).AddDate(0, 0, -30), Until: now, BadLines: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return company
}

func makeAPI(t *testing.T, broken fault) *api {
	a := &api{desk: &desk{t, t.TempDir()}}
	calmDesk.once.Do(a.makeCalm)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := a.requests.LoadOrStore(r.URL.Path, new(atomic.Int64))
		if a.cured.Load() || !broken(n.(*atomic.Int64).Add(1), w, r) {
			apiCompany.handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for _, files := range []map[string]string{calmDesk.cache, apiCompany.events} {
		for name, text := range files {
			a.write(name, text)
		}
	}
	a.write("ripen.yaml", fmt.Sprintf(`name: api
sources:
  product: {type: segment, path: events}
  billing: {type: stripe, base_url: "%[1]s/stripe", api_key_env: RIPEN_TEST_STRIPE, rate_limit: 10000}
  crm: {type: hubspot, base_url: "%[1]s/hubspot", token_env: RIPEN_TEST_HUBSPOT, rate_limit: 10000}
`, server.URL))
	return a
}

func (a *api) count(path string) int64 {
	n, ok := a.requests.Load(path)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

// noSecret looks for the keys in what was printed and in every file of the project.
func (a *api) noSecret(o outcome) {
	a.t.Helper()
	texts := map[string][]byte{"stdout": []byte(o.stdout), "stderr": []byte(o.stderr)}
	err := filepath.WalkDir(a.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path, filepath.Join(a.dir, "events")) {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	for name, text := range texts {
		for _, key := range []string{testStripeKey, testHubSpotToken} {
			if bytes.Contains(text, []byte(key)) {
				a.t.Errorf("%s holds %s", name, key)
			}
		}
	}
}

// refuse answers requests whose path has a part with a status and a body that repeats the key.
func refuse(part string, status int, header map[string]string, body string) fault {
	return func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, body, r.Header.Get("Authorization"))
		return true
	}
}

// once lets a fault break the first request of each path only.
func once(f fault) fault {
	return func(n int64, w http.ResponseWriter, r *http.Request) bool { return n == 1 && f(n, w, r) }
}

// late lets a fault break everything but the first request of each path.
func late(f fault) fault {
	return func(n int64, w http.ResponseWriter, r *http.Request) bool { return n > 1 && f(n, w, r) }
}

// cut answers as the company does, but for the second half of the body.
func cut(_ int64, w http.ResponseWriter, r *http.Request) bool {
	whole := httptest.NewRecorder()
	apiCompany.handler.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

const (
	stripeBody  = `{"error":{"type":"invalid_request_error","message":"No: %s"}}`
	hubspotBody = `{"status":"error","category":"NO","message":"No: %s"}`
)

// soon is a wait that the server asks for, so that lasting faults are met fast.
var soon = map[string]string{"Retry-After": "0.001"}

func TestFaults_RefusingAPIStopsItsTablesOnlyAndTheNextRunCatchesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		broken fault
		says   []string
		empty  []string // raw tables that must be empty now
		whole  []string // raw tables that must be complete now
		queue  bool
	}{
		{"Stripe 401", refuse("/stripe/", 401, nil, stripeBody),
			[]string{"extract billing.stripe.customers: ", "401 Unauthorized", "[redacted]", "hint: set RIPEN_TEST_STRIPE to a secret or restricted key"},
			[]string{"raw_stripe.customers", "raw_stripe.subscriptions", "raw_stripe.invoices", "raw_stripe.events"},
			[]string{"raw_segment.events", "raw_hubspot.companies", "raw_hubspot.engagements"}, false},
		{"Stripe 403 for one table", refuse("/v1/invoices", 403, nil, stripeBody),
			[]string{"extract billing.stripe.invoices: ", "403 Forbidden", "hint: give the restricted key in RIPEN_TEST_STRIPE read access", " because: "},
			[]string{"raw_stripe.invoices"}, []string{"raw_stripe.customers", "raw_stripe.subscriptions", "raw_segment.events", "raw_hubspot.deals"}, true},
		{"HubSpot 401", refuse("/hubspot/", 401, nil, hubspotBody),
			[]string{"extract crm.hubspot.owners: ", "401 Unauthorized", "hint: set RIPEN_TEST_HUBSPOT to the access token"},
			[]string{"raw_hubspot.companies", "raw_hubspot.owners"}, []string{"raw_stripe.customers", "raw_segment.events"}, false},
		{"HubSpot 403 for one table", refuse("/objects/deals", 403, nil, hubspotBody),
			[]string{"extract crm.hubspot.deals: ", "403 Forbidden", "hint: give the private app of RIPEN_TEST_HUBSPOT the scopes "},
			[]string{"raw_hubspot.deals"}, []string{"raw_hubspot.companies", "raw_hubspot.contacts", "raw_stripe.invoices"}, false},
		{"Stripe 429 that stays", refuse("/v1/subscriptions", 429, soon, stripeBody),
			[]string{"extract billing.stripe.subscriptions: ", "429 Too Many Requests", "after 6 attempts", "hint: lower rate_limit of the source"},
			[]string{"raw_stripe.subscriptions"}, []string{"raw_stripe.customers", "raw_hubspot.companies"}, false},
		{"HubSpot's daily quota", refuse("/objects/contacts", 429, nil, `{"status":"error","policyName":"DAILY","message":"%.0sYou have reached your daily limit."}`),
			[]string{"extract crm.hubspot.contacts: ", "the quota of the source is used up", "hint: the account's daily requests are used up until midnight"},
			[]string{"raw_hubspot.contacts"}, []string{"raw_hubspot.companies", "raw_stripe.customers"}, false},
		{"500 that stays, from the second page on", late(refuse("/v1/customers", 500, soon, stripeBody)),
			[]string{"extract billing.stripe.customers: ", "500 Internal Server Error", "after 6 attempts", "hint: Stripe has a problem: https://status.stripe.com"},
			[]string{"raw_stripe.customers"}, []string{"raw_stripe.subscriptions", "raw_hubspot.companies"}, false},
		{"a proxy's page in place of JSON", refuse("/objects/companies", 502, soon, "<html>bad gateway%.0s</html>"),
			[]string{"extract crm.hubspot.companies: ", "502 Bad Gateway", "hint: HubSpot has a problem"},
			[]string{"raw_hubspot.companies"}, []string{"raw_hubspot.contacts", "raw_stripe.customers"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, c.broken)
			var o outcome
			if c.queue {
				o = a.run(exitInfra, c.says...)
			} else {
				o = a.runAt(testNow, "extract")
				o.want(t, exitInfra, c.says...)
				a.runAt(testNow, "load").want(t, exitOK)
			}
			a.noSecret(o)
			if path := "/hubspot/crm/v3/objects/contacts"; c.name == "HubSpot's daily quota" && a.count(path) != 1 {
				t.Errorf("%d requests to %s after the quota was used up, want 1", a.count(path), path)
			}
			now := tables(t, a.dir)
			for _, name := range c.empty {
				if !strings.HasPrefix(now[name], "0 rows") {
					t.Errorf("%s: %s, want none", name, now[name])
				}
			}
			for _, name := range c.whole {
				if now[name] != apiCompany.tables[name] {
					t.Errorf("%s: %s, want %s", name, now[name], apiCompany.tables[name])
				}
			}
			a.cured.Store(true)
			a.sameAfter(c.queue)
		})
	}
}

// sameAfter lets the next run catch up and compares with a project that met no fault.
func (a *api) sameAfter(queue bool) {
	a.t.Helper()
	if queue {
		a.run(exitOK, " because: ")
		compareTables(a.t, tables(a.t, a.dir), apiCompany.tables)
		return
	}
	a.move(exitOK)
	compareTables(a.t, rawOnly(tables(a.t, a.dir)), rawOnly(apiCompany.tables))
}

func TestFaults_PassingTroubleOfAPIsLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]fault{
		"429 without Retry-After": once(func(n int64, w http.ResponseWriter, r *http.Request) bool {
			return refuse("/v1/events", 429, nil, stripeBody)(n, w, r) || refuse("/objects/companies", 429, nil, hubspotBody)(n, w, r)
		}),
		"429 with Retry-After": once(func(n int64, w http.ResponseWriter, r *http.Request) bool {
			return refuse("/v1/invoices", 429, map[string]string{"Retry-After": "1"}, stripeBody)(n, w, r) ||
				refuse("/objects/deals", 429, map[string]string{"Retry-After": "1"}, hubspotBody)(n, w, r)
		}),
		"500 once": once(func(n int64, w http.ResponseWriter, r *http.Request) bool {
			return refuse("/v1/", 500, nil, stripeBody)(n, w, r) || refuse("/hubspot/", 503, nil, hubspotBody)(n, w, r)
		}),
		"a body cut in the middle": once(cut),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, broken)
			o := a.runAt(testNow, "extract")
			o.want(t, exitOK)
			a.noSecret(o)
			a.sameAfter(false)
		})
	}
}

// Both APIs are asked for what changed since the last run. A clock that was ahead
// in that run must not hide what happens until it is caught up with.
func TestFaults_ClockAheadHidesNoChangeOfAPIs(t *testing.T) {
	t.Parallel()
	var company http.Handler
	serve := func(_ int64, w http.ResponseWriter, r *http.Request) bool { company.ServeHTTP(w, r); return true }
	a := newAPI(t, serve)
	extract := func(now time.Time, ahead time.Duration) {
		t.Helper()
		company = companyAt(t, now).Handler()
		a.runAt(now.Add(ahead), "extract", "--table", "billing", "--table", "crm").want(t, exitOK)
	}
	extract(apiNow.Add(-72*time.Hour), 24*time.Hour)
	extract(apiNow.Add(-60*time.Hour), 0)
	extract(apiNow, 0)
	a.runAt(testNow, "load").want(t, exitOK)

	calm := newAPI(t, func(int64, http.ResponseWriter, *http.Request) bool { return false })
	calm.move(exitOK)
	for _, table := range []string{"stripe.customers", "stripe.subscriptions", "stripe.invoices", "hubspot.companies", "hubspot.contacts", "hubspot.deals", "hubspot.engagements",
		"stripe.events where created >= timestamp '2026-02-02'"} { // Stripe keeps events for 30 days
		query := "select count(distinct id), md5(string_agg(distinct id, ' ' order by id)) from raw_" + table
		if got, want := a.query(query), calm.query(query); got[0] != want[0] {
			t.Errorf("%s: objects %s, want %s", table, got, want)
		}
	}
}
