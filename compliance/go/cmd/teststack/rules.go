package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/stackdata"
)

// recorded are recording rules of the ruler that is named, by what they record.
func recorded(ruler string) map[string]string {
	return map[string]string{
		ruler + ":requests:rate5m":  "sum by (cluster, job, code) (rate(http_requests_total[5m]))",
		ruler + ":latency:p90":      "histogram_quantile(0.9, sum by (cluster, job, le) (rate(request_duration_seconds_bucket[5m])))",
		ruler + ":native:p90":       "histogram_quantile(0.9, sum by (cluster, job) (rate(request_latency_seconds[5m])))",
		ruler + ":up:ratio":         `sum by (job) (up{cluster="us"}) / on (job) count by (job) (up{cluster="us"})`,
		ruler + ":memory:max":       "max by (cluster) (max_over_time(process_resident_memory_bytes[5m]))",
		ruler + ":scalar:requests":  "vector(scalar(count(http_requests_total)))",
		ruler + ":temperature:diff": `max by (instance) (temperature_celsius{cluster="us"}) - on (instance) max by (instance) (temperature_celsius{cluster="us"} offset 5m)`,
	}
}

// ruleFile writes a file with those rules and two alerts: one that fires for each
// target, and one that never does.
func (l *lab) ruleFile(ruler string) (string, error) {
	rules := []map[string]any{}
	for name, expr := range recorded(ruler) {
		rules = append(rules, map[string]any{"record": name, "expr": expr, "labels": map[string]string{"by": ruler}})
	}
	rules = append(rules,
		map[string]any{
			"alert": ruler + "TargetSeen", "expr": `sum by (instance) (up{cluster="us"}) >= 0`, "for": "2s",
			"labels":      map[string]string{"severity": "info", "by": ruler},
			"annotations": map[string]string{"summary": "{{ $labels.instance }} has {{ $value }} of {{ range query \"count(count by (instance) (up{cluster='us'}))\" }}{{ .Value }}{{ end }}"},
		},
		map[string]any{"alert": ruler + "Never", "expr": `sum(up{cluster="us"}) < 0`, "labels": map[string]string{"by": ruler}},
	)
	text, err := json.MarshalIndent(map[string]any{"groups": []any{map[string]any{"name": ruler, "interval": "1s", "rules": rules}}}, "", " ")
	if err != nil {
		return "", err
	}
	// JSON is YAML.
	return l.file(ruler+"-rules.yml", string(text))
}

// alert is what a notifier is sent.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// notifier takes alerts as an Alertmanager does.
type notifier struct {
	address string
	server  *http.Server

	mu     sync.Mutex
	alerts map[string]alert
}

func startNotifier() (*notifier, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &notifier{address: listener.Addr().String(), alerts: map[string]alert{}}
	n.server = &http.Server{Handler: n, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = n.server.Serve(listener) }()
	return n, nil
}

func (n *notifier) close() { _ = n.server.Close() }

// ServeHTTP takes POST /api/v2/alerts.
func (n *notifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/api/v2/alerts" {
		http.NotFound(w, r)
		return
	}
	var list []alert
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range list {
		n.alerts[a.Labels["alertname"]+" "+a.Labels["instance"]] = a
	}
}

// check compares the alerts that came with those that the rules of a ruler raise.
func (n *notifier) check(ruler string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, instance := range []string{"api-0", "api-1", "api-2", "db-0", "db-1"} {
		instance += ":9100"
		got, ok := n.alerts[ruler+"TargetSeen "+instance]
		if !ok {
			return fmt.Errorf("no alert for %s among %d", instance, len(n.alerts))
		}
		one, zero := instance+" has 1 of 5", instance+" has 0 of 5"
		if s := got.Annotations["summary"]; s != one && s != zero {
			return fmt.Errorf("the summary is %q, not %q or %q", s, one, zero)
		}
		if got.Labels["severity"] != "info" || got.Labels["by"] != ruler {
			return fmt.Errorf("labels are %v", got.Labels)
		}
	}
	for key := range n.alerts {
		if len(key) >= len(ruler)+5 && key[:len(ruler)+5] == ruler+"Never" {
			return errors.New("an alert came that cannot fire")
		}
	}
	return nil
}

