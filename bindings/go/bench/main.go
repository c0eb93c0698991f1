// Command bench runs the Prometheus engine and quarrel's side by side: in one
// process, in turns, over the same tsdb.
//
//	bench -data DIR [-only REGEXP] [-rounds N] [-check]
//	bench -serve -data SCRATCH
//
// DIR has a data directory for each shape of compliance/go/benchdata that the
// queries need. `make bench-go` builds these and runs it. With -serve it is a process
// that `make bench-peers` times.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
	"github.com/quarrel-engine/quarrel/compliance/go/benchchild"
)

func main() {
	var b bench
	flag.StringVar(&b.data, "data", "", "folder of data directories")
	only := flag.String("only", "", "run queries that match this")
	flag.IntVar(&b.rounds, "rounds", 5, "turns of each engine for each query")
	flag.BoolVar(&b.alone, "alone", false, "run quarrel alone, for a profiler")
	flag.BoolVar(&b.best, "best", false, "show the best times, not medians: for a machine that others use")
	serve := flag.Bool("serve", false, "answer the requests of make bench-peers; -data is then a folder for links")
	check := flag.Bool("check", false, "fail if a goal is missed")
	flag.Parse()
	if *serve {
		if err := serveRequests(b.data); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	b.only = regexp.MustCompile(*only)
	reached, err := b.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *check && !reached {
		os.Exit(1)
	}
}

// turn is how long an engine runs a query before the other one does.
const turn = 150 * time.Millisecond

type bench struct {
	data    string
	only    *regexp.Regexp
	rounds  int
	alone   bool
	best    bool
	engines [2]promql.QueryEngine // Prometheus, quarrel
	links   string
	dbs     map[string]*tsdb.DB
}

// engineOpts are without limits: what a query costs is the question, not where it
// ends.
func engineOpts() promql.EngineOpts {
	return promql.EngineOpts{
		MaxSamples: 1 << 40, Timeout: 24 * time.Hour,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true,
		Parser: parser.NewParser(parser.Options{EnableExperimentalFunctions: true}),
	}
}

func (b *bench) run() (reached bool, err error) {
	opts := engineOpts()
	engine, err := quarrel.NewEngine(quarrel.Options{EngineOpts: opts})
	if err != nil {
		return false, err
	}
	defer engine.Close()
	b.engines = [2]promql.QueryEngine{promql.NewEngine(opts), engine}
	b.dbs = map[string]*tsdb.DB{}
	defer func() { err = errors.Join(err, b.close()) }()

	kind := map[bool]string{false: "medians", true: "best times"}[b.best]
	fmt.Printf("%d cores, %s, Prometheus v0.316.0; %s in ms\n", runtime.GOMAXPROCS(0), runtime.Version(), kind)
	reached = true
	for _, g := range groups {
		good, err := b.group(g)
		if err != nil {
			return false, err
		}
		reached = reached && good
	}
	return reached, nil
}

func (b *bench) group(g group) (reached bool, err error) {
	reached = true
	var logs float64
	var count int
	for _, q := range g.questions {
		if !b.only.MatchString(q.text) {
			continue
		}
		if count == 0 {
			fmt.Printf("\n### %s\n\n| query | rows | Prometheus | quarrel | times |\n| --- | ---: | ---: | ---: | ---: |\n", g.name)
		}
		rows, took, err := b.question(q)
		if err != nil {
			return false, fmt.Errorf("%s: %w", q.text, err)
		}
		times := took[0].Seconds() / took[1].Seconds()
		fmt.Printf("| `%s` | %d | %s | %s | %.2f |\n", strings.ReplaceAll(q.text, "|", `\|`), rows, millis(took[0]), millis(took[1]), times)
		logs += math.Log(times)
		count++
		reached = reached && times >= g.each
	}
	if count > 0 {
		mean := math.Exp(logs / float64(count))
		reached = reached && mean >= g.mean
		fmt.Printf("\nGeometric mean %.2f times (goal %.2f), each at least %.2f: %s\n", mean, g.mean, g.each, map[bool]string{true: "reached", false: "missed"}[reached])
	}
	return reached, nil
}

func millis(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.2f", ms)
	default:
		return fmt.Sprintf("%.4f", ms)
	}
}

