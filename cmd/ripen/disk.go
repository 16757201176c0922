package main

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/ripen-data/ripen/internal/hint"
)

// fullDisk are the errors of a file system that takes no more: no space, the
// user's quota, the limit on a file's size.
var fullDisk = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// adviseOnFullDisk attaches advice to err when a disk is full. DuckDB hands on
// the system's text instead of its error.
func adviseOnFullDisk(err error, p *project) error {
	if err == nil {
		return nil
	}
	text := strings.ToLower(err.Error())
	if !slices.ContainsFunc(fullDisk, func(e syscall.Errno) bool { return errors.Is(err, e) || strings.Contains(text, e.Error()) }) {
		return err
	}
	return hint.Wrap(err, "make room on the disk of %s and %s, then run again: it goes on where this run stopped", p.landingPath(), p.warehousePath())
}
