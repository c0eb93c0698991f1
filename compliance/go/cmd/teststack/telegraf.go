package main

import (
	"fmt"
	"net"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// stageTelegraf has a real Telegraf write by remote write into the receivers: what
// it measures of this machine, and Influx lines that it is sent. What comes to
// Telegraf from Kafka takes the same way out of it.
func (l *lab) stageTelegraf() error {
	test, err := l.freshlyInPlace()
	if err != nil {
		return err
	}
	reference, err := l.reference()
	if err != nil {
		return err
	}
	receivers, err := l.receivers()
	if err != nil {
		return err
	}
	lines, err := process.FreeAddress()
	if err != nil {
		return err
	}
	config, err := l.file("telegraf.conf", fmt.Sprintf(`[agent]
  interval = "1s"
  flush_interval = "1s"
  omit_hostname = true
[global_tags]
  cluster = "edge"
  replica = "a"
[[inputs.cpu]]
[[inputs.mem]]
[[inputs.socket_listener]]
  service_address = "tcp://%s"
  data_format = "influx"
[[outputs.http]]
  url = "%s"
  data_format = "prometheusremotewrite"
  [outputs.http.headers]
    Content-Type = "application/x-protobuf"
    Content-Encoding = "snappy"
    X-Prometheus-Remote-Write-Version = "0.1.0"
`, lines, receivers.write))
	if err != nil {
		return err
	}
	telegraf, err := process.Spawn(l.program("telegraf"), "--config", config)
	if err != nil {
		return err
	}
	n := &node{Server: telegraf, name: "telegraf", stage: l.stage}
	l.servers = append(l.servers, n)
	defer l.stop(n)
	begin := time.Now()
	if err := l.sendLines(lines); err != nil {
		return err
	}
	if err := l.waitFor("what Telegraf wrote", 60*time.Second, func() (bool, error) {
		rows, err := l.query(test, `sum by (room) (sensor_degrees{cluster="edge"}) and on () (cpu_usage_idle{cpu="cpu-total"} >= 0)`, "")
		if err != nil || len(rows) != 2 {
			return false, err
		}
		for _, r := range rows {
			if want := map[string]float64{"hall": 21.5, "cellar": -3}[r.Metric["room"]]; number(r.Value[1]) != want {
				return false, fmt.Errorf("%v is not %v", r, want)
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	const enough = 15 * time.Second
	time.Sleep(max(0, enough-time.Since(begin)))
	until := time.Now().Add(-3 * time.Second).UnixMilli()
	c := l.between(reference, test).at("telegraf", span{until - 10_000, until})
	c.lists, c.least = []string{"telegraf"}, 20
	c.more = []string{"--range", "10s", "--step", "1s"}
	return l.compare(c)
}

// sendLines sends Influx lines.
func (l *lab) sendLines(address string) error {
	return l.waitFor("Telegraf's socket", 20*time.Second, func() (bool, error) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, err
		}
		defer conn.Close()
		_, err = fmt.Fprint(conn, "sensor,room=hall degrees=21.5\nsensor,room=cellar degrees=-3\n")
		return err == nil, err
	})
}
