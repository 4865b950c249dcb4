// The process that holds a pod's namespaces open while its containers come and go.
//
// It waits to be stopped, and stops at once: as process 1 it would ignore SIGTERM without a handler.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}
