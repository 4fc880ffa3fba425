package file

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/weirflow/weir/codec"
)

// Roll says when a stream that is written goes on in another file. The zero value
// writes each stream to one.
//
// The files of a stream are its parts. Their names are that of the target with the
// number of the part, from 1, before the extensions: "app.ndjson.gz" becomes
// "app-000001.ndjson.gz" and so on. With Every the beginning of the window stands
// before it, in UTC, and the numbers begin again in each window:
// "app-20261126T030000Z-000001.ndjson.gz". In the base name of a target of one stream
// {n} and {time} say where they stand instead.
type Roll struct {
	// Size is how large a part may become, in bytes as they are stored: the record
	// that reaches it is its last. Bytes without records are divided there.
	// Default: no limit.
	Size int64
	// Every is how long a part may be written to: until the next multiple of it, since
	// the beginning of 1970 in UTC. It is whole seconds. A record belongs to the
	// window in which it is written, and time never goes back within a stream.
	// Default: no limit.
	Every time.Duration
}

// divides reports whether a stream may become several files.
func (r Roll) divides() bool { return r.Size != 0 || r.Every != 0 }

// validate reports everything that is wrong with r.
func (r Roll) validate() error {
	var errs []error
	if r.Size < 0 {
		errs = append(errs, fmt.Errorf("the size of a part is %d bytes; it must be at least 1, or 0 for no limit", r.Size))
	}
	if r.Every < 0 || r.Every%time.Second != 0 {
		errs = append(errs, fmt.Errorf("the time of a part is %v; it must be whole seconds, such as 1h, or 0 for no limit", r.Every))
	}
	return errors.Join(errs...)
}

// Check reports what is wrong with r, or with the fields in the base name of a target
// of one stream.
func (r Roll) Check(target string) error {
	err := r.validate()
	if err == nil && r.divides() {
		_, err = newPartNames(target, r, true)
	}
	return err
}

// window returns the beginning of the window of a time, in Unix seconds; 0 without
// Every.
func (r Roll) window(t time.Time) int64 {
	every := int64(r.Every / time.Second)
	if every == 0 {
		return 0
	}
	return max(0, t.Unix()/every*every)
}

// What stands for a number and a time in the base name of a target.
const (
	numberField = "{n}"
	timeField   = "{time}"
)

const (
	numberWidth  = 6 // digits, at least
	windowLayout = "20060102T150405Z"
)

// partNames are the names of the parts of a stream. The pieces between the literal
// texts are fields.
type partNames struct {
	dir    string
	texts  []string // what stands around the fields
	fields []string // one less
}

// newPartNames returns the names of the parts of target. free says that fields in its
// base name mean something.
func newPartNames(target string, r Roll, free bool) (partNames, error) {
	dir, base := filepath.Split(target)
	n := partNames{dir: dir}
	if !free || !strings.Contains(base, numberField) && !strings.Contains(base, timeField) {
		stem, ext := splitExtensions(base)
		if r.Every > 0 {
			n.texts, n.fields = append(n.texts, stem+"-"), append(n.fields, timeField)
			stem = ""
		}
		n.texts, n.fields = append(n.texts, stem+"-", ext), append(n.fields, numberField)
		return n, nil
	}
	timed := 0
	if r.Every > 0 {
		timed = 1
	}
	if strings.Count(base, numberField) != 1 || strings.Count(base, timeField) != timed {
		want := numberField + " once, and no " + timeField
		if timed == 1 {
			want = timeField + " and " + numberField + ", each once"
		}
		return n, fmt.Errorf("%s: the name needs %s, so that each part has one of its own; or leave them out", show(target), want)
	}
	if _, behind, _ := strings.Cut(base, numberField); strings.HasPrefix(behind, timeField) || strings.Trim(behind[:min(1, len(behind))], "0123456789") != behind[:min(1, len(behind))] {
		return n, fmt.Errorf("%s: a digit cannot stand behind %s; put something between them", show(target), numberField)
	}
	for {
		at, field := strings.Index(base, numberField), numberField
		if t := strings.Index(base, timeField); at < 0 || t >= 0 && t < at {
			at, field = t, timeField
		}
		if at < 0 {
			n.texts = append(n.texts, base)
			return n, nil
		}
		n.texts, n.fields = append(n.texts, base[:at]), append(n.fields, field)
		base = base[at+len(field):]
	}
}

// splitExtensions divides a base name before its extension, and before the one in
// front of that of a compression.
func splitExtensions(base string) (stem, ext string) {
	stem = codec.TrimCompression(base)
	if e := filepath.Ext(stem); len(e) < len(stem) {
		stem = strings.TrimSuffix(stem, e)
	}
	return stem, base[len(stem):]
}

// path returns the path of a part: its number within the window that begins at so many
// Unix seconds.
func (n partNames) path(window, number int64) string {
	var b strings.Builder
	b.WriteString(n.dir)
	for i, field := range n.fields {
		b.WriteString(n.texts[i])
		if field == timeField {
			b.WriteString(time.Unix(window, 0).UTC().Format(windowLayout))
			continue
		}
		fmt.Fprintf(&b, "%0*d", numberWidth, number)
	}
	b.WriteString(n.texts[len(n.fields)])
	return b.String()
}

// match reports whether base is the base name of a part.
func (n partNames) match(base string) bool {
	for i, field := range n.fields {
		rest, ok := strings.CutPrefix(base, n.texts[i])
		if !ok {
			return false
		}
		width := len(windowLayout)
		if field == numberField {
			width = len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		}
		if len(rest) < width {
			return false
		}
		text := rest[:width]
		if base = rest[width:]; field == numberField {
			number, err := strconv.ParseInt(text, 10, 64)
			if err != nil || width < numberWidth || number < 1 {
				return false
			}
		} else if _, err := time.Parse(windowLayout, text); err != nil {
			return false
		}
	}
	return base == n.texts[len(n.fields)]
}

// HasPartFields reports whether {n} or {time} is in the base name of path, which a
// sink with a Roll replaces.
func HasPartFields(path string) bool {
	base := filepath.Base(path)
	return strings.Contains(base, numberField) || strings.Contains(base, timeField)
}
