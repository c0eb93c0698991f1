package quarrel

import (
	"encoding/binary"
	"errors"
	"math"
)

// writer writes the messages that rust/src/message.rs reads: fields one after
// the other, little-endian, lists and texts with their length before them.
type writer struct {
	bytes []byte
}

func (w *writer) u8(v uint8)   { w.bytes = append(w.bytes, v) }
func (w *writer) u32(v uint32) { w.bytes = binary.LittleEndian.AppendUint32(w.bytes, v) }
func (w *writer) u64(v uint64) { w.bytes = binary.LittleEndian.AppendUint64(w.bytes, v) }
func (w *writer) i64(v int64)  { w.u64(uint64(v)) }

func (w *writer) flag(v bool) {
	if v {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

func (w *writer) text(s string) {
	w.u32(uint32(len(s)))
	w.bytes = append(w.bytes, s...)
}

// reserve leaves room for a number that is written later, and returns its
// position.
func (w *writer) reserve() int {
	w.u32(0)
	return len(w.bytes) - 4
}

func (w *writer) set(at int, v uint32) {
	binary.LittleEndian.PutUint32(w.bytes[at:], v)
}

var errShort = errors.New("quarrel: a message ends early")

// reader reads a message. After the end of the message it returns zeros, and
// err returns an error.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) err() error {
	if r.short {
		return errShort
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short = true
		r.rest = nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) i64() int64   { return int64(r.u64()) }
func (r *reader) f64() float64 { return math.Float64frombits(r.u64()) }

// text copies a text out of the message.
func (r *reader) text() string {
	return string(r.take(int(r.u32())))
}

// count reads the length of a list whose parts take at least size bytes each.
func (r *reader) count(size int) int {
	n := int(r.u32())
	if n > len(r.rest)/size {
		r.short = true
		return 0
	}
	return n
}

// column takes n numbers of 32 bits.
func (r *reader) column(n int) reader {
	return reader{rest: r.take(4 * n)}
}

func (r *reader) texts() []string {
	n := r.count(4)
	texts := make([]string, 0, n)
	for range n {
		texts = append(texts, r.text())
	}
	return texts
}
