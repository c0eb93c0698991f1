package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// bounds are what a server promises under attack.
type bounds struct {
	// healthy is the time of health checks but one in a thousand, which may
	// take healthyEver: machines of CI have hiccups of their own.
	healthy, healthyEver time.Duration
	// light is the 99th percentile of light queries, of which a share is
	// answered.
	light      time.Duration
	lightShare float64
	// late is how long after the query timeout an answer begins at the latest.
	late time.Duration
	// headroom is the memory besides the budget of the queries and what the
	// process held before, kept what it may still hold ten seconds after.
	headroom, kept int64
	// idle is the share of one second that all threads together may compute
	// when nobody asks.
	idle float64
}

func (b *bounds) flags() {
	flag.DurationVar(&b.healthy, "healthy", 100*time.Millisecond, "99.9th percentile of health checks")
	flag.DurationVar(&b.healthyEver, "healthy-ever", 500*time.Millisecond, "the longest health check")
	flag.DurationVar(&b.light, "light", 500*time.Millisecond, "99th percentile of light queries")
	flag.Float64Var(&b.lightShare, "light-share", 0.99, "share of light queries that are answered")
	flag.DurationVar(&b.late, "late", 500*time.Millisecond, "the most that an answer comes after the query timeout")
	b.headroom, b.kept, b.idle = 256<<20, 96<<20, 0.05
}

// verdict is all that was seen.
type verdict struct {
	options *options
	base    memory
	sum     *summary
	watch   *watch

	survived bool
	state    string // how the server ended, if it did
	panics   int
	busy     time.Duration
	threads  map[string]time.Duration
	after    memory
	wrong    []string

	ended      time.Duration
	endedWell  bool
	endState   string
	wrongAgain []string
}

// rest looks at a server whose last client has gone.
func (v *verdict) rest(ctx context.Context, s *server) {
	gone := time.Now()
	wait(ctx, time.Second)
	var err error
	if v.busy, v.threads, err = s.busy(time.Second); err != nil {
		v.survived = false
		return
	}
	// Memory may take ten seconds to go back.
	for {
		if v.after, err = s.memory(); err != nil {
			v.survived = false
			return
		}
		v.watch.peak.grow(v.after)
		if v.after.anonymous <= v.base.anonymous+v.options.bounds.kept || time.Since(gone) > 10*time.Second || ctx.Err() != nil {
			break
		}
		wait(ctx, 100*time.Millisecond)
	}
	_, v.wrong = rightAnswers(s.url())
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// print prints the figures and the promises, and counts the broken ones.
func (v *verdict) print() (failed int) {
	v.printKinds()
	b, passed := v.options.bounds, 0
	promise := func(ok bool, format string, args ...any) {
		mark := "ok  "
		if ok {
			passed++
		} else {
			failed++
			mark = "FAIL"
		}
		fmt.Printf("%s %s\n", mark, fmt.Sprintf(format, args...))
	}
	bound := v.base.anonymous + v.options.budget + b.headroom
	health, unhealthy := v.watch.health.counts()
	light, dark := v.watch.light.counts()
	p999, worst := v.watch.health.quantile(0.999), v.watch.health.quantile(1)
	p99 := v.watch.light.quantile(0.99)
	faults, late := v.faults()

	promise(v.survived, "the server survives the attack under ulimit -d %s %s", mib(v.options.dataLimit), v.state)
	promise(v.panics == 0, "the logs have %d panics", v.panics)
	promise(unhealthy == 0 && health > 0 && p999 <= b.healthy && worst <= b.healthyEver,
		"/-/healthy: %d checks, %d bad, p50 %s, p99.9 %s (bound %s), worst %s (bound %s)",
		health, unhealthy, ms(v.watch.health.quantile(0.5)), ms(p999), ms(b.healthy), ms(worst), ms(b.healthyEver))
	promise(v.watch.peak.anonymous <= bound && v.watch.samples > 0,
		"memory: peak %s anonymous (bound %s: %s before, %s budget, %s headroom), %s resident, %s data",
		mib(v.watch.peak.anonymous), mib(bound), mib(v.base.anonymous), mib(v.options.budget), mib(b.headroom),
		mib(v.watch.peak.resident), mib(v.watch.peak.data))
	promise(late == 0, "answers: %d begin later than %s after their request", late, v.options.timeout+b.late)
	promise(faults == 0, "answers: %d other faults", faults)
	promise(p99 <= b.light && light > 0 && float64(dark) <= (1-b.lightShare)*float64(light),
		"light queries: %d, %d unanswered, p50 %s, p99 %s (bound %s), worst %s",
		light, dark, ms(v.watch.light.quantile(0.5)), ms(p99), ms(b.light), ms(v.watch.light.quantile(1)))
	promise(v.survived && v.busy.Seconds() <= b.idle, "a second after the last client, threads compute %s in a second: %v", ms(v.busy), v.threads)
	promise(v.survived && v.after.anonymous <= v.base.anonymous+b.kept, "within ten seconds memory is back: %s anonymous (bound %s)",
		mib(v.after.anonymous), mib(v.base.anonymous+b.kept))
	promise(v.survived && len(v.wrong) == 0, "the same server answers rightly: %d wrong %q", len(v.wrong), v.wrong)
	promise(v.endedWell && v.ended <= v.options.grace+time.Second, "SIGTERM under attack: %s after %.1f s (bound %.0f s)",
		v.endState, v.ended.Seconds(), (v.options.grace + time.Second).Seconds())
	promise(len(v.wrongAgain) == 0, "the same directory answers rightly: %d wrong %q", len(v.wrongAgain), v.wrongAgain)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed
}

// faults counts what the answers did wrong.
func (v *verdict) faults() (other, late int) {
	for _, k := range v.sum.Kinds {
		for fault, n := range k.Faults {
			if fault == "late answer" || fault == "no answer" || fault == "no connection" {
				late += n
			} else {
				other += n
			}
		}
	}
	return other, late
}

// printKinds prints a line for each kind, and the faults.
func (v *verdict) printKinds() {
	fmt.Printf("%-18s %8s %10s  %s\n", "kind", "requests", "worst", "answers")
	names := slices.Sorted(maps.Keys(v.sum.Kinds))
	for _, name := range names {
		k := v.sum.Kinds[name]
		var codes []string
		for _, code := range slices.Sorted(maps.Keys(k.Codes)) {
			codes = append(codes, fmt.Sprintf("%s: %d", code, k.Codes[code]))
		}
		fmt.Printf("%-18s %8d %10s  %s\n", name, k.Requests, ms(k.Worst), strings.Join(codes, ", "))
	}
	for _, name := range names {
		k := v.sum.Kinds[name]
		for _, fault := range slices.Sorted(maps.Keys(k.Faults)) {
			fmt.Printf("  %s: %d times: %s (%s)\n", name, k.Faults[fault], fault, k.Examples[fault])
		}
	}
	for _, fault := range slices.Sorted(maps.Keys(v.watch.faults)) {
		fmt.Printf("  watch: %d times: %s\n", v.watch.faults[fault], fault)
	}
}
