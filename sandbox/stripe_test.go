package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	stripesdk "github.com/stripe/stripe-go/v85"
)

const someDays = 50*24*time.Hour + 9*time.Hour

func TestStripe_PagesGiveEveryObjectOnceNewestFirst(t *testing.T) {
	c := newCompany(t, testConfig(400, someDays))
	for path, kind := range map[string]int{
		"/stripe/v1/customers": kindCustomer, "/stripe/v1/subscriptions?status=all": kindSubscription,
		"/stripe/v1/invoices": kindInvoice, "/stripe/v1/events": kindEvent,
	} {
		all := walkStripe(t, c, path, "100")
		if len(all) != len(c.index().stripe[kind]) || len(all) < 300 {
			t.Errorf("%s: %d objects of %d", path, len(all), len(c.index().stripe[kind]))
		}
		distinct(t, path, ids(all))
		for i, o := range all {
			created := int64(o["created"].(float64))
			if created > c.until || i > 0 && created > int64(all[i-1]["created"].(float64)) {
				t.Fatalf("%s: %v at place %d was created at %d", path, o["id"], i, created)
			}
		}
		if odd := walkStripe(t, c, path, "7"); !slices.Equal(ids(odd), ids(all)) {
			t.Errorf("%s: pages of 7 give another list", path)
		}
	}
}

func TestStripe_WalksBackWithEndingBefore(t *testing.T) {
	c := newCompany(t, testConfig(200, someDays))
	all := ids(walkStripe(t, c, "/stripe/v1/customers", "100"))
	page := decode[stripePage](t, ask(c, "GET", "/stripe/v1/customers?limit=20&ending_before="+all[70], ""))
	if !slices.Equal(ids(page.Data), all[50:70]) || !page.HasMore {
		t.Errorf("before the 70th come %v", ids(page.Data))
	}
	page = decode[stripePage](t, ask(c, "GET", "/stripe/v1/customers?limit=20&ending_before="+all[5], ""))
	if !slices.Equal(ids(page.Data), all[:5]) || page.HasMore {
		t.Errorf("before the 5th come %v, more: %t", ids(page.Data), page.HasMore)
	}
}

