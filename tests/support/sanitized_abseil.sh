#!/usr/bin/env bash
# Builds Abseil with the thread sanitizer, once, and prints where it is.
#
#     tests/support/sanitized_abseil.sh FOLDER     -> FOLDER/VERSION
#
# The thread sanitizer must see both sides of every synchronisation. In the
# distribution's Abseil it does not: a Status whose copies die on two threads
# is reported as a race, since the reference count is dropped inside the
# library. So the library is compiled again, from the distribution's source
# package: the same version, the same patches.
#
# The system's package sources are not touched: a list with their `deb-src`
# twins is used for this one download.
#
# SPDX-License-Identifier: MIT
set -euo pipefail

version=$(pkg-config --modversion absl_status)
prefix=$1/$version
if [ -e "$prefix/complete" ]; then
  echo "$prefix"
  exit
fi
command -v apt-get >/dev/null || {
  echo "no apt-get here to fetch Abseil's source with" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/source"

# One line for each archive that the system knows, in both of its notations.
{
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n 's/^deb /deb-src /p' || true
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
    /^URIs:/       { uri = $2 }
    /^Suites:/     { $1 = ""; suites = $0 }
    /^Components:/ { $1 = ""; components = $0 }
    /^Signed-By:/  { key = "[signed-by=" $2 "] " }
    /^$/           { flush() }
    END            { flush() }
    function flush(  i, n, names) {
      n = split(suites, names, " ")
      for (i = 1; i <= n && uri != ""; ++i)
        print "deb-src " key uri " " names[i] components
      uri = suites = components = key = ""
    }' || true
} >"$work/sources.list"

own_lists=(-o "Dir::Etc::SourceList=$work/sources.list"
  -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists"
  -o APT::Sandbox::User= -o Acquire::Languages=none)
cd "$work/source"
{
  apt-get "${own_lists[@]}" -q update || true  # Some archives carry no sources.
  apt-get "${own_lists[@]}" -q --download-only source abseil
  # Unpacked by hand: dpkg-source is in a package that few machines have.
  tar -xf abseil_*.orig.tar.*
  cd abseil-*/
  tar -xf ../abseil_*.debian.tar.*
  while read -r name _; do
    case $name in ''|'#'*) ;; *) patch -p1 -i "debian/patches/$name" ;; esac
  done <debian/patches/series

  cmake -S . -B "$work/build" -G Ninja \
    -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_STANDARD=20 \
    -DCMAKE_CXX_FLAGS='-fsanitize=thread -g1' -DCMAKE_BUILD_TYPE=Release \
    -DABSL_PROPAGATE_CXX_STD=ON -DABSL_ENABLE_INSTALL=ON \
    -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib
  ninja -C "$work/build" "-j${WEFT_JOBS:-2}" install
  touch "$prefix/complete"
} >&2
echo "$prefix"
