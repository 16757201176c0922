package stripe

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/landing"
)

// company fills a fake with customers of several ages, some in the same second.
func company(t *testing.T, customers int) *fake {
	f := newFake(t)
	start := f.now.Add(-300 * 24 * time.Hour).Unix()
	for i := range customers {
		f.add("/v1/customers", customer(fmt.Sprintf("cus_%03d", i), start+int64(i/4)*3600), "")
	}
	return f
}

func wantIDs(prefix string, n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("%s_%03d", prefix, i))
	}
	return ids
}

func TestExtractor_ListsEverythingOnceAndThenNothing(t *testing.T) {
	f := company(t, 25)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "stripe.customers")
	if diff := cmp.Diff(wantIDs("cus", 25), w.column("id")); diff != "" {
		t.Error(diff)
	}
	if w.commits < 4 {
		t.Errorf("%d commits: the listing cannot be resumed", w.commits)
	}
	f.takeRequests()
	for range 3 {
		f.advance(7 * time.Minute)
		before := w
		w.mustPull(t, e, "stripe.customers")
		if w.commits != before.commits || w.cursor != before.cursor {
			t.Fatal("nothing was new, yet something was committed")
		}
	}
	for _, request := range f.takeRequests() {
		if !strings.HasPrefix(request, "/v1/events?") {
			t.Errorf("asked for %s", request)
		}
	}
	f.advance(25 * time.Hour)
	w.mustPull(t, e, "stripe.customers")
	if len(w.rows) != 25 || !strings.Contains(string(w.cursor), fmt.Sprint(f.now.Unix())) {
		t.Errorf("an old cursor did not move: %s, %d rows", w.cursor, len(w.rows))
	}
}

func TestExtractor_AsksForCancelledSubscriptionsAndAllItems(t *testing.T) {
	f := newFake(t)
	item := func(i int) map[string]any {
		return map[string]any{"id": fmt.Sprintf("si_%d", i), "quantity": i, "price": map[string]any{"id": "price_1", "recurring": map[string]any{"interval": "month"}}}
	}
	f.items["sub_1"] = []map[string]any{item(1), item(2), item(3), item(4), item(5)}
	f.add("/v1/subscriptions", map[string]any{
		"id": "sub_1", "object": "subscription", "created": int64(1_700_000_000), "customer": "cus_1", "status": "canceled",
		"items":    map[string]any{"object": "list", "has_more": true, "data": []any{item(1)}, "url": "/v1/subscription_items?subscription=sub_1"},
		"metadata": map[string]any{"account": "a-1"},
	}, "")
	var w warehouse
	w.mustPull(t, f.extractor(t, nil), "stripe.subscriptions")
	if len(w.rows) != 1 || len(w.rejects) != 0 {
		t.Fatalf("rows %v, rejects %v", w.rows, w.rejects)
	}
	row := w.rows[0]
	if got := strings.Count(row["items"].(string), `"si_`); got != 5 {
		t.Errorf("%d items: %s", got, row["items"])
	}
	if row["price_id"] != "price_1" || row["quantity"] != "1" || row["metadata"] != `{"account":"a-1"}` || row["status"] != "canceled" {
		t.Errorf("row %v", row)
	}
	if strings.Contains(row["payload"].(string), "\n") {
		t.Error("the payload kept its indentation")
	}
}

func TestExtractor_FetchesWhatEventsName(t *testing.T) {
	f := company(t, 5)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "stripe.customers")
	w.rows = nil
	f.advance(time.Hour)
	f.change("/v1/customers", "cus_001", "customer.updated", map[string]any{"name": "n1"})
	f.change("/v1/customers", "cus_001", "customer.updated", map[string]any{"name": "n2"})
	f.change("/v1/customers", "cus_002", "customer.deleted", map[string]any{"deleted": true})
	f.add("/v1/customers", customer("cus_new", f.now.Unix()), "customer.created")
	f.change("/v1/customers", "cus_003", "customer.tax_id.created", map[string]any{"name": "not asked for"})
	f.advance(time.Minute)
	f.takeRequests()
	w.mustPull(t, e, "stripe.customers")
	want := []string{"cus_001/n2/<nil>", "cus_002/<nil>/true", "cus_new/n0/<nil>"}
	if diff := cmp.Diff(want, w.column("id", "name", "is_deleted")); diff != "" {
		t.Error(diff)
	}
	if got := len(f.takeRequests()); got != 5 { // two pages of events, three objects
		t.Errorf("%d requests", got)
	}
	f.advance(time.Minute)
	w.mustPull(t, e, "stripe.customers")
	if len(w.rows) != 3 {
		t.Errorf("the overlap landed something twice: %v", w.column("id"))
	}
}

