package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rollouts is the number of futures that a true probability averages over.
const rollouts = 64

var truthFiles = [...]struct{ name, header string }{
	{"records.csv", "source,object,record_id,company_id,workspace_id,classes"},
	{"trials.csv", "trial_id,company_id,workspace_id,trial_number,signed_up_at,trial_start_at,original_trial_end_at,trial_end_at," +
		"extension_count,start_delay_days,is_test,fit,champion,is_over,outcome,over_at,first_paid_at,ended_at"},
	{"trial_days.csv", "trial_id,snapshot_at,trial_day,days_remaining,engagement,logins,active_users,invites,is_core_activated," +
		"conversion_prob,standard_error,is_converted"},
}

// WriteTruth writes into dir what no source tells: records.csv, the true
// company of every record; trials.csv, what each trial was and became, also
// after Until; trial_days.csv, the true probability to convert at the end of
// each trial-day. README.md explains the columns. The pipeline must never read it.
func (c *Company) WriteTruth(ctx context.Context, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	var out [len(truthFiles)]*os.File
	var buffered [len(truthFiles)]*bufio.Writer
	defer func() {
		for _, f := range out {
			if f != nil && err != nil {
				f.Close()
				os.Remove(f.Name())
			}
		}
	}()
	for i, file := range truthFiles {
		if out[i], err = os.CreateTemp(dir, ".sandbox-*"); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		buffered[i] = bufio.NewWriterSize(out[i], 1<<16)
		fmt.Fprintln(buffered[i], file.header)
	}
	const chunk, chunks = 32, 8
	for first := 0; first < c.accounts; first += chunk * chunks {
		var parts [chunks]truthWriter
		err := c.inParallel(ctx, chunks, func(_ context.Context, i int) error {
			from := first + i*chunk
			for n := from; n < min(from+chunk, c.accounts); n++ {
				parts[i].account(c, c.life(uint32(n)))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range parts {
			for f := range buffered {
				if _, err := buffered[f].Write(parts[i].files[f]); err != nil {
					return fmt.Errorf("sandbox: write the truth: %w", err)
				}
			}
		}
	}
	for i, file := range truthFiles {
		if err := buffered[i].Flush(); err != nil {
			return fmt.Errorf("sandbox: write the truth: %w", err)
		}
		if err := out[i].Chmod(0o644); err != nil {
			return fmt.Errorf("sandbox: write the truth: %w", err)
		}
		if err := out[i].Close(); err != nil {
			return fmt.Errorf("sandbox: write the truth: %w", err)
		}
		if err := os.Rename(out[i].Name(), filepath.Join(dir, file.name)); err != nil {
			return fmt.Errorf("sandbox: write the truth: %w", err)
		}
	}
	return nil
}

// truthWriter holds the rows of some accounts, per file.
type truthWriter struct{ files [len(truthFiles)][]byte }

// row appends one row; no value holds a comma, a quote or a line break.
func (w *truthWriter) row(file int, values ...string) {
	for i, v := range values {
		if i > 0 {
			w.files[file] = append(w.files[file], ',')
		}
		w.files[file] = append(w.files[file], v...)
	}
	w.files[file] = append(w.files[file], '\n')
}

func truthTime(t int64) string {
	if t == 0 {
		return ""
	}
	return time.Unix(t, 0).UTC().Format(time.RFC3339)
}

func truthFloat(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }

func (w *truthWriter) account(c *Company, l *life) {
	company := c.ids.company(l.p.account)
	for ws := range l.trials {
		t := &l.trials[ws]
		if t.signup > c.until {
			continue
		}
		w.product(c, l, t, company)
		if t.start <= c.until {
			w.trial(c, l, t, company)
			w.trialDays(c, l, t)
		}
	}
	w.stripe(c, l, company)
	w.hubspot(c, l, company)
}

// classes names the mess that holds for everything of the account.
func (p *profile) classes() []string {
	var list []string
	switch p.domain {
	case domainFree:
		list = append(list, "free_mail")
	case domainShared:
		list = append(list, "shared_domain")
	case domainInternal:
		list = append(list, "test_account")
	}
	if p.second {
		list = append(list, "two_workspaces")
	}
	return list
}

var formClasses = [...]string{idMissing: "id_missing", idExact: "", idLegacy: "id_legacy", idNumber: "id_number", idUpper: "id_upper", idSpaced: "id_spaced"}

func join(list []string, more ...string) string {
	var b strings.Builder
	for _, group := range [...][]string{list, more} {
		for _, name := range group {
			if name == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte(';')
			}
			b.WriteString(name)
		}
	}
	return b.String()
}

// product lists the workspace, its legacy id and the users seen so far.
func (w *truthWriter) product(c *Company, l *life, t *trial, company string) {
	p := &l.p
	workspace := c.ids.workspace(p.account, t.ws)
	before := ""
	if p.legacy && t.ws == 0 {
		before = "before_standard"
		w.row(0, "product", "legacy_ids", legacyID(p.account), company, workspace, join(p.classes(), before))
	}
	gap := ""
	if !l.crm.has(c.crmNow()) {
		gap = "no_crm_record"
	}
	w.row(0, "product", "workspaces", workspace, company, workspace, join(p.classes(), before, gap))
	member := 0
	user := func() {
		shared := ""
		if p.consultant(member) {
			shared = "many_accounts"
		}
		w.row(0, "product", "users", c.person(p, t.ws, member).id, company, workspace, join(p.classes(), shared))
	}
	user()
	for i := range t.days {
		if c.start+int64(t.firstDay+i+1)*day > c.until {
			return
		}
		for range t.days[i].Joins {
			if member++; member <= maxMember {
				user()
			}
		}
	}
}

func (w *truthWriter) stripe(c *Company, l *life, company string) {
	p := &l.p
	for _, k := range c.customers(l) {
		if k.created > c.until {
			continue
		}
		form, deleted := p.stripeID[k.ws], ""
		if k.fixed > 0 && k.fixed <= c.until {
			form = idExact
		}
		if k.deleted > 0 && k.deleted <= c.until {
			deleted = "deleted"
		}
		w.row(0, "stripe", "customers", c.ids.stripe(kindCustomer, p.account, k.number), company,
			c.ids.workspace(p.account, k.ws), join(p.classes(), formClasses[form], deleted))
	}
	for _, s := range c.subscriptions(l) {
		if s.created > c.until {
			continue
		}
		workspace := c.ids.workspace(p.account, s.t.ws)
		var extended, delayed, attempt string
		if len(s.t.moves) > 0 && s.t.moves[0].at <= c.until {
			extended = "extended"
		}
		if s.t.start-s.t.signup > day {
			delayed = "delayed"
		}
		if s.attempt {
			extended, delayed, attempt = "", "", "failed_attempt"
		}
		w.row(0, "stripe", "subscriptions", c.ids.stripe(kindSubscription, p.account, s.number), company, workspace,
			join(p.classes(), extended, delayed, attempt))
		c.invoices(l, s, c.until, func(v invoice) {
			w.row(0, "stripe", "invoices", c.ids.stripe(kindInvoice, p.account, v.number), company, workspace, join(p.classes()))
		})
	}
}

func (w *truthWriter) hubspot(c *Company, l *life, company string) {
	p, m, now := &l.p, &l.crm, c.crmNow()
	workspaceOf := func(r record) string {
		ws := 0
		switch {
		case r.obj == objCompanies:
			ws = int(indicatorInt(r.number == recTwin && m.twinWS))
		case r.obj == objContacts:
			ws, _ = memberOf(r.number)
		case r.obj >= objCalls:
			ws = int(l.touches[r.number].ws)
		}
		return c.ids.workspace(p.account, ws)
	}
	add := func(r record, classes ...string) {
		w.row(0, "hubspot", objNames[r.obj], recordText(r.obj, p.account, r.number), company, workspaceOf(r), join(p.classes(), classes...))
	}
	c.records(l, func(r record) {
		var form, fate string
		switch {
		case r.obj == objCompanies:
			form = formClasses[m.idForm]
			switch {
			case r.number == recTwin || r.number == recThird:
				form, fate = "", "duplicate"
			case r.number != recMain:
				fate = "merge_result"
			case r.archived > 0:
				fate = "archived"
			}
		case r.obj == objContacts && r.number == contactTwin:
			fate = "duplicate"
		case r.obj == objContacts && r.number == contactMerged:
			fate = "merge_result"
		}
		add(r, form, fate)
	})
	// What was merged away is not served any more, but others still name it.
	gone := func(obj int, at int64, numbers ...uint16) {
		if at == 0 || at > now {
			return
		}
		for _, n := range numbers {
			add(record{obj: obj, number: n}, "merged_away")
		}
	}
	gone(objCompanies, m.mergedAt, recMain, recTwin)
	gone(objCompanies, m.chainAt, recThird, recMerged)
	gone(objContacts, m.contact.merged, 0, contactTwin)
}

func (w *truthWriter) trial(c *Company, l *life, t *trial, company string) {
	end, moves := t.firstEnd, 0
	for _, m := range t.moves {
		if m.at <= c.until {
			end, moves = m.to, moves+1
		}
	}
	delay := (t.start - t.signup) / day
	w.row(1, c.ids.stripe(kindSubscription, l.p.account, uint16(t.ws)), company, c.ids.workspace(l.p.account, t.ws),
		strconv.Itoa(t.ws+1), truthTime(t.signup), truthTime(t.start), truthTime(t.firstEnd), truthTime(end),
		strconv.Itoa(moves), strconv.FormatInt(delay, 10), strconv.FormatBool(l.p.domain == domainInternal),
		truthFloat(l.p.fit), truthFloat(l.p.champion), strconv.FormatBool(t.over <= c.until), outcomeNames[t.outcome],
		truthTime(t.over), truthTime(t.paidAt), truthTime(t.ended))
}

// trialDays plays the trial again and looks, after each day of it, into its futures.
func (w *truthWriter) trialDays(c *Company, l *life, lived *trial) {
	t := c.newTrial(&l.p, lived.ws, lived.signup)
	id := c.ids.stripe(kindSubscription, l.p.account, uint16(t.ws))
	converted := strconv.FormatBool(lived.converted())
	c.play(l, &t, func(number int, s state, _ acts, _ float64) {
		snapshot := c.start + int64(t.firstDay+number+1)*day
		if snapshot > c.until || snapshot <= t.start || snapshot >= min(t.end, lived.over) {
			return
		}
		p, spread := c.conversionProb(l, &t, s, number)
		w.row(2, id, truthTime(snapshot), strconv.FormatInt((snapshot-t.start)/day, 10), strconv.FormatInt((t.end-snapshot)/day, 10),
			strconv.Itoa(int(s.Engagement)), strconv.Itoa(int(s.Logins)), strconv.Itoa(int(s.ActiveUsers)), strconv.Itoa(int(s.Invited)),
			strconv.FormatBool(s.Projects > 0 && s.Tasks > 0), truthFloat(p), truthFloat(spread), converted)
	})
}

// conversionProb is the probability that the trial converts, given everything
// up to the end of day number: fit, champion and the state, which no source
// shows. It averages over futures played by the same dynamics; within a future
// the chance to pay is summed, not drawn. The second result is its standard error.
func (c *Company) conversionProb(l *life, t *trial, s state, number int) (p, spread float64) {
	if l.p.domain == domainInternal {
		return 0, 0
	}
	var sum, squares float64
	for k := range uint64(rollouts) {
		future := *t
		future.moves = nil
		then := s
		surviving := 1.0
		for n := number + 1; ; n++ {
			r := stream(c.cfg.Seed, tagRollout, l.p.account, k<<48|uint64(t.ws)<<40|uint64(number)<<20|uint64(n))
			_, hazard, over := c.playDay(l, &future, &then, &r, n)
			surviving *= 1 - hazard
			if over {
				break
			}
		}
		sum += 1 - surviving
		squares += (1 - surviving) * (1 - surviving)
	}
	mean := sum / rollouts
	return mean, math.Sqrt(max(0, squares/rollouts-mean*mean) / (rollouts - 1))
}
