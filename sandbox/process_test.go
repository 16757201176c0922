package sandbox

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// README.md documents these rates; the seed figures are 12 %, 35 %, 18 % and 4 %.
func TestProcess_KeepsTheDocumentedRates(t *testing.T) {
	c := newCompany(t, Config{Seed: 7, Accounts: 5000, Days: 90, Start: founding})
	type group struct{ all, paid int }
	var total, inviting, core, oneLogin, team, integrated, early, extended, delayed, second, tests, noCRM group
	put := func(g *group, in, paid bool) {
		if in {
			g.all++
			if paid {
				g.paid++
			}
		}
	}
	for n := range uint32(5000) {
		l := c.life(n)
		test := l.p.domain == domainInternal
		put(&tests, test, l.trials[0].converted())
		put(&noCRM, l.crm.created == 0, l.trials[0].converted())
		put(&second, len(l.trials) > 1, true)
		if test {
			continue
		}
		for i := range l.trials {
			tr := &l.trials[i]
			s, paid := tr.last, tr.converted()
			put(&total, true, paid)
			put(&inviting, s.Invited > 3, paid)
			put(&core, s.Projects > 0 && s.Tasks > 0, paid)
			put(&oneLogin, s.Logins == 1, paid)
			put(&team, s.ActiveUsers >= 3, paid)
			put(&integrated, s.Integrations > 0, paid)
			put(&early, paid, tr.outcome == endedEarly)
			put(&extended, true, len(tr.moves) > 0)
			put(&delayed, true, tr.start-tr.signup > day)
		}
	}
	for _, want := range []struct {
		name   string
		g      group
		lo, hi float64
	}{
		{"all trials", total, 0.12, 0.18},
		{"more than three invitations", inviting, 0.30, 0.42},
		{"core activation", core, 0.17, 0.25},
		{"one login", oneLogin, 0.02, 0.06},
		{"three active users", team, 0.28, 0.45},
		{"an integration", integrated, 0.22, 0.36},
		{"early, of those that pay", early, 0.08, 0.28},
		{"extended", extended, 0.04, 0.12},
		{"delayed", delayed, 0.04, 0.08},
		{"test accounts", tests, 0, 0},
	} {
		rate := float64(want.g.paid) / float64(want.g.all)
		if rate < want.lo || rate > want.hi || want.g.all < 50 {
			t.Errorf("%s: %d of %d = %.3f, want %.2f to %.2f", want.name, want.g.paid, want.g.all, rate, want.lo, want.hi)
		}
	}
	for name, got := range map[string][3]float64{
		"test accounts":     {float64(tests.all) / 5000, 0.01, 0.03},
		"no CRM record":     {float64(noCRM.all) / 5000, 0.10, 0.20},
		"second workspaces": {float64(second.all) / 5000, 0.04, 0.08},
	} {
		if got[0] < got[1] || got[0] > got[2] {
			t.Errorf("%s: %.3f of the accounts", name, got[0])
		}
	}
}

func TestReadme_PrintsTheCoefficients(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for term, value := range map[string]float64{
		"at the end of the trial": hazardEnd, "on a day before": hazardEarly, "fit": hazardFit, "champion": hazardChampion,
		"more than three invitations sent": hazardInvited, "core activation: a project created and a task assigned": hazardCore,
		"three active users or more": hazardMultiUser, "an integration connected": hazardIntegrated, "data imported": hazardImported,
		"engagement, per level": hazardEngagement, "pricing page within three days": hazardPricing, "no session for seven days": hazardSilence,
		"a meeting or demo was held": hazardMeeting, "any outreach": hazardTouched, "card on file from the start": hazardCard,
		"pricing page today (before the end only)": hazardToday,
	} {
		if row := fmt.Sprintf("| %s | %.2f |", term, value); !strings.Contains(string(text), row) {
			t.Errorf("README.md lacks the row %q", row)
		}
	}
}

func TestSignups_KeepTheirRateAfterTheFirstDays(t *testing.T) {
	c := newCompany(t, Config{Seed: 3, Accounts: 2000, Days: 70, Start: founding, Until: founding.AddDate(0, 0, 140)})
	for week := range 20 {
		from := founding.AddDate(0, 0, 7*week).Unix()
		n := c.clock.before(from+7*day) - c.clock.before(from)
		if n < 195 || n > 205 {
			t.Errorf("week %d: %d sign-ups, want 200", week, n)
		}
	}
	last := int64(0)
	for n := range c.accounts {
		at := c.clock.at(n)
		if at < last || at > c.until {
			t.Fatalf("account %d signs up at %d after %d", n, at, last)
		}
		last = at
	}
	if c.clock.before(c.start) != 0 {
		t.Error("somebody signed up before the founding")
	}
}

// The same account lives the same life in companies that know more of it.
func TestLife_DoesNotDependOnUntil(t *testing.T) {
	early, late := newCompany(t, testConfig(300, 24*time.Hour)), newCompany(t, testConfig(300, 300*24*time.Hour))
	for n := range uint32(300) {
		if a, b := fmt.Sprintf("%+v", *early.life(n)), fmt.Sprintf("%+v", *late.life(n)); a != b {
			t.Fatalf("account %d:\n%s\n%s", n, a, b)
		}
	}
}

func TestIDs_ReadBack(t *testing.T) {
	b := newIDBook(9)
	seen := map[string]bool{}
	for account := range uint32(2000) {
		for kind := range kinds {
			id := b.stripe(kind, account*4001, uint16(account))
			a, n, ok := b.parseStripe(kind, id)
			if !ok || a != account*4001 || n != uint16(account) || seen[id] {
				t.Fatalf("%s reads back as %d, %d, %t; seen: %t", id, a, n, ok, seen[id])
			}
			seen[id] = true
			if _, _, ok := b.parseStripe(kind, id[:len(id)-1]+"?"); ok {
				t.Fatalf("%s with another end is read", id)
			}
		}
		for ws := range 2 {
			if id := b.workspace(account, ws); seen[id] || len(id) != 11 {
				t.Fatalf("%s is used twice or odd", id)
			} else {
				seen[id] = true
			}
		}
	}
}

func TestNames_AreUnique(t *testing.T) {
	b := newNameBook(4)
	seen := make(map[string]bool, 1<<18)
	for n := range uint32(250_000) {
		_, domain := b.company(n)
		if seen[domain] || !strings.HasSuffix(domain, ".example") {
			t.Fatalf("%s is used twice or odd", domain)
		}
		seen[domain] = true
	}
}

func TestRandom_DrawsWhatItSays(t *testing.T) {
	r := stream(1, tagProfile, 2, 3)
	const n = 200_000
	var sum, squares, counts float64
	buckets := [5]int{}
	for range n {
		x := r.normal()
		sum += x
		squares += x * x
		counts += float64(r.poisson(1.7))
		buckets[r.below(5)]++
	}
	if mean, sd := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.01 || math.Abs(sd-1) > 0.01 {
		t.Errorf("normal: mean %.4f, deviation %.4f", mean, sd)
	}
	if mean := counts / n; math.Abs(mean-1.7) > 0.02 {
		t.Errorf("poisson(1.7): mean %.4f", mean)
	}
	for i, k := range buckets {
		if math.Abs(float64(k)-n/5) > n/100 {
			t.Errorf("below(5): %d came %d times", i, k)
		}
	}
}
