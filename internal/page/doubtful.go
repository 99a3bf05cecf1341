package page

import (
	"fmt"

	"remux-retrier/internal/history"
)

// passedOver is the verdict on an event that nobody is going to read.
const passedOver = "passed_over"

// overlooked is about such an event.
func overlooked(asked *history.Entry) Verdict {
	return Verdict{passedOver, "Not retried: its event was passed over",
		fmt.Sprintf("Its failure event stands at offset %d of partition %d. %s", asked.Offset, asked.Partition, history.PassedOver)}
}
