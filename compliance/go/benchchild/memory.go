package benchchild

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"
)

// watch samples the anonymous memory of this process each millisecond. Pages
// of mapped blocks are not anonymous.
type watch struct {
	file       *os.File
	idle, peak uint64
	done, end  chan struct{}
}

func watchMemory() (*watch, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return nil, err
	}
	w := &watch{file: f, done: make(chan struct{}), end: make(chan struct{})}
	if w.idle, err = w.anonymous(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	go w.run()
	return w, nil
}

func (w *watch) run() {
	defer close(w.end)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-tick.C:
			w.sample()
		}
	}
}

func (w *watch) sample() {
	if now, err := w.anonymous(); err == nil {
		w.peak = max(w.peak, now)
	}
}

// stop ends the watch and returns the peak above what was there at first.
func (w *watch) stop() uint64 {
	close(w.done)
	<-w.end
	w.sample()
	w.file.Close()
	return max(w.peak, w.idle) - w.idle
}

func (w *watch) anonymous() (uint64, error) {
	var buf [4096]byte
	n, err := w.file.ReadAt(buf[:], 0)
	if n == 0 {
		return 0, err
	}
	return parseAnonymous(buf[:n])
}

// parseAnonymous finds RssAnon in the text of /proc/PID/status.
func parseAnonymous(status []byte) (uint64, error) {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			fields := bytes.Fields(rest)
			if len(fields) == 0 {
				break
			}
			kib, err := strconv.ParseUint(string(fields[0]), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("benchchild: /proc/self/status has no RssAnon")
}
