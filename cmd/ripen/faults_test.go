package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFaults_BadRecordBecomesDeadLetterAndItsCorrectionArrives(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := eventLines(1)
	bad := map[int]string{ // by line, from 1
		3:  `{"event_id":"e1-2","event_at":`,
		5:  strings.Replace(good[4], "2026-02-24T10:00:00Z", "yesterday", 1),
		8:  strings.Replace(good[7], `"event_id":"e1-7",`, "", 1),
		12: strings.Replace(good[11], "2026-02-23", "2026-03-09", 1), // a client's clock runs ahead
		13: strings.Replace(good[12], `"e1-12"`, `{"a":1}`, 1),
		20: `["no", "object"]`,
		25: good[24] + good[24],
		40: good[39][:50], // the writer died
	}
	text := slices.Clone(good)
	for line, record := range bad {
		text[line-1] = record
	}
	d.write("in/events-1.jsonl", lines(text...))
	accounts := accountRows()
	accounts[2][3], accounts[5][0] = "many", ""
	csvLines := strings.SplitAfter(csvText(t, accountColumns, accounts), "\n")
	csvLines[7] = "a6,Company 6\n" // line 8
	d.write("in/accounts.csv", strings.Join(csvLines, ""))
	subscriptions := subscriptionRows()
	subscriptions[3][3] = ""
	subscriptions[4][5] = "5.5"
	d.write("in/subscriptions.parquet", parquetText(t, subscriptionColumns, subscriptions))

	d.run(exitRejects, "13 records did not fit their contract: see raw_ripen.dead_letters")
	d.raw(deskAccounts-3, deskAccounts-2, 2*deskEvents-len(bad), 13)
	want := []string{
		"app billing.subscriptions in/subscriptions.parquet 4 missing_required",
		"app billing.subscriptions in/subscriptions.parquet 5 wrong_type",
		"app product.accounts in/accounts.csv 4 wrong_type",
		"app product.accounts in/accounts.csv 7 missing_required",
		"app product.accounts in/accounts.csv 8 malformed",
		"app product.events in/events-1.jsonl 3 malformed",
		"app product.events in/events-1.jsonl 5 wrong_type",
		"app product.events in/events-1.jsonl 8 missing_required",
		"app product.events in/events-1.jsonl 12 future_time",
		"app product.events in/events-1.jsonl 13 wrong_type",
		"app product.events in/events-1.jsonl 20 malformed",
		"app product.events in/events-1.jsonl 25 malformed",
		"app product.events in/events-1.jsonl 40 malformed",
	}
	got := d.query("select source_name, table_name, location, line_number, reason_code from raw_ripen.dead_letters order by table_name, location, line_number")
	if !slices.Equal(got, want) {
		t.Errorf("dead letters:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for line, record := range bad {
		payload := d.query(fmt.Sprintf("select payload from raw_ripen.dead_letters where location like '%%events-1.jsonl' and line_number = %d and detail <> ''", line))
		if len(payload) != 1 || payload[0] != record {
			t.Errorf("payload of line %d: %q, want %q", line, payload, record)
		}
	}
	payloads := d.query("select payload from raw_ripen.dead_letters where location not like '%jsonl' order by table_name, line_number")
	for i, part := range []string{`"subscription_id":"s3"`, `"seat_count":"5.5"`, `a2,"Company 2, Inc.",c2.example,many,2026-02-20T00:00:00Z`, `,"Company 5, Inc.",c5.example`, "a6,Company 6"} {
		if !strings.Contains(payloads[i], part) {
			t.Errorf("payload %d is %q, want %q in it", i, payloads[i], part)
		}
	}

	// The same files again: nothing moves, no dead letter comes twice.
	d.move(exitOK)
	d.raw(deskAccounts-3, deskAccounts-2, 2*deskEvents-len(bad), 13)

	// A collector sends the corrected records again; a dump is written again.
	var corrected []string
	for _, line := range slices.Sorted(maps.Keys(bad)) {
		corrected = append(corrected, good[line-1])
	}
	events := d.read("in/events-1.jsonl")
	d.good()
	d.write("in/events-1.jsonl", events)
	d.write("in/events-3.jsonl", lines(corrected...))
	d.run(exitOK)
	d.raw(2*deskAccounts-3, 2*deskAccounts-2, 2*deskEvents, 13)
	d.sameAsCalm("raw_product.accounts", "raw_billing.subscriptions", "raw_ripen.dead_letters")
}

func TestFaults_BrokenFileStopsItsTableOnlyUntilItIsWhole(t *testing.T) {
	t.Parallel()
	half := func(name string) func(*desk) {
		return func(d *desk) { text := d.read(name); d.write(name, text[:len(text)/2]) }
	}
	for _, fault := range []struct {
		name     string
		make     func(*desk)
		says     []string // {dir} is the project's directory
		accounts int
		subs     int
		events   int
		queue    bool // the whole job, not only what moves data
	}{
		{"truncated gzip", half("in/events-2.jsonl.gz"),
			[]string{"extract app.product.events: {dir}/in/events-2.jsonl.gz: byte ", "the gzip file is cut off", "hint: copy the file again"},
			deskAccounts, deskAccounts, deskEvents, true},
		{"damaged gzip", func(d *desk) {
			text := []byte(d.read("in/events-2.jsonl.gz"))
			text[len(text)-6] ^= 1
			d.write("in/events-2.jsonl.gz", string(text))
		}, []string{"{dir}/in/events-2.jsonl.gz: byte ", "hint: the gzip file is damaged: copy it again"}, deskAccounts, deskAccounts, deskEvents, false},
		{"half a Parquet file", half("in/subscriptions.parquet"),
			[]string{"extract app.billing.subscriptions: {dir}/in/subscriptions.parquet: ", "not a whole Parquet file", "hint: copy the file again"},
			deskAccounts, 0, 2 * deskEvents, false},
		{"CSV in UTF-16", func(d *desk) { d.write("in/accounts.csv", "\xff\xfea\x00,\x00") },
			[]string{"extract app.product.accounts: {dir}/in/accounts.csv: ", "the file is UTF-16", "hint: convert it to UTF-8"}, 0, deskAccounts, 2 * deskEvents, false},
		{"a required column is missing", func(d *desk) {
			d.write("in/accounts.csv", strings.Replace(d.read("in/accounts.csv"), "created_at", "createdat", 1))
		}, []string{"extract app.product.accounts: {dir}/in/accounts.csv: ", `no column "created_at"`, `hint: did you mean "createdat"?`}, 0, deskAccounts, 2 * deskEvents, false},
		{"a column stands twice", func(d *desk) {
			d.write("in/accounts.csv", strings.Replace(d.read("in/accounts.csv"), "domain", "account_name", 1))
		}, []string{"extract app.product.accounts: {dir}/in/accounts.csv: ", `names column "account_name" twice`, "hint: rename one of them"}, 0, deskAccounts, 2 * deskEvents, false},
		{"no file", func(d *desk) { d.remove("in/accounts.csv") },
			[]string{"extract app.product.accounts: no file matches in/accounts.csv", "hint: check the path; a relative one starts at {dir}"}, 0, deskAccounts, 2 * deskEvents, false},
		{"frozen JSON Lines", func(d *desk) {
			d.write("ripen.yaml", deskConfig+"drift: {product.events: freeze}\n")
			text := eventLines(1)
			text[6] = strings.Replace(text[6], "{", `{"surprise":1,`, 1)
			d.write("in/events-1.jsonl", lines(text...))
		}, []string{`{dir}/in/events-1.jsonl: line 7: field "surprise" is not in contract product.events, which is frozen`, "hint: let the field in with `drift: {product.events: evolve}`"},
			deskAccounts, deskAccounts, 0, false},
		{"frozen CSV", func(d *desk) {
			d.write("ripen.yaml", deskConfig+"drift: {product.accounts: freeze}\n")
			d.surprise()
		}, []string{`{dir}/in/accounts.csv: line 2: field "surprise" is not in contract product.accounts, which is frozen`}, 0, deskAccounts, 2 * deskEvents, false},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			fault.make(d)
			for i := range fault.says {
				fault.says[i] = strings.ReplaceAll(fault.says[i], "{dir}", d.dir)
			}
			if fault.queue {
				d.run(exitInfra, fault.says...)
			} else {
				d.move(exitInfra, fault.says...)
			}
			d.raw(fault.accounts, fault.subs, fault.events, 0)
			d.good()
			d.write("ripen.yaml", deskConfig)
			if fault.queue {
				d.run(exitOK)
				d.sameAsCalm()
			} else {
				d.move(exitOK)
				d.sameRawAsCalm()
			}
		})
	}
}

