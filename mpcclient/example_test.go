package mpcclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"remux-retrier/mpcclient"
)

func ExampleClient_Retry() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error_code":"MPC.10211","error_msg":"The task does not exist."}`)
	}))
	defer api.Close()

	client, err := mpcclient.New(mpcclient.Config{
		Endpoint:  api.URL, // in production: mpcclient.Endpoint("cn-north-4")
		ProjectID: "0123456789abcdef",
		Auth:      mpcclient.AKSK("access-key", "secret-key", ""),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	err = client.Retry(context.Background(), "538526")
	var refusal *mpcclient.Error
	switch {
	case err == nil:
		fmt.Println("accepted")
	case errors.As(err, &refusal) && refusal.Class == mpcclient.Lost:
		fmt.Println("perhaps accepted: query before calling again")
	case errors.As(err, &refusal) && refusal.Outage():
		fmt.Println("try again later:", refusal.Advice)
	default:
		fmt.Println("refused for good:", err)
	}
	// Output: refused for good: MPC retry: task_not_found: HTTP 403 MPC.10211 "The task does not exist."
}
