package sandbox

import "math"

// Tags keep the random streams of one account apart, so that drawing more in
// one place never changes another.
const (
	tagProfile = iota + 1
	tagSignup
	tagTrial
	tagTrialDay
	tagRollout
	tagPaidDay
	tagBilling
	tagSeats
	tagCRM
	tagTouch
	tagPerson
	tagEvents
	tagDelivery
	tagDevice
	tagBadLine
	tagID
	tagName
)

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func hash(seed, a, b, c uint64) uint64 {
	h := mix(seed + 0x9e3779b97f4a7c15)
	h = mix(h ^ a*0x9e3779b97f4a7c15)
	h = mix(h ^ b*0xd1b54a32d192ed03)
	return mix(h ^ c*0x8cb92ba72f3d8dd7)
}

// rng is SplitMix64: one word, good enough to draw behaviour from, and the same
// in every Go release, which math/rand does not promise.
type rng struct{ s uint64 }

func stream(seed uint64, tag int, account uint32, part uint64) rng {
	return rng{hash(seed, uint64(tag), uint64(account), part)}
}

func (r *rng) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	return mix(r.s)
}

// float is uniform in [0, 1).
func (r *rng) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// below is uniform in [0, n); n > 0.
func (r *rng) below(n int) int { return int(r.next() >> 33 % uint64(n)) }

func (r *rng) between(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + int64(r.next()>>1%uint64(hi-lo))
}

func (r *rng) chance(p float64) bool { return r.float() < p }

func (r *rng) normal() float64 {
	u := 1 - r.float()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*r.float())
}

// poisson draws by inversion; mean is small here, and the result is capped at 60.
func (r *rng) poisson(mean float64) int {
	if mean <= 0 {
		return 0
	}
	u, p := r.float(), math.Exp(-mean)
	k := 0
	for sum := p; u > sum && k < 60; sum += p {
		k++
		p *= mean / float64(k)
	}
	return k
}

// pick draws an index by weight.
func (r *rng) pick(weights []float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	u := r.float() * total
	for i, w := range weights {
		if u < w {
			return i
		}
		u -= w
	}
	return len(weights) - 1
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
