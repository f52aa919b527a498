// An echo server: a goroutine and a buffer for each connection. The net package
// sends without delay unless it is told otherwise, and listens with the longest
// queue that the system allows.
//
// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"runtime"
	"time"
)

const echoBuffer = 20 * 1024

func attend(client net.Conn, timeout time.Duration) {
	defer client.Close()
	buffer := make([]byte, echoBuffer)
	for {
		if timeout > 0 {
			client.SetReadDeadline(time.Now().Add(timeout))
		}
		size, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err := client.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func serve(workers, timeout int) {
	runtime.GOMAXPROCS(workers)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		client := must(listener.Accept())
		go attend(client, time.Duration(timeout)*time.Second)
	}
}
