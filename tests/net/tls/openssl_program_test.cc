// Tests of TLS against a peer that is not ours: the programs of `openssl`.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net::tls {
namespace {

using ::testing::HasSubstr;

// A program that runs beside the test. Its calls happen when the test makes
// them, and block: it answers without the simulation's help, or has a limit of
// its own.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::array<int, 2> in = {-1, -1};
    std::array<int, 2> out = {-1, -1};
    EXPECT_EQ(::pipe(in.data()), 0);
    EXPECT_EQ(::pipe(out.data()), 0);
    in_ = in[1];
    out_ = out[0];
    // It would keep its own input open.
    ::fcntl(in_, F_SETFD, FD_CLOEXEC);
    ::fcntl(out_, F_SETFD, FD_CLOEXEC);
    Start(std::move(arguments), in[0], out[1]);
    ::close(in[0]);
    ::close(out[1]);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    ::close(in_);
    ::close(out_);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }

  bool started() const { return process_ > 0; }

  void Say(std::string_view text) {
    EXPECT_EQ(::write(in_, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  // All it has said, up to and with the line in which `text` is; or up to its
  // end.
  const std::string& ListenFor(std::string_view text) {
    while (said_.find(text) == std::string::npos || !said_.ends_with('\n')) {
      if (!Listen()) break;
    }
    return said_;
  }
  const std::string& ListenToTheEnd() {
    while (Listen()) {
    }
    return said_;
  }

 private:
  bool Listen() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(out_, buffer.data(), buffer.size());
    if (got > 0) said_.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  void Start(std::vector<std::string> arguments, int in, int out) {
    std::vector<char*> pointers;
    for (std::string& each : arguments) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    if (::posix_spawnp(&process_, pointers[0], &actions, nullptr,
                       pointers.data(), environ) != 0) {
      process_ = -1;
    }
    ::posix_spawn_file_actions_destroy(&actions);
  }

  int in_ = -1;
  int out_ = -1;
  pid_t process_ = -1;
  std::string said_;
};

bool HasOpenssl() {
  Program program({"openssl", "version"});
  return program.started() && program.ListenToTheEnd().starts_with("OpenSSL");
}

// An authority and an identity, as files.
struct Files {
  testing::TemporaryDirectory directory;
  Authority authority;
  std::string root = directory / "root.pem";
  std::string chain = directory / "chain.pem";
  std::string key = directory / "key.pem";

  Files() {
    const Authority::Texts texts = authority.IssueTexts();
    directory.Write("root.pem", authority.root_text());
    directory.Write("chain.pem", texts.chain);
    directory.Write("key.pem", texts.key);
  }
};

// --- Its client -------------------------------------------------------------

// A line that begins with K has s_client ask for new keys, both ways.
Task<absl::Status> ServeItsClient(const Files& files, std::string version) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  Program client({"openssl", "s_client", "-connect",
                  listener.local_address().ToString(), "-CAfile", files.root,
                  "-verify_return_error", "-verify_hostname", "localhost",
                  version});
  TcpStream socket = co_await OrReturn(listener.Accept());
  const TlsContext context = ServerOf(files.authority);
  auto stream = co_await OrReturn(
      TlsStream<TcpStream>::Accept(std::move(socket), context));
  if (stream.protocol() == TlsVersion::kTls13) {
    client.Say("K\n");
    EXPECT_THAT(client.ListenFor("KEYUPDATE"), HasSubstr("KEYUPDATE"));
  }

  client.Say("from s_client\n");
  const std::string heard = co_await OrReturn(ReadText(stream));
  co_await OrReturn(stream.WriteAll(Bytes("from weft\n")));
  co_await OrReturn(stream.Shutdown());

  EXPECT_EQ(heard, "from s_client\n");
  const std::string& said = client.ListenToTheEnd();
  EXPECT_THAT(said, HasSubstr("from weft\n"));
  EXPECT_THAT(said, HasSubstr("Verify return code: 0 (ok)"));
  co_return absl::OkStatus();
}

class OpensslProgramTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!HasOpenssl()) GTEST_SKIP() << "there is no openssl here to talk to";
  }
};

TEST_P(OpensslProgramTest, TalksToOurServer) {
  const Files files;

  const absl::Status status =
      Simulate({}, ServeItsClient, std::cref(files), GetParam());

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Its server -------------------------------------------------------------

// `-rev` has s_server turn each line around.
Task<absl::Status> AskItsServer(const Files& files, std::string version) {
  Program server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
                  files.chain, "-key", files.key, "-rev", "-naccept", "1",
                  version});
  const std::string& said = server.ListenFor("ACCEPT");
  const std::size_t at = said.find("127.0.0.1:");
  if (at == std::string::npos) co_return absl::InternalError(said);
  const std::string address = said.substr(at, said.find('\n', at) - at);
  TcpStream socket = co_await OrReturn(TcpStream::Connect(address));
  const TlsContext context = ClientOf(files.authority);
  auto stream = co_await OrReturn(
      TlsStream<TcpStream>::Connect(std::move(socket), context, "localhost"));

  co_await OrReturn(stream.WriteAll(Bytes("stressed\n")));
  const std::string answer = co_await OrReturn(ReadText(stream));
  co_await OrReturn(stream.Shutdown());
  const std::string end = co_await OrReturn(ReadText(stream));

  EXPECT_EQ(answer, "desserts\n");
  EXPECT_EQ(end, "");
  co_return absl::OkStatus();
}

TEST_P(OpensslProgramTest, TalksToOurClient) {
  const Files files;

  const absl::Status status =
      Simulate({}, AskItsServer, std::cref(files), GetParam());

  EXPECT_EQ(status, absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(All, OpensslProgramTest,
                         ::testing::Values("-tls1_2", "-tls1_3"),
                         [](const auto& version) {
                           return version.param == "-tls1_2" ? "InTls12"
                                                             : "InTls13";
                         });

}  // namespace
}  // namespace weft::net::tls
