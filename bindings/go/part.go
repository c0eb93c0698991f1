package quarrel

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// partBytes is how much memory a part begins with; rust/src/parts.rs has the same
// number.
const partBytes = 256 << 10

// feedBytes is how much is handed over at once where the engine computes meanwhile.
const feedBytes = 64 << 10

// later is the number of chunks of a series that come later; rust/src/samples.rs
// has the same number.
const later = math.MaxUint32

// The flags of a chunk, and the encoding of columns; rust/src/samples.rs has the
// same numbers.
const (
	withStart = 1
	withCopy  = 1 << 1
	columns   = chunkenc.EncNone
)

const (
	seriesHeader = 20
	feedHeader   = 16
	chunkHeader  = 24
)

// A partWriter writes series into memory of the engine, in the form that
// rust/src/samples.rs reads. A part has whole series; one that does not fit is
// moved to the next.
type partWriter struct {
	query  uint64
	memory []byte
	at     int
	err    error
	// Whether chunks are handed over whose series the engine knows, and whether
	// it needs no more of them.
	feeding, enough bool

	series          int // where it begins
	body            int // where its chunks begin
	chunks, samples uint32
}

// room makes sure that there is room for so many bytes.
func (w *partWriter) room(n int) bool {
	return len(w.memory)-w.at >= n || w.grow(n)
}

// grow takes memory for a new part, and moves the series there that has begun.
func (w *partWriter) grow(n int) bool {
	if w.err != nil {
		return false
	}
	var begun []byte
	if w.memory != nil {
		begun = append(begun, w.memory[w.series:w.at]...)
		w.err = w.hand(w.series, false)
		w.memory = nil
		if w.err != nil {
			return false
		}
	}
	least := partBytes
	if len(begun)+n > partBytes/2 {
		least = 2 * (len(begun) + n)
	}
	w.memory, w.err = part(w.query, least)
	if w.err != nil {
		return false
	}
	w.at = copy(w.memory, begun)
	w.body -= w.series
	w.series = 0
	return true
}

// hand hands over the first bytes of the part.
func (w *partWriter) hand(written int, last bool) error {
	if written == 0 && !last {
		return nil
	}
	if !w.feeding {
		return answer(w.query, written, last)
	}
	more, err := feed(w.query, written, last)
	w.enough = w.enough || !more
	return err
}

// finish hands over what is left.
func (w *partWriter) finish() error {
	if w.err == nil {
		w.err = w.hand(w.at, true)
		w.memory, w.at = nil, 0
	}
	return w.err
}

// flush hands over what there is if that is enough for the engine to compute.
func (w *partWriter) flush() error {
	if w.err == nil && w.at >= feedBytes {
		w.err = w.hand(w.at, false)
		w.memory, w.at = nil, 0
	}
	return w.err
}

func (w *partWriter) put32(at int, v uint32) { binary.LittleEndian.PutUint32(w.memory[at:], v) }
func (w *partWriter) put64(at int, v uint64) { binary.LittleEndian.PutUint64(w.memory[at:], v) }

// align goes on to the next multiple of 8, for which there is room: what takes
// room takes 8 bytes more.
func (w *partWriter) align() { w.at = (w.at + 7) &^ 7 }

// begin begins a series by those of its labels that are wanted.
func (w *partWriter) begin(set labels.Labels, wanted *projection) {
	if !w.open(seriesHeader) {
		return
	}
	count := uint32(0)
	set.Range(func(l labels.Label) {
		if wanted.has(l.Name) && w.label(l) {
			count++
		}
	})
	w.align()
	w.body = w.at
	if w.err == nil {
		w.put32(w.series+16, count)
	}
}

// resume begins a series whose labels the engine knows.
func (w *partWriter) resume() { w.open(feedHeader) }

func (w *partWriter) open(header int) bool {
	w.series = w.at
	if !w.room(header + 8) {
		return false
	}
	w.at += header
	w.body, w.chunks, w.samples = w.at, 0, 0
	return true
}

func (w *partWriter) label(l labels.Label) bool {
	if !w.room(16 + len(l.Name) + len(l.Value)) {
		return false
	}
	w.put32(w.at, uint32(len(l.Name)))
	w.put32(w.at+4, uint32(len(l.Value)))
	w.at += 8
	w.at += copy(w.memory[w.at:], l.Name)
	w.at += copy(w.memory[w.at:], l.Value)
	return true
}

// end ends a series.
func (w *partWriter) end() {
	if w.err == nil {
		w.put64(w.series, uint64(w.at-w.body))
		w.put32(w.series+8, w.chunks)
		w.put32(w.series+12, w.samples)
	}
}

// postpone ends a series whose chunks come later.
func (w *partWriter) postpone() {
	w.chunks = later
	w.end()
}

// header writes what stands before a chunk, for which and whose payload it makes
// room. size is that of the payload, in bytes or in samples.
func (w *partWriter) header(encoding chunkenc.Encoding, flags uint8, size uint32, mint, maxt int64, payload int) bool {
	if !w.room(chunkHeader + payload + 8) {
		return false
	}
	w.memory[w.at] = uint8(encoding)
	w.memory[w.at+1] = flags
	w.put32(w.at+4, size)
	w.put64(w.at+8, uint64(mint))
	w.put64(w.at+16, uint64(maxt))
	w.at += chunkHeader
	w.chunks++
	return true
}

// chunk appends a chunk as it is.
func (w *partWriter) chunk(encoding chunkenc.Encoding, flags uint8, bytes []byte, samples int, mint, maxt int64) {
	if w.header(encoding, flags, uint32(len(bytes)), mint, maxt, len(bytes)) {
		w.at += copy(w.memory[w.at:], bytes)
		w.align()
		w.samples += uint32(samples)
	}
}

// floats appends samples as columns; starts is nil, or there is one for each.
func (w *partWriter) floats(starts, times []int64, values []float64) {
	n := len(times)
	if n == 0 {
		return
	}
	flags := uint8(0)
	if starts != nil {
		flags = withStart
	}
	if !w.header(columns, flags, uint32(n), times[0], times[n-1], 8*(len(starts)+2*n)) {
		return
	}
	w.at += copy(w.memory[w.at:], raw(starts))
	w.at += copy(w.memory[w.at:], raw(times))
	w.at += copy(w.memory[w.at:], raw(values))
	w.samples += uint32(n)
}

// raw is a column as bytes.
func raw[T int64 | float64](column []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(column))), 8*len(column))
}

// A projection is the labels that a query looks at; nil is all.
type projection struct{ names []string }

func (p *projection) has(name string) bool {
	if p == nil {
		return true
	}
	switch name {
	case labels.MetricName, "__type__", "__unit__":
		return true
	}
	for _, n := range p.names {
		if n == name {
			return true
		}
	}
	return false
}
