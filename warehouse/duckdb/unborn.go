package duckdb

import (
	"bytes"
	"os"
	"syscall"
)

// headerBytes is what DuckDB writes first into a new file: three blocks, which
// hold no data.
const headerBytes = 3 * 4096

// removeUnborn removes a file whose creation broke off inside of its headers, by a
// full disk or a kill: DuckDB never opens it again, and it holds nothing. It
// reports whether there was such a file. One that is being created is locked.
func removeUnborn(path string) bool {
	// To open and close a database that this process has open would drop its lock,
	// so the size is looked at first.
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() >= headerBytes {
		return false
	}
	head, err := os.ReadFile(path)
	if err != nil || len(head) > 0 && !bytes.HasPrefix(head[min(len(head), 8):], []byte("DUCK")) {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock) != nil || lock.Type != syscall.F_UNLCK {
		return false
	}
	return os.Remove(path) == nil
}
