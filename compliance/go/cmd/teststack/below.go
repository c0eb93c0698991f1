package main

import "errors"

// startBelow starts `quarrel serve` with its gRPC APIs over a data directory whose
// series have an external label.
func (l *lab) startBelow(name, dir, label string) (*node, error) {
	return l.start(name, l.quarrel, 0, func(n *node) []string {
		return []string{
			"serve", "--listen", n.http, "--grpc-address", n.grpc, "--data", dir, "--label", label,
			"--enable-feature", "promql-experimental-functions,promql-binop-fill-modifiers",
		}
	})
}

// stageBelow puts quarrel under Thanos Query: one quarrel for each of two clusters,
// over local data, and one in front of all stores; as a store, and as an engine in
// distributed mode.
func (l *lab) stageBelow() error {
	eu, err := l.startBelow("quarrel-eu", l.data.parts[0], `cluster="eu"`)
	if err != nil {
		return err
	}
	us, err := l.startBelow("quarrel-us", l.data.parts[1], `cluster="us"`)
	if err != nil {
		return err
	}
	local := []*node{eu, us}
	defer l.stop(local...)
	over, err := l.inPlace()
	if err != nil {
		return err
	}
	// Over the stores there is history, too.
	lately, stop, err := l.prometheus(l.data.lately)
	if err != nil {
		return err
	}
	defer stop()
	truth, stopTruth, err := l.prometheus(l.data.truth)
	if err != nil {
		return err
	}
	defer stopTruth()
	var errs []error
	for _, way := range []struct {
		name, reference string
		endpoints       []*node
		accept          []string
		flags           []string
	}{
		{"as stores", lately, local, []string{"thanos", "below"}, nil},
		{"distributed over two", lately, local, []string{"thanos", "distributed"}, []string{"--query.mode=distributed", "--query.promql-engine=thanos"}},
		{"distributed over the stores", truth, []*node{over}, []string{"thanos", "distributed"}, []string{"--query.mode=distributed", "--query.promql-engine=thanos"}},
	} {
		query, err := l.startQuery("query "+way.name, way.endpoints, way.flags...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c := comparison{reference: way.reference, test: query.URL, accept: way.accept, least: 500}
		errs = append(errs, l.compare(c.at(way.name, wholeMinutes(l.data.fresh))))
		l.stop(query)
	}
	return errors.Join(errs...)
}

// wholeMinutes is the part of a range between whole minutes: a distributed Thanos Query
// passes times on in whole seconds.
func wholeMinutes(s span) span { return multiples(s, minute) }

// multiples is the part of a range between multiples of a unit.
func multiples(s span, unit int64) span {
	return span{s.from - s.from%unit + unit, s.to - s.to%unit}
}
