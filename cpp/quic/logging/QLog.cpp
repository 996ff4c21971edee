#include "quic/logging/QLog.h"

namespace quic {
namespace {

constexpr char kRecordSeparator = 0x1e;  // RFC 7464 §2.2

// A schema for each namespace; the last two are this project's own.
constexpr std::string_view kEventSchemas[] = {
    "urn:ietf:params:qlog:events:quic-13",
    "urn:node-mvfst:qlog:events:server_migration",
    "urn:node-mvfst:qlog:events:node_mvfst",
};

double milliseconds(TimePoint at) { return static_cast<double>(at.time_since_epoch().count()) / 1000; }

void appendRecord(std::string& out, std::string_view json) { ((out += kRecordSeparator) += json) += '\n'; }

}  // namespace

QLog::QLog(Role vantagePoint, const ConnectionId& group) {
  json_.beginObject().name("file_schema").text("urn:ietf:params:qlog:file:sequential");
  json_.name("serialization_format").text("application/qlog+json-seq").name("title").text("node-mvfst");
  json_.name("trace").beginObject();
  json_.name("vantage_point").beginObject().name("type");
  json_.text(vantagePoint == Role::Client ? "client" : "server").endObject();
  json_.name("event_schemas").beginArray();
  for (const std::string_view schema : kEventSchemas) json_.text(schema);
  json_.endArray();
  json_.name("common_fields").beginObject();
  json_.name("group_id").hex(group.bytes()).name("time_format").text("relative_to_epoch");
  json_.name("reference_time").beginObject().name("clock_type").text("monotonic").name("epoch").text("unknown");
  json_.endObject().endObject().endObject().endObject();
  appendRecord(pending_, json_.take());
}

bool QLog::begin(const Moment& moment, std::string_view name) {
  if (pending_.size() >= kMaxQLogPending) {
    ++missing_;
    missedAt_ = moment.at;
    return false;
  }
  json_.beginObject().name("time").number(milliseconds(moment.at)).name("name").text(name);
  if (!moment.tuple.empty()) json_.name("tuple").text(moment.tuple);
  json_.name("data").beginObject();
  return true;
}

void QLog::end() {
  json_.endObject().endObject();
  appendRecord(pending_, json_.take());
}

std::string QLog::take() {
  std::string text = std::exchange(pending_, {});
  if (missing_ == 0) return text;
  event({missedAt_}, "node_mvfst:events_missing",
        [this](JsonWriter& data) { data.name("count").number(std::exchange(missing_, 0)); });
  return text += std::exchange(pending_, {});
}

}  // namespace quic
