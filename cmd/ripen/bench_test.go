package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// The figures of docs/benchmarks.md; `make bench` repeats them. Every candidate
// runs in a process of its own, so that its peak memory is its own.

const benchAsOf = "2026-03-02T10:00:00Z"

// usage is what one process took.
type usage struct {
	seconds   float64
	processor float64 // seconds, of all cores
	peakMB    float64
}

// measure runs cmd to its end; exit codes in allowed are fine.
func measure(b *testing.B, cmd *exec.Cmd, allowed ...int) usage {
	b.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	elapsed := time.Since(begin).Seconds()
	if err != nil {
		ok := false
		for _, code := range allowed {
			ok = ok || exitOf(err) == code
		}
		if !ok {
			b.Fatalf("%v: %v\n%s", cmd.Args[1:], err, &out)
		}
	}
	state := cmd.ProcessState
	return usage{elapsed, (state.UserTime() + state.SystemTime()).Seconds(), float64(state.SysUsage().(*syscall.Rusage).Maxrss) / 1024}
}

func BenchmarkRun(b *testing.B) {
	for range b.N {
		dir := b.TempDir()
		measure(b, child(b.TempDir(), "init", dir))
		asOf := time.Now().UTC().Truncate(time.Hour).Format(time.RFC3339)
		first := measure(b, child(dir, "run", "--as-of", asOf), exitRejects)
		second := measure(b, child(dir, "run", "--as-of", asOf))
		b.ReportMetric(first.seconds, "first_s")
		b.ReportMetric(first.peakMB, "first_peak_MB")
		b.ReportMetric(second.seconds, "second_s")
		b.ReportMetric(second.peakMB, "second_peak_MB")
	}
}

// BenchmarkLanding lands Segment events with ripen and with DuckDB's own reader
// and writer, from the same files, with the same two threads.
func BenchmarkLanding(b *testing.B) {
	dir := b.TempDir()
	events := filepath.Join(dir, "events")
	measure(b, child(dir, "sandbox", "--accounts", "20000", "--days", "90", "--until", benchAsOf, "--events", events))
	plain := filepath.Join(dir, "plain")
	one := filepath.Join(plain, "events.jsonl")
	rows := joinEvents(b, events, one)
	size, err := os.Stat(one)
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		project := filepath.Join(b.TempDir(), "p")
		writeFile(b, filepath.Join(project, configName), "name: bench\nsources:\n  product: {type: segment, path: "+plain+"}\n")
		ours := measure(b, child(project, "extract", "--as-of", "2027-01-01"), exitRejects)
		report := func(name string, u usage) {
			b.ReportMetric(float64(rows)/u.seconds, name+"_rows/s")
			b.ReportMetric(u.peakMB, name+"_peak_MB")
		}
		report("ripen", ours)
		for name, level := range map[string]string{"duckdb_zstd1": ", compression_level 1", "duckdb_default": ""} {
			theirs := measure(b, duckdbChild(fmt.Sprintf(copyEvents, one, filepath.Join(b.TempDir(), "events.parquet"), level)))
			report(name, theirs)
			b.ReportMetric(theirs.seconds/ours.seconds, "speed_vs_"+name)
			b.ReportMetric(ours.peakMB/theirs.peakMB, "memory_vs_"+name)
		}
	}
	b.ReportMetric(float64(size.Size())/1e6, "input_MB")
}

// copyEvents reads the columns of contract segment.events that need no more than
// read_json's own typing, and keeps properties and traits as JSON text.
const copyEvents = `copy (
    select
        messageId as message_id, type, event, name, userId as user_id, anonymousId as anonymous_id,
        groupId as group_id, "timestamp", originalTimestamp as original_timestamp, sentAt as sent_at,
        receivedAt as received_at, context ->> '$.sessionId' as session_id, context ->> '$.page.path' as page_path,
        cast(context -> '$.campaign' as varchar) as campaign, cast(properties as varchar) as properties, cast(traits as varchar) as traits
    from read_json('%s', format = 'newline_delimited', ignore_errors = true, maximum_object_size = 8388608, columns = {
        messageId: 'VARCHAR', type: 'VARCHAR', event: 'VARCHAR', name: 'VARCHAR', userId: 'VARCHAR', anonymousId: 'VARCHAR',
        groupId: 'VARCHAR', "timestamp": 'TIMESTAMP', originalTimestamp: 'TIMESTAMP', sentAt: 'TIMESTAMP', receivedAt: 'TIMESTAMP',
        context: 'JSON', properties: 'JSON', traits: 'JSON'})
) to '%s' (format parquet, compression zstd%s)`

