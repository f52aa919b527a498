// The floor of the rows fs/*: the system calls alone, by threads that block.
//
//     file_floor read FILE CONCURRENCY       FILE: a GiB
//     file_floor write FOLDER CONCURRENCY    FOLDER: files 0, 1, ... of a MiB
//
// Prints "ready"; then, for each number on a line of the input, does so many
// operations and prints "done".
//
//     read     4 KiB at a place that jumps about. What is cached is not waited
//              for, so one thread reads it all, however many ask
//     write    4 KiB over what is there, and fdatasync. A thread and a file for
//              each that writes
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlock = 4096, kReadBlocks = 1 << 18, kWriteBlocks = 1 << 8 };
enum { kMaxWriters = 256 };

struct Writer {
  pthread_t thread;
  int file;
};

// What each writer is to do, between the two of them.
static long share;
static pthread_barrier_t begin;
static pthread_barrier_t end;

static void Must(const char* call, int is_so) {
  if (is_so) return;
  perror(call);
  exit(1);
}

static int Open(const char* path, int flags) {
  const int file = open(path, flags | O_CLOEXEC);
  Must(path, file >= 0);
  return file;
}

// --- read ---

static void Read(int file, long count) {
  static char block[kBlock];
  const uint64_t kPrime = UINT64_C(2654435761);
  for (long i = 0; i < count; ++i) {
    const uint64_t place = (uint64_t)i * kPrime % kReadBlocks;
    Must("pread",
         pread(file, block, kBlock, (off_t)(place * kBlock)) == kBlock);
  }
}

// --- write ---

static void Write(int file) {
  static char block[kBlock];
  for (long i = 0; i < share; ++i) {
    const off_t offset = i % kWriteBlocks * kBlock;
    Must("pwrite", pwrite(file, block, kBlock, offset) == kBlock);
    Must("fdatasync", fdatasync(file) == 0);
  }
}

// The thread lives as long as the program: what the system counts about threads
// is gone with them.
static void* RunWriter(void* argument) {
  const struct Writer* const writer = argument;
  for (;;) {
    pthread_barrier_wait(&begin);
    Write(writer->file);
    pthread_barrier_wait(&end);
  }
  return NULL;  // Never; gcc 12 wants it.
}

static void StartWriters(const char* folder, int concurrency) {
  static struct Writer writers[kMaxWriters];
  pthread_barrier_init(&begin, NULL, (unsigned)concurrency + 1);
  pthread_barrier_init(&end, NULL, (unsigned)concurrency + 1);
  for (int i = 0; i < concurrency; ++i) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%d", folder, i);
    writers[i].file = Open(path, O_WRONLY);
    Must("pthread_create",
         pthread_create(&writers[i].thread, NULL, RunWriter, &writers[i]) == 0);
  }
}

static void WriteAll(int concurrency, long count) {
  share = count / concurrency;
  pthread_barrier_wait(&begin);
  pthread_barrier_wait(&end);
}

int main(int argc, char** argv) {
  const int concurrency = argc == 4 ? atoi(argv[3]) : 0;
  const int reads = argc == 4 && strcmp(argv[1], "read") == 0;
  if (concurrency < 1 || concurrency > kMaxWriters) {
    fputs(
        "usage: file_floor read FILE CONCURRENCY\n"
        "       file_floor write FOLDER CONCURRENCY\n",
        stderr);
    return 2;
  }
  const int file = reads ? Open(argv[2], O_RDONLY) : -1;
  if (!reads) StartWriters(argv[2], concurrency);
  puts("ready");
  fflush(stdout);
  long count;
  while (scanf("%ld", &count) == 1) {
    if (reads) {
      Read(file, count);
    } else {
      WriteAll(concurrency, count);
    }
    puts("done");
    fflush(stdout);
  }
}
