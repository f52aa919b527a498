// Tests of the addresses of Unix sockets.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_address.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/hash/hash_testing.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

// What the system is told and tells again.
UnixAddress ThroughTheSystem(std::string_view text) {
  const UnixAddress address = UnixAddress::Parse(text).value();
  return UnixAddress::FromSystem(address.ToSystem()).value();
}

TEST(UnixAddressTest, APathIsWhatItWasThroughTheSystem) {
  const UnixAddress address = ThroughTheSystem("/run/weft.sock");

  EXPECT_TRUE(address.is_path());
  EXPECT_EQ(address.ToString(), "/run/weft.sock");
}

TEST(UnixAddressTest, AnAbstractNameIsWhatItWasThroughTheSystem) {
  const UnixAddress address = ThroughTheSystem("@weft");

  EXPECT_TRUE(address.is_abstract());
  EXPECT_FALSE(address.is_path());
  EXPECT_EQ(address.ToString(), "@weft");
}

// What a program has bound that is no one of ours.
UnixAddress Told(std::string_view path) {
  UnixAddress::SystemForm form;
  auto* const address = reinterpret_cast<sockaddr_un*>(form.get());
  address->sun_family = AF_UNIX;
  std::ranges::copy(path, address->sun_path);
  *form.size_to_fill() =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return UnixAddress::FromSystem(form).value();
}

TEST(UnixAddressTest, AFileWhoseNameBeginsAsAnAbstractOneIsAFile) {
  const UnixAddress address = Told("@client");

  EXPECT_TRUE(address.is_path());
  EXPECT_EQ(address.ToString(), "./@client");
}

TEST(UnixAddressTest,
     AFileWhoseNameBeginsSoMayFillTheRoomWithWhatMakesItAPath) {
  const std::string name = "@" + std::string(105, 'x');
  const UnixAddress address = Told(name);

  EXPECT_EQ(address.ToString(), "./" + name);
  EXPECT_EQ(address.ToSystem().size(), sizeof(sockaddr_un));
  EXPECT_TRUE(Told(name + "x").is_unnamed()) << "no text says where it is";
}

// As Linux does of a path that fills the room: the zero is behind it.
TEST(UnixAddressTest, MoreBytesThanThereIsRoomForAreNoPartOfAPath) {
  const std::string path(sizeof(sockaddr_un::sun_path), 'x');
  UnixAddress::SystemForm form = Told(path).ToSystem();
  *form.size_to_fill() = sizeof(sockaddr_un) + 1;

  EXPECT_EQ(UnixAddress::FromSystem(form).value().ToString(), path);
}

TEST(UnixAddressTest, AZeroInAnAbstractNameIsAPartOfIt) {
  EXPECT_NE(Told(std::string_view("\0a", 2)),
            Told(std::string_view("\0a\0", 3)));
}

// Linux lets it, unix(7); without room for a zero.
TEST(UnixAddressTest, APathMayFillAllTheRoomThereIs) {
  const std::string path(sizeof(sockaddr_un::sun_path), 'x');
  const UnixAddress address = Told(path);

  EXPECT_EQ(address.ToString(), path);
  EXPECT_EQ(address.ToSystem().size(), sizeof(sockaddr_un));
}

TEST(UnixAddressTest, TheLongestPathFitsAndALongerOneIsRefused) {
  const std::string longest(UnixAddress::kMaxSize, 'x');

  EXPECT_EQ(ThroughTheSystem(longest).ToString(), longest);
  const absl::Status status = UnixAddress::Parse(longest + "x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("shorter"));
}

TEST(UnixAddressTest, RefusesAnEmptyPathAndAZeroByte) {
  EXPECT_EQ(UnixAddress::Parse("").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(UnixAddress::Parse(std::string_view("a\0b", 3)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(UnixAddressTest, ASocketWithoutANameIsUnnamed) {
  const absl::StatusOr<UnixAddress> address =
      UnixAddress::FromSystem(UnixAddress().ToSystem());

  ASSERT_TRUE(address.ok());
  EXPECT_TRUE(address->is_unnamed());
  EXPECT_EQ(address->ToString(), "");
}

TEST(UnixAddressTest, AnotherFamilysAddressIsRefused) {
  UnixAddress::SystemForm form;
  form.get()->sa_family = AF_INET;

  EXPECT_EQ(UnixAddress::FromSystem(form).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(UnixAddressTest, EqualAddressesHashAlike) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {UnixAddress(), UnixAddress::Parse("/a").value(),
       UnixAddress::Parse("@a").value()}));
}

}  // namespace
}  // namespace weft::net
