package sandbox

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// peakWhile is the most live heap seen while work runs, above what was live before.
func peakWhile(work func()) uint64 {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	base := heap()
	var peak atomic.Uint64
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			default:
				peak.Store(max(peak.Load(), heap()))
			}
		}
	}()
	work()
	close(done)
	<-watched
	return max(peak.Load(), base+1) - base
}

func TestWriteEvents_TakesTheSameMemoryForMoreAccounts(t *testing.T) {
	write := func(accounts int) uint64 {
		c := newCompany(t, Config{Seed: 7, Accounts: accounts, Days: 120, Start: founding, Until: founding.AddDate(0, 0, 20)})
		return peakWhile(func() {
			if err := c.WriteEvents(context.Background(), t.TempDir()); err != nil {
				t.Error(err)
			}
		})
	}
	small, large := write(200), write(20_000)
	t.Logf("live heap: %d KB at 200 accounts, %d KB at 20,000", small>>10, large>>10)
	// Writers and buffers are the same; what grows is one day's traffic, at some
	// 50 bytes a call and worker, which is far from 100 times the heap.
	if float64(large) > 4*float64(max(small, 3<<20)) {
		t.Errorf("live heap grows from %d to %d bytes", small, large)
	}
}

func TestIndex_TakesAtMost200BytesPerAccount(t *testing.T) {
	const accounts = 20_000
	c := newCompany(t, Config{Seed: 7, Accounts: accounts, Days: 120, Start: founding})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c.index()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if perAccount := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / accounts; perAccount > 200 {
		t.Errorf("%.0f bytes per account", perAccount)
	}
	runtime.KeepAlive(c)
}

func TestWriteEvents_StopsWhenTold(t *testing.T) {
	c := newCompany(t, testConfig(2000, 60*24*time.Hour))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if err := c.WriteEvents(ctx, dir); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %d files, %v", len(entries), err)
	}
}

func TestWriteEvents_SaysWhatItCannotWrite(t *testing.T) {
	c := newCompany(t, testConfig(200, 24*time.Hour))
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteEvents(context.Background(), file); err == nil {
		t.Error("a file is no directory")
	}
	if err := c.WriteTruth(context.Background(), file); err == nil {
		t.Error("a file is no directory")
	}
}
