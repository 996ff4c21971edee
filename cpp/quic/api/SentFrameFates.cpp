#include "quic/api/SentFrameFates.h"

#include "quic/api/DatagramDriver.h"
#include "quic/api/MigrationDriver.h"

namespace quic {
namespace {

template <class... Arms>
struct Overloaded : Arms... {
  using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

}  // namespace

void onFrameAcked(QuicConnectionState& state, const SentFrame& frame) {
  if (state.streams.onAcked(frame)) return;
  std::visit(Overloaded{
                 [&](const SentAck& ack) { state.space(ack.space).acks.onAckOfAck(ack.largest); },
                 [&](const SentCrypto& crypto) { state.space(crypto.space).crypto.onAcked(crypto); },
                 [&](const SentNewConnectionId& issued) { state.selfIds.onAcked(issued.sequence); },
                 [&](const SentRetireConnectionId& retire) { state.peerIds.onRetireAcked(retire.sequence); },
                 [&](const SentPathResponse& response) {
                   state.paths.onResponseSettled(response.path);
                   onPathResponseAcked(state, response.path);
                 },
                 [&](const SentServerMigration& sent) { onAnnouncementAcked(state, sent.epoch); },
                 [&](const SentPoolMigrationAddress& sent) { onPoolAddressAcked(state, sent.index); },
                 [&](const SentDatagram& datagram) { onDatagramAcked(state, datagram.id); },
                 [&](const SentHandshakeDone&) {
                   state.handshake.isDoneAcked = true;
                   state.handshake.isDonePending = false;
                 },
                 [&](const SentNewToken& token) { state.newTokensSent.onAcked(token); },
                 [&](const SentAckFrequency& sent) { state.ackFrequency.onAcked(sent); },
                 [](const auto&) {},
             },
             frame);
}

void onFrameLost(QuicConnectionState& state, const SentFrame& frame) {
  if (state.streams.onLost(frame)) return;
  std::visit(
      Overloaded{
          [&](const SentAck& ack) { state.space(ack.space).acks.onAckLost(); },
          [&](const SentCrypto& crypto) {
            if (!state.space(crypto.space).isDiscarded) state.space(crypto.space).crypto.onLost(crypto);
          },
          [&](const SentPing&) {},  // only ever a probe or a keep-alive: whoever wants another asks for it
          [&](const SentNewConnectionId& issued) { state.selfIds.onLost(issued.sequence); },
          [&](const SentRetireConnectionId& retire) { state.peerIds.onRetireLost(retire.sequence); },
          [&](const SentHandshakeDone&) { state.handshake.isDonePending = !state.handshake.isDoneAcked; },
          [&](const SentNewToken& token) { state.newTokensSent.onLost(token); },
          [&](const SentServerMigration& sent) { onAnnouncementLost(state, sent.epoch); },
          [&](const SentPathResponse& response) { state.paths.onResponseSettled(response.path); },
          [&](const SentDatagram& datagram) { onDatagramLost(state, datagram.id); },
          [&](const SentPoolMigrationAddress& sent) { onPoolAddressLost(state, sent.index); },
          [&](const SentAckFrequency& sent) { state.ackFrequency.onLost(sent); },
          // PATH_CHALLENGE and PATH_RESPONSE are repeated by their own rules (RFC 9000 §13.3); SERVER_MIGRATED never.
          [](const auto&) {},
      },
      frame);
}

void repeatFrame(QuicConnectionState& state, const SentFrame& frame) {
  if (!std::holds_alternative<SentDatagram>(frame)) onFrameLost(state, frame);
}

}  // namespace quic