// BenchmarkScale runs the stages on companies of 1, 10 and 100 times the default
// size, each stage in a process of its own and the simulated company in another.
func BenchmarkScale(b *testing.B) {
	for _, times := range []int{1, 10, 100} {
		b.Run(fmt.Sprint("x", times), func(b *testing.B) {
			for range b.N {
				dir := b.TempDir()
				serve := startSandbox(b, dir, 1000*times)
				writeFile(b, filepath.Join(dir, configName), fmt.Sprintf("name: bench\nsources:\n"+
					"  product: {type: segment, path: %s}\n"+
					"  billing: {type: stripe, base_url: %s/stripe, api_key_env: BENCH_KEY, rate_limit: 100000}\n"+
					"  crm: {type: hubspot, base_url: %s/hubspot, token_env: BENCH_TOKEN, rate_limit: 100000}\n",
					filepath.Join(dir, "events"), serve, serve))
				for _, stage := range []string{"extract", "load", "transform"} {
					cmd := child(dir, stage, "--as-of", benchAsOf)
					cmd.Env = append(cmd.Env, "BENCH_KEY=sk_test_bench", "BENCH_TOKEN=pat-bench")
					u := measure(b, cmd, exitRejects)
					b.ReportMetric(u.seconds, stage+"_s")
					b.ReportMetric(u.peakMB, stage+"_peak_MB")
				}
				b.ReportMetric(float64(rowsLoaded(b, dir)), "rows")
			}
		})
	}
}

// startSandbox writes the events of a company and serves its APIs until the
// benchmark ends; it returns the address.
func startSandbox(b *testing.B, dir string, accounts int) string {
	b.Helper()
	cmd := child(dir, "sandbox", "--accounts", fmt.Sprint(accounts), "--until", benchAsOf,
		"--events", filepath.Join(dir, "events"), "--listen", "127.0.0.1:0")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for scanner := bufio.NewScanner(pipe); scanner.Scan(); {
		if _, rest, ok := strings.Cut(scanner.Text(), "Stripe API:"); ok {
			go io.Copy(io.Discard, pipe) //nolint:errcheck // keeps the child from blocking
			return strings.TrimSuffix(strings.Fields(rest)[0], "/stripe")
		}
	}
	b.Fatal("the sandbox did not start")
	return ""
}

func rowsLoaded(b *testing.B, dir string) (rows int64) {
	b.Helper()
	out, err := child(dir, "status", "--output", "json").Output()
	if err != nil {
		b.Fatal(err)
	}
	var s projectStatus
	if err := json.Unmarshal(out, &s); err != nil {
		b.Fatal(err)
	}
	for _, t := range s.Tables {
		rows += t.Rows
	}
	return rows
}

// joinEvents writes every event file, inflated, into one; it returns the lines.
func joinEvents(b *testing.B, dir, target string) (lines int64) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		b.Fatal(err)
	}
	out, err := os.Create(target)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	script := fmt.Sprintf("find %s -name '*.gz' | sort | xargs gzip -dc", dir)
	cmd := exec.Command("sh", "-c", script)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, 1<<20)
	for {
		n, err := pipe.Read(buffer)
		lines += int64(strings.Count(string(buffer[:n]), "\n"))
		if _, err := out.Write(buffer[:n]); err != nil {
			b.Fatal(err)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || lines == 0 {
		b.Fatalf("%d events: %v", lines, err)
	}
	return lines
}

func writeFile(b *testing.B, name, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// duckdbVariable makes the test binary run one statement on an in-memory DuckDB.
const duckdbVariable = "RIPEN_TEST_DUCKDB"

func duckdbChild(sql string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), duckdbVariable+"="+sql)
	return cmd
}

func runDuckDB(sql string) error {
	ctx := context.Background()
	db, err := duckdb.Open(ctx, duckdb.Config{Path: duckdb.Memory, Threads: 2})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = readRows(ctx, db, warehouse.Statement{Name: "baseline", SQL: sql})
	return err
}
