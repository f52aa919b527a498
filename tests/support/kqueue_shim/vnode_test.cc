// What EVFILT_VNODE tells of files and directories, and that the shim tells the
// same.
//
// kGolden is as in kqueue_shim_test.cc, but nothing of it is measured: the
// answers are what the kernel of macOS posts in each of these calls
// (bsd/vfs/kpi_vfs.c), and what kqueue(2) says of adding up.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/tests/support/kqueue_shim/dialogue.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::kqueue_shim {
namespace {

using ::weft::testing::TemporaryDirectory;

constexpr std::uint32_t kAll = NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND |
                               NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME |
                               NOTE_REVOKE;

// A directory with "file" in it, "abc", and "inner", and a kqueue.
class Tree {
 public:
  Tree() {
    directory_.Write("file", "abc");
    Make("inner");
  }

  // Opens and watches; the descriptor.
  int Watch(std::string_view name, std::uint32_t notes = kAll,
            unsigned flags = EV_CLEAR) {
    const int fd = kernel.Open(Path(name), O_EVTONLY);
    EXPECT_EQ(kernel.Submit(fd, EVFILT_VNODE, EV_ADD | flags, notes), "");
    return fd;
  }
  std::string Path(std::string_view name) const {
    return name.empty() ? directory_.path() : directory_ / name;
  }
  void Append(std::string_view name, std::string_view text) {
    const int fd = kernel.Open(Path(name), O_WRONLY | O_APPEND | O_CREAT);
    Dialogue::Write(fd, text);
    kernel.Close(fd);
  }
  void Make(std::string_view name) {
    EXPECT_EQ(::mkdir(Path(name).c_str(), 0700), 0);
  }
  void Rename(std::string_view from, std::string_view to) {
    EXPECT_EQ(::rename(Path(from).c_str(), Path(to).c_str()), 0);
  }
  void Link(std::string_view from, std::string_view to) {
    EXPECT_EQ(::link(Path(from).c_str(), Path(to).c_str()), 0);
  }
  void Unlink(std::string_view name) {
    EXPECT_EQ(::unlink(Path(name).c_str()), 0);
  }
  void RemoveDirectory(std::string_view name) {
    EXPECT_EQ(::rmdir(Path(name).c_str()), 0);
  }

  Dialogue kernel;

