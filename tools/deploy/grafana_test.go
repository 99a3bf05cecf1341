package deploy

import (
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// TestDashboardFitsGrafanasSchema: Grafana ignores unknown fields without a message. Its
// own types, generated from its schemas of dashboards, panels and Prometheus queries, find
// them.
func TestDashboardFitsGrafanasSchema(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/remux-retrier.json")
	if err != nil {
		t.Fatal(err)
	}
	plugins.RegisterDefaultPlugins()
	var d grafana.Dashboard
	if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" { // it may be an empty list of errors
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	for _, p := range d.Panels {
		if p.Panel == nil {
			continue
		}
		for _, target := range p.Panel.Targets {
			if target.DataqueryType() != "prometheus" {
				t.Errorf("%s: a query is one of %s", *p.Panel.Title, target.DataqueryType())
			}
		}
	}
}
