package page

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	importOf = regexp.MustCompile(`import \{([^}]*)\} from '\./([^']+)'`)
	exportOf = regexp.MustCompile(`(?m)^export (?:async )?(?:function|const|let|class) (\w+)`)
)

// A module that imports a missing export stops the whole page.
func TestEachModuleExportsWhatOthersImport(t *testing.T) {
	files, err := fs.Glob(embedded, "static/*.js")
	if err != nil {
		t.Fatal(err)
	}
	sources, exports := map[string]string{}, map[string]bool{}
	for _, f := range files {
		content, err := embedded.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := path.Base(f)
		sources[name] = string(content)
		for _, e := range exportOf.FindAllStringSubmatch(sources[name], -1) {
			exports[name+" "+e[1]] = true
		}
	}
	imported := 0
	for name, source := range sources {
		for _, i := range importOf.FindAllStringSubmatch(source, -1) {
			for one := range strings.SplitSeq(i[1], ",") {
				one, _, _ = strings.Cut(strings.TrimSpace(one), " as ")
				if imported++; !exports[i[2]+" "+one] && one != "" {
					t.Errorf("%s imports %s of %s, which does not export it", name, one, i[2])
				}
			}
		}
	}
	if imported < 20 {
		t.Errorf("only %d imports were found", imported)
	}
}
