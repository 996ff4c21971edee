#include "quic/logging/JsonWriter.h"

#include <gtest/gtest.h>

#include <limits>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

std::string quoted(std::string_view text) { return JsonWriter().text(text).str(); }

TEST(JsonWriter, EscapesWhatJsonReserves) {
  EXPECT_EQ(quoted("a\"b\\c\n\x01/"), "\"a\\\"b\\\\c\\u000a\\u0001/\"");
  EXPECT_EQ(quoted("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonWriter, ReplacesWhatIsNotUtf8) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(quoted("\xff"), '"' + replacement + '"');
  EXPECT_EQ(quoted("a\xc3"), "\"a" + replacement + '"');                                   // cut short
  EXPECT_EQ(quoted("\xc0\x80"), '"' + replacement + replacement + '"');                    // overlong
  EXPECT_EQ(quoted("\xed\xa0\x80"), '"' + replacement + replacement + replacement + '"');  // surrogate
  EXPECT_EQ(quoted("\xf4\x90\x80\x80").size(), 2 + 4 * replacement.size());                // beyond U+10FFFF
}

TEST(JsonWriter, PutsCommasBetweenMembersAndElements) {
  JsonWriter json;
  json.beginArray()
      .number(uint64_t{1})
      .beginObject()
      .name("a")
      .number(0.5)
      .name("b")
      .beginArray()
      .endArray()
      .endObject();
  EXPECT_EQ(json.text("x").endArray().str(), R"([1,{"a":0.5,"b":[]},"x"])");
}

TEST(JsonWriter, WritesBytesAsHexAndTruthAsWords) {
  JsonWriter json;
  json.beginArray().hex(test::fromHex("00ff7a")).truth(true).truth(false).hex({});
  EXPECT_EQ(json.endArray().str(), R"(["00ff7a",true,false,""])");
}

TEST(JsonWriter, NeverWritesWhatJsonHasNoNumberFor) {
  JsonWriter json;
  json.beginArray().number(std::numeric_limits<double>::infinity()).number(std::nan(""));
  EXPECT_EQ(json.endArray().str(), "[0,0]");
}

TEST(JsonWriter, IsAsNewWhenItsTextWasTaken) {
  JsonWriter json;
  json.beginObject().name("a").number(uint64_t{1}).endObject();
  EXPECT_EQ(json.take(), R"({"a":1})");
  json.beginObject().endObject();
  EXPECT_EQ(json.take(), "{}");
}

}  // namespace
}  // namespace quic