// row is a series of an answer.
type row struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
	Values [][2]any          `json:"values"`
}

// query asks an instant query with more parameters NAME=VALUE.
func (l *lab) query(n *node, text string, at string, more ...string) ([]row, error) {
	var answer struct {
		Data struct {
			Result []row `json:"result"`
		} `json:"data"`
	}
	form := url.Values{"query": {text}}
	if at != "" {
		form.Set("time", at)
	}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		form.Set(name, value)
	}
	err := l.get(n.URL+"/api/v1/query?"+form.Encode(), &answer)
	return answer.Data.Result, err
}

// readBack reads what rules recorded, through a server that sees it, and compares
// each of the samples with what `direct` answers to the rule's expression at its time.
// Thanos's Query API has whole seconds, so that what Thanos Rule records at some
// milliseconds is the answer at the second before.
func (l *lab) readBack(ruler string, reader, direct *node) error {
	for name, expr := range recorded(ruler) {
		var rows []row
		err := l.waitFor("samples of "+name, 60*time.Second, func() (ok bool, err error) {
			rows, err = l.query(reader, name+"[1m]", "")
			return len(rows) > 0 && len(rows[0].Values) >= 3, err
		})
		if err != nil {
			return err
		}
		checked := 0
		for _, r := range rows {
			for i, v := range r.Values {
				if i >= 3 {
					break
				}
				if err := l.checkRecorded(direct, expr, ruler == "thanos", r.Metric, v); err != nil {
					return fmt.Errorf("%s, %v: %w", name, r.Metric, err)
				}
				checked++
			}
		}
		fmt.Printf("  %s: %d samples of %d series are what was recorded\n", name, checked, len(rows))
	}
	rows, err := l.query(reader, `ALERTS{alertstate="firing", alertname="`+ruler+`TargetSeen"}`, "")
	if err != nil {
		return err
	}
	if len(rows) != 5 {
		return fmt.Errorf("%d firing alerts are read back, not 5: %v", len(rows), rows)
	}
	return nil
}

// checkRecorded compares a sample with the answer to an expression at its time, or at
// the whole second before.
func (l *lab) checkRecorded(direct *node, expr string, wholeSeconds bool, metric map[string]string, sample [2]any) error {
	at, ok := sample[0].(float64)
	if !ok {
		return fmt.Errorf("no time in %v", sample)
	}
	if wholeSeconds {
		at = math.Floor(at)
	}
	rows, err := l.query(direct, expr, fmt.Sprintf("%.3f", at))
	if err != nil {
		return err
	}
	for _, r := range rows {
		same := true
		for name, value := range r.Metric {
			same = same && metric[name] == value
		}
		if !same {
			continue
		}
		want, got := number(r.Value[1]), number(sample[1])
		if want == got || math.Abs(want-got) <= 1e-9*math.Abs(want) || math.IsNaN(want) && math.IsNaN(got) {
			return nil
		}
		return fmt.Errorf("at %.3f: %v was recorded, %v is right", at, got, want)
	}
	return fmt.Errorf("at %.3f: %v was recorded, there is no such series in %v", at, sample[1], rows)
}

func number(v any) float64 {
	text, ok := v.(string)
	if !ok {
		return math.NaN()
	}
	var f float64
	if _, err := fmt.Sscan(text, &f); err != nil {
		return math.NaN()
	}
	return f
}

// refresh sends receivers the samples that have come up since the run began, and
// some of the future, so that rules always have fresh ones.
func (l *lab) refresh(r *receivers) error {
	d := l.data
	next := span{d.sent, time.Now().UnixMilli() + ahead}
	if next.to <= next.from {
		return nil
	}
	scraper := stackdata.Scraper{Every: recentEvery, Extra: []string{"cluster", "us", "replica", replicas[0]}}
	err := stackdata.Write(l.ctx, r.write, scraper.Scrape(d.targets, next.from, next.to), d.seed, 0)
	d.sent = next.to
	return err
}

