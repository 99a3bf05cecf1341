package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of time in /proc/PID/stat on Linux.
const clockTick = 10 * time.Millisecond

// cpuTime returns the CPU time that this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf returns the CPU time that the processes have used so far.
func cpuOf(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// The second field is the program's name in brackets. It may contain any characters.
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0, fmt.Errorf("/proc/%d/stat is short: %q", pid, stat)
		}
		for _, f := range fields[11:13] { // utime, stime
			ticks, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ticks) * clockTick
		}
	}
	return sum, nil
}

// cpuOfAll returns the CPU time that the machine has used so far, including time that
// its host used for other machines (steal).
func cpuOfAll() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(f) < 9 {
		return 0, fmt.Errorf("/proc/stat is short: %q", line)
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		ticks, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ticks) * clockTick
	}
	return sum, nil
}

// peakOf returns the process's largest resident size so far, in MB.
func peakOf(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kb, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			return n * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}

// allocations returns the objects and bytes that the process has allocated so far.
func (c *child) allocations() (objects, bytes float64, err error) {
	res, err := http.Get(c.http + "/metrics")
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_memstats_mallocs_total":
			objects, err = strconv.ParseFloat(value, 64)
		case "go_memstats_alloc_bytes_total":
			bytes, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return objects, bytes, nil
}

// gcLine matches a line of GODEBUG=gctrace=1. It gives the CPU time of one collection:
// sweep termination + assist/background/idle + mark termination. Only assist and
// background count: during the first and last all processors wait, and idle time was not
// needed by others.
var gcLine = regexp.MustCompile(`(?m)^gc \d+ .*, [\d.]+\+([\d.]+)/([\d.]+)/[\d.]+\+[\d.]+ ms cpu`)

// gcTime returns the CPU time of all collections. The runtime counts elapsed time, so it is
// too much if other processes use the cores. The child must have ended.
func (c *child) gcTime() time.Duration {
	ms := 0.0
	for _, m := range gcLine.FindAllStringSubmatch(c.output.String(), -1) {
		for _, f := range m[1:] {
			v, _ := strconv.ParseFloat(f, 64) // the expression matches only numbers
			ms += v
		}
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// machine describes the machine and the Go version.
func machine() string {
	model := "unknown CPU"
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the name is unknown
	for line := range strings.Lines(string(info)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			model = strings.Trim(name, "\t: \n")
			break
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d cores (%s), %s, load at the start %s.\n", runtime.NumCPU(), model, runtime.Version(), one)
}