func TestStripe_Filters(t *testing.T) {
	c := newCompany(t, testConfig(500, someDays))
	subs := walkStripe(t, c, "/stripe/v1/subscriptions?status=all", "100")
	statuses := map[string]int{}
	for _, s := range subs {
		statuses[s["status"].(string)]++
	}
	for _, status := range []string{"trialing", "active", "canceled", "past_due", "paused", "incomplete_expired"} {
		got := walkStripe(t, c, "/stripe/v1/subscriptions?status="+status, "50")
		if len(got) != statuses[status] || len(got) == 0 {
			t.Errorf("status=%s: %d of %d", status, len(got), statuses[status])
		}
	}
	if got := walkStripe(t, c, "/stripe/v1/subscriptions", "100"); len(got) != len(subs)-statuses["canceled"] {
		t.Errorf("without a status: %d, want all but canceled: %d", len(got), len(subs)-statuses["canceled"])
	}
	customer := subs[40]["customer"].(string)
	for _, path := range []string{"/stripe/v1/subscriptions?status=all&customer=", "/stripe/v1/invoices?customer="} {
		got := walkStripe(t, c, path+customer, "1")
		if len(got) == 0 {
			t.Errorf("%s%s: nothing", path, customer)
		}
		for _, o := range got {
			if o["customer"] != customer {
				t.Errorf("%s: of %s", path, o["customer"])
			}
		}
	}
	events := walkStripe(t, c, "/stripe/v1/events", "100")
	for _, types := range [][]string{{"customer.subscription.trial_will_end"}, {"invoice.paid", "invoice.payment_failed"}} {
		want := 0
		for _, e := range events {
			if slices.Contains(types, e["type"].(string)) {
				want++
			}
		}
		if got := walkStripe(t, c, "/stripe/v1/events?"+url.Values{"types[]": types}.Encode(), "100"); len(got) != want || want == 0 {
			t.Errorf("%v: %d of %d", types, len(got), want)
		}
	}
	from, to := founding.AddDate(0, 0, 10).Unix(), founding.AddDate(0, 0, 20).Unix()
	within := func(lo, hi int64) (n int) {
		for _, s := range subs {
			if created := int64(s["created"].(float64)); created >= lo && created <= hi {
				n++
			}
		}
		return n
	}
	edge := int64(subs[len(subs)/2]["created"].(float64))
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	for query, want := range map[string]int{
		"created[gte]=" + text(from) + "&created[lt]=" + text(to): within(from, to-1),
		"created[gt]=" + text(edge):                               within(edge+1, c.until),
		"created[gte]=" + text(edge):                              within(edge, c.until),
		"created[lt]=" + text(edge):                               within(0, edge-1),
		"created[lte]=" + text(edge):                              within(0, edge),
		"created=" + text(edge):                                   within(edge, edge),
		"created[gte]=" + text(to) + "&created[lt]=" + text(from): 0,
	} {
		if got := walkStripe(t, c, "/stripe/v1/subscriptions?status=all&"+query, "100"); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
}

func TestStripe_RefusesAsStripeDoes(t *testing.T) {
	c := newCompany(t, testConfig(200, someDays))
	first := walkStripe(t, c, "/stripe/v1/customers", "100")[0]["id"].(string)
	for path, want := range map[string]struct {
		status      int
		code, param string
	}{
		"/stripe/v1/customers?limit=101":                                           {400, "parameter_invalid_integer", "limit"},
		"/stripe/v1/customers?limit=0":                                             {400, "parameter_invalid_integer", "limit"},
		"/stripe/v1/customers?colour=red":                                          {400, "parameter_unknown", "colour"},
		"/stripe/v1/customers?status=all":                                          {400, "parameter_unknown", "status"},
		"/stripe/v1/customers?created[after]=1":                                    {400, "parameter_unknown", "created[after]"},
		"/stripe/v1/customers?created[gte]=yesterday":                              {400, "parameter_invalid_integer", "created[gte]"},
		"/stripe/v1/customers?starting_after=cus_unknown":                          {400, "resource_missing", "starting_after"},
		"/stripe/v1/customers?starting_after=" + first + "&ending_before=" + first: {400, "", "ending_before"},
		"/stripe/v1/subscriptions?status=gone":                                     {400, "", "status"},
		"/stripe/v1/customers/cus_00000000000000":                                  {404, "resource_missing", "id"},
		"/stripe/v1/subscriptions/" + first:                                        {404, "resource_missing", "id"},
		"/stripe/v1/charges":                                                       {404, "", ""},
		"/stripe/v2/customers":                                                     {404, "", ""},
		"/stripe/v1/subscription_items":                                            {400, "parameter_missing", "subscription"},
	} {
		w := ask(c, "GET", path, "")
		body := decodeAny(t, w)
		e, _ := body["error"].(object)
		code, _ := e["code"].(string)
		param, _ := e["param"].(string)
		if w.Code != want.status || code != want.code || param != want.param || e["type"] != "invalid_request_error" || e["message"] == "" {
			t.Errorf("%s: %d %v", path, w.Code, body)
		}
		if w.Header().Get("Request-Id") == "" {
			t.Errorf("%s: no Request-Id", path)
		}
	}
	if w := ask(c, "POST", "/stripe/v1/customers", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a write: %d", w.Code)
	}
}

func TestStripe_DeletedCustomersLeaveTheList(t *testing.T) {
	c := newCompany(t, testConfig(2000, 100*24*time.Hour))
	listed := ids(walkStripe(t, c, "/stripe/v1/customers", "100"))
	deleted := 0
	for _, e := range walkStripe(t, c, "/stripe/v1/events?type=customer.deleted", "100") {
		deleted++
		o := e["data"].(object)["object"].(object)
		if o["email"] == nil {
			t.Errorf("the event lost the customer: %v", o)
		}
		id := o["id"].(string)
		if slices.Contains(listed, id) {
			t.Errorf("%s is still listed", id)
		}
		got := decode[object](t, ask(c, "GET", "/stripe/v1/customers/"+id, ""))
		if len(got) != 3 || got["deleted"] != true || got["object"] != "customer" {
			t.Errorf("GET gives %v", got)
		}
		if w := ask(c, "GET", "/stripe/v1/customers?starting_after="+id, ""); w.Code != 400 {
			t.Errorf("as a cursor it answers %d", w.Code)
		}
	}
	if deleted == 0 {
		t.Error("nobody was deleted")
	}
}

// The client of Stripe itself reads every list and every field that ripen uses.
func TestStripe_TheOfficialClientReadsIt(t *testing.T) {
	c := newCompany(t, testConfig(300, someDays))
	handler := c.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/stripe" + r.URL.Path // the client wants /v1 at the root
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	backends := stripesdk.NewBackendsWithConfig(&stripesdk.BackendConfig{
		URL: stripesdk.String(server.URL), LeveledLogger: &stripesdk.LeveledLogger{},
		EnableTelemetry: stripesdk.Bool(false),
	})
	client := stripesdk.NewClient(stripeKey, stripesdk.WithBackends(backends))
	ctx := context.Background()

	seen := map[string]int{}
	customers := &stripesdk.CustomerListParams{}
	customers.Limit = stripesdk.Int64(37)
	for o, err := range client.V1Customers.List(ctx, customers).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if o.ID == "" || o.Email == "" || o.Created == 0 || o.Object != "customer" {
			t.Fatalf("customer %+v", o)
		}
		seen["customers"]++
	}
	subs := &stripesdk.SubscriptionListParams{Status: stripesdk.String("all")}
	subs.Limit = stripesdk.Int64(37)
	extended := 0
	for o, err := range client.V1Subscriptions.List(ctx, subs).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		item := o.Items.Data[0]
		if o.Customer.ID == "" || o.LatestInvoice.ID == "" || item.Price.UnitAmount == 0 || item.Price.Recurring.Interval == "" ||
			item.Quantity == 0 || item.CurrentPeriodEnd <= item.CurrentPeriodStart {
			t.Fatalf("subscription %+v, item %+v", o, item)
		}
		if o.TrialEnd-o.TrialStart > 30*day {
			extended++
		}
		seen["subscriptions"]++
	}
	invoices := &stripesdk.InvoiceListParams{}
	invoices.Limit = stripesdk.Int64(37)
	for o, err := range client.V1Invoices.List(ctx, invoices).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if o.Parent.SubscriptionDetails.Subscription.ID == "" || o.Status == "" || o.Lines.Data[0].Amount != o.AmountDue {
			t.Fatalf("invoice %+v", o)
		}
		if (o.Status == stripesdk.InvoiceStatusPaid) != (o.StatusTransitions.PaidAt > 0) || o.AmountPaid+o.AmountRemaining != o.AmountDue {
			t.Fatalf("invoice %s: %s, paid at %d, %d of %d", o.ID, o.Status, o.StatusTransitions.PaidAt, o.AmountPaid, o.AmountDue)
		}
		seen["invoices"]++
	}
	events := &stripesdk.EventListParams{}
	events.Limit = stripesdk.Int64(100)
	for o, err := range client.V1Events.List(ctx, events).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if o.Type == "" || len(o.Data.Raw) == 0 || o.APIVersion != stripesdk.APIVersion {
			t.Fatalf("event %+v", o)
		}
		seen["events"]++
	}
	for name, kind := range stripeCollections {
		if seen[name] != len(c.index().stripe[kind]) {
			t.Errorf("%s: read %d of %d", name, seen[name], len(c.index().stripe[kind]))
		}
	}
	_, err := client.V1Customers.Retrieve(ctx, "cus_nobody", nil)
	if e, ok := err.(*stripesdk.Error); !ok || e.Code != stripesdk.ErrorCodeResourceMissing || e.HTTPStatusCode != 404 || e.RequestID == "" {
		t.Errorf("a missing customer: %v", err)
	}
}

func decodeAny(t *testing.T, w *httptest.ResponseRecorder) object {
	t.Helper()
	code := w.Code
	w.Code = 200
	defer func() { w.Code = code }()
	return decode[object](t, w)
}

// Rare lives (asked to cancel on the first day, before the hour of the start)
// show only among many.
func TestStripe_EveryEventHoldsTheObjectAsItWas(t *testing.T) {
	cfg := testConfig(2000, 60*24*time.Hour)
	cfg.Seed = 1 // has such a life
	c := newCompany(t, cfg)
	var w jsonWriter
	checked := 0
	for account := range uint32(2000) {
		l := c.life(account)
		for number, e := range c.stripeEvents(l) {
			if e.at > c.until {
				continue
			}
			w.b = w.b[:0]
			c.writeStripeEvent(&w, l, uint16(number), e)
			if !json.Valid(w.b) {
				t.Fatalf("account %d, event %d (%s): %s", account, number, e.typ, w.b)
			}
			checked++
		}
	}
	if checked < 5000 {
		t.Errorf("only %d events", checked)
	}
}
