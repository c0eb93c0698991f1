// Command torture attacks `quarrel serve` with hostile requests of all kinds
// and checks that they cost their limits and no more. The last line is
// `N passed, N failed`, one for each promise.
//
// The server runs under `ulimit -d`. The hostile clients run in a process of
// their own at nice 4; this one watches the server and judges it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

type options struct {
	quarrel   string
	data      string
	flags     string
	duration  time.Duration
	clients   int
	seed      int64
	only      string
	dataLimit int64
	// latest is the query timeout, grace the server's time to stop.
	timeout, grace time.Duration
	// budget is the server's own bound for all queries.
	budget int64
	bounds bounds
}

func parseOptions() (o options, attackURL string, dying bool) {
	flag.StringVar(&o.quarrel, "quarrel", "quarrel", "the program")
	flag.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "quarrel-torture-data"), "folder of the data directory, which is made if it is missing")
	flag.StringVar(&o.flags, "flags", "--query.max-memory 64MB --query.max-memory-total 256MB --query.timeout 2s", "options of the server")
	flag.DurationVar(&o.timeout, "timeout", 2*time.Second, "the query timeout that -flags sets")
	budget := flag.Int64("budget", 256, "the bound of all queries' memory that -flags sets, in MB")
	flag.DurationVar(&o.grace, "grace", 30*time.Second, "the time that the server gives running requests after SIGTERM")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long to attack")
	flag.IntVar(&o.clients, "clients", 64, "hostile clients, beside the crowds of slow ones")
	flag.Int64Var(&o.seed, "seed", 0, "seed of all requests; 0: of the time")
	flag.StringVar(&o.only, "only", "", "the one kind of request to send")
	limit := flag.Int64("ulimit", 2048, "ulimit -d of the server, in MiB")
	o.bounds.flags()
	flag.StringVar(&attackURL, "attack", "", "internal: attack this address")
	flag.BoolVar(&dying, "dying", false, "internal: the server may end")
	flag.Parse()
	o.budget, o.dataLimit = *budget*1_000_000, *limit<<20
	if o.seed == 0 {
		o.seed = time.Now().UnixNano() % 1_000_000
	}
	return o, attackURL, dying
}

func main() {
	o, url, dying := parseOptions()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if url != "" {
		a := attack{url: url, seed: o.seed, clients: o.clients, latest: o.timeout + o.bounds.late, dying: dying, only: o.only}
		if err := a.run(ctx, o.duration, os.Stdout); err != nil {
			fail(err)
		}
		return
	}
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	v, err := torture(ctx, &o)
	if err != nil {
		fail(err)
	}
	if v.print() > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "torture:", err)
	os.Exit(2)
}

// makeData makes the data directory once.
func (o *options) makeData() error {
	o.data = filepath.Join(o.data, "v"+strconv.Itoa(fixtures.TortureVersion))
	if _, err := os.Stat(o.data); err == nil {
		return nil
	}
	begin := time.Now()
	building := o.data + ".building"
	if err := os.RemoveAll(building); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.data), 0o755); err != nil {
		return err
	}
	if err := fixtures.BuildTorture(building, 1); err != nil {
		return err
	}
	fmt.Printf("made %s in %.1f s\n", o.data, time.Since(begin).Seconds())
	return os.Rename(building, o.data)
}

// torture attacks one server, lets it rest, asks it, and ends a second one in
// the middle of an attack.
func torture(ctx context.Context, o *options) (*verdict, error) {
	if err := o.makeData(); err != nil {
		return nil, err
	}
	logs, err := os.MkdirTemp("", "quarrel-torture-")
	if err != nil {
		return nil, err
	}
	fmt.Printf("seed %d, logs in %s\n", o.seed, logs)
	v := &verdict{options: o}
	if err := o.attacked(ctx, v, filepath.Join(logs, "first.log")); err != nil {
		return nil, err
	}
	if err := o.terminated(ctx, v, filepath.Join(logs, "second.log")); err != nil {
		return nil, err
	}
	if err := o.third(ctx, v, filepath.Join(logs, "third.log")); err != nil {
		return nil, err
	}
	return v, ctx.Err()
}

// attacked is the long attack with all that must hold during and after it.
func (o *options) attacked(ctx context.Context, v *verdict, log string) error {
	s, err := startServer(ctx, o, log)
	if err != nil {
		return err
	}
	defer s.kill()
	// What the process needs by itself, its threads and its caches included.
	if _, wrong := rightAnswers(s.url()); len(wrong) > 0 {
		return fmt.Errorf("before the attack: %q", wrong)
	}
	if v.base, err = s.memory(); err != nil {
		return err
	}
	w := &watch{server: s}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		w.run(watching)
		close(watched)
	}()
	go func() {
		select {
		case <-s.exited: // nothing is left to attack or to watch
			stop()
		case <-watching.Done():
		}
	}()
	sum, err := o.attack(ctx, s, o.duration, false)
	stop()
	<-watched
	if err != nil {
		return err
	}
	v.sum, v.watch, v.survived = sum, w, s.alive()
	if v.survived {
		v.rest(ctx, s)
	}
	if !s.alive() {
		v.survived, v.state = false, s.state
	}
	v.panics = s.panics()
	return nil
}

// terminated sends SIGTERM to a server that is under attack.
func (o *options) terminated(ctx context.Context, v *verdict, log string) error {
	s, err := startServer(ctx, o, log)
	if err != nil {
		return err
	}
	defer s.kill()
	const before = 5 * time.Second
	attacked := make(chan error, 1)
	go func() {
		_, err := o.attack(ctx, s, before+o.grace, true)
		attacked <- err
	}()
	wait(ctx, before)
	aliveAtTerm := s.alive()
	var inTime bool
	v.ended, inTime = s.terminate(o.grace + 2*time.Second)
	s.kill()
	v.endState = s.state
	v.endedWell = aliveAtTerm && inTime && s.cmd.ProcessState.Success()
	v.panics += s.panics()
	return <-attacked
}

// third starts a server on the same directory again, which answers rightly.
func (o *options) third(ctx context.Context, v *verdict, log string) error {
	s, err := startServer(ctx, o, log)
	if err != nil {
		return err
	}
	defer s.kill()
	_, v.wrongAgain = rightAnswers(s.url())
	return nil
}

// attack runs this program as the hostile side, for a time or until the server
// has ended.
func (o *options) attack(ctx context.Context, s *server, duration time.Duration, dying bool) (*summary, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "4", self, "-attack", s.url(), "-duration", duration.String(),
		"-seed", strconv.FormatInt(o.seed, 10), "-clients", strconv.Itoa(o.clients), "-only", o.only,
		"-timeout", o.timeout.String(), "-late", o.bounds.late.String(), "-dying="+strconv.FormatBool(dying))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-s.exited:
			_ = cmd.Process.Signal(syscall.SIGTERM) // it writes its summary
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the hostile side: %w", err), ctx.Err())
	}
	var sum summary
	return &sum, json.Unmarshal(out.Bytes(), &sum)
}