func TestFaults_OddFilesAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	letters := func(d *desk) []string { return d.query("select payload from raw_ripen.dead_letters") }
	t.Run("byte order mark, CRLF, empty files", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		for _, name := range []string{"in/accounts.csv", "in/events-1.jsonl"} {
			d.write(name, "\ufeff"+strings.ReplaceAll(d.read(name), "\n", "\r\n"))
		}
		d.write("in/events-2.jsonl.gz", gzipText(t, "\ufeff"+strings.Join(eventLines(2), "\r\n\r\n"))) // blank lines, no end
		d.write("in/events-0.jsonl", "")
		d.write("in/events-3.jsonl.gz", "")
		d.write("in/events-4.jsonl.gz", gzipText(t, ""))
		d.write("in/events-5.jsonl", "\ufeff")
		d.write("in/events-6.jsonl", "\r\n\n")
		d.run(exitOK)
		d.sameAsCalm()
	})
	t.Run("every file of a table is empty until the next run", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		for _, name := range []string{"in/accounts.csv", "in/subscriptions.parquet", "in/events-1.jsonl", "in/events-2.jsonl.gz"} {
			d.write(name, "")
		}
		d.run(exitOK, "no live trials")
		d.raw(0, 0, 0, 0)
		d.good()
		d.run(exitOK)
		d.sameAsCalm()
	})
	t.Run("events delivered twice", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("in/events-1.jsonl", lines(append(eventLines(1), eventLines(1)[:10]...)...))
		d.write("in/events-3.jsonl", lines(eventLines(2)[5:20]...))
		d.run(exitOK)
		d.raw(deskAccounts, deskAccounts, 2*deskEvents+25, 0)
		d.sameAsCalm("raw_product.events")
	})
	t.Run("unknown fields under evolve become columns", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		text := eventLines(1)
		text[6] = strings.Replace(text[6], "{", `{"surprise":{"n":[1,2]},`, 1)
		d.write("in/events-1.jsonl", lines(text...))
		d.surprise()
		d.run(exitOK)
		got := d.query("select surprise, count(*) from (select surprise from raw_product.events union all select surprise from raw_product.accounts) group by 1 order by 1 nulls last")
		if want := []string{fmt.Sprint("new ", deskAccounts), `{"n":[1,2]} 1`, fmt.Sprint("<nil> ", 2*deskEvents-1)}; !slices.Equal(got, want) {
			t.Errorf("the new columns hold %q, want %q", got, want)
		}
		d.sameAsCalm("raw_product.events", "raw_product.accounts")
	})
	t.Run("unknown fields under discard are dropped", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("ripen.yaml", deskConfig+"drift: {product.events: discard, product.accounts: discard}\n")
		text := eventLines(1)
		text[6] = strings.Replace(text[6], "{", `{"surprise":{"n":[1,2]},`, 1)
		d.write("in/events-1.jsonl", lines(text...))
		d.surprise()
		d.move(exitOK)
		d.sameRawAsCalm()
		manifests := 0
		err := filepath.WalkDir(filepath.Join(d.dir, "data", "landing"), func(path string, _ fs.DirEntry, err error) error {
			if text, readErr := os.ReadFile(path); readErr == nil && strings.Contains(string(text), `"surprise":`) {
				manifests++
			}
			return err
		})
		if err != nil || manifests != 2 {
			t.Errorf("%d manifests count the fields, want 2; %v", manifests, err)
		}
	})
	t.Run("a file that grew in the middle of a line", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		whole := d.read("in/events-1.jsonl")
		cut := len(whole) - 60
		d.write("in/events-1.jsonl", whole[:cut])
		d.runAt(testNow, "extract").want(t, exitRejects)
		d.runAt(testNow, "load").want(t, exitRejects)
		if got := letters(d); len(got) != 1 || !strings.HasSuffix(whole[:cut], got[0]) {
			t.Errorf("dead letters %q", got)
		}
		d.write("in/events-1.jsonl", whole)
		d.move(exitOK)
		d.sameRawAsCalm("raw_ripen.dead_letters")
	})
	t.Run("the machine's clock ran a year ahead", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.remove("in/events-2.jsonl.gz")
		d.runAt(testNow.AddDate(1, 0, 0), "extract").want(t, exitOK)
		d.runAt(testNow.AddDate(1, 0, 0), "load").want(t, exitOK)
		d.good()
		d.run(exitOK)
		d.raw(deskAccounts, deskAccounts, 2*deskEvents, 0)
		d.sameAsCalm("raw_", "staging.") // when the rows arrived is told by the clock
	})
}
