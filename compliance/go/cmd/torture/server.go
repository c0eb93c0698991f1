package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// server is a `quarrel serve` under `ulimit -d`.
type server struct {
	address string
	cmd     *exec.Cmd
	log     string // a file
	exited  chan struct{}
	state   string // how it ended, once it has
}

func (s *server) url() string { return "http://" + s.address }

// startServer starts the program and waits until it is ready.
func startServer(ctx context.Context, o *options, log string) (*server, error) {
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	args := []string{"-c", fmt.Sprintf(`ulimit -d %d; exec "$0" "$@"`, o.dataLimit>>10), o.quarrel,
		"serve", "--data", o.data, "--web.listen-address", address}
	s := &server{address: address, log: log, exited: make(chan struct{})}
	s.cmd = exec.Command("sh", append(args, strings.Fields(o.flags)...)...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		s.state = s.cmd.ProcessState.String()
		close(s.exited)
	}()
	for begin := time.Now(); time.Since(begin) < time.Minute && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if !s.alive() {
			break
		}
		resp, err := http.Get(s.url() + "/-/ready")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return s, nil
		}
	}
	s.kill()
	text, _ := os.ReadFile(log)
	return nil, fmt.Errorf("%s is not ready:\n%s", o.quarrel, text)
}

func (s *server) alive() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// panics counts the panics in the log.
func (s *server) panics() int {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return 1 // without a log nobody knows
	}
	return strings.Count(string(text), "panicked at")
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// terminate sends SIGTERM and says how long the end took, most at most.
func (s *server) terminate(most time.Duration) (time.Duration, bool) {
	begin := time.Now()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
		return time.Since(begin), true
	case <-time.After(most):
		return time.Since(begin), false
	}
}

// memory is what the kernel says of a process, in bytes.
type memory struct {
	// resident is VmRSS, mapped files included; anonymous is RssAnon, what the
	// process itself holds; data is VmData, which `ulimit -d` bounds.
	resident, anonymous, data int64
}

// grow keeps the larger of each.
func (m *memory) grow(other memory) {
	m.resident = max(m.resident, other.resident)
	m.anonymous = max(m.anonymous, other.anonymous)
	m.data = max(m.data, other.data)
}

func (s *server) memory() (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return memory{}, err
	}
	var m memory
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &m.resident, "RssAnon": &m.anonymous, "VmData": &m.data}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("status: %q: %w", line, err)
		}
		*into = kib << 10
	}
	if m.resident == 0 {
		return memory{}, errors.New("the process has ended")
	}
	return m, nil
}

// cpu is the time that all threads have computed so far, by thread name.
func (s *server) cpu() (map[string]time.Duration, error) {
	const tick = time.Second / 100 // USER_HZ, the same on all Linux machines
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("the process has ended")
	}
	used := map[string]time.Duration{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		// The name stands in parentheses and may hold anything.
		line := string(text)
		open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
		if open < 0 || end < open {
			return nil, fmt.Errorf("%s: %q", file, line)
		}
		fields := strings.Fields(line[end+1:])
		if len(fields) < 13 {
			return nil, fmt.Errorf("%s: %q", file, line)
		}
		user, err1 := strconv.ParseInt(fields[11], 10, 64)
		system, err2 := strconv.ParseInt(fields[12], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		used[line[open+1:end]] += time.Duration(user+system) * tick
	}
	return used, nil
}

// busy is the time that each kind of thread computes within a span.
func (s *server) busy(span time.Duration) (total time.Duration, threads map[string]time.Duration, err error) {
	before, err := s.cpu()
	if err != nil {
		return 0, nil, err
	}
	time.Sleep(span)
	after, err := s.cpu()
	if err != nil {
		return 0, nil, err
	}
	threads = map[string]time.Duration{}
	for name, t := range after {
		if d := t - before[name]; d > 0 {
			threads[name] = d
			total += d
		}
	}
	return total, threads, nil
}
