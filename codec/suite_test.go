package codec_test

import (
	"bytes"
	stdjson "encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/weirtest"
)

// suite returns the JSON texts of jsonscan's suite by their names, and those whose
// depth is what matters.
func suite(tb testing.TB) map[string]string {
	tb.Helper()
	file, err := os.ReadFile("jsonscan/testdata/rfc8259.txt")
	must(tb, err)
	all := map[string]string{
		"9000 arrays":  strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"10002 arrays": strings.Repeat("[", 10002) + strings.Repeat("]", 10002), // the outermost may be the stream's
		"9000 objects": strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000),
		"open arrays":  strings.Repeat("[", 9000),
		"open objects": strings.Repeat(`[{"":`, 5000),
	}
	for line := range strings.Lines(string(file)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if strings.HasPrefix(line, "#") || len(fields) != 3 {
			continue
		}
		text, err := strconv.Unquote(strings.TrimSpace(fields[2]))
		must(tb, err)
		all[fields[1]] = text
	}
	return all
}

// passed copies a stream of JSON and checks each record on its way. It returns what
// arrived and how many records were skipped.
func passed(t *testing.T, from, to, data string, bad weir.BadPolicy) (records []string, skipped int64, err error) {
	t.Helper()
	x := copying{from: from + "+none", to: to}
	x.encode.KeepNames = true
	x.encode.Convert.Validate, x.encode.Convert.Bad = true, bad
	sink, result, err := x.run(t, weirtest.BytesStream{Name: "s", Data: []byte(data)})
	got, ok := sink.Committed("s")
	if ok != (err == nil) {
		t.Errorf("the stream is committed: %t, the error is %v", ok, err)
	}
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(got)) {
		records = append(records, strings.TrimSuffix(line, "\n"))
	}
	return records, result.Skipped.Records, nil
}

// A line of NDJSON that must be accepted arrives as it is; one that must be rejected
// is skipped or fails the stream, and the lines around it arrive in any case.
func TestTextsOfTheSuiteAsLines(t *testing.T) {
	for name, text := range suite(t) {
		if strings.Contains(text, "\n") || strings.TrimSuffix(text, "\r") == "" {
			continue // these are several lines, or none
		}
		t.Run(name, func(t *testing.T) {
			valid, data := stdjson.Valid([]byte(text)), "1\n"+text+"\n[2]\n"
			want := []string{"1", strings.TrimSuffix(text, "\r"), "[2]"}
			if strings.Contains(text, "\r") && valid { // white space that an LF would not survive
				var compact bytes.Buffer
				must(t, stdjson.Compact(&compact, []byte(text)))
				want[1] = compact.String()
			}
			if !valid {
				want = []string{"1", "[2]"}
			}
			got, skipped, err := passed(t, codec.NDJSON, codec.NDJSON, data, weir.SkipBad)
			must(t, err)
			if !slices.Equal(got, want) || skipped != int64(3-len(want)) {
				t.Errorf("arrived: %.200q, %d skipped, want %.200q", got, skipped, want)
			}
			if _, _, err = passed(t, codec.NDJSON, codec.NDJSON, data, nil); (err == nil) != valid {
				t.Errorf("the error is %v", err)
			} else if err != nil {
				failed(t, err, weir.Rejected, "line 2, record 2, offset 2: ")
			}
		})
	}
}

// As an element of an array, and between other texts, a text is what the standard
// library takes it for. What is not JSON is a bad record or the end of the stream,
// and what arrives is JSON.
func TestTextsOfTheSuiteInStreams(t *testing.T) {
	for name, text := range suite(t) {
		t.Run(name, func(t *testing.T) {
			for _, data := range []string{"[1,\n" + text + "\n,[2]]", "{}\n" + text + "\n[[3]]\n", text} {
				want, ok := elements(data)
				got, skipped, err := passed(t, codec.JSON, codec.NDJSON, data, weir.SkipBad)
				for _, rec := range got {
					if !stdjson.Valid([]byte(rec)) {
						t.Errorf("of %.100q arrived %.100q, which is not JSON", data, rec)
					}
				}
				switch {
				case ok && (err != nil || skipped > 0 || !slices.Equal(got, want)):
					t.Errorf("of %.100q arrived %.100q, want %.100q: %d skipped, %v", data, got, want, skipped, err)
				case !ok && err == nil && skipped == 0:
					t.Errorf("%.100q is taken for JSON, and %.100q arrived", data, got)
				}
				switch {
				case err == nil:
				case strings.HasPrefix(data, "\xff\xfe"):
					failed(t, err, weir.Invalid, "UTF-16")
				default:
					failed(t, err, weir.Corrupt, "json: at line ")
				}
				_, _, err = passed(t, codec.JSON, codec.JSON, data, nil)
				if (err == nil) != ok {
					t.Errorf("%.100q as an array: %v", data, err)
				}
			}
		})
	}
}

// elements returns the values of a stream of JSON as the standard library reads it,
// of arrays their elements, as lines. It reports false if it is none. To it "00" is
// two numbers, which here is one that is wrong.
func elements(data string) (all []string, ok bool) {
	data = strings.TrimPrefix(data, "\ufeff")
	d := stdjson.NewDecoder(strings.NewReader(data))
	for {
		var v stdjson.RawMessage
		switch err := d.Decode(&v); {
		case err == io.EOF:
			return all, true
		case err != nil:
			return nil, false
		}
		if rest := data[d.InputOffset():]; v[len(v)-1] <= '9' && v[len(v)-1] != '"' && rest != "" && strings.Contains("+-.0123456789eE", rest[:1]) {
			return nil, false
		}
		each := []stdjson.RawMessage{v}
		if v[0] == '[' && stdjson.Unmarshal(v, &each) != nil {
			return nil, false
		}
		for _, e := range each {
			if bytes.ContainsAny(e, "\r\n") {
				var compact bytes.Buffer
				if stdjson.Compact(&compact, e) != nil {
					return nil, false
				}
				e = compact.Bytes()
			}
			all = append(all, string(e))
		}
	}
}
