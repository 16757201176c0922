package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEvents_HoldTheVocabularyAndTheMess(t *testing.T) {
	c := newCompany(t, testConfig(1500, 60*24*time.Hour))
	files := writeEvents(t, c, t.TempDir())
	list, bad := calls(t, lines(t, files), c.cfg.Until)
	if bad != 2*defaultBad {
		t.Errorf("%d bad lines in 60 days, want %d", bad, 2*defaultBad)
	}
	names, types := map[string]int{}, map[string]int{}
	first := map[string]call{}
	var repeated, nextDay, late, disordered, skewed, anonymous, campaigns, pricing, legacy int
	newest := time.Time{}
	for _, k := range list {
		names[k.Event]++
		types[k.Type]++
		if before, seen := first[k.MessageID]; seen {
			repeated++
			if before.ReceivedAt.YearDay() != k.ReceivedAt.YearDay() {
				nextDay++
			}
			if !before.Timestamp.Equal(k.Timestamp) || before.Event != k.Event || before.UserID != k.UserID {
				t.Fatalf("one id, two calls:\n%s\n%s", before.line, k.line)
			}
			continue
		}
		first[k.MessageID] = k
		if k.ReceivedAt.Sub(k.Timestamp) > 20*time.Hour {
			late++
		}
		if k.Timestamp.Before(newest.Add(-time.Minute)) {
			disordered++
		}
		if k.Timestamp.After(newest) {
			newest = k.Timestamp
		}
		if d := k.OriginalTimestamp.Sub(k.Timestamp); d > time.Minute || d < -time.Minute {
			skewed++
		}
		if k.UserID == "" {
			anonymous++
		}
		if k.AnonymousID == "" || k.UserID != "" && k.Context.GroupID == "" && k.GroupID == "" {
			t.Fatalf("nobody's call: %s", k.line)
		}
		if len(k.Context.Campaign) > 0 {
			campaigns++
		}
		if k.Context.Page.Path == "/pricing" && k.Type == "page" {
			pricing++
		}
		if id, ok := k.Traits["legacy_id"].(string); ok && strings.HasPrefix(id, "WS-") {
			legacy++
		}
	}
	for kind, name := range trackNames {
		if name != "" && names[name] == 0 {
			t.Errorf("no %s (kind %d)", name, kind)
		}
	}
	for _, typ := range []string{"identify", "group", "page", "track"} {
		if types[typ] == 0 {
			t.Errorf("no %s", typ)
		}
	}
	n := float64(len(first))
	for name, got := range map[string][3]float64{
		"per account":  {n / float64(c.accounts), 45, 120},
		"repeated":     {float64(repeated) / n, 0.008, 0.016},
		"on next day":  {float64(nextDay) / float64(repeated), 0.2, 0.4},
		"late":         {float64(late) / n, 0.01, 0.06},
		"out of order": {float64(disordered) / n, 0.01, 0.3},
		"skewed":       {float64(skewed) / n, 0.01, 0.06},
	} {
		if got[0] < got[1] || got[0] > got[2] {
			t.Errorf("%s: %.4f, want %.3f to %.3f", name, got[0], got[1], got[2])
		}
	}
	for name, count := range map[string]int{"anonymous": anonymous, "with a campaign": campaigns, "pricing": pricing, "with a legacy id": legacy} {
		if count == 0 {
			t.Errorf("none %s", name)
		}
	}
}

// What the stream tells is what the life holds: logins, invitations, members.
func TestEvents_TellTheLife(t *testing.T) {
	cfg := testConfig(250, 120*24*time.Hour)
	cfg.BadLines = -1
	c := newCompany(t, cfg)
	list, bad := calls(t, lines(t, writeEvents(t, c, t.TempDir())), c.cfg.Until)
	if bad != 0 {
		t.Errorf("%d bad lines, although there should be none", bad)
	}
	type told struct {
		logins, invited, joined, projects int
		invites                           map[string]time.Time
		members                           []string
	}
	workspaces := map[string]*told{}
	seen := map[string]bool{}
	slices.SortFunc(list, func(a, b call) int { return a.Timestamp.Compare(b.Timestamp) })
	for _, k := range list {
		id := k.Context.GroupID
		if seen[k.MessageID] || id == "" {
			continue
		}
		seen[k.MessageID] = true
		w := workspaces[id]
		if w == nil {
			w = &told{invites: map[string]time.Time{}}
			workspaces[id] = w
		}
		if !slices.Contains(w.members, k.UserID) {
			w.members = append(w.members, k.UserID)
		}
		switch k.Event {
		case "Signed In":
			w.logins++
		case "Project Created":
			w.projects++
		case "Invite Sent":
			w.invited++
			w.invites[k.Properties["invite_id"].(string)] = k.Timestamp
		case "Invite Accepted":
			w.joined++
			if _, known := w.invites[k.Properties["invite_id"].(string)]; !known {
				t.Fatalf("accepted before it was sent: %s", k.line)
			}
		}
	}
	compared := 0
	for n := range uint32(c.accounts) {
		l := c.life(n)
		for ws := range l.trials {
			tr := &l.trials[ws]
			if tr.over > c.until-7*day || tr.converted() {
				continue // not all told yet, or goes on after the trial
			}
			w := workspaces[c.ids.workspace(n, ws)]
			if w == nil {
				t.Fatalf("nothing is told of account %d", n)
			}
			s := tr.last
			if w.logins != int(s.Logins) || w.invited != int(s.Invited) || w.joined+1 != int(s.Members) || w.projects != int(s.Projects) {
				t.Errorf("account %d: told %d logins, %d invites, %d joined, %d projects; lived %+v", n, w.logins, w.invited, w.joined, w.projects, s)
			}
			if len(w.members) > int(s.Members) {
				t.Errorf("account %d: %d users of %d members", n, len(w.members), s.Members)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d trials compared", compared)
	}
}

// A trial without payment is locked when it is over.
func TestEvents_StopWithTheTrial(t *testing.T) {
	c := newCompany(t, testConfig(400, 100*24*time.Hour))
	end := map[string]int64{}
	for n := range uint32(c.accounts) {
		l := c.life(n)
		for ws := range l.trials {
			if tr := &l.trials[ws]; !tr.converted() {
				end[c.ids.workspace(n, ws)] = tr.over
			}
		}
	}
	list, _ := calls(t, lines(t, writeEvents(t, c, t.TempDir())), c.cfg.Until)
	after := 0
	for _, k := range list {
		if over, ok := end[k.Context.GroupID]; ok && k.Event != "Email Opened" && k.Timestamp.Unix() > over {
			after++
			if after < 4 {
				t.Errorf("after the end at %s: %s", time.Unix(over, 0).UTC(), k.line)
			}
		}
	}
	if len(end) < 300 {
		t.Errorf("only %d trials", len(end))
	}
}
