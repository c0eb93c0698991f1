// Command miniredis serves Redis's protocol from memory, where the tests of the
// stack find no redis-server. It takes those of its flags that they use.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	port := flag.String("port", "6379", "port to listen on")
	bind := flag.String("bind", "127.0.0.1", "address to listen on")
	for _, name := range []string{"save", "appendonly", "dir"} {
		flag.String(name, "", "ignored: nothing is kept")
	}
	flag.Parse()
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(net.JoinHostPort(*bind, *port)); err != nil {
		fmt.Fprintln(os.Stderr, "miniredis:", err)
		os.Exit(1)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
