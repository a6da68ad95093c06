// A server that counts its requests.
package main

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
)

func main() {
	var number atomic.Int64
	http.HandleFunc("/", func(out http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(out, number.Add(1))
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], nil); err != nil {
		panic(err)
	}
}
