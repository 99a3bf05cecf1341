package main

// A limit is what a row should reach, and what it may not fall behind.
//
// Aims are for a quiet machine and are only printed. What fails a run is to be
// worse than recorded, a figure that this code reached on two shared cores, by
// more than the room. The room is less than the fifth that must be seen, and more
// than what medians of three rounds differ by between runs there: ratios of
// contestants that take turns differ by some 5 %, peaks of memory by 10 %. A row
// that falls behind is measured over as many rounds again before it fails the
// run, for noise seldom comes twice.
//
// After a change for speed, record what it has reached: the run says "record it".
type limit struct {
	aim, recorded float64 // 0: none
	room          float64 // 0: roomOfRatios
	least         bool    // more is better
	itself        bool    // judged is the service's own figure, not over the kafka-go loop's
}

const (
	roomOfRatios = 0.15
	// A peak of memory depends on when the collector came by.
	roomOfMemory = 0.18
	// One start, seconds long, in which everything on the machine shows, without a
	// loop beside it: what has become quadratic is seen, a fifth is not.
	roomOfStart = 1.0
	// 1 % of a core for six seconds is six ticks of the kernel's clock.
	roomOfTicks = 1.0
	// The tail of 1,000 answers is ten of them.
	roomOfTail = 1.0
	// A count does not vary, but a connection may be about to be replaced.
	roomOfCount = 0.1
)

// limits are for the rows of both forms. A row without a record is compared with
// its aim alone and fails nothing.
var limits = map[row]limit{
	{"100 in flight, 10ms, 8 partitions", perSecond}:     {aim: 1, recorded: 1, least: true},
	{"100 in flight, 10ms, 8 partitions", cpuPerEvent}:   {aim: 1.25, recorded: 1},
	{"100 in flight, 10ms, 8 partitions", objects}:       {recorded: 90, itself: true},
	{"100 in flight, 10ms, 8 partitions", allocated}:     {recorded: 9_500, itself: true},
	{"100 in flight, 50ms, 8 partitions", perSecond}:     {aim: 1, recorded: 1, least: true},
	{"100 in flight, 50ms, 8 partitions", cpuPerEvent}:   {aim: 1.1, recorded: 1},
	{"1,000 in flight, 10ms, 8 partitions", perSecond}:   {aim: 1, recorded: 0.95, least: true},
	{"1,000 in flight, 10ms, 8 partitions", cpuPerEvent}: {aim: 1.25, recorded: 1.05},
	{"1,000 in flight, 50ms, 8 partitions", perSecond}:   {aim: 1, recorded: 0.95, least: true},
	{"1,000 in flight, 50ms, 8 partitions", cpuPerEvent}: {aim: 1.15, recorded: 1.1},
	{"100 in flight, 10ms, 64 partitions", objects}:      {recorded: 95, itself: true},
	{"100 in flight, 10ms, 64 partitions", allocated}:    {recorded: 9_800, itself: true},

	{"1 partition over 8", perSecond}:     {aim: 0.85, recorded: 1, least: true, itself: true},
	{"1 partition over 8", cpuPerEvent}:   {aim: 1.15, recorded: 1, itself: true},
	{"64 partitions over 8", perSecond}:   {aim: 0.85, recorded: 0.92, least: true, itself: true},
	{"64 partitions over 8", cpuPerEvent}: {aim: 1.15, recorded: 1.1, itself: true},

	{"200 events a second", answerTime}:  {aim: 1, recorded: 0.9},
	{"200 events a second", answerTail}:  {recorded: 1, room: roomOfTail},
	{"200 events a second", cpuPerEvent}: {aim: 1, recorded: 1.25},

	{"100,000 over 10,000", perSecond}:      {aim: 0.85, recorded: 1, least: true, itself: true},
	{"100,000 over 10,000", cpuPerEvent}:    {aim: 1.15, recorded: 0.95, itself: true},
	{"1,000,000 over 100,000", perSecond}:   {aim: 0.85, recorded: 1, least: true, itself: true},
	{"1,000,000 over 100,000", cpuPerEvent}: {aim: 1.15, recorded: 1, itself: true},
	{"to 100,000 events", peakBare}:         {aim: 64, recorded: 58, room: roomOfMemory, itself: true},
	{"to 1,000,000 events", peakBare}:       {aim: 64, room: roomOfMemory, itself: true},

	{"the next start, 100,000 outcomes in the window", startTime}:   {aim: 0.8, recorded: 0.6, room: roomOfStart, itself: true},
	{"the next start, 100,000 outcomes in the window", peakBare}:    {aim: 64, recorded: 60, room: roomOfMemory, itself: true},
	{"the next start, 1,000,000 outcomes in the window", startTime}: {aim: 8, recorded: 6.4, room: roomOfStart, itself: true},
	{"the next start, 1,000,000 outcomes in the window", peakBare}:  {aim: 64, room: roomOfMemory, itself: true},

	{"100 a minute, 1,000,000 waiting", coreShare}:                    {aim: 1, recorded: 0.95, room: roomOfTicks, itself: true},
	{"100 a minute, 1,000,000 waiting", peakBare}:                     {aim: 64, recorded: 40, room: roomOfMemory, itself: true},
	{"100 in flight, 1,000,000 waiting", peakBare}:                    {aim: 64, recorded: 50, room: roomOfMemory, itself: true},
	{"1,000 in flight, 1,000,000 waiting", peakBare}:                  {aim: 130, recorded: 82, room: roomOfMemory, itself: true},
	{"100 a minute, 1,000,000 waiting, batches of 1 MB", coreShare}:   {aim: 1, recorded: 1, room: roomOfTicks, itself: true},
	{"100 a minute, 1,000,000 waiting, batches of 1 MB", peakBare}:    {aim: 64, recorded: 42, room: roomOfMemory, itself: true},
	{"100 in flight, 1,000,000 waiting, batches of 1 MB", peakBare}:   {aim: 64, recorded: 50, room: roomOfMemory, itself: true},
	{"1,000 in flight, 1,000,000 waiting, batches of 1 MB", peakBare}: {aim: 130, recorded: 86, room: roomOfMemory, itself: true},
	{"100 a minute, 200,000 waiting, batches of 1 MB", coreShare}:     {aim: 1, recorded: 0.9, room: roomOfTicks, itself: true},
	{"100 a minute, 200,000 waiting, batches of 1 MB", peakBare}:      {aim: 64, recorded: 50, room: roomOfMemory, itself: true},
	{"100 in flight, 200,000 waiting, batches of 1 MB", peakBare}:     {aim: 64, recorded: 69, room: roomOfMemory, itself: true},
	{"1,000 in flight, 200,000 waiting, batches of 1 MB", peakBare}:   {aim: 130, recorded: 123, room: roomOfMemory, itself: true},

	{"64 partitions, idle", connections}: {aim: 8, recorded: 6, room: roomOfCount, itself: true},
}
