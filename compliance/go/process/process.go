// Package process starts and stops the servers that tests use.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Server is a running server with the Prometheus HTTP API.
type Server struct {
	// URL is the server's address, without a slash at its end.
	URL string

	cmd    *exec.Cmd
	log    *tail
	exited chan struct{}
	client *http.Client
}

// tail keeps the last bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - 8192; over > 0 {
		t.b = t.b[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// FreeAddress returns a local address with a port that is free at this moment.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Attach uses a server that runs already.
func Attach(url string) *Server {
	return &Server{URL: url, client: newClient()}
}

func newClient() *http.Client {
	return &http.Client{Timeout: 3 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}}
}

// Start runs a program that serves on addr and waits until it is ready. It ends
// with this process.
func Start(ctx context.Context, addr, program string, args ...string) (*Server, error) {
	s, err := Spawn(program, args...)
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + addr
	if err := s.waitReady(ctx, 60*time.Second); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w\n%s", program, err, s.log)
	}
	return s, nil
}

// Spawn runs a program that may serve something else than HTTP, and does not wait
// for it. It ends with this process.
func Spawn(program string, args ...string) (*Server, error) {
	s := Attach("")
	s.log = &tail{}
	s.exited = make(chan struct{})
	s.cmd = exec.Command(program, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// Exited is closed when a started program has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// PID is the process of a started server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

func (s *Server) waitReady(ctx context.Context, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/-/ready", nil)
		if err != nil {
			return err
		}
		if resp, err := s.client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return errors.New("ended before it was ready")
		case <-ctx.Done():
			return errors.New("not ready in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Log is the end of what the server wrote to its standard streams.
func (s *Server) Log() string {
	if s.log == nil {
		return ""
	}
	return s.log.String()
}

// Alive reports whether a started server still runs.
func (s *Server) Alive() bool {
	if s.cmd == nil {
		return true
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// Close ends a server that Start started: by SIGTERM, and after five seconds
// by SIGKILL.
func (s *Server) Close() {
	s.client.CloseIdleConnections()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// Kill ends a server that Start started at once, as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Quarrel starts `quarrel serve` over a data directory.
func Quarrel(ctx context.Context, program, dir string, features []string, extra ...string) (*Server, error) {
	addr, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", dir, "--listen", addr}
	for _, f := range features {
		args = append(args, "--enable-feature="+f)
	}
	return Start(ctx, addr, program, append(args, extra...)...)
}

// Prometheus starts a Prometheus server over a data directory, which it will
// lock and write to. The configuration is an empty one unless a file is given.
// The blocks stay as they are, since a compaction takes deleted samples out for
// good, and does it when a minute is over.
func Prometheus(ctx context.Context, program, dir, config string, features []string, extra ...string) (*Server, error) {
	addr, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	if config == "" {
		config = os.DevNull
	}
	// Only blocks that are uploaded are compacted: none is.
	uploads := filepath.Join(dir, "uploads.json")
	if err := errors.Join(os.MkdirAll(dir, 0o777), os.WriteFile(uploads, []byte(`{"uploaded":[]}`), 0o666)); err != nil {
		return nil, err
	}
	args := []string{
		"--config.file=" + config, "--storage.tsdb.path=" + dir, "--web.listen-address=" + addr,
		"--storage.tsdb.delay-compact-file.path=" + uploads,
		"--storage.tsdb.retention.time=100y", "--log.level=warn",
	}
	for _, f := range features {
		args = append(args, "--enable-feature="+f)
	}
	return Start(ctx, addr, program, append(args, extra...)...)
}
