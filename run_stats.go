package weir

import "time"

// stats gathers where the run stands.
func (r *run) stats() Stats {
	r.mu.Lock()
	now := r.now()
	if r.mu.gone {
		now = r.mu.elapsed
	}
	s := r.mu.done
	s.Elapsed = now
	live := make([]*stream, 0, len(r.mu.streams))
	for st := range r.mu.streams {
		live = append(live, st)
	}
	if len(live) == 0 && !r.mu.gone {
		idle := now - r.mu.idleSince
		s.Source.WaitInput += idle
		s.Sink.WaitInput += idle * time.Duration(r.opts.InFlight)
	}
	if r.mu.unknown {
		s.ReadTotal = UnknownSize
	}
	for _, st := range live {
		st.addTo(&s, now)
	}
	s.SourceEnded = r.mu.ended
	r.mu.Unlock()

	s.Streams.Active = int64(len(live))
	s.Source.Name, s.Sink.Name = r.srcName, r.dstName
	if r.transforms != nil {
		s.Transform.Name = r.transforms.slowest()
		r.transforms.addTo(&s.Transform, now)
	}
	if r.account != nil {
		a := r.account.Stats()
		s.InFlightBytes = max(0, a.Used-r.static-r.held.Load())
		s.PeakInFlightBytes = max(0, a.Peak-r.static)
	}
	s.InFlightBatches, s.PeakInFlightBatches = r.batches.now.Load(), r.batches.peak.Load()
	s.Checkpoints = r.checkpoints.Load()
	s.WriteLatency = r.latency.summary()
	s.Bottleneck = r.bottleneck(&s)
	return s
}
