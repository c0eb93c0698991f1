// Package benchchild is the loop of a process that `make bench-peers` times: it
// answers requests on stdin with lines on stdout.
//
// The forms of both are those of benches/peers/protocol.rs, which also says
// what each field means.
package benchchild

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Request asks to run one query several times.
type Request struct {
	Query     string `json:"query"`
	Start     int64  `json:"start_ms"`
	End       int64  `json:"end_ms"`
	Step      int64  `json:"step_ms"`
	Data      string `json:"data"`
	Runs      int    `json:"runs"`
	MostMs    int64  `json:"most_ms"`
	TimeoutMs int64  `json:"timeout_ms"`
	Memory    bool   `json:"memory"`
	Cold      bool   `json:"cold"`
	Variants  int    `json:"variants"`
}

// Answer is what the runs of a request took.
type Answer struct {
	TimesNs    []int64 `json:"times_ns"`
	Rows       int     `json:"rows"`
	Error      string  `json:"error,omitempty"`
	TimedOut   bool    `json:"timed_out,omitempty"`
	AllocBytes *uint64 `json:"alloc_bytes,omitempty"`
	PeakBytes  *uint64 `json:"peak_bytes,omitempty"`
}

// hello is the first line of a process.
type hello struct {
	Module  string `json:"module"`
	Runtime string `json:"runtime"`
	Threads int    `json:"threads"`
}

// Engine runs queries over one data directory at a time.
type Engine interface {
	// Open closes the directory of before and opens another one.
	Open(dir string) error
	// Run runs a query from its text. What it allocates may be given back when
	// release is called.
	Run(ctx context.Context, r Request) (rows int, release func(), err error)
	Close() error
}

// Serve answers requests until the input ends.
func Serve(e Engine, modulePart string, in io.Reader, out io.Writer) (err error) {
	defer func() { err = errors.Join(err, e.Close()) }()
	enc := json.NewEncoder(out)
	if err := enc.Encode(hello{module(modulePart), runtime.Version(), runtime.GOMAXPROCS(0)}); err != nil {
		return err
	}
	lines := bufio.NewReader(in)
	c := child{engine: e}
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r Request
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if err := enc.Encode(c.answer(r)); err != nil {
			return err
		}
	}
}

// module is the version of a module that this program was built with.
func module(part string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasSuffix(d.Path, part) {
				return d.Path + "@" + d.Version
			}
		}
	}
	return part
}

type child struct {
	engine Engine
	data   string
}

func (c *child) answer(r Request) Answer {
	a := Answer{TimesNs: []int64{}}
	if err := c.measure(r, &a); err != nil {
		a.Error = err.Error()
		a.TimedOut = errors.Is(err, context.DeadlineExceeded) || strings.Contains(a.Error, "timed out")
	}
	return a
}

func (c *child) measure(r Request, a *Answer) error {
	if c.data != r.Data {
		if err := c.open(r.Data); err != nil {
			return err
		}
	}
	most := time.Duration(r.MostMs) * time.Millisecond
	if r.Variants > 0 {
		return c.variants(r, a)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	first, err := c.once(r, a)
	if err != nil {
		return err
	}
	if first < long {
		runtime.GC()
		runtime.ReadMemStats(&before)
		started := time.Now()
		for len(a.TimesNs) < r.Runs && more(len(a.TimesNs), time.Since(started), most) {
			took, err := c.once(r, a)
			if err != nil {
				return err
			}
			a.TimesNs = append(a.TimesNs, took.Nanoseconds())
		}
	} else {
		a.TimesNs = append(a.TimesNs, first.Nanoseconds())
	}
	runtime.ReadMemStats(&after)
	if !r.Cold {
		bytes := (after.TotalAlloc - before.TotalAlloc) / uint64(max(len(a.TimesNs), 1))
		a.AllocBytes = &bytes
	}
	if r.Memory && !r.Cold {
		return c.memory(r, a)
	}
	return nil
}

// long is the time after which a first run is the only one.
const long = 10 * time.Second

// more tells whether a turn goes on: for one run, for its time, for three runs
// if they are not much longer.
func more(runs int, elapsed, most time.Duration) bool {
	return runs == 0 || elapsed < most || runs < 3 && elapsed < 3*most
}

// variants runs a query once for each number that stands for its '#', and tells
// the mean.
func (c *child) variants(r Request, a *Answer) error {
	text, most := r.Query, time.Duration(r.TimeoutMs)*time.Millisecond
	for i := range r.Variants/100 + 1 {
		r.Query = strings.ReplaceAll(text, "#", strconv.Itoa(i))
		if _, err := c.once(r, a); err != nil {
			return err
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var total time.Duration
	for i := range r.Variants {
		r.Query = strings.ReplaceAll(text, "#", strconv.Itoa(i))
		took, err := c.once(r, a)
		if err != nil {
			return err
		}
		if total += took; total > most {
			return context.DeadlineExceeded
		}
	}
	runtime.ReadMemStats(&after)
	bytes := (after.TotalAlloc - before.TotalAlloc) / uint64(r.Variants)
	a.AllocBytes = &bytes
	a.TimesNs = []int64{total.Nanoseconds() / int64(r.Variants)}
	return nil
}

func (c *child) open(dir string) error {
	c.data = ""
	if err := c.engine.Open(dir); err != nil {
		return err
	}
	c.data = dir
	return nil
}

func (c *child) once(r Request, a *Answer) (time.Duration, error) {
	if r.Cold {
		if err := c.open(r.Data); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.TimeoutMs)*time.Millisecond)
	defer cancel()
	started := time.Now()
	rows, release, err := c.engine.Run(ctx, r)
	took := time.Since(started)
	if err != nil {
		return took, err
	}
	release()
	a.Rows = rows
	return took, nil
}

// memory runs the query once more and watches how far the process grows. It is
// a run of its own, since watching costs time.
func (c *child) memory(r Request, a *Answer) error {
	runtime.GC()
	debug.FreeOSMemory()
	w, err := watchMemory()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.TimeoutMs)*time.Millisecond)
	defer cancel()
	_, release, err := c.engine.Run(ctx, r)
	peak := w.stop()
	if err != nil {
		return err
	}
	release()
	a.PeakBytes = &peak
	return nil
}
