// Every input that a fuzzer has found worth keeping, through its target: test/fuzz/corpus/NAME.hex, one input a line.
#include <gtest/gtest.h>

#include <fstream>

#include "cpp/support/TestBytes.h"
#include "fuzz/FuzzTargets.h"

namespace quic::test {
namespace {

std::vector<ByteVector> corpusOf(std::string_view target) {
  std::vector<ByteVector> inputs;
  std::ifstream file(std::string(NODE_MVFST_TEST_DIR) + "/fuzz/corpus/" + std::string(target) + ".hex");
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') inputs.push_back(fromHex(line));
  }
  return inputs;
}

TEST(FuzzCorpus, ComesBackFromEveryKeptInput) {
  for (const FuzzTarget& target : fuzzTargets()) {
    const std::vector<ByteVector> inputs = corpusOf(target.name);
    ASSERT_FALSE(inputs.empty()) << target.name << " has no corpus";
    for (const ByteVector& input : inputs) {
      SCOPED_TRACE(std::string(target.name) + " " + toHex(input));
      target.run(input);
    }
  }
}

TEST(FuzzCorpus, ComesBackFromKeptInputsCutAndBent) {
  for (const FuzzTarget& target : fuzzTargets()) {
    Seeded random(7);
    for (const ByteVector& input : corpusOf(target.name)) {
      ByteVector bent = input;
      for (int i = 0; i < 4 && !bent.empty(); ++i) bent[below(random, bent.size())] ^= 1 << below(random, 8);
      target.run(bent);
      target.run(ByteSpan(input).first(below(random, input.size() + 1)));
    }
  }
}

}  // namespace
}  // namespace quic::test
