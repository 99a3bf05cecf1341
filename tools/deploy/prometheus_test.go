package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

type dashboard struct {
	UID           string
	SchemaVersion int
	Templating    struct{ List []variable }
	Annotations   struct{ List []struct{ Expr string } }
	Panels        []panel
}

type variable struct{ Name, Type, Query, AllValue string }

type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Datasource  struct{ UID string }
	Targets     []struct{ RefID, Expr string }
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Custom struct{ DrawStyle string }
		}
	}
}

func board(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/remux-retrier.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		dashboard
		Templating struct {
			List []struct {
				Name, Type, AllValue string
				Query                json.RawMessage // a string, or an object that contains one
			}
		}
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	for _, v := range raw.Templating.List {
		raw.dashboard.Templating.List = append(raw.dashboard.Templating.List, variable{v.Name, v.Type, string(v.Query), v.AllValue})
	}
	return raw.dashboard
}

// parse parses an expression as Prometheus does, after Grafana has replaced its variables.
func parse(t *testing.T, where, expr string) parser.Expr {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h").Replace(expr)
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %s: %v", where, expr, err)
	}
	return e
}

func TestEveryPanelAsksOnlyForTheChosenInstances(t *testing.T) {
	for _, p := range board(t).Panels {
		for _, target := range p.Targets {
			parser.Inspect(parse(t, p.Title, target.Expr), func(node parser.Node, _ []parser.Node) error {
				selector, ok := node.(*parser.VectorSelector)
				if !ok {
					return nil
				}
				found := map[string]string{}
				for _, m := range selector.LabelMatchers {
					if m.Type == labels.MatchRegexp {
						found[m.Name] = m.Value
					}
				}
				if found["namespace"] != "$namespace" || found["job"] != "$job" || found["instance"] != "$instance" {
					t.Errorf("%s: %s is not limited to $namespace, $job and $instance", p.Title, selector)
				}
				return nil
			})
		}
	}
}

func TestCountersAreShownAsRates(t *testing.T) {
	for _, p := range board(t).Panels {
		for _, target := range p.Targets {
			parser.Inspect(parse(t, p.Title, target.Expr), func(node parser.Node, path []parser.Node) error {
				selector, ok := node.(*parser.VectorSelector)
				if !ok || !strings.HasSuffix(selector.Name, "_total") && !strings.HasSuffix(selector.Name, "_bucket") {
					return nil
				}
				ranged := false
				if len(path) > 0 {
					_, ranged = path[len(path)-1].(*parser.MatrixSelector)
				}
				if !ranged {
					t.Errorf("%s: %s only ever grows", p.Title, selector.Name)
				}
				return nil
			})
		}
	}
}

// TestWhatIsLeftOutIsDrawnAsBars: a comparison leaves gaps, and a line between two gaps is
// invisible.
func TestWhatIsLeftOutIsDrawnAsBars(t *testing.T) {
	for _, p := range board(t).Panels {
		for _, target := range p.Targets {
			parser.Inspect(parse(t, p.Title, target.Expr), func(node parser.Node, _ []parser.Node) error {
				e, ok := node.(*parser.BinaryExpr)
				if ok && e.Op.IsComparisonOperator() && !e.ReturnBool && p.Type == "timeseries" && p.FieldConfig.Defaults.Custom.DrawStyle != "bars" {
					t.Errorf("%s: a single event is not drawn: %s", p.Title, e)
				}
				return nil
			})
		}
	}
}

func TestPanelsAreToldApartAndDoNotOverlap(t *testing.T) {
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range board(t).Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: the id %d is taken", p.Title, p.ID)
		}
		ids[p.ID] = true
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] {
				t.Errorf("%s: the query %s is there twice", p.Title, target.RefID)
			}
			refs[target.RefID] = true
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q or beyond the edge", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestPanelsExplainThemselves(t *testing.T) {
	b := board(t)
	if b.UID != "remux-retrier" || b.SchemaVersion < 41 {
		t.Errorf("uid %q, schema %d", b.UID, b.SchemaVersion)
	}
	for _, p := range b.Panels {
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%+v lacks a title, description, unit, query or the chosen data source", p)
		}
	}
	for _, a := range b.Annotations.List {
		parse(t, "annotation", a.Expr)
	}
	var names []string
	for _, v := range b.Templating.List {
		names = append(names, v.Name)
		if v.Type == "query" && !regexp.MustCompile(`label_values\(remux_retrier_\w+`).MatchString(v.Query) {
			t.Errorf("%s is chosen from %s", v.Name, v.Query)
		}
		if v.Name == "namespace" && v.AllValue != ".*" {
			t.Error("nothing is shown where there is no label namespace")
		}
	}
	if got := strings.Join(names, " "); got != "datasource namespace job instance" {
		t.Errorf("the variables are %s", got)
	}
}

// TestRulesFitAPrometheusRule: make alerts writes them, with a base URL before each link.
func TestRulesFitAPrometheusRule(t *testing.T) {
	for _, base := range []string{"", "https://git.example.com/remux-retrier/blob/main/"} {
		checkRules(t, alerts(t, base), base)
	}
}

// alerts runs the command of the guide; an empty base means none.
func alerts(t *testing.T, base string) []byte {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-C", "../..", "--silent", "alerts", "ALERTS_DIR=" + dir}
	if base != "" {
		args = append(args, "RUNBOOK_BASE="+base)
	}
	if out, err := exec.CommandContext(t.Context(), "make", args...).CombinedOutput(); err != nil {
		t.Fatalf("make alerts: %v\n%s", err, out)
	}
	text, err := os.ReadFile(dir + "/prometheusrule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// checkRules requires that links begin with the base, or lead to a file if it is empty.
func checkRules(t *testing.T, text []byte, base string) {
	t.Helper()
	var rule monitoringv1.PrometheusRule
	if err := yaml.UnmarshalStrict(text, &rule); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, group := range rule.Spec.Groups {
		for _, r := range group.Rules {
			if names[r.Alert] {
				t.Errorf("%s is there twice", r.Alert)
			}
			names[r.Alert] = true
			if s := r.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" {
				t.Errorf("%s says nothing", r.Alert)
			}
			guide, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
			path, local := strings.CutPrefix(guide, "file://")
			switch _, err := os.Stat(path); {
			case anchor != strings.ToLower(r.Alert):
				t.Errorf("%s: its link leads to %s", r.Alert, anchor)
			case base == "" && (!local || err != nil):
				t.Errorf("%s: %s is no file here: %v", r.Alert, guide, err)
			case base != "" && guide != base+"docs/OPERATIONS.md":
				t.Errorf("%s: its link leads to %s", r.Alert, guide)
			}
			parse(t, r.Alert, r.Expr.String())
		}
	}
	if len(names) == 0 {
		t.Error("no rules")
	}
}
