package codes

const (
	calls = "The service asks MPC for a retry: it may help."
	skips = "The service asks MPC for a retry unless RETRY_SKIP_CODES has the code; then it answers the event retry_failed, not_retryable, without a call. The recommended list has this code."
)

// failures lists the codes that a failed task may have, from the vendor's list of error
// codes of tasks.
func failures() []Code {
	const (
		input  = "Fix the input, then create a new task."
		output = "Change the task's parameters and create a new task."
	)
	list := []Code{
		{Code: "MPC.10050", Meaning: "A system error inside MPC."},
		{Code: "MPC.10104", Meaning: "MPC could not execute the task this time."},
		{Code: "MPC.10105", Meaning: "MPC could not execute the task this time, and asks for a retry."},

		{Code: "MPC.10051", RetryUseless: true, Meaning: "The chosen template is of a kind that is not supported (super-resolution).", Advice: output},
		{Code: "MPC.10052", RetryUseless: true, Meaning: "The input file could not be fetched.", Advice: "Check the input's path and that MPC may read its bucket; then retry it with --force, or create a new task."},
		{Code: "MPC.10053", RetryUseless: true, Meaning: "The input file does not exist.", Advice: "Put the input where the task expects it, then retry it with --force; or create a new task."},
		{Code: "MPC.10054", RetryUseless: true, Meaning: "The subtitle file could not be fetched.", Advice: input},
		{Code: "MPC.10055", RetryUseless: true, Meaning: "The audio sampling rate is not supported.", Advice: output},
		{Code: "MPC.10056", RetryUseless: true, Meaning: "The output's frame rate is not supported.", Advice: output},
		{Code: "MPC.10057", RetryUseless: true, Meaning: "The output's bit rate is not supported.", Advice: output},
		{Code: "MPC.10058", RetryUseless: true, Meaning: "The output's width is not supported.", Advice: output},
		{Code: "MPC.10059", RetryUseless: true, Meaning: "The output's height is not supported.", Advice: output},
		{Code: "MPC.10060", RetryUseless: true, Meaning: "The interval between key frames is not supported.", Advice: output},
		{Code: "MPC.10061", RetryUseless: true, Meaning: "Snapshots at intervals that are not fixed are not supported.", Advice: output},
		{Code: "MPC.10062", RetryUseless: true, Meaning: "Snapshots of a video with this codec are not supported.", Advice: input},
		{Code: "MPC.10063", RetryUseless: true, Meaning: "Snapshots of a video in this format are not supported.", Advice: input},
		{Code: "MPC.10064", RetryUseless: true, Meaning: "More watermarks than the two that are supported.", Advice: output},
		{Code: "MPC.10065", RetryUseless: true, Meaning: "The output's file format is not supported.", Advice: output},
		{Code: "MPC.10066", RetryUseless: true, Meaning: "The input's format is wrong.", Advice: input},
		{Code: "MPC.10067", RetryUseless: true, Meaning: "The input's video codec could not be recognized.", Advice: input},
		{Code: "MPC.10068", RetryUseless: true, Meaning: "The input's audio codec could not be recognized.", Advice: input},
	}
	// The vendor's list says no more about these than that a retry fails in the same way.
	for _, code := range []string{"MPC.10072", "MPC.10087", "MPC.10088", "MPC.10092", "MPC.10102", "MPC.10103", "MPC.10124", "MPC.10125", "MPC.10154"} {
		list = append(list, Code{Code: code, RetryUseless: true, Meaning: "The task failed, probably because of its input, format or parameters; the failure's description gives details.", Advice: "Fix what the description names, then create a new task."})
	}
	// The vendor's list has these without saying whether a retry helps.
	for _, code := range []string{"MPC.10069", "MPC.10126", "MPC.10155", "MPC.10156"} {
		list = append(list, Code{Code: code, Meaning: "The task failed inside MPC; the failure's description gives details.", Advice: "If retries do not help, fix what the description names and create a new task."})
	}
	for i := range list {
		c := &list[i]
		c.Place, c.Service = Failure, calls
		if c.RetryUseless {
			c.Service = skips
		}
	}
	return list
}
