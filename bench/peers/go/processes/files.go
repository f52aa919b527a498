// Files read and written by goroutines, which block a thread each.
//
// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

const (
	block       = 4096
	readBlocks  = 1 << 18
	writeBlocks = 1 << 8
	prime       = 2_654_435_761
)

// work does what it is told by the input: each share of it in a goroutine.
func work(concurrency int, do func(worker, first, count int)) {
	fmt.Println("ready")
	var count int
	for {
		if _, err := fmt.Scanln(&count); err != nil {
			return
		}
		share := count / concurrency
		var all sync.WaitGroup
		for i := 0; i < concurrency; i++ {
			all.Add(1)
			go func(worker int) {
				defer all.Done()
				do(worker, worker*share, share)
			}(i)
		}
		all.Wait()
		fmt.Println("done")
	}
}

func readFile(path string, concurrency int) {
	file := must(os.Open(path))
	work(concurrency, func(_, first, count int) {
		into := make([]byte, block)
		for i := first; i < first+count; i++ {
			place := uint64(i) * prime % readBlocks * block
			must(file.ReadAt(into, int64(place)))
		}
	})
}

func writeFiles(folder string, concurrency int) {
	files := make([]*os.File, concurrency)
	for i := range files {
		path := filepath.Join(folder, strconv.Itoa(i))
		files[i] = must(os.OpenFile(path, os.O_WRONLY, 0))
	}
	work(concurrency, func(worker, _, count int) {
		file := files[worker]
		descriptor := int(file.Fd())
		from := make([]byte, block)
		for i := 0; i < count; i++ {
			must(file.WriteAt(from, int64(i%writeBlocks*block)))
			// File.Sync is fsync; nothing portable is fdatasync.
			must(0, syscall.Fdatasync(descriptor))
		}
	})
}
