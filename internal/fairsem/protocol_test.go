package fairsem

import "fmt"

// This file describes how pipelines use accounts, in steps small enough to
// enumerate. The semaphore in it is the real one: its core decides who waits.
// Units are arenas.

// place says where a stage in the middle of a pipeline takes a unit from.
type place uint8

const (
	nowhere  place = iota // it needs none
	fromPool              // Acquire, while the batch is held: hold and wait
	fromLane              // a unit set aside when the pipeline opened
)

// protocol is one way to build pipelines on accounts.
type protocol struct {
	limit     int64
	pipes     int
	guarantee int64
	batches   int // each pipeline reads so many

	sizes  []int64 // units a batch may take, in one acquisition; the reader chooses
	static int64   // units of the lane, set aside when the pipeline opens
	nested bool    // ... come from an account of their own, opened while the other is; not out of its guarantee

	encode  place // every batch needs a unit more to be encoded
	oldest  bool  // ... and the oldest of a stream gets it first
	retry   place // a failed batch needs a unit more; nowhere: no batch fails
	ordered bool  // the batches of a stream are acknowledged in the order read
	fanout  int   // sinks that must accept each batch; 0 means 1

	gather   int  // the sink writes once it holds so many batches; 0: each at once
	pressure bool // ... or when something of the pipeline waits for units
	linger   bool // ... or at any moment

	streams int   // readers per pipeline; 0 means 1
	grow    int64 // stream 0 collects records of so many units, unit by unit
	token   bool  // ... one pipeline of all at a time

	cancels int  // waits per pipeline that end early
	abandon bool // a pipeline may close while it holds batches
}

type phase uint8

const (
	fresh phase = iota
	opening
	opened // without its lane yet
	running
	abandoned // closed, with batches that are still to come home
	finished
)

type stage uint8

const (
	growing stage = iota // a record being collected
	loaded               // read, waits to be encoded
	encoded
	failed
	retrying
	done // waits for its turn to be acknowledged
)

type batch struct {
	stage  stage
	stream int
	held   int64 // units of the pool
	lane   int64 // units of the lane
	accept int   // sinks that have accepted
	tried  bool
	asked  bool // an acquisition of this batch waits
}

// ticket is what a queued request is for.
type ticket struct {
	req    *request
	act    act
	stream int
	batch  *batch
}

type pipe struct {
	acct    *account
	aside   *account // that of the lane, if nested
	phase   phase
	todo    int
	lane    int64  // free units of the lane
	reading []bool // by stream: its acquisition waits
	batches []*batch
	tickets []*ticket
	cancels int
}

type act uint8

const (
	actOpen act = iota
	actLane
	actRead  // arg: stream*16 + size
	actPiece // arg: batch, as below
	actEncode
	actAccept
	actFail
	actScratch
	actAck
	actFlush
	actCancel // arg: ticket
	actClose
	actAbandon
	actComeHome
)

// action is one step of one pipeline.
type action struct {
	pipe, arg uint8
	act       act
}

func (a action) String() string {
	names := [...]string{
		"open", "lane", "read", "piece", "encode", "accept", "fail", "scratch",
		"ack", "flush", "cancel", "close", "abandon", "comeHome",
	}
	return fmt.Sprintf("p%d.%s(%d)", a.pipe, names[a.act], a.arg)
}

// world is a protocol in some state.
type world struct {
	*protocol
	core   core
	pipes  []*pipe
	holder *batch // of the token
}

func newWorld(p *protocol) *world {
	w := &world{protocol: p, core: core{limit: p.limit}}
	for range p.pipes {
		w.pipes = append(w.pipes, &pipe{
			acct:    &account{},
			aside:   &account{},
			todo:    p.batches,
			reading: make([]bool, max(1, p.streams)),
			cancels: p.cancels,
		})
	}
	return w
}

func (w *world) accounts() []*account {
	var all []*account
	for _, p := range w.pipes {
		all = append(all, p.acct, p.aside)
	}
	return all
}

func (w *world) finished() bool {
	for _, p := range w.pipes {
		if p.phase != finished {
			return false
		}
	}
	return true
}

// actions appends what can happen next to dst.
func (w *world) actions(dst []action) []action {
	for i, p := range w.pipes {
		add := func(what act, arg int) {
			dst = append(dst, action{pipe: uint8(i), act: what, arg: uint8(arg)})
		}
		switch p.phase {
		case fresh:
			add(actOpen, 0)
		case abandoned:
			add(actComeHome, 0)
		case opened:
			if len(p.tickets) == 0 {
				add(actLane, 0)
			}
		case running:
			w.reads(p, add)
			for j, b := range p.batches {
				w.batchActions(p, j, b, add)
			}
			w.pipeActions(p, add)
		}
		for k, t := range p.tickets {
			if p.cancels > 0 && t.act == actRead {
				add(actCancel, k)
			}
		}
	}
	return dst
}

