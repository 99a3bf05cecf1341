package main

// limit is a row's aim, and the figure that it must not be worse than.
//
// An aim is for a quiet machine. It is only printed. A run fails if a figure is worse
// than recorded by more than the tolerance. recorded is what this code has reached on
// two shared cores. Tolerances for ratios and memory are below 20 %, because a fifth must be
// noticed, and above the differences between runs there: for medians of three rounds about
// 5 % of a ratio and 10 % of a memory peak. Others are wider, see below. A row that is worse
// is measured again, up to twice, before it fails the run: noise seldom lasts.
//
// If a change makes a figure better, the table says "record it": update recorded.
type limit struct {
	aim, recorded  float64 // 0: none
	tolerance      float64 // 0: toleranceForRatios
	higherIsBetter bool
	serviceOnly    bool // the service's figure is judged, not its ratio to the kafka-go loop's
}

const (
	toleranceForRatios = 0.15
	// A memory peak depends on when the garbage collector runs.
	toleranceForMemory = 0.18
	// A start is measured once, for seconds, without a loop to compare it with.
	// Quadratic cost is noticed, a fifth is not.
	toleranceForStart = 1.0
	// 1 % of a core is only four ticks of the kernel's clock in the four seconds of -short.
	toleranceForTicks = 1.0
	// The 99th percentile of 2,000 answers, 600 with -short, depends on 20 or 6 of them.
	toleranceForTail = 1.0
	// Readers and their requests' CPU are on the same cores. Without a bound on what they
	// take, answers took five times as long.
	toleranceForReaders = 0.5
	// The first writes to 64 new partitions are slow, the service's as the loop's: with -short
	// the same program's rounds differ by two thirds. So the ratios to the loop are judged, and
	// the ratio of the service's 64 partitions to its 8 has no recorded figure.
	toleranceForManyPartitions = 0.25
	// Two runs of the service are divided, or two parts of one run, a second or more each.
	// No loop runs beside them, so a neighbour on the same machine changes one of the two.
	// These rows notice cost that grows with partitions or with events. A fifth that every
	// event costs more is noticed by the ratios to the loop.
	toleranceForTwoRuns = 0.3
	// A count does not vary, except while a connection is replaced.
	toleranceForCount = 0.1
)