// question asks both engines in turns, and gives the median of each.
func (b *bench) question(q question) (rows int, medians [2]time.Duration, err error) {
	db, err := b.open(q.data)
	if err != nil {
		return 0, medians, err
	}
	var took [2][]time.Duration
	var counts [2]int
	for round := range b.rounds + 1 {
		for i, engine := range b.engines {
			if b.alone && i == 0 {
				continue
			}
			runtime.GC()
			began := time.Now()
			for runs := 0; runs == 0 || time.Since(began) < turn; runs++ {
				n, one, err := ask(engine, db, q)
				if err != nil {
					return 0, medians, err
				}
				counts[i] = n
				// The first round warms up.
				if round > 0 {
					took[i] = append(took[i], one)
				}
			}
		}
	}
	if !b.alone && counts[0] != counts[1] {
		return 0, medians, fmt.Errorf("%d rows from Prometheus, %d from quarrel", counts[0], counts[1])
	}
	for i := range took {
		if len(took[i]) > 0 {
			slices.Sort(took[i])
			medians[i] = took[i][len(took[i])/2]
			if b.best {
				medians[i] = took[i][0]
			}
		}
	}
	return counts[1], medians, nil
}

// ask runs a query once, from its text to its answer.
func ask(engine promql.QueryEngine, q storage.Queryable, asked question) (rows int, took time.Duration, err error) {
	began := time.Now()
	rows, release, err := run(context.Background(), engine, q, asked)
	took = time.Since(began)
	if err == nil {
		release()
	}
	return rows, took, err
}

func run(ctx context.Context, engine promql.QueryEngine, q storage.Queryable, asked question) (rows int, release func(), err error) {
	var query promql.Query
	if asked.step == 0 {
		query, err = engine.NewInstantQuery(ctx, q, nil, asked.text, asked.end)
	} else {
		query, err = engine.NewRangeQuery(ctx, q, nil, asked.text, asked.end.Add(-asked.length), asked.end, asked.step)
	}
	if err != nil {
		return 0, nil, err
	}
	result := query.Exec(ctx)
	if result.Err != nil {
		query.Close()
		return 0, nil, result.Err
	}
	switch value := result.Value.(type) {
	case promql.Matrix:
		return len(value), query.Close, nil
	case promql.Vector:
		return len(value), query.Close, nil
	}
	return 1, query.Close, nil
}

// open opens a data directory.
func (b *bench) open(name string) (*tsdb.DB, error) {
	if db := b.dbs[name]; db != nil {
		return db, nil
	}
	if b.links == "" {
		links, err := os.MkdirTemp(b.data, "bench-go-")
		if err != nil {
			return nil, err
		}
		b.links = links
	}
	db, err := openLinked(filepath.Join(b.links, name), filepath.Join(b.data, name))
	if err != nil {
		return nil, err
	}
	b.dbs[name] = db
	return db, nil
}

// openLinked opens a data directory through links: tsdb locks it and writes to it.
func openLinked(links, dir string) (*tsdb.DB, error) {
	if err := benchchild.LinkDir(links, dir); err != nil {
		return nil, err
	}
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	opts.EnableOverlappingCompaction = false
	db, err := tsdb.Open(links, slog.New(slog.DiscardHandler), nil, opts, nil)
	if err != nil {
		return nil, err
	}
	db.DisableCompactions()
	return db, nil
}

func (b *bench) close() (err error) {
	for _, db := range b.dbs {
		err = errors.Join(err, db.Close())
	}
	if b.links != "" {
		err = errors.Join(err, os.RemoveAll(b.links))
	}
	return err
}
