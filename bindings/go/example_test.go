package quarrel_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

// A query over a TSDB.
func Example() {
	db, err := teststorage.NewWithError()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	app := db.AppenderV2(ctx)
	for minute := range int64(10) {
		for i, job := range []string{"api", "web"} {
			series := labels.FromStrings("__name__", "requests_total", "job", job)
			value := float64(minute) * 60 * float64(i+1)
			if _, err := app.Append(0, series, 0, minute*60_000, value, nil, nil, storage.AppendV2Options{}); err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		log.Fatal(err)
	}

	engine, err := quarrel.NewEngine(quarrel.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	query, err := engine.NewInstantQuery(ctx, db, nil, "sum by (job) (rate(requests_total[5m]))", time.UnixMilli(540_000))
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		log.Fatal(result.Err)
	}
	fmt.Println(result.Value)
	// Output:
	// {job="api"} => 1 @[540000]
	// {job="web"} => 2 @[540000]
}
