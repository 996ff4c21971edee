/** Options of the two verbs: what may be given. Nothing but types; option-checks.ts checks them. */
import { type Abortable } from './abort.js';
import { type Address } from './address.js';
import { type ClientMigrationOptions, type ServerMigrationOptions } from './migration.js';

/** Durations are milliseconds, sizes are bytes. Every field has a default that is right for most. */
export interface TransportOptions {
  /** Application protocols, the best first (RFC 7301). */
  readonly alpn: readonly [string, ...string[]];
  /** A connection on which nothing is heard for so long is closed (ERR_QUIC_IDLE_TIMEOUT). Default 30 000; 0: never. */
  readonly idleTimeout?: number;
  /** A handshake that is not finished by then fails (ERR_QUIC_HANDSHAKE_TIMEOUT). Default 10 000. */
  readonly handshakeTimeout?: number;
  /** Send PING so often that the path stays open. Default 0: off. */
  readonly keepAliveInterval?: number;
  /**
   * Versions of QUIC, the best first: 1 (RFC 9000), 2 (RFC 9369), or any 32-bit version number. Default `[1]`. A client begins with
   * the first and goes over to another that both speak (RFC 9368), a server takes the best that its client offers.
   */
  readonly versions?: readonly [number, ...number[]];
  /** How much may be under way. Default `'cubic'` (RFC 9438); `'newreno'` (RFC 9002), `'bbr'` (BBRv2), `'copa'`. */
  readonly congestionControl?: CongestionControl;
  /** Mark packets for ECN and heed its marks (RFC 9000 §13.4). Default true. */
  readonly ecn?: boolean;
  /** The largest UDP payload to try: the path's own limit is found by probing (RFC 8899). From 1200; default: what the interface takes. */
  readonly maxUdpPayload?: number;
  /**
   * Take packets whose QUIC bit is 0, and draw that bit at random in ours for a peer that takes them (RFC 9287), so that nothing on
   * the way comes to rely on it. Default true; false where the socket's port is shared with protocols that are told apart by it.
   */
  readonly greaseQuicBit?: boolean;
  /** Let round trips be measured from outside, on 15 paths of 16 (RFC 9000 §17.4). Default true; false: on none. */
  readonly spinBit?: boolean;
  /** Packets after which keys are updated (RFC 9001 §6). Default: before the limit of the cipher. */
  readonly keyUpdateAfter?: number;
  /** Extensions that are drafts still, used when both sides want them. Default: none. */
  readonly extensions?: {
    /** Fewer acknowledgments on fast paths (draft-ietf-quic-ack-frequency). */
    readonly ackFrequency?: boolean;
    /** Streams that are reset and still deliver their beginning (draft-ietf-quic-reliable-stream-reset). */
    readonly reliableReset?: boolean;
  };
  /** What the peer may use of us. */
  readonly limits?: {
    /** Streams in both directions that the peer may have open at a time. Default 100. */
    readonly bidirectionalStreams?: number;
    /** Streams in one direction that the peer may have open at a time. Default 100. */
    readonly unidirectionalStreams?: number;
    /** Bytes that the peer may have under way on all streams together. Default 16 MiB. */
    readonly connectionWindow?: number;
    /** Bytes that the peer may have under way on one stream. Default 8 MiB. */
    readonly streamWindow?: number;
    /** The largest DATAGRAM frame that we take (RFC 9221). Default 0: none. */
    readonly datagramSize?: number;
    /** Datagrams held for a slow reader; the oldest is dropped first. Default 256. */
    readonly datagramBacklog?: number;
  };
  /** Called with each line of the NSS key log: whoever has these can read the connection. */
  readonly keylog?: (line: string) => void;
}
export type CongestionControl = 'cubic' | 'newreno' | 'bbr' | 'copa';
/** Takes whole records of a qlog (JSON text sequence, RFC 7464), RS and line feed included. */
export type QlogSink = (records: string) => void;

