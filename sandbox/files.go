package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	dayFormat  = "2006-01-02"
	hourFormat = "2006-01-02T15"
	fileSuffix = ".jsonl.gz"
	filePrefix = "events-"

	// blockEvents is about how many calls are in memory at once, per worker.
	blockEvents = 40000
)

// span is one file to write: the calls received in [from, to), in seconds.
type span struct {
	from, to int64
	path     string
}

// WriteEvents writes the product's events as gzip JSONL files of the Segment
// spec into dir, by the time of their arrival: one file per day, one per hour
// for the day that is not over at Until. Only whole hours are written, files
// that exist are left alone, and an hour or day without events has no file. A
// day that was begun in hours is finished in hours, so a call is never in two
// files by this way of cutting. Names sort as time does.
//
// A file appears complete or not at all. Equal configurations write equal bytes.
func (c *Company) WriteEvents(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	spans, err := c.missing(dir)
	if err != nil || len(spans) == 0 {
		return err
	}
	perDay := max(1, c.cfg.Accounts/c.cfg.Days*100)
	blockDays := int64(min(32, max(1, blockEvents/perDay)))
	var blocks [][]span
	for i := 0; i < len(spans); {
		j := i
		for j < len(spans) && spans[j].to-spans[i].from <= blockDays*day {
			j++
		}
		blocks = append(blocks, spans[i:max(j, i+1)])
		i = max(j, i+1)
	}
	lastDays, err := c.lastDays(ctx)
	if err != nil {
		return err
	}
	return c.inParallel(ctx, len(blocks), func(ctx context.Context, i int) error {
		return c.writeBlock(ctx, blocks[i], lastDays)
	})
}

// missing lists the files that could be there and are not, in time order.
func (c *Company) missing(dir string) ([]span, error) {
	var spans []span
	closed := c.until - c.until%3600
	add := func(from, to int64, format string) error {
		path := filepath.Join(dir, filePrefix+time.Unix(from, 0).UTC().Format(format)+fileSuffix)
		_, err := os.Stat(path)
		if os.IsNotExist(err) {
			spans = append(spans, span{from, to, path})
			return nil
		}
		return err
	}
	for at := c.start; at < closed; at += day {
		begun, err := filepath.Glob(filepath.Join(dir, filePrefix+time.Unix(at, 0).UTC().Format(dayFormat)+"T*"+fileSuffix))
		if err != nil {
			return nil, err
		}
		if at+day <= closed && len(begun) == 0 {
			err = add(at, at+day, dayFormat)
		} else {
			for h := at; h < min(at+day, closed) && err == nil; h += 3600 {
				err = add(h, h+3600, hourFormat)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	return spans, nil
}

// lastDays is, per account, the last day on which it may do something: two
// bytes that spare simulating accounts that are long gone.
func (c *Company) lastDays(ctx context.Context) ([]uint16, error) {
	last := make([]uint16, c.accounts)
	const chunk = 512
	err := c.inParallel(ctx, (c.accounts+chunk-1)/chunk, func(_ context.Context, i int) error {
		for n := i * chunk; n < min((i+1)*chunk, c.accounts); n++ {
			l := c.usage(uint32(n))
			for j := range l.trials {
				t := &l.trials[j]
				end := t.firstDay + len(t.days)
				if t.converted() {
					end = maxDays
					if t.ended > 0 {
						end = min(end, int((t.ended-c.start)/day))
					}
				}
				last[n] = max(last[n], uint16(min(end, maxDays)))
			}
		}
		return nil
	})
	return last, err
}

// writeBlock writes neighbouring files. The calls of the block are held in a
// small form, sorted by arrival, and only then written out.
func (c *Company) writeBlock(ctx context.Context, spans []span, lastDays []uint16) error {
	from, to := spans[0].from, spans[len(spans)-1].to
	firstDay, endDay := int((from-c.start)/day), int((to-c.start+day-1)/day)
	var held, calls, deliveries []event
	keep := func(e event) {
		if e.received >= from*1000 && e.received < to*1000 {
			held = append(held, e)
		}
	}
	accounts := min(c.clock.before(to), len(lastDays))
	for n := range accounts {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if int(lastDays[n]) < firstDay-reach {
			continue
		}
		l := c.usage(uint32(n))
		for i := range l.trials {
			t := &l.trials[i]
			c.workspaceDays(l, t, max(0, firstDay-reach), endDay, func(d int, a acts, k counters) {
				// Of days before the block only what is late or doubled matters.
				calls = c.dayEvents(calls[:0], l, t, d, a, k)
				deliveries = c.deliver(deliveries[:0], calls)
				for _, e := range deliveries {
					keep(e)
				}
			})
		}
	}
	for d := firstDay; d < endDay; d++ {
		c.badLines(d, keep)
	}
	slices.SortFunc(held, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.account, b.account),
			cmp.Compare(a.ws, b.ws), cmp.Compare(a.day, b.day), cmp.Compare(a.seq, b.seq))
	})
	for _, s := range spans {
		lo, _ := slices.BinarySearchFunc(held, s.from*1000, func(e event, t int64) int { return cmp.Compare(e.received, t) })
		hi, _ := slices.BinarySearchFunc(held, s.to*1000, func(e event, t int64) int { return cmp.Compare(e.received, t) })
		if lo == hi {
			continue
		}
		if err := c.writeFile(s.path, held[lo:hi]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c *Company) writeFile(path string, calls []event) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".sandbox-*")
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("sandbox: write %s: %w", path, err)
		}
	}()
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := jsonWriter{b: make([]byte, 0, 70_000)}
	for i := range calls {
		c.writeEvent(&w, &calls[i])
		if len(w.b) >= 60_000 {
			if _, err := z.Write(w.b); err != nil {
				return err
			}
			w.b = w.b[:0]
		}
	}
	if _, err := z.Write(w.b); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// inParallel runs work(0) … work(n-1) on the cores there are, and stops at the first error.
func (c *Company) inParallel(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		running.Go(func() {
			for i := range next {
				if err := work(ctx, i); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}