func (w *world) reads(p *pipe, add func(act, int)) {
	for s, waits := range p.reading {
		if p.todo == 0 || waits {
			continue
		}
		if s == 0 && w.grow > 0 {
			if collecting(p) || w.token && w.holder != nil {
				continue
			}
			add(actRead, 1)
			continue
		}
		for _, size := range w.sizes {
			add(actRead, s<<4|int(size))
		}
	}
}

func collecting(p *pipe) bool {
	for _, b := range p.batches {
		if b.stage == growing {
			return true
		}
	}
	return false
}

func (w *world) batchActions(p *pipe, j int, b *batch, add func(act, int)) {
	if b.asked {
		return
	}
	switch b.stage {
	case growing:
		add(actPiece, j)
	case loaded:
		if w.encode == fromPool || p.lane > 0 && !(w.oldest && olderNeedsLane(p, j)) {
			add(actEncode, j)
		}
	case encoded:
		if w.gather == 0 {
			add(actAccept, j)
		}
		if w.retry != nowhere && !b.tried {
			add(actFail, j)
		}
	case failed:
		if w.retry == fromPool || p.lane > 0 {
			add(actScratch, j)
		}
	case retrying:
		add(actAccept, j)
	case done:
		if !w.ordered || oldestOfStream(p, j) {
			add(actAck, j)
		}
	}
}

func olderNeedsLane(p *pipe, j int) bool {
	for _, b := range p.batches[:j] {
		if b.stage <= loaded && b.stream == p.batches[j].stream {
			return true
		}
	}
	return false
}

func oldestOfStream(p *pipe, j int) bool {
	for _, b := range p.batches[:j] {
		if b.stream == p.batches[j].stream {
			return false
		}
	}
	return true
}

func (w *world) pipeActions(p *pipe, add func(act, int)) {
	if w.gather > 0 {
		ready, rest := 0, p.todo+len(p.tickets)
		for _, b := range p.batches {
			switch b.stage {
			case encoded:
				ready++
			case growing, loaded, failed, retrying:
				rest++
			}
		}
		pressed := w.pressure && (p.acct.queue.head != nil || w.laneWaits(p))
		if ready > 0 && (ready >= w.gather || rest == 0 || pressed || w.linger) {
			add(actFlush, 0)
		}
	}
	if p.todo == 0 && len(p.batches) == 0 && len(p.tickets) == 0 {
		add(actClose, 0)
	}
	if w.abandon && len(p.batches) > 0 {
		add(actAbandon, 0)
	}
}

// laneWaits reports whether a batch waits for a unit of the lane. It is
// pressure like a waiting acquisition: the units may be with the batches that
// the sink gathers.
func (w *world) laneWaits(p *pipe) bool {
	for _, b := range p.batches {
		if p.lane == 0 && (b.stage == loaded && w.encode == fromLane || b.stage == failed && w.retry == fromLane) {
			return true
		}
	}
	return false
}

// apply performs a and whatever grants follow from it.
func (w *world) apply(a action) {
	p := w.pipes[a.pipe]
	switch a.act {
	case actOpen:
		p.phase = opening
		w.ask(p, &ticket{act: actOpen}, open, w.guarantee)
	case actLane:
		t := &ticket{act: actLane}
		if w.nested {
			w.askOf(p.aside, p, t, open, w.static)
		} else {
			w.ask(p, t, acquire, w.static)
		}
	case actRead:
		s := int(a.arg >> 4)
		p.reading[s] = true
		p.todo--
		b := &batch{stage: loaded, stream: s}
		if s == 0 && w.grow > 0 {
			b.stage = growing
			if w.token {
				w.holder = b
			}
		}
		w.ask(p, &ticket{act: actRead, stream: s, batch: b}, acquire, int64(a.arg&15))
	case actFlush:
		for _, b := range p.batches {
			if b.stage == encoded {
				b.stage = done
			}
		}
	case actCancel:
		t := p.tickets[a.arg]
		p.cancels--
		p.todo++
		w.forget(p, t)
		w.dropToken(t.batch)
		w.core.cancel(t.req)
	case actClose:
		w.close(p)
		p.phase = finished
	case actAbandon:
		p.phase = abandoned
		w.core.close(p.acct)
	case actComeHome:
		for _, b := range p.batches {
			w.dropToken(b)
			w.core.release(p.acct, b.held)
		}
		p.batches, p.todo = nil, 0
		w.dropLane(p)
		p.phase = finished
	default:
		w.applyToBatch(p, a, p.batches[a.arg])
	}
	w.drain()
}

func (w *world) applyToBatch(p *pipe, a action, b *batch) {
	switch a.act {
	case actPiece:
		w.ask(p, &ticket{act: actPiece, batch: b}, acquire, 1)
	case actEncode:
		w.take(p, b, w.encode, actEncode)
	case actScratch:
		w.take(p, b, w.retry, actScratch)
	case actAccept:
		if b.accept++; b.accept >= w.fanout {
			w.dropScratch(p, b)
			b.stage = done
		}
	case actFail:
		b.tried = true
		b.stage = failed
	case actAck:
		p.lane += b.lane
		p.batches = append(p.batches[:a.arg:a.arg], p.batches[a.arg+1:]...)
		w.core.release(p.acct, b.held)
	}
}

