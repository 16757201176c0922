package sandbox

import (
	"net/http/httptest"
	"testing"
	"time"
)

func TestHandler_WantsAKeyOfTheVendor(t *testing.T) {
	c := newCompany(t, testConfig(200, 24*time.Hour))
	for _, try := range []struct {
		path, authorization string
		want                int
	}{
		{"/stripe/v1/customers", "", 401},
		{"/stripe/v1/customers", "Bearer " + hubspotToken, 401},
		{"/stripe/v1/customers", "Bearer sk_live_1234567890", 401},
		{"/stripe/v1/customers", "Bearer " + stripeKey, 200},
		{"/stripe/v1/customers", "Bearer rk_test_1234567890", 200},
		{"/hubspot/crm/v3/owners", "", 401},
		{"/hubspot/crm/v3/owners", "Bearer " + stripeKey, 401},
		{"/hubspot/crm/v3/owners", "Bearer " + hubspotToken, 200},
	} {
		r := httptest.NewRequest("GET", try.path, nil)
		r.Header.Set("Authorization", try.authorization)
		w := httptest.NewRecorder()
		c.Handler().ServeHTTP(w, r)
		if w.Code != try.want {
			t.Errorf("%s with %q: %d, want %d", try.path, try.authorization, w.Code, try.want)
		}
	}
	r := httptest.NewRequest("GET", "/stripe/v1/customers", nil)
	r.SetBasicAuth(stripeKey, "")
	w := httptest.NewRecorder()
	if c.Handler().ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("basic authentication: %d", w.Code)
	}
}

func TestHandler_ThrottlesEveryNthRequest(t *testing.T) {
	cfg := testConfig(200, 24*time.Hour)
	cfg.ThrottleEvery = 3
	c := newCompany(t, cfg)
	for i := 1; i <= 12; i++ {
		path := "/stripe/v1/customers"
		if i > 6 {
			path = "/hubspot/crm/v3/objects/companies"
		}
		w := ask(c, "GET", path, "")
		if i%3 != 0 {
			if w.Code != 200 {
				t.Errorf("request %d: %d", i, w.Code)
			}
			continue
		}
		body := decodeAny(t, w)
		if w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("request %d: %d %v", i, w.Code, w.Header())
		}
		if i <= 6 {
			if body["error"].(object)["code"] != "rate_limit" {
				t.Errorf("Stripe says %v", body)
			}
		} else if body["category"] != "RATE_LIMITS" || body["policyName"] != "SECONDLY" || body["correlationId"] == "" {
			t.Errorf("HubSpot says %v", body)
		}
	}
}

func TestHandler_LimitsTheRatePerVendor(t *testing.T) {
	cfg := testConfig(200, 24*time.Hour)
	cfg.RatePerSecond = 5
	c := newCompany(t, cfg)
	now := time.Unix(1000, 0)
	c.now = func() time.Time { return now }
	answer := func(path string) int { return ask(c, "GET", path, "").Code }
	for i := range 7 {
		if got := answer("/stripe/v1/customers"); (got == 429) != (i >= 5) {
			t.Errorf("request %d of one second: %d", i, got)
		}
	}
	if got := answer("/hubspot/crm/v3/owners"); got != 200 {
		t.Errorf("the other vendor: %d", got)
	}
	now = now.Add(400 * time.Millisecond)
	for i := range 3 {
		if got := answer("/stripe/v1/customers"); (got == 429) != (i >= 2) {
			t.Errorf("request %d after 0.4 s: %d", i, got)
		}
	}
}

func TestHandler_AnswersManyAtOnce(t *testing.T) {
	c := newCompany(t, testConfig(300, 40*24*time.Hour))
	alone := newCompany(t, testConfig(300, 40*24*time.Hour))
	paths := []string{"/stripe/v1/customers?limit=100", "/stripe/v1/subscriptions?limit=100&status=all", "/stripe/v1/events?limit=100",
		"/hubspot/crm/v3/objects/companies?limit=100", "/hubspot/crm/v3/objects/contacts?limit=100&associations=companies"}
	type answer struct{ path, body string }
	answers := make(chan answer)
	for _, path := range paths {
		for range 4 {
			go func() { answers <- answer{path, ask(c, "GET", path, "").Body.String()} }()
		}
	}
	for range 4 * len(paths) {
		got := <-answers
		if want := ask(alone, "GET", got.path, "").Body.String(); got.body != want {
			t.Errorf("%s differs among others", got.path)
		}
	}
}
