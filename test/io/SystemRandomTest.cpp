#include "io/SystemRandom.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

namespace quic {
namespace {

TEST(SystemRandom, GivesOtherBytesEachTime) {
  SystemRandom random;
  std::set<uint64_t> seen;
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(seen.insert(random.next64()).second);
}

TEST(SystemRandom, FillsRequestsOfAnySize) {
  SystemRandom random;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{31}, size_t{2000}, size_t{4096}, size_t{100000}}) {
    ByteVector bytes(size, 0);
    random.fill(bytes);
    size_t zeros = 0;
    for (const uint8_t byte : bytes) zeros += byte == 0 ? 1 : 0;
    if (size >= 31) {
      EXPECT_LT(zeros, size / 8);
    }
  }
}

TEST(SystemRandom, GivesAForkedChildBytesOfItsOwn) {
  SystemRandom random;
  random.next64();  // the buffer is full now
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const uint64_t value = random.next64();
    _exit(write(ends[1], &value, sizeof value) == sizeof value ? 0 : 1);
  }
  uint64_t ofChild = 0;
  ASSERT_EQ(read(ends[0], &ofChild, sizeof ofChild), static_cast<ssize_t>(sizeof ofChild));
  EXPECT_NE(ofChild, random.next64());
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace quic