export interface ConnectOptions extends TransportOptions, Abortable {
  /** What the `session` event of an earlier connection to this server gave. One that does not fit is passed over. */
  readonly session?: Uint8Array;
  /**
   * With a `session` that allows it, `connect` resolves at once, and what is written before the handshake is complete goes along
   * with it (0-RTT). An attacker can send it to the server again: write only what may be done twice. What the server
   * rejects is sent again without the application's help. Default false.
   */
  readonly earlyData?: boolean;
  /**
   * Which of `versions` the first packets are of, where that is not the best one: a server that does not know it would cost a round
   * trip (RFC 9368 §1.2). Default: that of the `session`, which is good for no other (RFC 9369 §5), or else the first.
   */
  readonly originalVersion?: number;
  /** Go over to the address that the server prefers (RFC 9000 §9.6). Default true. */
  readonly followPreferredAddress?: boolean;
  /** The connection's qlog. */
  readonly qlog?: QlogSink;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string;
  readonly tls?: ClientTls;
  /** Where to send from. Default: any address, any port. */
  readonly localAddress?: Address;
  /** Follow a server that moves. Default: off. */
  readonly serverMigration?: ClientMigrationOptions;
  /**
   * Run the connection on a thread of its own instead of Node's loop: more throughput beside a busy main thread, more
   * latency for each request. Default false.
   */
  readonly threaded?: boolean;
}
export interface ListenOptions extends TransportOptions {
  /** Where to listen: an IP address and a port, 0 for any. Default `'0.0.0.0:0'`. */
  readonly address?: Address;
  readonly tls: ServerTls;
  /**
   * Worker threads, each with its own socket (SO_REUSEPORT). Default 0: none, the transport runs on Node's own loop, which
   * answers quickest. Threads pay where cores are idle while the main thread is busy.
   */
  readonly workers?: number;
  /** Connections that wait to be taken by `for await`; more are refused. Default 128. */
  readonly backlog?: number;
  /**
   * A UDP socket that is bound already, instead of `address`: its descriptor, or `'systemd'` for the first one that systemd hands
   * over. The server owns it from then on.
   */
  readonly fd?: number | 'systemd';
  /** Let clients prove their address before anything is kept of them (Retry). Default `'under-load'`. */
  readonly validateAddress?: AddressValidation;
  /** Handshakes that may be open at a time; more are refused. Default 4096. */
  readonly maxHandshakes?: number;
  /** Handshakes that one source (an IPv4 address, an IPv6 /64) may begin in a second; more are refused. Default: any number. */
  readonly handshakesPerSource?: number;
  /** Give clients tickets to resume with. Default true. */
  readonly sessionTickets?: boolean;
  /**
   * Take early data (0-RTT), each ticket's once. With one protocol in `alpn` a connection is there as soon as it has come, and
   * its `handshakeComplete` tells when the client has proved who it is; with several it waits for that. Default false.
   */
  readonly earlyData?: boolean;
  /**
   * At least 32 secret bytes each, the first one in use, the others still known: processes that have the same ones know each other's
   * tickets, address tokens and connections that are gone. Default: made for this server.
   */
  readonly secrets?: readonly [Uint8Array, ...Uint8Array[]];
  /** Ask clients to stay at their address (RFC 9000 §18.2). Default false. */
  readonly disableActiveMigration?: boolean;
  /** Where clients shall go after the handshake: at most one address of each family (RFC 9000 §9.6). */
  readonly preferredAddress?: Address | readonly [Address, Address];
  /** How connection IDs are made, for load balancers. */
  readonly connectionIds?: {
    /** Bytes, 8 to 20: fewer random ones would meet again (RFC 9000 §5.1). Default 8. */
    readonly length?: number;
    /** Which server it is, 1 to 12 bytes. IDs grow that have no room for it beside a byte for the worker and 7 others (encrypted: 5). */
    readonly serverId?: Uint8Array;
    /** 16 bytes that the load balancer has too: IDs are encrypted with it, so that nobody else can link them. */
    readonly key?: Uint8Array;
  };
  /** A qlog for each connection whose sink is given. */
  readonly qlog?: (connection: { readonly id: string }) => QlogSink | undefined;
  /** Be a server that can move. Default: off. */
  readonly serverMigration?: ServerMigrationOptions;
}
/**
 * Which clients must prove their address first: all, none, or those that come while the server is under load. That is with 1000
 * handshakes open, or 100 of the client's source (an IPv4 address, an IPv6 /64); an object sets other numbers, 1 to 1 000 000.
 */
export type AddressValidation = 'always' | 'under-load' | 'never' | { readonly handshakes?: number; readonly handshakesPerSource?: number };
/** PEM text, or its bytes. */
export type Pem = string | Uint8Array;
export type CipherSuite = 'TLS_AES_128_GCM_SHA256' | 'TLS_AES_256_GCM_SHA384' | 'TLS_CHACHA20_POLY1305_SHA256';
export interface TlsOptions {
  /** The best first. Default: all three. */
  readonly ciphers?: readonly [CipherSuite, ...CipherSuite[]];
  /** Key exchanges as OpenSSL names them (`'X25519'`, `'X25519MLKEM768'`, `'P-256'`), the best first. Default: OpenSSL's. */
  readonly groups?: readonly [string, ...string[]];
}
export interface ClientTls extends TlsOptions {
  /** Authorities to trust. Default: those that come with Node. */
  readonly ca?: Pem | readonly Pem[];
  /** The client's own certificate chain, with `key`. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** Named so that a reviewer stops at it. Anybody can then be the server. */
  readonly dangerouslySkipVerification?: boolean;
}
/** A certificate for some names, chosen by what the client asks for (SNI). */
export interface ServerIdentity {
  /** DNS names; `*.example.com` stands for all with one label more. */
  readonly names: readonly [string, ...string[]];
  readonly cert: Pem;
  readonly key: Pem;
}
export interface ServerTls extends TlsOptions {
  /** The certificate chain, the server's own first. */
  readonly cert: Pem;
  readonly key: Pem;
  /** For other names than those of `cert`, which serves clients that ask for none of them. */
  readonly identities?: readonly ServerIdentity[];
  /** The authority of clients' certificates. */
  readonly clientCa?: Pem;
  /** Ask clients for a certificate, and refuse those that have none, or not. Default with `clientCa`: `'require'`, else `'none'`. */
  readonly clientCertificate?: 'none' | 'request' | 'require';
}
