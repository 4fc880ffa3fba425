package prove

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// A Report is what an Experiment found. Its JSON form is report.json.
type Report struct {
	Version  string    `json:"version"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	Machine  Machine   `json:"machine"`
	Settings Settings  `json:"settings"`
	Verdict  Verdict   `json:"verdict"`
	// Idle is the heartbeat of a process that did nothing all the while.
	Idle      Lateness `json:"idle_heartbeat"`
	Scenarios []Result `json:"scenarios"`
	Origins   []Origin `json:"origins,omitempty"`
}

// Machine is where the experiment ran.
type Machine struct {
	OS          string `json:"os"`
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryBytes int64  `json:"memory_bytes"`
	Go          string `json:"go"`
}

// Settings are what the experiment was asked for, to show and to repeat.
type Settings struct {
	Command string `json:"command"` // that repeats it, without secrets
	Source  string `json:"source"`  // as shown: without secrets
	Sink    string `json:"sink"`
	// Bytes and SHA256 are of the data, where that is a file made for it.
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Chunk  int    `json:"chunk_bytes,omitempty"`
	Cap    int64  `json:"cap_bytes"`
	// IdealSeconds is what the sink needs at least; 0: not known.
	IdealSeconds  float64 `json:"ideal_seconds,omitempty"`
	SampleEveryMS int     `json:"sample_every_ms"`
	BeatEveryMS   int     `json:"heartbeat_every_ms"`
	SideBySide    bool    `json:"side_by_side"`
}

// Result is how one scenario went.
type Result struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Strategy Strategy `json:"strategy"`
	Chunk    int      `json:"chunk_bytes,omitempty"`
	Again    bool     `json:"again,omitempty"`

	// PeakRSS is the kernel's high-water mark; PeakInFlight is what was read and
	// not finished by the sink.
	PeakRSS      int64 `json:"peak_rss_bytes"`
	PeakInFlight int64 `json:"peak_in_flight_bytes"`
	// LoopSeconds is when the loop had read and handed over everything,
	// TotalSeconds when the sink had finished it.
	LoopSeconds  float64 `json:"loop_seconds"`
	TotalSeconds float64 `json:"total_seconds"`
	Read         int64   `json:"read_bytes"`
	Finished     int64   `json:"finished_bytes"`
	// Unfinished is what the loop had read and the sink not finished when the
	// loop ended: what is lost if the process ends with its loop.
	Unfinished  int64   `json:"unfinished_at_loop_end_bytes"`
	BytesPerSec float64 `json:"bytes_per_second"`
	WritingMax  int64   `json:"writes_outstanding_max"`

	LateP99   float64  `json:"heartbeat_late_ms_p99"`
	Heartbeat Lateness `json:"heartbeat"`

	// Slope is the trend of resident memory, in bytes a second, after the
	// warm-up, and Growth what it comes to until the end: see growth.
	Slope  float64 `json:"slope_bytes_per_second"`
	Growth float64 `json:"growth_bytes"`
	// Flat says that PeakRSS is within the cap and Growth within the tolerance.
	Flat bool `json:"flat"`

	SHA256 string `json:"sha256,omitempty"` // of what was written; "": it had no order
	// Stopped says why it was stopped before its end, "" if it was not.
	Stopped string `json:"stopped,omitempty"`
	Error   string `json:"error,omitempty"`

	Series Series `json:"series"`
}

// Series are samples over time: the same index, the same moment.
type Series struct {
	Seconds  []float64 `json:"seconds"` // since the scenario began
	RSS      []int64   `json:"rss_bytes"`
	Heap     []int64   `json:"heap_bytes"`
	Read     []int64   `json:"read_bytes"`
	Finished []int64   `json:"finished_bytes"`
	Writing  []int64   `json:"writes_outstanding"`
}

// maxSamples bounds a Series: beyond it every second sample is dropped.
const maxSamples = 4096

func (s *Series) add(seconds float64, rss int64, in inside) {
	if len(s.Seconds) == maxSamples {
		s.thin()
	}
	s.Seconds = append(s.Seconds, seconds)
	s.RSS = append(s.RSS, rss)
	s.Heap = append(s.Heap, in.Heap)
	s.Read = append(s.Read, in.Read)
	s.Finished = append(s.Finished, in.Finished)
	s.Writing = append(s.Writing, in.Writing)
}

func (s *Series) thin() {
	s.Seconds = everySecond(s.Seconds)
	for _, column := range []*[]int64{&s.RSS, &s.Heap, &s.Read, &s.Finished, &s.Writing} {
		*column = everySecond(*column)
	}
}

func everySecond[T any](all []T) []T {
	kept := all[:0]
	for i := 0; i < len(all); i += 2 {
		kept = append(kept, all[i])
	}
	return kept
}

// Save writes report.json and report.html into dir, which it makes if it is
// missing.
func (r *Report) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	page, err := r.page()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report.html"), page, 0o644)
}