func TestExtractor_FindsAnEventThatShowsUpLate(t *testing.T) {
	f := company(t, 5)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "stripe.customers")
	w.rows = nil
	f.event("customer.updated", customer("cus_004", 1), f.now.Add(-5*time.Minute).Unix())
	f.advance(time.Minute)
	w.mustPull(t, e, "stripe.customers")
	w.mustPull(t, e, "stripe.customers")
	if diff := cmp.Diff([]string{"cus_004"}, w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_FetchesAnObjectOncePerRunHoweverLongTheGap(t *testing.T) {
	f := company(t, 5)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "stripe.customers")
	w.rows = nil
	for range 10 {
		f.advance(24 * time.Hour)
		f.change("/v1/customers", "cus_001", "customer.updated", map[string]any{"name": f.now.Format(time.DateOnly)})
	}
	f.advance(time.Hour)
	w.mustPull(t, e, "stripe.customers")
	w.mustPull(t, e, "stripe.customers")
	if diff := cmp.Diff([]string{"cus_001/2026-03-11"}, w.column("id", "name")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_RemembersTheFirstEventsOfAListingThatFailedLater(t *testing.T) {
	for fault := 1; fault < 7; fault++ {
		f := newFake(t)
		e := f.extractor(t, nil)
		for i := range 18 { // newest first, so the recent ones are committed before the fault
			f.event("customer.updated", customer("cus_1", 1), f.now.Unix()-int64(i)*100-1)
		}
		f.fault = func(n int, rw http.ResponseWriter, _ *http.Request) bool {
			if n == fault {
				rw.WriteHeader(400)
			}
			return n == fault
		}
		var w warehouse
		for range 4 {
			if err := w.pull(t, e, "stripe.events"); err != nil && httpx.Status(err) != 400 {
				t.Fatal(err)
			}
			f.advance(time.Minute)
		}
		var want []string
		for i := range 18 {
			want = append(want, fmt.Sprintf("evt_%04d", i+1))
		}
		if diff := cmp.Diff(want, w.column("id")); diff != "" {
			t.Errorf("fault at request %d: %s", fault, diff)
		}
	}
}

func TestExtractor_LandsTheLastStateOfAnObjectThatIsGone(t *testing.T) {
	f := newFake(t)
	e := f.extractor(t, nil)
	f.add("/v1/invoices", map[string]any{"id": "in_1", "object": "invoice", "created": int64(1_700_000_000), "status": "draft"}, "")
	var w warehouse
	w.mustPull(t, e, "stripe.invoices")
	f.advance(time.Hour)
	f.remove("/v1/invoices", "in_1", "invoice.deleted")
	f.advance(time.Second)
	w.mustPull(t, e, "stripe.invoices")
	if len(w.rows) != 2 || !strings.Contains(w.rows[1]["payload"].(string), `"deleted":true`) || w.rows[1]["status"] != "draft" {
		t.Errorf("rows %v", w.rows)
	}
}

func TestExtractor_LandsEachEventOnce(t *testing.T) {
	f := newFake(t)
	e := f.extractor(t, nil)
	var w warehouse
	events := 0
	for range 6 {
		for range 5 {
			events++
			f.advance(40 * time.Second)
			f.event("customer.updated", customer("cus_1", 1), f.now.Unix()-1)
		}
		w.mustPull(t, e, "stripe.events")
	}
	f.advance(26 * time.Hour)
	f.event("customer.updated", customer("cus_1", 1), f.now.Unix()-1)
	w.mustPull(t, e, "stripe.events")
	w.mustPull(t, e, "stripe.events")
	var want []string
	for i := range events + 1 {
		want = append(want, fmt.Sprintf("evt_%04d", i+1))
	}
	if diff := cmp.Diff(want, w.column("id")); diff != "" {
		t.Error(diff)
	}
	if w.rows[0]["object_id"] != "cus_1" || w.rows[0]["object_type"] != "customer" {
		t.Errorf("row %v", w.rows[0])
	}
}

func TestExtractor_SaysSoAndListsAgainWhenItsCursorIsTooOld(t *testing.T) {
	f := company(t, 5)
	var notes []string
	e := f.extractor(t, func(c *Config) {
		c.Note = func(table, note string) { notes = append(notes, table+": "+note) }
	})
	var customers, events warehouse
	customers.mustPull(t, e, "stripe.customers")
	events.mustPull(t, e, "stripe.events")
	f.change("/v1/customers", "cus_001", "", map[string]any{"name": "changed without a trace"})
	f.advance(31 * 24 * time.Hour)
	customers.rows = nil
	customers.mustPull(t, e, "stripe.customers")
	events.mustPull(t, e, "stripe.events")
	if len(customers.rows) != 5 || len(notes) != 2 ||
		!strings.Contains(notes[0], "stripe.customers: last read up to 2026-03-01") || !strings.Contains(notes[0], "the whole table is listed again") ||
		!strings.Contains(notes[1], "the events between are lost") {
		t.Errorf("%d rows, notes %q", len(customers.rows), notes)
	}
}

func TestExtractor_GoesOnBehindADeletedPageToken(t *testing.T) {
	f := company(t, 25)
	f.fault = func(n int, _ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("starting_after") == "cus_016" { // of the second in which 016 to 019 were created
			f.lists["/v1/customers"] = slices.DeleteFunc(f.lists["/v1/customers"], func(o map[string]any) bool { return o["id"] == "cus_016" })
		}
		return false
	}
	var w warehouse
	w.mustPull(t, f.extractor(t, func(c *Config) { c.PageSize = 9 }), "stripe.customers")
	if diff := cmp.Diff(wantIDs("cus", 25), w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_DoesNotResumeAListThatIsNotNewestFirst(t *testing.T) {
	f := company(t, 25)
	order := rand.New(rand.NewPCG(1, 2))
	order.Shuffle(25, func(i, j int) {
		list := f.lists["/v1/customers"]
		list[i], list[j] = list[j], list[i]
	})
	f.shuffle = true
	for fault := range 9 {
		var w warehouse
		f.requests = nil
		f.fault = func(n int, rw http.ResponseWriter, _ *http.Request) bool {
			if n == fault {
				rw.WriteHeader(400)
			}
			return n == fault
		}
		err := w.pull(t, f.extractor(t, nil), "stripe.customers")
		if err == nil {
			t.Fatalf("fault %d did not show", fault)
		}
		w.mustPull(t, f.extractor(t, nil), "stripe.customers")
		got := slices.Compact(w.column("id"))
		if diff := cmp.Diff(wantIDs("cus", 25), got); diff != "" {
			t.Errorf("fault %d: %s", fault, diff)
		}
	}
}

func TestExtractor_ConvergesWhereverARequestFails(t *testing.T) {
	// One story: a first run, changes, a second run. It is told once without a
	// fault, and then once for each request that may fail for good.
	story := func(fault int) (rows []string, requests int, failed bool) {
		f := company(t, 14)
		e := f.extractor(t, nil)
		var w warehouse
		count := 0
		f.fault = func(_ int, rw http.ResponseWriter, _ *http.Request) bool {
			count++
			if count-1 == fault {
				rw.WriteHeader(400)
				io.WriteString(rw, `{"error":{"type":"invalid_request_error","message":"broken"}}`)
				return true
			}
			return false
		}
		pull := func() {
			if err := w.pull(t, e, "stripe.customers"); err != nil {
				failed = true
				w.mustPull(t, e, "stripe.customers")
			}
		}
		pull()
		f.advance(2 * 24 * time.Hour)
		for i := range 12 {
			f.advance(5 * time.Hour)
			f.change("/v1/customers", fmt.Sprintf("cus_%03d", i), "customer.updated", map[string]any{"name": "n1"})
		}
		f.advance(time.Hour)
		pull()
		return w.column("id", "name"), count, failed
	}
	want, requests, _ := story(-1)
	if len(want) != 14+12 {
		t.Fatalf("%d rows without a fault", len(want))
	}
	for fault := range requests {
		got, _, failed := story(fault)
		if !failed {
			t.Errorf("fault at request %d did not show", fault)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fault at request %d: %s", fault, diff)
		}
	}
}

func TestExtractor_ReadsThroughFaultsThatPass(t *testing.T) {
	f := company(t, 25)
	f.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		switch n % 7 {
		case 0:
			w.Header().Set("Retry-After", "2")
			writeError(w, 429, "rate_limit", "slow down")
		case 2:
			w.Header().Set("Content-Length", "9999")
			io.WriteString(w, `{"data": [{"id": "cus_half"`)
		case 4:
			w.Header().Set("Stripe-Should-Retry", "true")
			writeError(w, 400, "odd", "try again")
		case 5:
			w.WriteHeader(502)
			io.WriteString(w, "<html>bad gateway")
		default:
			return false
		}
		return true
	}
	var w warehouse
	w.mustPull(t, f.extractor(t, nil), "stripe.customers")
	if diff := cmp.Diff(wantIDs("cus", 25), w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_EndsWithAClearError(t *testing.T) {
	for _, test := range []struct {
		answer    http.HandlerFunc
		want      string
		wantHint  string
		fewerThan int
	}{
		{func(w http.ResponseWriter, _ *http.Request) {
			writeError(w, 401, "", "Invalid API Key provided: "+testKey)
		}, "401 Unauthorized: invalid_request_error: Invalid API Key provided: [redacted] (request req_0)", "set MY_KEY", 2},
		{func(w http.ResponseWriter, _ *http.Request) {
			writeError(w, 403, "", "The provided key does not have access")
		}, "403 Forbidden", "restricted key in MY_KEY read access", 2},
		{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Stripe-Should-Retry", "false")
			writeError(w, 500, "", "no use")
		}, "500 Internal Server Error", "status.stripe.com", 2},
		{func(w http.ResponseWriter, _ *http.Request) { writeError(w, 429, "rate_limit", "slow down") }, "429 Too Many Requests: rate_limit", "rate_limit of the source", 4},
		{func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"object":"charge"}`) }, "the answer is no list", "", 2},
	} {
		f := company(t, 3)
		f.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool { test.answer(w, r); return true }
		err := new(warehouse).pull(t, f.extractor(t, func(c *Config) { c.KeyName = "MY_KEY" }), "stripe.customers")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if hints := strings.Join(hint.Of(err), "; "); !strings.Contains(hints, test.wantHint) {
			t.Errorf("hints %q, want %q", hints, test.wantHint)
		}
		if n := len(f.takeRequests()); n >= test.fewerThan {
			t.Errorf("%v: after %d requests", err, n)
		}
		if strings.Contains(fmt.Sprint(err, hint.Of(err)), testKey) {
			t.Errorf("shows the key: %v", err)
		}
	}
}

func TestExtractor_MakesAnObjectThatDoesNotFitADeadLetter(t *testing.T) {
	f := company(t, 3)
	f.add("/v1/customers", map[string]any{"id": "cus_bad", "created": int64(1_700_000_000), "email": map[string]any{"a": 1}, "deleted": "maybe"}, "")
	var w warehouse
	w.mustPull(t, f.extractor(t, nil), "stripe.customers")
	if len(w.rows) != 3 || len(w.rejects) != 1 || w.rejects[0].Location != "cus_bad" {
		t.Errorf("%d rows, rejects %+v", len(w.rows), w.rejects)
	}
}

func TestExtractor_StopsWhenNobodyWantsMore(t *testing.T) {
	f := company(t, 25)
	for batch, err := range f.extractor(t, nil).Extract(t.Context(), table(t, "stripe.customers"), "") {
		if err != nil {
			t.Fatal(err)
		}
		batch.Rows.Release()
		break
	}
	if n := len(f.takeRequests()); n > 4 {
		t.Errorf("%d requests after the first batch was enough", n)
	}
}

func TestExtractor_RefusesAForeignCursor(t *testing.T) {
	f := company(t, 1)
	for _, text := range []string{"yesterday", "{}", `{"v":9,"until":5}`, `{"v":1,"until":5,"seen":"?"}`} {
		w := warehouse{cursor: landing.Cursor(text)}
		if err := w.pull(t, f.extractor(t, nil), "stripe.customers"); err == nil {
			t.Errorf("took cursor %q", text)
		}
	}
}

func TestNew_NeedsAKey(t *testing.T) {
	_, err := New(Config{APIKey: " "})
	if err == nil || !strings.Contains(strings.Join(hint.Of(err), ""), "STRIPE_API_KEY") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}
