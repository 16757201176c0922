package filerun

// splitter collects the pieces of one file after the other in groups. Cursors
// stand only where a file ends.
type splitter struct {
	job    Job
	pass   *pass
	emit   func(group)
	group  group // not yet handed over
	size   int   // memory it holds
	files  int   // files that ended in it
	ended  int   // pieces of files that ended, the first ones of the group
	read   int64 // bytes read for them
	inside bool  // pieces of the file being read were handed over
	behind int64 // bytes handed over since the last cursor
	cursor int64 // size of the last cursor
	dirty  bool  // a file ended since the last cursor
}

// piece adds a piece of the file that is being read.
func (s *splitter) piece(p Piece, location, name string) {
	s.group.pieces = append(s.group.pieces, p)
	if s.group.names == nil {
		s.group.names = map[string]string{}
	}
	s.group.names[location] = name
	if s.size += p.Bytes; s.size < groupBytes {
		return
	}
	// Should this file fail, what comes now cannot be resumed behind; so what came
	// before it gets its cursor first.
	if !s.inside && s.dirty {
		rest := group{pieces: s.group.pieces[s.ended:], names: map[string]string{location: name}, read: s.group.read - s.read}
		s.keepEnded()
		s.flush(true)
		s.group = rest
	}
	s.inside = true
	s.flush(false)
}

// fileEnds is called when the file being read was read to its end.
func (s *splitter) fileEnds(last bool) {
	s.inside, s.dirty = false, true
	s.files++
	s.ended, s.read = len(s.group.pieces), s.group.read
	if last {
		s.flush(true)
		return
	}
	if s.size >= minGroupBytes || s.files >= maxGroupFiles {
		// With very many files of one moment a cursor is large; it must not cost more
		// than the rows it comes with.
		s.flush(s.behind+s.group.read >= 32*s.cursor)
	}
}

// fileFails drops what came of the file that failed and hands over the files before it.
func (s *splitter) fileFails() {
	// Behind pieces that were handed over no cursor may come.
	if s.inside || !s.dirty {
		return
	}
	s.keepEnded()
	s.flush(true)
}

func (s *splitter) keepEnded() {
	s.group.pieces, s.group.read = s.group.pieces[:s.ended:s.ended], s.read
}

func (s *splitter) flush(withCursor bool) {
	s.behind += s.group.read
	if withCursor {
		s.group.cursor = s.pass.cursor()
		s.cursor, s.behind, s.dirty = int64(len(s.group.cursor)), 0, false
	}
	s.emit(s.group)
	s.group, s.size, s.files, s.ended, s.read = group{}, 0, 0, 0, 0
}
