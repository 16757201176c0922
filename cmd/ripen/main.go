// Command ripen joins product events, CRM and billing into a ranked, explained
// queue of trials. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/landing"
)

// goMemoryLimit is where Go starts to collect harder, in bytes; it is no ceiling.
const goMemoryLimit = 384 << 20

func main() {
	// Arrow's Parquet writer grows its level buffers by 64 bytes at a time; this
	// allocator hands out slack (DECISIONS.md, "Landing and loading").
	memory.DefaultAllocator = landing.Allocator{}
	// Collecting garbage earlier costs no time that can be measured and keeps an
	// extraction small (docs/benchmarks.md). DuckDB has a limit of its own.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(goMemoryLimit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