 private:
  TemporaryDirectory directory_;
};

struct GoldenTree {
  std::string_view name;
  std::string (*talk)(Tree&);
  std::string_view answer;
};

void PrintTo(const GoldenTree& golden, std::ostream* out) {
  *out << golden.name;
}

const GoldenTree kGolden[] = {
    // --- A file ---
    {"AFileThatGrows",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Append("file", "more");
       return InTurn({tree.kernel.Poll(), tree.kernel.Poll()});
     },
     "VNODE WRITE EXTEND; "},
    {"AFileThatIsOverwritten",
     [](Tree& tree) {
       tree.Watch("file");
       Dialogue::Write(tree.kernel.Open(tree.Path("file"), O_WRONLY), "xyz");
       return tree.kernel.Poll();
     },
     "VNODE WRITE"},
    {"AFileThatIsTruncated",
     [](Tree& tree) {
       tree.Watch("file");
       EXPECT_EQ(::truncate(tree.Path("file").c_str(), 1), 0);
       return tree.kernel.Poll();
     },
     "VNODE ATTRIB"},
    {"AFileOfOtherPermissions",
     [](Tree& tree) {
       tree.Watch("file");
       EXPECT_EQ(::chmod(tree.Path("file").c_str(), 0400), 0);
       return tree.kernel.Poll();
     },
     "VNODE ATTRIB"},
    {"AFileThatIsRenamed",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Rename("file", "inner/other");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Append("inner/other", "more");
       return said + tree.kernel.Poll();
     },
     "VNODE RENAME; VNODE WRITE EXTEND"},
    {"AFileThatGetsAnotherName",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Link("file", "other");
       return tree.kernel.Poll();
     },
     "VNODE LINK"},
    {"AFileThatLosesOneOfTwoNames",
     [](Tree& tree) {
       tree.Link("file", "other");
       tree.Watch("file");
       tree.Unlink("other");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Append("file", "more");
       return said + tree.kernel.Poll();
     },
     "VNODE DELETE LINK; VNODE WRITE EXTEND"},
    {"AFileThatLosesItsLastName",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Unlink("file");
       return InTurn({tree.kernel.Poll(), tree.kernel.Poll()});
     },
     "VNODE DELETE LINK; "},
    {"AFileThatIsReplaced",
     [](Tree& tree) {
       tree.Append("other", "");
       tree.Watch("file", NOTE_DELETE);
       tree.Rename("other", "file");
       return std::string(tree.kernel.Poll().substr(0, 12));
     },
     "VNODE DELETE"},
    {"ALinkItself",
     [](Tree& tree) {
       EXPECT_EQ(::symlink("file", tree.Path("link").c_str()), 0);
       const int link =
           tree.kernel.Open(tree.Path("link"), O_EVTONLY | O_SYMLINK);
       tree.kernel.Submit(link, EVFILT_VNODE, EV_ADD | EV_CLEAR, kAll);
       tree.Append("file", "more");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Rename("link", "other");
       return said + tree.kernel.Poll();
     },
     "; VNODE RENAME"},
    // --- A directory ---
    {"AFileInIt",
     [](Tree& tree) {
       tree.Watch("");
       tree.Append("file", "not a name");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Append("other", "");
       absl::StrAppend(&said, tree.kernel.Poll(), "; ");
       tree.Rename("other", "another");
       absl::StrAppend(&said, tree.kernel.Poll(), "; ");
       tree.Unlink("another");
       return said + tree.kernel.Poll();
     },
     "; VNODE WRITE; VNODE WRITE; VNODE WRITE"},
    {"ADirectoryInIt",
     [](Tree& tree) {
       tree.Watch("");
       tree.Make("other");
       std::string said = tree.kernel.Poll() + "; ";
       tree.RemoveDirectory("other");
       return said + tree.kernel.Poll();
     },
     "VNODE WRITE LINK; VNODE WRITE LINK"},
    {"WhatIsDeeperInIt",
     [](Tree& tree) {
       tree.Watch("");
       tree.Append("inner/file", "");
       EXPECT_EQ(::chmod(tree.Path("inner").c_str(), 0750), 0);
       return tree.kernel.Poll();
     },
     ""},
    {"ADirectoryOfOtherPermissions",
     [](Tree& tree) {
       tree.Watch("inner");
       EXPECT_EQ(::chmod(tree.Path("inner").c_str(), 0750), 0);
       return tree.kernel.Poll();
     },
     "VNODE ATTRIB"},
    {"ADirectoryThatIsRemoved",
     [](Tree& tree) {
       tree.Watch("inner");
       tree.RemoveDirectory("inner");
       return InTurn({tree.kernel.Poll(), tree.kernel.Poll()});
     },
     "VNODE DELETE LINK; "},
    {"ADirectoryThatIsRemovedElsewhere",
     [](Tree& tree) {
       tree.Make("other");
       tree.Watch("inner");
       tree.Rename("inner", "other/inner");
       std::string said = tree.kernel.Poll() + "; ";
       tree.RemoveDirectory("other/inner");
       return said + tree.kernel.Poll();
     },
     "VNODE RENAME; VNODE DELETE LINK"},
    {"ADirectoryThatIsRenamedAndRemoved",
     [](Tree& tree) {
       tree.Watch("inner");
       tree.Rename("inner", "other");
       tree.RemoveDirectory("other");
       return tree.kernel.Poll();
     },
     "VNODE DELETE LINK RENAME"},
    {"TheRoot",
     [](Tree& tree) {
       const int root = tree.kernel.Open("/", O_EVTONLY);
       return tree.kernel.Submit(root, EVFILT_VNODE, EV_ADD, NOTE_REVOKE);
     },
     ""},
    // --- What is asked for, and how it is delivered ---
    {"WhatIsNotAskedForIsNotTold",
     [](Tree& tree) {
       tree.Watch("file", NOTE_RENAME);
       tree.Append("file", "more");
       return tree.kernel.Poll();
     },
     ""},
    {"WhatIsAskedForBringsAlongTheRest",
     [](Tree& tree) {
       tree.Watch("", NOTE_LINK);
       tree.Make("other");
       return tree.kernel.Poll();
     },
     "VNODE WRITE LINK"},
    {"ChangesAddUp",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Append("file", "more");
       EXPECT_EQ(::chmod(tree.Path("file").c_str(), 0600), 0);
       tree.Rename("file", "other");
       return InTurn({tree.kernel.Poll(), tree.kernel.Poll()});
     },
     "VNODE WRITE EXTEND ATTRIB RENAME; "},
    {"WithoutClearTheyStay",
     [](Tree& tree) {
       tree.Watch("file", kAll, /*flags=*/0);
       tree.Append("file", "more");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Rename("file", "other");
       return said + tree.kernel.Poll();
     },
     "VNODE WRITE EXTEND; VNODE WRITE EXTEND RENAME"},
    {"AddingAgainCountsFromThenOn",
     [](Tree& tree) {
       const int file = tree.Watch("file", NOTE_WRITE);
       tree.Append("file", "more");
       tree.kernel.Submit(file, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_RENAME);
       tree.Append("file", "more");
       std::string said = tree.kernel.Poll() + "; ";
       tree.Append("file", "more");
       return said + tree.kernel.Poll();
     },
     "VNODE WRITE EXTEND; "},
    {"DeletingItForgetsThem",
     [](Tree& tree) {
       const int file = tree.Watch("file");
       tree.Append("file", "more");
       std::string said =
           tree.kernel.Submit(file, EVFILT_VNODE, EV_DELETE) + "; ";
       return said + tree.kernel.Poll();
     },
     "; "},
    {"ClosingItsDescriptorForgetsThem",
     [](Tree& tree) {
       const int file = tree.Watch("file");
       tree.kernel.Duplicate(file);
       tree.Append("file", "more");
       tree.kernel.Close(file);
       std::string said = tree.kernel.Poll() + "; ";
       return said + tree.kernel.Submit(file, EVFILT_VNODE, EV_DELETE);
     },
     "; EBADF"},
    {"TwoDescriptorsOfAFileAreTold",
     [](Tree& tree) {
       tree.Watch("file");
       tree.Watch("file", NOTE_RENAME);
       tree.Rename("file", "other");
       return tree.kernel.Poll();
     },
     "VNODE RENAME, VNODE RENAME"},
    {"ASocketHasNoVnode",
     [](Tree& tree) {
       return tree.kernel.Submit(tree.kernel.Socket(), EVFILT_VNODE, EV_ADD,
                                 kAll);
     },
     "EINVAL"},
    {"AChangeMakesItsQueueReadable",
     [](Tree& tree) {
       Dialogue outer;
       tree.Watch("file");
       outer.Submit(tree.kernel.queue, EVFILT_READ, EV_ADD | EV_CLEAR);
       std::string said = outer.Poll() + "; ";
       tree.Append("file", "more");
       return said + (outer.Wait().starts_with("READ") ? "READ" : "nothing");
     },
     "; READ"},
};

class VnodeTest : public ::testing::TestWithParam<GoldenTree> {};

TEST_P(VnodeTest, IsWhatARealKernelSays) {
  Tree tree;
  EXPECT_EQ(GetParam().talk(tree), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(Kqueue, VnodeTest, ::testing::ValuesIn(kGolden),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace weft::kqueue_shim
