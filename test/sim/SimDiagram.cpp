#include "sim/SimDiagram.h"

#include <algorithm>
#include <cstdio>

#include "sim/FrameText.h"

namespace quic::test {
namespace {

constexpr size_t kLinkWidth = 22;
constexpr size_t kServerWidth = 15;

/// Servers of simulations are on 10.0.0.0/16, clients elsewhere.
bool isServer(const SocketAddress& address) { return address.ip()[0] == 10 && address.ip()[1] == 0; }

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

/// How far a datagram came, from its sender: "------->", "<-------", "---- lost", "lost ----".
std::string arrow(bool isToServer, std::optional<SimFate> fate) {
  if (!fate || *fate == SimFate::Arrived) {
    const std::string line(kLinkWidth - 1, '-');
    return isToServer ? line + ">" : "<" + line;
  }
  const std::string word = *fate == SimFate::Lost ? " lost " : " nobody there ";
  const size_t length = *fate == SimFate::Lost ? kLinkWidth / 2 : kLinkWidth - word.size();
  const std::string line(length, '-');
  const std::string rest(kLinkWidth - length - word.size(), ' ');
  return isToServer ? line + word + rest : rest + word + line;
}

}  // namespace

void SimDiagram::watch(SimNetwork& network) {
  network.onSent = [this](TimePoint now, const SimDatagram& datagram) { onSent(now, datagram); };
  network.onFate = [this](TimePoint, uint64_t number, SimFate fate) { onFate(number, fate); };
  network.onNote = [this](TimePoint now, const SocketAddress& where, const std::string& what) {
    onNote(now, where, what);
  };
}

/// Clients are numbered in the order in which they are first seen; one that connects again keeps its number.
std::string SimDiagram::clientName(const SocketAddress& address) {
  return clients_.try_emplace(address.host(), std::to_string(clients_.size() + 1)).first->second;
}

void SimDiagram::onSent(TimePoint now, const SimDatagram& datagram) {
  const bool isToServer = isServer(datagram.to);
  Row row{now,        clientName(isToServer ? datagram.from : datagram.to),
          isToServer, (isToServer ? datagram.to : datagram.from).toString(),
          {},         std::nullopt,
          {}};
  ByteVector copy = datagram.bytes;
  MutableByteSpan rest = copy;
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, 8);
    if (!packet) break;
    std::string line(nameOf(packet->type));
    if (const auto sealed = sealed_.take(packet->bytes)) {
      line += " " + std::to_string(sealed->number) + ": " + textOfFrames(sealed->payload);
    }
    row.packets.push_back(line);
  }
  if (row.packets.empty()) row.packets.emplace_back("no packet");
  row.packets.front() = padded(std::to_string(datagram.bytes.size()), 4) + " " + row.packets.front();
  rowOfDatagram_.push_back(rows_.size());
  rows_.push_back(std::move(row));
}

void SimDiagram::onFate(uint64_t number, SimFate fate) {
  if (number == 0 || number > rowOfDatagram_.size()) return;
  std::optional<SimFate>& known = rows_[rowOfDatagram_[number - 1]].fate;
  if (!known) known = fate;  // of a copy the first
}

void SimDiagram::onNote(TimePoint now, const SocketAddress& where, const std::string& what) {
  const std::string who = isServer(where) ? "server " + where.toString() : "client " + clientName(where);
  rows_.push_back({now, {}, false, {}, {}, std::nullopt, who + " " + what});
}

std::string SimDiagram::linesOf(const Row& row) const {
  char time[32];
  std::snprintf(time, sizeof time, "%10.3f  ", static_cast<double>((row.at - start_).count()) / 1000);
  if (!row.note.empty()) return std::string(time) + "== " + row.note + " ==\n";
  const std::string left = time + padded(row.client, 6) + "  ";
  std::string text;
  for (const std::string& packet : row.packets) {
    if (text.empty()) {
      text = left + arrow(row.isToServer, row.fate) + "  " + padded(row.server, kServerWidth) + "  ";
    } else {  // coalesced
      text += std::string(left.size() + kLinkWidth + 2 + std::max(kServerWidth, row.server.size()) + 2 + 5, ' ');
    }
    text += packet + "\n";
  }
  return text;
}

std::string SimDiagram::text() const {
  std::string text = "   time ms  client  " + padded("link", kLinkWidth) + "  " + padded("server", kServerWidth) +
                     "  bytes and packets\n";
  for (const Row& row : rows_) text += linesOf(row);
  return text;
}

}  // namespace quic::test
