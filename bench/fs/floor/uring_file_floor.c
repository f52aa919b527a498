// The rows fs/*/uring: the floor's questions, asked of io_uring by one thread.
//
//     uring_file_floor read FILE CONCURRENCY       FILE: a GiB
//     uring_file_floor write FOLDER CONCURRENCY    FOLDER: files 0, 1, ... of
//                                                  a MiB
//
// What it prints and is told, and what an operation is: file_floor.c.
//
//     read     CONCURRENCY reads are under way; what is cached is answered
//              while it is asked for
//     write    for each file a chain, write and then fdatasync
//              (IOSQE_IO_LINK): asked for together, answered once. The kernel
//              has a thread for each chain that waits for the disk
//
// SPDX-License-Identifier: MIT

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kBlock = 4096, kReadBlocks = 1 << 18, kWriteBlocks = 1 << 8 };
enum { kMaxConcurrency = 256 };

static struct io_uring ring;
static int files[kMaxConcurrency];
static char blocks[kMaxConcurrency][kBlock];
static long counts[kMaxConcurrency];  // Of the operations on each file.

static void Must(const char* call, int is_so) {
  if (is_so) return;
  perror(call);
  exit(1);
}

// liburing gives errors as negative results, and leaves errno alone.
static void MustDo(const char* call, int result) {
  errno = -result;
  Must(call, result >= 0);
}

static int Open(const char* path, int flags) {
  const int file = open(path, flags | O_CLOEXEC);
  Must(path, file >= 0);
  return file;
}

static void MakeRing(int file_count) {
  MustDo("io_uring_setup", io_uring_queue_init(2 * kMaxConcurrency, &ring,
                                               IORING_SETUP_SINGLE_ISSUER |
                                                   IORING_SETUP_DEFER_TASKRUN |
                                                   IORING_SETUP_COOP_TASKRUN));
  // Each spares an operation, or io_uring_enter, the look-up of a descriptor.
  MustDo("io_uring_register", io_uring_register_ring_fd(&ring));
  MustDo("io_uring_register",
         io_uring_register_files(&ring, files, (unsigned)file_count));
  // Of its own accord the kernel has four threads a processor for work on
  // files; those of the second kind are for sockets.
  unsigned threads[] = {kMaxConcurrency, 0};
  MustDo("io_uring_register",
         io_uring_register_iowq_max_workers(&ring, threads));
}

// --- What is asked for. The queue has room for two each that is under way. ---

static void AskToRead(int who, long number) {
  const uint64_t kPrime = UINT64_C(2654435761);
  const uint64_t place = (uint64_t)number * kPrime % kReadBlocks;
  struct io_uring_sqe* const read = io_uring_get_sqe(&ring);
  io_uring_prep_read(read, 0, blocks[who], kBlock, place * kBlock);
  read->flags |= IOSQE_FIXED_FILE;
  read->user_data = (uint64_t)who;
}

// A write that fails, or is short, ends its chain, and the sync is cancelled.
static void AskToWrite(int who, long number) {
  (void)number;
  const long offset = counts[who]++ % kWriteBlocks * kBlock;
  struct io_uring_sqe* const write = io_uring_get_sqe(&ring);
  io_uring_prep_write(write, who, blocks[who], kBlock, (uint64_t)offset);
  write->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
  write->user_data = (uint64_t)who;
  struct io_uring_sqe* const sync = io_uring_get_sqe(&ring);
  io_uring_prep_fsync(sync, who, IORING_FSYNC_DATASYNC);
  sync->flags |= IOSQE_FIXED_FILE;
  sync->user_data = (uint64_t)who;
}

// --- What has been done. ---

static void Check(int reads, const struct io_uring_cqe* completion) {
  MustDo(reads ? "read" : "write or fdatasync", completion->res);
  if (reads) Must("a short read", completion->res == kBlock);
}

static void Do(int reads, int concurrency, long count) {
  void (*const ask)(int who, long number) = reads ? AskToRead : AskToWrite;
  long asked = 0;
  for (; asked < concurrency && asked < count; ++asked) ask((int)asked, asked);
  for (long done = 0; done < count;) {
    const int submitted = io_uring_submit_and_wait(&ring, 1);
    if (submitted != -EINTR) MustDo("io_uring_enter", submitted);
    unsigned head;
    unsigned seen = 0;
    struct io_uring_cqe* completion;
    io_uring_for_each_cqe(&ring, head, completion) {
      Check(reads, completion);
      ++seen;
      if (asked < count) ask((int)completion->user_data, asked++);
    }
    io_uring_cq_advance(&ring, seen);
    done += seen;
  }
}

static void OpenAll(int reads, const char* path, int concurrency) {
  if (reads) {
    files[0] = Open(path, O_RDONLY);
    MakeRing(1);
    return;
  }
  for (int i = 0; i < concurrency; ++i) {
    char each[4096];
    snprintf(each, sizeof(each), "%s/%d", path, i);
    files[i] = Open(each, O_WRONLY);
  }
  MakeRing(concurrency);
}

int main(int argc, char** argv) {
  const int concurrency = argc == 4 ? atoi(argv[3]) : 0;
  const int reads = argc == 4 && strcmp(argv[1], "read") == 0;
  if (concurrency < 1 || concurrency > kMaxConcurrency) {
    fputs(
        "usage: uring_file_floor read FILE CONCURRENCY\n"
        "       uring_file_floor write FOLDER CONCURRENCY\n",
        stderr);
    return 2;
  }
  OpenAll(reads, argv[2], concurrency);
  puts("ready");
  fflush(stdout);
  long count;
  while (scanf("%ld", &count) == 1) {
    Do(reads, concurrency, count);
    puts("done");
    fflush(stdout);
  }
}
