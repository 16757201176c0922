package transforms

import (
	"sync"
)

// Engine analyses and compiles models, and remembers in a cache what it found.
// It is safe for concurrent use.
type Engine struct {
	open    func() (Analyzer, error)
	compile Compiler
	cache   cache

	mu       sync.Mutex // the analyzer is used by one goroutine at a time
	analyzer Analyzer
}

// NewEngine makes an engine. It calls open when something must be analysed that
// the cache does not hold, and then once. cacheDir is a folder that the engine
// may fill and that may be deleted at any time; empty means no cache. version
// identifies analyzer and compiler: what another version has cached is not used.
func NewEngine(open func() (Analyzer, error), compile Compiler, version, cacheDir string) *Engine {
	return &Engine{open: open, compile: compile, cache: cache{dir: cacheDir, version: version}}
}

// use calls do with the analyzer, opening it the first time.
func (e *Engine) use(do func(Analyzer) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.analyzer == nil {
		analyzer, err := e.open()
		if err != nil {
			return err
		}
		e.analyzer = analyzer
	}
	return do(e.analyzer)
}
