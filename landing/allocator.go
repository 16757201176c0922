package landing

import "github.com/apache/arrow/go/v15/arrow/memory"

// Allocator hands out memory with slack: capacities are powers of two and a
// slice that still fits is returned as it is. The Parquet library grows its
// level buffers by 64 bytes at a time, which without slack copies the whole
// buffer at every step.
//
// Those buffers come from memory.DefaultAllocator, which only a program may set:
//
//	memory.DefaultAllocator = landing.Allocator{}
type Allocator struct{}

var _ memory.Allocator = Allocator{}

// minAllocation keeps small buffers from growing through many sizes.
const minAllocation = 256

// Allocate returns size zeroed bytes, aligned to 64 bytes.
func (Allocator) Allocate(size int) []byte {
	capacity := minAllocation
	for capacity < size {
		capacity *= 2
	}
	return memory.NewGoAllocator().Allocate(capacity)[:size]
}

// Reallocate returns b with the given size, moved only where it has to be.
func (a Allocator) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	moved := a.Allocate(size)
	copy(moved, b)
	return moved
}

// Free leaves the memory to the garbage collector.
func (Allocator) Free([]byte) {}
