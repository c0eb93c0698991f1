package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// lab is the machine that a run uses: a folder, the programs, and the servers
// that it started, which end with it.
type lab struct {
	ctx     context.Context
	dir     string
	bin     string
	quarrel string
	redis   string
	// comparer is the quarrel program that compares.
	comparer string
	// root is the folder compliance/go.
	root string
	// stand is who stands in the place of Thanos Query.
	stand string
	// targets are those of a bench, with 50 series each.
	targets int
	// soak asks for the longer form.
	soak bool
	seed uint64
	// differences ends a comparison, more goes to it.
	differences int
	more        []string
	// verbose prints each server's command line.
	verbose bool

	data     *data
	stage    string
	servers  []*node
	stations stations
}

// node is a server of the lab.
type node struct {
	*process.Server
	name string
	// http and grpc are addresses; grpc is empty where there is none.
	http, grpc string
	// extra are more ports that its arguments name.
	extra []string
	stage string
}

// programs in the folder of programs.
func (l *lab) program(name string) string { return filepath.Join(l.bin, name) }

// fresh makes a new folder.
func (l *lab) fresh(name string) (string, error) {
	dir := filepath.Join(l.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, nil
}

// file writes a file into the lab's folder and returns its path.
func (l *lab) file(name, text string) (string, error) {
	path := filepath.Join(l.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// start starts a server that needs an HTTP address, a gRPC address and `more` other
// ports, and waits until it is ready. A port that another program took in the
// meantime is no failure: others are tried.
func (l *lab) start(name, program string, more int, args func(*node) []string) (*node, error) {
	var last error
	for range 3 {
		n := &node{name: name, stage: l.stage}
		addresses := make([]string, 2+more)
		for i := range addresses {
			address, err := process.FreeAddress()
			if err != nil {
				return nil, err
			}
			addresses[i] = address
		}
		n.http, n.grpc, n.extra = addresses[0], addresses[1], addresses[2:]
		list := args(n)
		if l.verbose {
			fmt.Println("  $", filepath.Base(program), strings.Join(list, " "))
		}
		server, err := process.Start(l.ctx, n.http, program, list...)
		if err == nil {
			n.Server = server
			l.servers = append(l.servers, n)
			return n, nil
		}
		last = fmt.Errorf("%s: %w", name, err)
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, last
}

// thanos starts a component of Thanos.
func (l *lab) thanos(name, component string, more int, args func(*node) []string) (*node, error) {
	return l.start(name, l.program("thanos"), more, func(n *node) []string {
		out := []string{component, "--http-address=" + n.http, "--log.level=warn", "--no-enable-auto-gomemlimit"}
		if component != "query-frontend" && component != "compact" {
			out = append(out, "--grpc-address="+n.grpc, "--grpc-grace-period=1s")
		}
		return append(append(out, "--http-grace-period=1s"), args(n)...)
	})
}

// close ends all servers, the last one first.
func (l *lab) close() {
	for i := len(l.servers) - 1; i >= 0; i-- {
		l.servers[i].Close()
	}
	l.servers = nil
}

// stop ends some servers before the lab ends.
func (l *lab) stop(nodes ...*node) {
	for _, n := range nodes {
		n.Close()
		for i, s := range l.servers {
			if s == n {
				l.servers = append(l.servers[:i], l.servers[i+1:]...)
				break
			}
		}
	}
}

// logs are the last lines that the servers wrote, and who died.
func (l *lab) logs(out io.Writer) {
	for _, n := range l.servers {
		text := strings.TrimSpace(n.Log())
		if !n.Alive() {
			text += "\n(ended)"
		}
		if text != "" {
			fmt.Fprintf(out, "--- %s\n%s\n", n.name, text)
		}
	}
}

// dead names servers that ended by themselves.
func (l *lab) dead() error {
	var errs []error
	for _, n := range l.servers {
		if !n.Alive() {
			errs = append(errs, fmt.Errorf("%s ended", n.name))
		}
	}
	return errors.Join(errs...)
}

// waitFor asks until it is answered true, and gives the last error if it is not in
// time.
func (l *lab) waitFor(what string, most time.Duration, ask func() (bool, error)) error {
	deadline := time.Now().Add(most)
	for {
		ok, err := ask()
		if ok && err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s: not within %s", what, most), err)
		}
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// get reads JSON from a URL.
func (l *lab) get(url string, into any) error {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: status %s: %.500s", url, resp.Status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// waitStores waits until a querier knows so many healthy stores.
func (l *lab) waitStores(n *node, stores int) error {
	return l.waitFor(fmt.Sprintf("%s and its %d stores", n.name, stores), 60*time.Second, func() (bool, error) {
		var answer struct {
			Data map[string][]struct {
				Name      string  `json:"name"`
				LastError *string `json:"lastError"`
			} `json:"data"`
		}
		if err := l.get(n.URL+"/api/v1/stores", &answer); err != nil {
			return false, err
		}
		healthy, errs := 0, []string{}
		for _, kind := range answer.Data {
			for _, s := range kind {
				if s.LastError == nil || *s.LastError == "" {
					healthy++
				} else {
					errs = append(errs, s.Name+": "+*s.LastError)
				}
			}
		}
		if healthy < stores {
			return false, fmt.Errorf("%d stores are healthy %s", healthy, strings.Join(errs, "; "))
		}
		return true, nil
	})
}

// startRedis starts a Redis that forgets everything at its end.
func (l *lab) startRedis() (*redis, error) {
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	r := &redis{address: address}
	r.server, err = process.Spawn(l.redis, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", l.dir)
	if err != nil {
		return nil, err
	}
	l.servers = append(l.servers, &node{Server: r.server, name: "redis", stage: l.stage})
	return r, l.waitFor("redis", 20*time.Second, func() (bool, error) {
		_, err := r.keys()
		return err == nil, err
	})
}

// redis is a running Redis.
type redis struct {
	address string
	server  *process.Server
}

// keys is how many keys it holds.
func (r *redis) keys() (n int, err error) {
	conn, err := net.DialTimeout("tcp", r.address, time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := conn.Write([]byte("*1\r\n$6\r\nDBSIZE\r\n")); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanf(conn, ":%d\r\n", &n)
	return n, err
}
