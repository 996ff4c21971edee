// A simulation as a sequence diagram of text: a line for each packet, with the clients' column on the left, the link in the
// middle and the server's column on the right. Time is when it left its sender. What a host tells about itself, such as a move,
// is a line across.
//
//    time ms  client           link          server          packet
//      0.000  1        -------------------->  10.0.0.1:4433  Initial 0: CRYPTO 0+283
//     15.000  1        -------- lost         10.0.0.1:4433  1-RTT 3: STREAM 0 0+8 FIN
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/SealedPackets.h"
#include "sim/SimNetwork.h"

namespace quic::test {

class SimDiagram {
 public:
  /// `clock` begins here. `sealed`: by which packets are read; it outlives this.
  SimDiagram(SealedPackets& sealed, TimePoint start) : sealed_(sealed), start_(start) {}

  /// From now on, until one of the two is gone.
  void watch(SimNetwork& network);

  void onSent(TimePoint now, const SimDatagram& datagram);
  void onFate(uint64_t number, SimFate fate);
  void onNote(TimePoint now, const SocketAddress& where, const std::string& what);
  /// All lines, as far as known.
  [[nodiscard]] std::string text() const;

 private:
  struct Row {
    TimePoint at;
    std::string client;       // "1"
    bool isToServer = false;  // else from
    std::string server;
    std::vector<std::string> packets;  // each a line
    std::optional<SimFate> fate;
    std::string note;  // instead of packets
  };
  [[nodiscard]] std::string linesOf(const Row& row) const;
  std::string clientName(const SocketAddress& address);

  SealedPackets& sealed_;
  TimePoint start_;
  std::vector<Row> rows_;
  std::vector<size_t> rowOfDatagram_;           // by number, less 1
  std::map<std::string, std::string> clients_;  // host to name
};

}  // namespace quic::test
