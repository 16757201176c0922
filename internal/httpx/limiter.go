package httpx

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit is a token bucket.
type Limit struct {
	PerSecond float64
	Burst     int
	Fixed     bool // the vendor's headers may lower the rate, but not raise it
}

// limiter is a token bucket that the vendor's headers correct: they win over any
// number in a configuration, because limits differ by plan and change.
type limiter struct {
	mu     sync.Mutex
	limit  Limit
	bucket *rate.Limiter
	held   time.Time // no request before
}

func newLimiter(l Limit, now time.Time) *limiter {
	l.Burst = max(l.Burst, 1)
	bucket := rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	bucket.AllowN(now, 0)
	return &limiter{limit: l, bucket: bucket}
}

// reserve takes a token and returns 0, or returns how long to wait before asking again.
func (l *limiter) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.held.Sub(now); wait > 0 {
		return wait
	}
	if l.limit.PerSecond <= 0 {
		return 0
	}
	token := l.bucket.ReserveN(now, 1)
	wait := token.DelayFrom(now)
	if wait > 0 {
		token.CancelAt(now)
	}
	return wait
}

// hold lets no request through before the instant.
func (l *limiter) hold(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.held) {
		l.held = until
	}
}

// correct adopts what the vendor says. Nine tenths of its rate, half a window's
// worth at once: other users of the same account share the limit.
func (l *limiter) correct(b Budget, now time.Time) {
	if b.Max <= 0 || b.Window <= 0 {
		return
	}
	if b.Remaining <= 0 {
		l.hold(now.Add(b.Window))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	perSecond := 0.9 * float64(b.Max) / b.Window.Seconds()
	if l.limit.Fixed {
		perSecond = math.Min(perSecond, l.limit.PerSecond)
	}
	if limit := rate.Limit(perSecond); l.bucket.Limit() != limit {
		l.bucket.SetLimitAt(now, limit)
		if !l.limit.Fixed {
			l.bucket.SetBurstAt(now, max(b.Max/2, 1))
		}
		l.limit.PerSecond = perSecond
	}
}
