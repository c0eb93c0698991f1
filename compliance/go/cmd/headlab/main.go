// Command headlab makes Prometheus heads on disk and prints what Prometheus
// reads from them and from blocks, for the comparison in peer-tests.
//
//	headlab make DIR         writes one data directory for each scenario under DIR
//	headlab dump DIR...      opens each directory, which it changes: give it copies
//	headlab twice DIR...     likewise, after a first start has repaired what is torn
//	headlab live DIR SECONDS writes to DIR, compacts it, and prints when it is done
//	headlab time DIR         prints how long Prometheus takes to start on DIR
//	headlab wal DIR S N      writes a WAL of S series with N samples each
//	headlab selects DIR      answers requests, one a line, about blocks and head of DIR, a copy;
//	                         "torn" behind it has a first start repair it
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "headlab:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	usage := fmt.Errorf("usage: headlab make DIR | dump DIR... | twice DIR... | live DIR SECONDS | time DIR | wal DIR SERIES SAMPLES | selects DIR [torn]")
	if len(args) < 2 {
		return usage
	}
	switch args[0] {
	case "make":
		return makeAll(args[1])
	case "dump", "twice":
		for _, dir := range args[1:] {
			if err := dump(dir, args[0] == "twice"); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
		}
		return nil
	case "live":
		if len(args) != 3 {
			return usage
		}
		seconds, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return live(args[1], time.Duration(seconds)*time.Second)
	case "time":
		return timeStart(args[1])
	case "selects":
		return selects(args[1], len(args) > 2 && args[2] == "torn", os.Stdin)
	case "wal":
		if len(args) != 4 {
			return usage
		}
		series, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		samples, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return makeWAL(args[1], series, samples)
	}
	return usage
}
