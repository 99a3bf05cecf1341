// Command kafka runs one Apache Kafka broker on a loopback port until it is
// interrupted: `make kafka`. It starts empty and deletes its data at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"remux-retrier/internal/testkafka"
)

func main() {
	port := flag.Int("port", 9092, "port on 127.0.0.1")
	flag.Parse()
	if err := run(*port); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Println("Starting Apache Kafka; the first time, Maven fetches its jars.")
	c, err := testkafka.Start(ctx, testkafka.Config{Port: port})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Printf("Kafka answers at %s. Ctrl-C stops it and removes its data.\n", c.Addrs()[0])
	select {
	case <-ctx.Done():
		return nil
	case <-c.Ended(0):
		return fmt.Errorf("Kafka has ended by itself%s", c.Tail())
	}
}
