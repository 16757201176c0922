package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Handler serves the company's Stripe-shaped API under /stripe/v1/ and its
// HubSpot-shaped one under /hubspot/crm/. Any key of the vendor's form is let in.
func (c *Company) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/stripe/", c.guard(vendorStripe, http.StripPrefix("/stripe", c.stripe())))
	mux.Handle("/hubspot/", c.guard(vendorHubSpot, http.StripPrefix("/hubspot", c.hubspot())))
	return mux
}

// unlimited is the limit per ten seconds that the headers name when there is none:
// clients obey the headers.
const unlimited = 1_000_000

const (
	vendorStripe = iota
	vendorHubSpot
)

// guard gives every answer its request id and refuses what is too much or not allowed.
func (c *Company) guard(vendor int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := c.requests.Add(1)
		id := c.ids.code(7, n) + c.ids.code(8, n)[:6]
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Date", time.Unix(c.until, 0).UTC().Format(http.TimeFormat)) // the company's now
		if vendor == vendorStripe {
			h.Set("Request-Id", "req_"+id)
			h.Set("Stripe-Version", stripeVersion)
		} else {
			h.Set("X-HubSpot-Correlation-Id", string(appendUUID(nil, hash(c.cfg.Seed, n, 0, 0))))
		}
		every := uint64(max(c.cfg.ThrottleEvery, 0))
		if every > 0 && n%every == 0 || !c.buckets[vendor].take(float64(c.cfg.RatePerSecond), c.now()) {
			h.Set("Retry-After", "1")
			if vendor == vendorStripe {
				stripeError(w, http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "", "Too many requests. Try again in a moment.")
			} else {
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprintf(w, `{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT","category":"RATE_LIMITS","policyName":"SECONDLY","correlationId":%q}`,
					h.Get("X-HubSpot-Correlation-Id"))
			}
			return
		}
		if !authorized(vendor, r) {
			if vendor == vendorStripe {
				stripeError(w, http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided. Send it as a Bearer token; the sandbox takes any that starts with sk_test_ or rk_test_.")
			} else {
				hubspotError(w, http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found. The sandbox takes any Bearer token that starts with pat-.")
			}
			return
		}
		if vendor == vendorHubSpot && !strings.HasSuffix(r.URL.Path, "/search") {
			limit := cmp.Or(10*c.cfg.RatePerSecond, unlimited)
			h.Set("X-HubSpot-RateLimit-Max", fmt.Sprint(limit))
			h.Set("X-HubSpot-RateLimit-Remaining", fmt.Sprint(limit-1))
			h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
			h.Set("X-HubSpot-RateLimit-Daily", "1000000")
			h.Set("X-HubSpot-RateLimit-Daily-Remaining", fmt.Sprint(max(0, 1_000_000-int64(n))))
		}
		next.ServeHTTP(w, r)
	})
}

func authorized(vendor int, r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if vendor == vendorHubSpot {
		return ok && len(token) > 4 && strings.HasPrefix(token, "pat-")
	}
	if user, _, basic := r.BasicAuth(); basic { // curl -u sk_test_…:
		token, ok = user, true
	}
	return ok && len(token) > 8 && (strings.HasPrefix(token, "sk_test_") || strings.HasPrefix(token, "rk_test_"))
}

// bucket is a token bucket that holds one second's worth.
type bucket struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// take is true when there is a token, or when there is no limit.
func (b *bucket) take(perSecond float64, now time.Time) bool {
	if perSecond <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.IsZero() {
		b.tokens = perSecond
	} else {
		b.tokens = min(perSecond, b.tokens+now.Sub(b.last).Seconds()*perSecond)
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