// dropScratch gives back the unit of a retry as soon as that is through.
func (w *world) dropScratch(p *pipe, b *batch) {
	switch {
	case b.stage != retrying:
	case w.retry == fromLane:
		b.lane--
		p.lane++
	default:
		b.held--
		w.core.release(p.acct, 1)
	}
}

func (w *world) dropToken(b *batch) {
	if b != nil && w.holder == b {
		w.holder = nil
	}
}

// take gives b the extra unit of a stage, now from the lane or with an
// acquisition.
func (w *world) take(p *pipe, b *batch, from place, what act) {
	if from == fromPool {
		w.ask(p, &ticket{act: what, batch: b}, acquire, 1)
		return
	}
	p.lane--
	b.lane++
	w.advance(b, what)
}

func (w *world) advance(b *batch, after act) {
	switch after {
	case actEncode:
		b.stage = encoded
	case actScratch:
		b.stage = retrying
	default: // a read or a piece
		if b.stage == growing && b.held < w.grow {
			return
		}
		w.dropToken(b)
		b.stage = loaded
		if w.encode == nowhere {
			b.stage = encoded
		}
	}
}

// ask submits a request to the core; a grant is applied at once or by drain.
func (w *world) ask(p *pipe, t *ticket, kind kind, size int64) { w.askOf(p.acct, p, t, kind, size) }

// askOf is ask for either account of p.
func (w *world) askOf(a *account, p *pipe, t *ticket, kind kind, size int64) {
	t.req = &request{acct: a, kind: kind, size: size}
	if t.batch != nil {
		t.batch.asked = true
	}
	if !w.core.possible(kind, a, size) {
		panic(fmt.Sprintf("the protocol asks for %d, which is never possible", size))
	}
	p.tickets = append(p.tickets, t)
	if w.core.submit(t.req) {
		w.granted(p, t)
	}
}

// drain applies what the core has settled since the last step.
func (w *world) drain() {
	for r := w.core.settled.pop(); r != nil; r = w.core.settled.pop() {
		p, t := w.find(r)
		if r.state == granted {
			w.granted(p, t)
		} else {
			w.forget(p, t)
			w.dropToken(t.batch)
		}
	}
}

func (w *world) find(r *request) (*pipe, *ticket) {
	for _, p := range w.pipes {
		for _, t := range p.tickets {
			if t.req == r {
				return p, t
			}
		}
	}
	panic("a request that nobody made")
}

// forget removes a ticket whose wait is over.
func (w *world) forget(p *pipe, t *ticket) {
	for i, other := range p.tickets {
		if other == t {
			p.tickets = append(p.tickets[:i:i], p.tickets[i+1:]...)
		}
	}
	if t.batch != nil {
		t.batch.asked = false
	}
	if t.act == actRead {
		p.reading[t.stream] = false
	}
}

func (w *world) granted(p *pipe, t *ticket) {
	w.forget(p, t)
	switch t.act {
	case actOpen:
		p.phase = running
		if w.static > 0 {
			p.phase = opened
		}
	case actLane:
		p.lane = w.static
		p.phase = running
	default:
		if t.act == actRead {
			p.batches = append(p.batches, t.batch)
		}
		t.batch.held += t.req.size
		w.advance(t.batch, t.act)
	}
}

func (w *world) close(p *pipe) {
	w.dropLane(p)
	w.core.close(p.acct)
}

func (w *world) dropLane(p *pipe) {
	p.lane = 0
	switch {
	case w.static == 0:
	case w.nested:
		w.core.close(p.aside)
	default:
		w.core.release(p.acct, w.static)
	}
}

// key encodes the whole state: two worlds with the same key behave the same.
func (w *world) key(dst []byte) []byte {
	put := func(ns ...int) {
		for _, n := range ns {
			dst = append(dst, byte(n))
		}
	}
	ticketKey := func(i int, p *pipe, r *request) {
		for _, t := range p.tickets {
			if t.req == r {
				put(i, int(t.act), t.stream, int(r.size), index(p.batches, t.batch))
			}
		}
	}
	put(int(w.core.leastNeed), w.core.ringLen)
	for k, a := 0, w.core.ring; k < w.core.ringLen; k, a = k+1, a.ringNext {
		put(index(w.accounts(), a))
	}
	for r := w.core.openers.head; r != nil; r = r.next {
		i := index(w.accounts(), r.acct) / 2 // two accounts a pipe
		ticketKey(i, w.pipes[i], r)
	}
	for i, p := range w.pipes {
		put(255, int(p.phase), p.todo, int(p.lane), p.cancels, int(p.acct.used))
		for _, b := range p.batches {
			put(int(b.stage), b.stream, int(b.held), int(b.lane), b.accept, bit(b.tried)|bit(b.asked)<<1|bit(b == w.holder)<<2)
		}
		for r := p.acct.queue.head; r != nil; r = r.next {
			put(254)
			ticketKey(i, p, r)
		}
	}
	return dst
}

func index[T comparable](all []T, one T) int {
	for i, x := range all {
		if x == one {
			return i
		}
	}
	return 253
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
