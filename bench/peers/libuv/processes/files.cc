// Files read and written by libuv, which asks threads of its pool: four, unless
// UV_THREADPOOL_SIZE says otherwise.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "weft/bench/peers/libuv/processes/work.h"
#include "weft/bench/peers/processes.h"

namespace weft::bench {
namespace {

// One after the other: operation `next` until that is `end`.
struct Worker {
  uv_fs_t request;
  uv_file file;
  std::uint64_t next;
  std::uint64_t end;
  std::array<char, kBlock> block;
};

uv_file Open(const std::string& path, int flags) {
  uv_fs_t request;
  const int file =
      uv_fs_open(uv_default_loop(), &request, path.c_str(), flags, 0, nullptr);
  Must(file >= 0, "no such file");
  uv_fs_req_cleanup(&request);
  return file;
}

Worker* Finished(uv_fs_t* request, ssize_t expected) {
  Must(request->result == expected, "an operation failed");
  uv_fs_req_cleanup(request);
  return static_cast<Worker*>(request->data);
}

void ReadNext(Worker* worker) {
  if (worker->next == worker->end) return;
  const uv_buf_t into = uv_buf_init(worker->block.data(), kBlock);
  uv_fs_read(uv_default_loop(), &worker->request, worker->file, &into, 1,
             PlaceToRead(worker->next++),
             [](uv_fs_t* request) { ReadNext(Finished(request, kBlock)); });
}

void WriteNext(Worker* worker);

void Sync(Worker* worker) {
  uv_fs_fdatasync(uv_default_loop(), &worker->request, worker->file,
                  [](uv_fs_t* request) { WriteNext(Finished(request, 0)); });
}

void WriteNext(Worker* worker) {
  if (worker->next == worker->end) return;
  const uv_buf_t from = uv_buf_init(worker->block.data(), kBlock);
  uv_fs_write(uv_default_loop(), &worker->request, worker->file, &from, 1,
              PlaceToWrite(worker->next++),
              [](uv_fs_t* request) { Sync(Finished(request, kBlock)); });
}

void Work(std::vector<Worker>& workers, void (*begin)(Worker*)) {
  Tell("ready");
  for (std::uint64_t count; std::cin >> count;) {
    const std::uint64_t share = count / workers.size();
    std::uint64_t first = 0;
    for (Worker& worker : workers) {
      worker.request.data = &worker;
      worker.next = first;
      worker.end = first += share;
      begin(&worker);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    Tell("done");
  }
}

}  // namespace

void ReadFile(const char* path, int concurrency) {
  std::vector<Worker> workers(static_cast<std::size_t>(concurrency));
  const uv_file file = Open(path, O_RDONLY);
  for (Worker& worker : workers) worker.file = file;
  Work(workers, ReadNext);
}

void WriteFiles(const char* folder, int concurrency) {
  std::vector<Worker> workers(static_cast<std::size_t>(concurrency));
  int number = 0;
  for (Worker& worker : workers) {
    worker.file =
        Open(std::string(folder) + "/" + std::to_string(number++), O_WRONLY);
  }
  Work(workers, WriteNext);
}

}  // namespace weft::bench
