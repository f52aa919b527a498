// Go as a process that is asked: see bench/net/servers.py and
// bench/fs/files.py.
//
// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"strconv"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func number(argument int) int {
	if argument >= len(os.Args) {
		return 0
	}
	return must(strconv.Atoi(os.Args[argument]))
}

func main() {
	switch os.Args[1] {
	case "echo":
		serve(number(2), number(3))
	case "read":
		readFile(os.Args[2], number(3))
	case "write":
		writeFiles(os.Args[2], number(3))
	default:
		panic("asked for something else")
	}
}
