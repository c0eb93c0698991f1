// A module of its own, of the standard library alone: prombench and thanosbench
// share it, and they are built with different versions of Prometheus.
module github.com/quarrel-engine/quarrel/compliance/go/benchchild

go 1.26.7
