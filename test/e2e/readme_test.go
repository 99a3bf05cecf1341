//go:build kafka

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// README's programs must work as they are written there: each one runs with a real
// broker and the service.
func TestREADMEsProgramsPublishAndSubscribe(t *testing.T) {
	t.Parallel()
	for language, prepare := range map[string]func(*testing.T, string) *exec.Cmd{"python": python, "go": compileFragment} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			programs := codeBlocks(t, language)
			if len(programs) != 2 {
				t.Fatalf("README has %d programs, want one that publishes and one that subscribes", len(programs))
			}
			r := newRig(t, options{})
			r.start().ready()
			names := strings.NewReplacer("127.0.0.1:9092", r.brokers[0], `"remux.`, `"`+r.group+".", `"subscriber"`, `"`+r.group+`-subscriber"`)
			publish := prepare(t, names.Replace(programs[0]))
			if out, err := publish.CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("publishing: %v\n%s", err, out)
			}
			r.waitForAnswers(1, 20*time.Second)
			line := firstLine(t, prepare(t, names.Replace(programs[1])))
			for _, want := range []string{"538526", "accepted"} {
				if !strings.Contains(line, want) {
					t.Errorf("the subscriber prints %q, without %s", line, want)
				}
			}
		})
	}
}

// codeBlocks returns README's programs in a language.
func codeBlocks(t *testing.T, language string) (programs []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(string(readme), -1) {
		programs = append(programs, m[1])
	}
	return programs
}

// packages is the directory where .ci/run installs Python packages.
const packages = "../../bin/python"

func python(t *testing.T, program string) *exec.Cmd {
	t.Helper()
	path, err := filepath.Abs(packages)
	must(t, err)
	run := func(program string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "python3", "-u", "-c", program)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+path)
		return cmd
	}
	if out, err := run("import confluent_kafka").CombinedOutput(); err != nil {
		t.Skipf("confluent-kafka is missing: python3 -m pip install --target bin/python -r test/e2e/requirements.txt (%v, %.300s)", err, out)
	}
	return run(program)
}

// compileFragment builds a program from a Go fragment without imports and main.
func compileFragment(t *testing.T, fragment string) *exec.Cmd {
	t.Helper()
	imports := ""
	for used, path := range map[string]string{"fmt.": "fmt", "log.": "log", "kgo.": "github.com/twmb/franz-go/pkg/kgo"} {
		if strings.Contains(fragment, used) {
			imports += "import \"" + path + "\"\n"
		}
	}
	program := "package main\n\nimport \"context\"\n" + imports + "\nfunc main() {\n\tctx := context.Background()\n" + fragment + "}\n"
	source := filepath.Join(t.TempDir(), "main.go")
	must(t, os.WriteFile(source, []byte(program), 0o600))
	out := filepath.Join(filepath.Dir(source), "program")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", out, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, text, program)
	}
	return exec.CommandContext(t.Context(), out)
}

// firstLine returns the first line of a program that does not end by itself, and
// kills it.
func firstLine(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n') // empty: the program has ended
		lines <- line
	}()
	defer func() {
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}()
	select {
	case line := <-lines:
		return line
	case <-time.After(30 * time.Second):
		t.Fatal("the subscriber prints nothing")
		return ""
	}
}
