package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

const queueModel = "report.rpt_sales_queue"

// queueSQL reads the head of the queue in the order in which a rep works it.
func queueSQL(limit int) string {
	return fmt.Sprintf("select * from %s order by queue_rank limit %d", queueModel, limit)
}

// writeQueue shows the queue: one line per trial, the reason wrapped.
func writeQueue(w io.Writer, queue *rowSet, live int64, asOf time.Time, reasonWidth int) {
	fmt.Fprintf(w, "Today's queue, as of %s: %d of %s live trials\n\n", asOf.Format("2006-01-02 15:04 UTC"), len(queue.rows), count(live))
	if len(queue.rows) == 0 {
		fmt.Fprintln(w, "no live trials")
		return
	}
	t := newTable(w)
	t.AppendHeader(table.Row{"#", "focus", "account", "days left", "silent", "users/seats", "milestones", "prob", "why", "owner", "last outreach"})
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, Align: text.AlignRight}, {Number: 3, WidthMax: 24, WidthMaxEnforcer: text.WrapSoft},
		{Number: 4, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}, {Number: 6, Align: text.AlignRight},
		{Number: 7, Align: text.AlignRight}, {Number: 8, Align: text.AlignRight},
		{Number: 9, WidthMax: reasonWidth, WidthMaxEnforcer: text.WrapSoft},
		{Number: 10, WidthMax: 16, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, row := range queue.rows {
		get := func(name string) any {
			if i := queue.index(name); i >= 0 {
				return row[i]
			}
			return nil
		}
		t.AppendRow(table.Row{
			plain(get("queue_rank")),
			focus(get),
			plain(get("account_name")),
			plain(get("days_remaining")),
			days(get("days_since_last_login")),
			plain(get("active_user_count")) + "/" + plain(get("seat_count")),
			plain(get("core_milestone_done_count")) + "/" + plain(get("core_milestone_count")),
			percent(get("conversion_prob")),
			plain(get("reason_text")),
			plain(get("owner_name")),
			outreach(get("last_outreach_at"), get("last_outreach_code")),
		})
	}
	t.Render()
	fmt.Fprintln(w, "\nfocus: today = reach out today, pricing = saw the pricing page within 72 h of the end, 48 h = ends within 48 hours")
	if i := queue.index("is_calibrated"); i >= 0 {
		if calibrated, ok := queue.rows[0][i].(bool); ok && !calibrated {
			fmt.Fprintln(w, "probabilities: prior scorecard, not fitted to this company's own outcomes")
		}
	}
}

// focus says why a trial stands where it stands beside its probability, and
// whether it is one of the few that its owner should reach out to today.
func focus(get func(string) any) string {
	var marks []string
	for _, m := range []struct{ column, mark string }{{"is_attention_today", "today"}, {"is_pricing_72h", "pricing"}, {"is_last_48h", "48 h"}} {
		if is, ok := get(m.column).(bool); ok && is {
			marks = append(marks, m.mark)
		}
	}
	return strings.Join(marks, ", ")
}

func days(v any) string {
	if v == nil {
		return "never in"
	}
	return plain(v) + " d"
}

func percent(v any) string {
	if p, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f %%", 100*p)
	}
	return "-"
}

func outreach(at, code any) string {
	when, ok := at.(time.Time)
	if !ok {
		return "none"
	}
	return strings.TrimSpace(when.Format(time.DateOnly) + " " + strings.TrimPrefix(plain(code), "-"))
}

// writeStages shows what each stage did.
func writeStages(w io.Writer, stages []stageTotals) {
	t := newTable(w)
	t.AppendHeader(table.Row{"stage", "items", "unchanged", "failed", "rows", "files", "bytes", "seconds"})
	var configs []table.ColumnConfig
	for i := 2; i <= 8; i++ {
		configs = append(configs, table.ColumnConfig{Number: i, Align: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
	for _, s := range stages {
		t.AppendRow(table.Row{s.Stage, s.Items, s.Skipped, s.Failed, count(s.Rows), orDash(s.Files, count), orDash(s.Bytes, size), fmt.Sprintf("%.2f", s.Seconds)})
	}
	t.Render()
}

func orDash(n int64, print func(int64) string) string {
	if n == 0 {
		return "-"
	}
	return print(n)
}
