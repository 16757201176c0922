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