// startRuler starts Thanos Rule, which evaluates on a server's Query API.
func (l *lab) startRuler(on *node, alerts *notifier) (*node, error) {
	rules, err := l.ruleFile("thanos")
	if err != nil {
		return nil, err
	}
	return l.thanos("rule", "rule", 0, func(n *node) []string {
		return []string{
			"--grpc-query-endpoint=" + on.grpc, "--rule-file=" + rules, "--data-dir=" + filepath.Join(l.dir, "rule"),
			"--label=ruler=\"1\"", "--alert.label-drop=ruler", "--alertmanagers.url=http://" + alerts.address,
			"--eval-interval=1s", "--resend-delay=1s", "--tsdb.enable-native-histograms",
		}
	})
}

// startVmalert starts vmalert, which evaluates on a server and writes what it
// records to a URL.
func (l *lab) startVmalert(on *node, write string, alerts *notifier) (*node, error) {
	rules, err := l.ruleFile("vmalert")
	if err != nil {
		return nil, err
	}
	return l.start("vmalert", l.program("vmalert"), 0, func(n *node) []string {
		return []string{
			"-rule=" + rules, "-datasource.url=" + on.URL, "-httpListenAddr=" + n.http, "-notifier.url=http://" + alerts.address,
			"-remoteWrite.url=" + write, "-remoteWrite.disablePathAppend", "-evaluationInterval=1s",
			"-remoteWrite.flushInterval=200ms", "-rule.resendDelay=1s", "-loggerLevel=WARN",
		}
	})
}

// stageRule evaluates rules by Thanos Rule, which sends queries to quarrel's Query
// API and keeps what it records itself; a quarrel over its StoreAPI reads it back.
func (l *lab) stageRule() error {
	test, err := l.freshlyInPlace()
	if err != nil {
		return err
	}
	alerts, err := startNotifier()
	if err != nil {
		return err
	}
	defer alerts.close()
	ruler, err := l.startRuler(test, alerts)
	if err != nil {
		return err
	}
	reader, err := l.startStand("quarrel-of-rule", []*node{ruler})
	if err != nil {
		return err
	}
	reference, err := l.startQuery("query-of-rule", []*node{ruler})
	if err != nil {
		return err
	}
	defer l.stop(reference, reader, ruler)
	if err := l.readBack("thanos", reader, test); err != nil {
		return err
	}
	if err := l.sameFanOuts(reference, reader, "/api/v1/rules", "/api/v1/rules?type=alert", "/api/v1/rules?type=record"); err != nil {
		return err
	}
	return l.waitFor("alerts of thanos rule", 30*time.Second, func() (bool, error) {
		err := alerts.check("thanos")
		return err == nil, err
	})
}

// freshlyInPlace is quarrel over all stores, with fresh samples.
func (l *lab) freshlyInPlace() (*node, error) {
	receivers, err := l.receivers()
	if err != nil {
		return nil, err
	}
	if err := l.refresh(receivers); err != nil {
		return nil, err
	}
	return l.inPlace()
}

// stageVmalert evaluates rules by vmalert over HTTP; it writes what it records to
// the router of the receivers, and quarrel over them reads it back.
func (l *lab) stageVmalert() error {
	test, err := l.freshlyInPlace()
	if err != nil {
		return err
	}
	alerts, err := startNotifier()
	if err != nil {
		return err
	}
	defer alerts.close()
	receivers, err := l.receivers()
	if err != nil {
		return err
	}
	vmalert, err := l.startVmalert(test, receivers.write, alerts)
	if err != nil {
		return err
	}
	defer l.stop(vmalert)
	if err := l.readBack("vmalert", test, test); err != nil {
		return err
	}
	return l.waitFor("alerts of vmalert", 30*time.Second, func() (bool, error) {
		err := alerts.check("vmalert")
		return err == nil, err
	})
}
