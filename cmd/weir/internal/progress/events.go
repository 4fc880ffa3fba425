package progress

import (
	"encoding/json"
	"io"
	"math"
	"sync"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
)

const eventEvery = 1 * time.Second

// Events is a Reporter that writes one JSON object a line.
type Events struct {
	now func() time.Time
	mu  struct {
		sync.Mutex
		encoder *json.Encoder
		next    time.Duration
		broken  bool // nobody reads any more
	}
}

var _ Reporter = (*Events)(nil)

// NewEvents returns a Reporter that writes JSON to w: an object each for the
// start, for progress once a second, for every stream that ended, for notices,
// and for the end.
func NewEvents(w io.Writer) *Events {
	e := &Events{now: time.Now}
	e.mu.encoder = json.NewEncoder(w)
	e.mu.encoder.SetEscapeHTML(false)
	e.mu.next = eventEvery
	return e
}

// head is common to all events.
type head struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
}

type startEvent struct {
	head
	Version     string      `json:"version"`
	Sources     []string    `json:"sources"`
	Destination string      `json:"destination"`
	Memory      memory.Plan `json:"memory"`
}

type progressEvent struct {
	head
	look
}

// look is a Snapshot as JSON.
type look struct {
	Stats      weir.Stats `json:"stats"`
	RSS        int64      `json:"rss_bytes"`
	Peak       int64      `json:"rss_peak_bytes"`
	Cap        int64      `json:"memory_cap_bytes"`
	Brakes     int64      `json:"memory_brakes"`
	ReadRate   float64    `json:"read_bytes_per_second"`
	WriteRate  float64    `json:"write_bytes_per_second"`
	Total      *int64     `json:"total_bytes"` // null: not known
	ETASeconds *float64   `json:"eta_seconds"`
	Draining   bool       `json:"draining"`
}

type streamEvent struct {
	head
	weir.StreamResult
	Error string `json:"error,omitempty"`
}

type noticeEvent struct {
	head
	Text string `json:"text"`
}

type endEvent struct {
	head
	Status   string `json:"status"`
	ExitCode int    `json:"exit_code"`
	Error    string `json:"error,omitempty"`
	look
	Abandoned []string `json:"abandoned,omitempty"`
}

// Start writes what will be done.
func (e *Events) Start(s Start) {
	e.write(startEvent{e.head("start"), s.Version, s.Sources, s.Destination, s.Plan})
}

// Progress writes s when it is time.
func (e *Events) Progress(s Snapshot) {
	e.mu.Lock()
	due := s.Stats.Elapsed >= e.mu.next
	if due {
		e.mu.next = s.Stats.Elapsed/eventEvery*eventEvery + eventEvery
	}
	e.mu.Unlock()
	if due {
		e.write(progressEvent{e.head("progress"), newLook(s)})
	}
}

// Stream writes how a stream ended.
func (e *Events) Stream(r weir.StreamResult) {
	e.write(streamEvent{e.head("stream"), r, errorText(r.Err)})
}

// Notice writes text.
func (e *Events) Notice(text string) { e.write(noticeEvent{e.head("notice"), text}) }

// End writes how it ended.
func (e *Events) End(end End) {
	e.write(endEvent{
		head: e.head("end"), Status: end.Status, ExitCode: end.ExitCode, Error: errorText(end.Err),
		look: newLook(end.Snapshot), Abandoned: end.Abandoned,
	})
}

func (e *Events) head(event string) head { return head{event, e.now()} }

func (e *Events) write(event any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.mu.broken {
		e.mu.broken = e.mu.encoder.Encode(event) != nil
	}
}

func newLook(s Snapshot) look {
	l := look{
		Stats: s.Stats, RSS: s.RSS, Peak: s.Peak, Cap: s.Cap, Brakes: s.Brakes,
		ReadRate: s.ReadRate, WriteRate: s.WriteRate, Draining: s.Draining,
	}
	l.Stats.Bottleneck.Busy = finite(l.Stats.Bottleneck.Busy)
	l.Stats.Bottleneck.Headroom = finite(l.Stats.Bottleneck.Headroom)
	if total, known := s.Total(); known {
		l.Total = &total
	}
	if eta, known := s.ETA(); known {
		seconds := eta.Seconds()
		l.ETASeconds = &seconds
	}
	return l
}

// finite returns 0 for what JSON has no number for.
func finite(f float64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
