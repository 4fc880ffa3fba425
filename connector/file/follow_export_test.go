package file

// RotatedName is how names that a rotation gives are told from others.
var RotatedName = rotated

// HasStamp is how they are told quickly.
var HasStamp = hasStamp

// Remember sets how many files a followed directory remembers that are not read any
// more.
func (s *Source) Remember(n int) { s.follow.roll.most = n }

// Known returns how many files of followed directories are remembered, and how many
// of them are not read any more.
func (s *Source) Known() (all, left int) {
	r := s.follow.roll
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.mu.files), r.mu.left
}
