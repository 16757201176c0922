package orchestrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrHeld is returned by Acquire while another process holds the lease.
var ErrHeld = errors.New("another run holds the project")

// Holder is who holds a lease.
type Holder struct {
	Command string    `json:"command"`
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// Lease lets one process at a time write to a project.
//
// It is an advisory lock (flock) on a file: the kernel drops it when the process
// ends, however it ends, so a killed run never has to be waited for or cleaned up
// after. The file's text only says who holds it. It guards processes of one
// machine; what several machines share is guarded by landing (a manifest is
// created only if absent) and by the warehouse's load ledger.
type Lease struct{ file *os.File }

// Acquire takes the lease at path, or returns an error that wraps ErrHeld and
// names the holder.
func Acquire(path, command string, now time.Time) (*Lease, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lease %s: %w", path, err)
		}
		return nil, fmt.Errorf("%w: %s", ErrHeld, describeHolder(path))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text, err := json.Marshal(Holder{command, os.Getpid(), host, now.UTC().Truncate(time.Second)})
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(text, 0)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lease %s: %w", path, err)
	}
	return &Lease{file}, nil
}

// Held reports whether somebody holds the lease at path now.
func Held(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close() // gives a lock that was to be had back
	switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case err == nil:
		return false, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return true, nil
	default:
		return false, fmt.Errorf("lease %s: %w", path, err)
	}
}

func describeHolder(path string) string {
	var h Holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return "holder unknown" // it has the lock but has not written its name yet
	}
	return fmt.Sprintf("`%s`, process %d on %s, since %s", h.Command, h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// Release gives the lease back. The holder's name goes first, so that nobody who
// comes second after the next holder is told of this one.
func (l *Lease) Release() error { return errors.Join(l.file.Truncate(0), l.file.Close()) }
