// Command teststack starts the real programs of a Thanos stack on this machine,
// with quarrel in the place of Thanos Query, below it, behind a query frontend and
// under rulers, and compares answers. See compliance/go/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// stage is a row of the table in compliance/go/README.md.
type stage struct {
	name string
	run  func(*lab) error
}

// stages are in an order in which those that write new samples come last.
func stages(soak bool) []stage {
	out := []stage{
		{"store", (*lab).stageStore},
		{"receive", (*lab).stageReceive},
		{"compactor", (*lab).stageCompactor},
		{"bucket", (*lab).stageBucket},
		{"years", (*lab).stageYears},
		{"names", (*lab).stageNames},
		{"sidecar", (*lab).stageSidecar},
		{"replicas", (*lab).stageReplicas},
		{"shifted", (*lab).stageShifted},
		{"frontend", (*lab).stageFrontend},
		{"below", (*lab).stageBelow},
		{"rule", (*lab).stageRule},
		{"vmalert", (*lab).stageVmalert},
	}
	if soak {
		out = append(out, stage{"thousand", (*lab).stageThousand}, stage{"telegraf", (*lab).stageTelegraf})
	}
	return out
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx)
	stop()
	os.Exit(code)
}

func run(ctx context.Context) int {
	l := &lab{ctx: ctx}
	var only string
	var keep, bench, benchBucket, show bool
	var rounds int
	flag.StringVar(&l.bin, "bin", "", "folder with thanos, vmalert and prometheus")
	flag.StringVar(&l.quarrel, "quarrel", "", "the quarrel program that is tested")
	flag.StringVar(&l.comparer, "comparer", "", "the quarrel program that compares; the tested one if empty")
	flag.StringVar(&l.root, "root", ".", "folder compliance/go")
	flag.StringVar(&l.redis, "redis", "redis-server", "the Redis program")
	flag.StringVar(&l.stand, "stand", "quarrel", "who stands in the place of Thanos Query: quarrel, or thanos to test the tester")
	flag.StringVar(&only, "only", "", "only stages whose name matches this regular expression")
	flag.Uint64Var(&l.seed, "seed", 1, "seed of the data")
	flag.IntVar(&l.differences, "differences", 20, "stop a comparison after so many queries that differ; 0: never")
	flag.BoolVar(&l.verbose, "v", false, "print command lines")
	flag.BoolVar(&bench, "bench", false, "time queries instead of comparing answers, and print Markdown")
	flag.BoolVar(&show, "show", false, "start the whole stack from the demo data and leave it to look at until control-C")
	flag.BoolVar(&benchBucket, "bench-bucket", false, "time queries straight over a bucket and through Thanos, count requests and bytes, and print Markdown")
	flag.BoolVar(&l.soak, "soak", false, "the longer form: Telegraf, a thousand blocks, three years, more random queries")
	flag.IntVar(&l.targets, "targets", 60, "targets of a bench, each with 50 series")
	flag.IntVar(&rounds, "rounds", 9, "rounds of a bench")
	flag.BoolVar(&keep, "keep", false, "keep the folder of the run")
	flag.Parse()
	l.more = flag.Args()
	if l.comparer == "" {
		l.comparer = l.quarrel
	}
	pattern, err := regexp.Compile(only)
	if err == nil && (l.bin == "" || l.quarrel == "") {
		err = errors.New("-bin and -quarrel are needed")
	}
	if err == nil {
		l.dir, err = os.MkdirTemp("", "teststack-")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "teststack:", err)
		return 2
	}
	defer func() {
		if keep {
			fmt.Println("kept:", l.dir)
			return
		}
		_ = os.RemoveAll(l.dir)
	}()
	defer l.close()
	var instead func() error
	switch {
	case show:
		instead = l.show
	case bench:
		instead = func() error { return l.bench(rounds) }
	case benchBucket:
		instead = func() error { return l.benchBucket(rounds) }
	}
	if instead != nil {
		if err := instead(); err != nil {
			fmt.Fprintln(os.Stderr, "teststack:", err)
			l.logs(os.Stderr)
			return 1
		}
		return 0
	}
	begin := time.Now()
	if l.data, err = l.makeData(); err != nil {
		fmt.Fprintln(os.Stderr, "teststack: data:", err)
		return 2
	}
	fmt.Printf("data: %.1f s\n", time.Since(begin).Seconds())
	failed := 0
	for _, s := range stages(l.soak) {
		if !pattern.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		l.stage = s.name
		begin := time.Now()
		err := errors.Join(s.run(l), l.dead())
		verdict := "ok"
		if err != nil {
			failed++
			verdict = "FAILED"
			fmt.Println(err)
			l.logs(os.Stdout)
		}
		fmt.Printf("%s %s: %.1f s\n", verdict, s.name, time.Since(begin).Seconds())
	}
	if ctx.Err() != nil {
		fmt.Println("stopped")
		return 2
	}
	if failed > 0 {
		fmt.Printf("%d stages failed\n", failed)
		return 1
	}
	return 0
}
