// Package deploy_test compares deploy/, docs/OPERATIONS.md and docs/METRICS.md with the
// code: metrics, settings, log lines, figures. Checks that need the libraries of kustomize
// or Prometheus are in tools/deploy. Nothing imports it.
package deploy_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/receive"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// labels are a metric's labels: by name, the values that exist from the start.
type labels map[string][]string

// exposition returns /metrics of a service with one partition.
func exposition(t *testing.T) string {
	t.Helper()
	m := metrics.New()
	var sources metrics.Sources
	for _, field := range reflect.ValueOf(&sources).Elem().Fields() {
		field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.Zero(field.Type().Out(0))}
		}))
	}
	sources.Consumer = func() consumer.Status { return consumer.Status{Partitions: []consumer.PartitionStatus{{}}} }
	m.Watch(sources)
	for _, check := range []string{"brokers", "group", "ledger", "publishing"} {
		m.Ready(check, func() (bool, string) { return true, "" })
	}
	m.CertificateEnds(time.Now)
	m.Request("retry", nil, 1)
	m.Request("query", nil, 1)
	m.Request("login", nil, 1)
	return answer(m.Handler())
}

// receiveExposition is /metrics of remux-retrier receive.
func receiveExposition() string {
	m := receive.NewMeters()
	m.Watch(func() bool { return true })
	m.CertificateEnds(time.Now)
	return answer(m.Handler())
}

func answer(h http.Handler) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// scraped returns the metrics and labels of exposition and receiveExposition.
func scraped(t *testing.T) map[string]labels {
	t.Helper()
	found := map[string]labels{}
	text := exposition(t) + receiveExposition()
	for _, sample := range regexp.MustCompile(`(?m)^(\w+)(\{.*\})? `).FindAllStringSubmatch(text, -1) {
		if found[sample[1]] == nil {
			found[sample[1]] = labels{}
		}
		for _, label := range matchers(sample[2]) {
			found[sample[1]][label.name] = append(found[sample[1]][label.name], label.value)
		}
	}
	return found
}

type matcher struct{ name, operator, value string }

func matchers(selector string) []matcher {
	var all []matcher
	for _, m := range regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`).FindAllStringSubmatch(selector, -1) {
		all = append(all, matcher{m[1], m[2], m[3]})
	}
	return all
}

// target are labels that Prometheus adds, and labels of alerts.
var target = []string{"job", "namespace", "instance", "alertname", "alertstate"}

func TestRulesAndDashboardUseMetricsThatExist(t *testing.T) {
	found := scraped(t)
	selector := regexp.MustCompile(`\b((?:remux_retrier|go|process)_[a-z_]+)(\{[^}]*\})?`)
	for _, path := range files(t, "prometheus/*.yaml", "grafana/*.json", "../docs/OPERATIONS.md") {
		used := selector.FindAllStringSubmatch(strings.ReplaceAll(read(t, path), `\"`, `"`), -1)
		if len(used) == 0 && filepath.Base(path) != "OPERATIONS.md" {
			t.Errorf("%s uses no metric", path)
		}
		for _, use := range used {
			metric, ok := found[use[1]]
			if _, histogram := found[use[1]+"_bucket"]; !ok && histogram && filepath.Base(path) == "OPERATIONS.md" {
				continue
			}
			if !ok {
				t.Errorf("%s: there is no metric %s", path, use[1])
				continue
			}
			for _, m := range matchers(use[2]) {
				checkMatcher(t, path, use[1], metric, m)
			}
		}
	}
}

func checkMatcher(t *testing.T, path, name string, metric labels, m matcher) {
	t.Helper()
	if slices.Contains(target, m.name) {
		return
	}
	values, ok := metric[m.name]
	if !ok {
		t.Errorf("%s: %s has no label %s", path, name, m.name)
	}
	for _, value := range strings.Split(m.value, "|") {
		if m.name != "partition" && !slices.Contains(values, value) {
			t.Errorf("%s: %s never has %s=%q, only %q", path, name, m.name, value, values)
		}
	}
}

func TestRulesAndDashboardGroupByLabelsThatExist(t *testing.T) {
	known := slices.Clone(target)
	for _, metric := range scraped(t) {
		known = slices.AppendSeq(known, maps.Keys(metric))
	}
	grouping := regexp.MustCompile(`\b(?:by|on|without|ignoring) \(([a-z_, ]*)\)`)
	for _, path := range files(t, "prometheus/*.yaml", "grafana/*.json") {
		for _, group := range grouping.FindAllStringSubmatch(read(t, path), -1) {
			for _, label := range strings.Split(group[1], ", ") {
				if !slices.Contains(known, label) {
					t.Errorf("%s groups by %q, which no metric has", path, label)
				}
			}
		}
	}
}

// A metric that the dashboard does not show is missing there, or is not needed.
func TestDashboardShowsWhatTheServiceSays(t *testing.T) {
	dashboard := read(t, "grafana/remux-retrier.json")
	for name := range scraped(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "remux_retrier_") && !strings.Contains(dashboard, base) {
			t.Errorf("the dashboard does not show %s", base)
		}
	}
}

func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: nothing found (%v)", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}
