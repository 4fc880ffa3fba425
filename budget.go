package weir

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir/internal/arena"
	"github.com/weirflow/weir/internal/fairsem"
)

// A Budget is a number of bytes that all pipelines sharing it may hold
// together. It is granted at one place only: before a source is read. Each
// pipeline has a guarantee; the rest is shared, by a dynamic threshold, so that
// one whose sink hangs cannot take it all. Waiters are served first come, first
// served within a pipeline and in turn between pipelines.
//
// The memory itself lies outside the Go heap. A Budget is safe for concurrent
// use.
type Budget struct {
	sem     *fairsem.Sem
	pool    *arena.Pool
	limit   int64
	poisons bool
	held    atomic.Int64 // charged for memory that is not batches
}

// BudgetOptions are the policies of a Budget. The zero value works.
type BudgetOptions struct {
	// Poison overwrites a batch when it is released and makes it inaccessible
	// where the system can, so that whoever kept a slice of it faults. For
	// tests. Default: off.
	Poison bool
}

// NewBudget returns a budget of limit bytes. Nothing is allocated until it is
// used.
func NewBudget(limit int64, o BudgetOptions) *Budget {
	return &Budget{
		sem:     fairsem.New(limit),
		pool:    arena.New(limit, o.Poison),
		limit:   limit,
		poisons: o.Poison,
	}
}

// Limit returns the size of the budget, in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// BudgetStats says how a Budget is used. Amounts are bytes.
type BudgetStats struct {
	Limit       int64         `json:"limit"`
	Used        int64         `json:"used"`
	Peak        int64         `json:"peak"`
	Guaranteed  int64         `json:"guaranteed"`
	Quarantined int64         `json:"quarantined"` // held by abandoned calls
	Held        int64         `json:"held"`        // of Used, what is not batches: memory of sinks, steps and decompressors
	Resident    int64         `json:"resident"`    // memory taken from the system: leased or kept for reuse
	Pipelines   int           `json:"pipelines"`
	Waiters     int           `json:"waiters"`
	Waits       int64         `json:"waits"`
	Waited      time.Duration `json:"waited_ns"`
}

// Stats returns how the budget is used at this moment.
func (b *Budget) Stats() BudgetStats {
	s, p := b.sem.Stats(), b.pool.Stats()
	return BudgetStats{
		Limit: s.Limit, Used: s.Used, Peak: s.Peak,
		Guaranteed: s.Guaranteed, Quarantined: s.Quarantined, Held: b.held.Load(), Resident: p.Leased + p.Free,
		Pipelines: s.Accounts, Waiters: s.Waiters, Waits: s.Waits, Waited: s.Waited,
	}
}

// Trim gives memory that has been free for at least idle back to the system
// and returns how many bytes that was.
func (b *Budget) Trim(idle time.Duration) int64 { return b.pool.Trim(idle) }

// Close gives the budget's free memory back to the system. Call it when no
// pipeline uses the budget any more; memory that abandoned calls still hold
// follows when they return.
func (b *Budget) Close() error { return b.pool.Close() }

// batchSize returns the batch size for a pipeline: want, or what suits the
// budget.
func (b *Budget) batchSize(want, maxWrite int) int {
	size := want
	if size == 0 {
		size = MinBatch
		for size < MaxBatch && int64(size)*2 <= b.limit/16 {
			size *= 2
		}
	}
	if maxWrite > 0 {
		size = min(size, maxWrite)
	}
	return size
}

// open admits a pipeline: it waits until its guarantee can be given.
func (b *Budget) open(ctx context.Context, name string, guarantee int64) (*fairsem.Account, error) {
	return b.sem.Open(ctx, name, guarantee)
}