// limits of the rows, with and without -short. A row without a recorded figure is only
// compared with its aim and never fails the run.
var limits = map[row]limit{
	{"100 in flight, 10ms, 8 partitions", perSecond}:     {aim: 1, recorded: 1, higherIsBetter: true},
	{"100 in flight, 10ms, 8 partitions", cpuPerEvent}:   {aim: 1.25, recorded: 1},
	{"100 in flight, 10ms, 8 partitions", objects}:       {recorded: 90, serviceOnly: true},
	{"100 in flight, 10ms, 8 partitions", allocated}:     {recorded: 9_500, serviceOnly: true},
	{"100 in flight, 50ms, 8 partitions", perSecond}:     {aim: 1, recorded: 1, higherIsBetter: true},
	{"100 in flight, 50ms, 8 partitions", cpuPerEvent}:   {aim: 1.1, recorded: 1},
	{"1,000 in flight, 10ms, 8 partitions", perSecond}:   {aim: 1, recorded: 0.95, higherIsBetter: true},
	{"1,000 in flight, 10ms, 8 partitions", cpuPerEvent}: {aim: 1.25, recorded: 1.05},
	{"1,000 in flight, 50ms, 8 partitions", perSecond}:   {aim: 1, recorded: 0.95, higherIsBetter: true},
	{"1,000 in flight, 50ms, 8 partitions", cpuPerEvent}: {aim: 1.15, recorded: 1.1},
	{"100 in flight, 10ms, 64 partitions", perSecond}:    {recorded: 0.95, tolerance: toleranceForManyPartitions, higherIsBetter: true},
	{"100 in flight, 10ms, 64 partitions", cpuPerEvent}:  {recorded: 1, tolerance: toleranceForManyPartitions},
	{"100 in flight, 10ms, 64 partitions", objects}:      {recorded: 95, serviceOnly: true},
	{"100 in flight, 10ms, 64 partitions", allocated}:    {recorded: 9_800, serviceOnly: true},

	{"1 partition over 8", perSecond}:     {aim: 0.85, recorded: 1, tolerance: toleranceForTwoRuns, higherIsBetter: true, serviceOnly: true},
	{"1 partition over 8", cpuPerEvent}:   {aim: 1.15, recorded: 1, tolerance: toleranceForTwoRuns, serviceOnly: true},
	{"64 partitions over 8", perSecond}:   {aim: 0.85, higherIsBetter: true, serviceOnly: true},
	{"64 partitions over 8", cpuPerEvent}: {aim: 1.15, serviceOnly: true},

	{"200 events a second", answerTime}:  {aim: 1, recorded: 0.9},
	{"200 events a second", answerTail}:  {recorded: 1, tolerance: toleranceForTail},
	{"200 events a second", cpuPerEvent}: {aim: 1, recorded: 1.05},
	{"64 readers over none", answerTime}: {aim: 1.1, recorded: 1, tolerance: toleranceForReaders, serviceOnly: true},

	{"100,000 over 10,000", perSecond}:      {aim: 0.85, recorded: 1, tolerance: toleranceForTwoRuns, higherIsBetter: true, serviceOnly: true},
	{"100,000 over 10,000", cpuPerEvent}:    {aim: 1.15, recorded: 0.95, tolerance: toleranceForTwoRuns, serviceOnly: true},
	{"1,000,000 over 100,000", perSecond}:   {aim: 0.85, recorded: 1, tolerance: toleranceForTwoRuns, higherIsBetter: true, serviceOnly: true},
	{"1,000,000 over 100,000", cpuPerEvent}: {aim: 1.15, recorded: 1, tolerance: toleranceForTwoRuns, serviceOnly: true},
	{"to 100,000 events", peakBare}:         {aim: 64, recorded: 58, tolerance: toleranceForMemory, serviceOnly: true},
	{"to 1,000,000 events", peakBare}:       {aim: 64, tolerance: toleranceForMemory, serviceOnly: true},

	{"the next start, 100,000 outcomes in the window", startTime}:   {aim: 0.8, recorded: 0.6, tolerance: toleranceForStart, serviceOnly: true},
	{"the next start, 100,000 outcomes in the window", peakBare}:    {aim: 64, recorded: 60, tolerance: toleranceForMemory, serviceOnly: true},
	{"the next start, 1,000,000 outcomes in the window", startTime}: {aim: 8, recorded: 6.4, tolerance: toleranceForStart, serviceOnly: true},
	{"the next start, 1,000,000 outcomes in the window", peakBare}:  {aim: 64, tolerance: toleranceForMemory, serviceOnly: true},

	{"100 a minute, 1,000,000 waiting", coreShare}:                    {aim: 1, recorded: 0.8, tolerance: toleranceForTicks, serviceOnly: true},
	{"100 a minute, 1,000,000 waiting", peakBare}:                     {aim: 64, recorded: 40, tolerance: toleranceForMemory, serviceOnly: true},
	{"100 in flight, 1,000,000 waiting", peakBare}:                    {aim: 64, recorded: 50, tolerance: toleranceForMemory, serviceOnly: true},
	{"1,000 in flight, 1,000,000 waiting", peakBare}:                  {aim: 130, recorded: 82, tolerance: toleranceForMemory, serviceOnly: true},
	{"100 a minute, 1,000,000 waiting, batches of 1 MB", coreShare}:   {aim: 1, recorded: 0.85, tolerance: toleranceForTicks, serviceOnly: true},
	{"100 a minute, 1,000,000 waiting, batches of 1 MB", peakBare}:    {aim: 64, recorded: 42, tolerance: toleranceForMemory, serviceOnly: true},
	{"100 in flight, 1,000,000 waiting, batches of 1 MB", peakBare}:   {aim: 64, recorded: 50, tolerance: toleranceForMemory, serviceOnly: true},
	{"1,000 in flight, 1,000,000 waiting, batches of 1 MB", peakBare}: {aim: 130, recorded: 86, tolerance: toleranceForMemory, serviceOnly: true},
	{"100 a minute, 200,000 waiting, batches of 1 MB", coreShare}:     {aim: 1, recorded: 0.9, tolerance: toleranceForTicks, serviceOnly: true},
	{"100 a minute, 200,000 waiting, batches of 1 MB", peakBare}:      {aim: 64, recorded: 50, tolerance: toleranceForMemory, serviceOnly: true},
	{"100 in flight, 200,000 waiting, batches of 1 MB", peakBare}:     {aim: 64, recorded: 69, tolerance: toleranceForMemory, serviceOnly: true},
	{"1,000 in flight, 200,000 waiting, batches of 1 MB", peakBare}:   {aim: 130, recorded: 123, tolerance: toleranceForMemory, serviceOnly: true},

	{"1,000,000 events of one task", peak}:  {recorded: 141, tolerance: toleranceForMemory, serviceOnly: true},
	{"1,000,000 records of one byte", peak}: {recorded: 75, tolerance: toleranceForMemory, serviceOnly: true},
	{"100,000 events of one task", peak}:    {recorded: 128, tolerance: toleranceForMemory, serviceOnly: true},
	{"100,000 records of one byte", peak}:   {recorded: 67, tolerance: toleranceForMemory, serviceOnly: true},

	{"64 partitions, idle", connections}: {aim: 8, recorded: 6, tolerance: toleranceForCount, serviceOnly: true},
}
