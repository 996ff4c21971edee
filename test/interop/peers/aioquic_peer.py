"""aioquic behind the environment of the public interoperability tests: see scripts/interop/endpoint.mjs for its variables."""
import asyncio
import json
import os
import ssl
import sys
from urllib.parse import urlparse

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, DatagramFrameReceived, HandshakeCompleted, StreamDataReceived
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

ENV = os.environ
CASE = ENV["TESTCASE"]
RESERVED_VERSION = 0x1A2A3A4A
DATAGRAMS = 20


def say(**facts):
    print(json.dumps(facts), flush=True)


def configuration(is_client):
    config = QuicConfiguration(is_client=is_client, alpn_protocols=["hq-interop"], max_datagram_frame_size=65535, idle_timeout=30)
    config.max_data = 16 * 1024 * 1024
    config.max_stream_data = 8 * 1024 * 1024
    if ENV.get("SSLKEYLOGFILE"):
        config.secrets_log_file = open(ENV["SSLKEYLOGFILE"], "a")
    if CASE == "chacha20":
        config.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    config.supported_versions = [QuicProtocolVersion.VERSION_1]
    if CASE in ("v2", "v2only"):
        config.supported_versions = [QuicProtocolVersion.VERSION_2, QuicProtocolVersion.VERSION_1]
        if is_client:
            config.original_version = QuicProtocolVersion.VERSION_1 if CASE == "v2" else QuicProtocolVersion.VERSION_2
    elif CASE == "versionnegotiation" and is_client:
        config.supported_versions.insert(0, RESERVED_VERSION)
    return config


class Protocol(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.streams = {}
        self.answers = {}
        self.echoes = set()
        self.handshake = None
        self.changed = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, HandshakeCompleted):
            self.handshake = event
            say(resumed=event.session_resumed, early=event.early_data_accepted, version=self._quic._version)
        elif isinstance(event, ConnectionTerminated):
            say(terminated=event.error_code, reason=event.reason_phrase)
            for answer in self.answers.values():
                if answer is not None and not answer.done():
                    answer.set_exception(ConnectionError(event.reason_phrase))
        elif isinstance(event, DatagramFrameReceived):
            if self._quic._is_client:
                self.echoes.add(event.data)
            else:
                self._quic.send_datagram_frame(event.data)
        elif isinstance(event, StreamDataReceived):
            self.streams.setdefault(event.stream_id, bytearray()).extend(event.data)
            if not self._quic._is_client:
                self.serve_stream(event)
            elif event.end_stream:
                self.answers[event.stream_id].set_result(bytes(self.streams.pop(event.stream_id)))
        self.changed.set()

    def serve_stream(self, event):
        request = bytes(self.streams[event.stream_id])
        if not (event.end_stream or b"\n" in request) or event.stream_id in self.answers:
            return
        self.answers[event.stream_id] = None
        path = request.split()[1].decode()
        with open(ENV["WWW"] + "/" + os.path.basename(path), "rb") as file:
            self._quic.send_stream_data(event.stream_id, file.read(), end_stream=True)

    def ask(self, url):
        stream_id = self._quic.get_next_available_stream_id()
        answer = asyncio.get_running_loop().create_future()
        self.answers[stream_id] = answer
        self._quic.send_stream_data(stream_id, f"GET {urlparse(url).path}\r\n".encode(), end_stream=True)
        self.transmit()
        return answer

    async def fetch(self, url):
        content = await self.ask(url)
        with open(ENV["DOWNLOADS"] + "/" + os.path.basename(urlparse(url).path), "wb") as file:
            file.write(content)


async def new_socket(protocol):
    protocol._transport.close()
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, local_addr=("::", 0))


async def confirmed(client):
    """RFC 9001 section 6 and RFC 9000 section 9: no key update and no migration before that; aioquic leaves it to its user."""
    while not client._quic._handshake_confirmed:
        client.changed.clear()
        await client.changed.wait()


async def beside(client):
    """What belongs to the case and goes on while files come."""
    await confirmed(client)
    if CASE == "keyupdate":
        client.request_key_update()
    elif CASE == "connectionmigration":
        await new_socket(client)
        client.change_connection_id()
    elif CASE == "datagram":
        wanted = {f"datagram {index} ".ljust(100 + index, "x").encode() for index in range(DATAGRAMS)}
        while not wanted <= client.echoes:
            for payload in wanted - client.echoes:
                client._quic.send_datagram_frame(payload)
            client.transmit()
            await asyncio.sleep(0.3)
        say(datagrams=DATAGRAMS)


def connection_to(url, config, **options):
    where = urlparse(url)
    config.server_name = "localhost"
    return connect(where.hostname, where.port, configuration=config, create_protocol=Protocol, **options)


async def run_once(urls, config, **options):
    async with connection_to(urls[0], config, **options) as client:
        if CASE == "zerortt" and config.session_ticket is not None:
            answers = [client.fetch(url) for url in urls]
            await asyncio.gather(*answers)
        else:
            first = asyncio.ensure_future(beside(client))
            await asyncio.gather(first, *[client.fetch(url) for url in urls])
        return client.handshake


async def run_client():
    urls = ENV["REQUESTS"].split()
    config = configuration(True)
    config.load_verify_locations(ENV["CERTS"] + "/ca.pem")
    if CASE in ("multiconnect", "handshakeloss"):
        for url in urls:
            await run_once([url], configuration_with_ca())
    elif CASE in ("resumption", "zerortt"):
        tickets = []
        async with connection_to(urls[0], config, session_ticket_handler=tickets.append) as client:
            await client.fetch(urls[0])
            while not tickets:
                client.changed.clear()
                await asyncio.wait_for(client.changed.wait(), 5)
        second = configuration_with_ca()
        second.session_ticket = tickets[-1]
        handshake = await run_once(urls[1:], second, wait_connected=CASE != "zerortt")
        if not handshake.session_resumed or (CASE == "zerortt" and not handshake.early_data_accepted):
            raise RuntimeError(f"resumed {handshake.session_resumed}, early data {handshake.early_data_accepted}")
    else:
        await run_once(urls, config)


def configuration_with_ca():
    config = configuration(True)
    config.load_verify_locations(ENV["CERTS"] + "/ca.pem")
    return config


async def run_server():
    config = configuration(False)
    config.load_cert_chain(ENV["CERTS"] + "/cert.pem", ENV["CERTS"] + "/priv.key")
    tickets = {}
    await serve(
        ENV.get("ADDRESS", "::"),
        int(ENV["PORT"]),
        configuration=config,
        create_protocol=Protocol,
        retry=CASE == "retry",
        session_ticket_fetcher=lambda label: tickets.pop(label, None),
        session_ticket_handler=lambda ticket: tickets.__setitem__(ticket.ticket, ticket),
    )
    await asyncio.Event().wait()


try:
    asyncio.run(run_client() if ENV["ROLE"] == "client" else run_server())
except KeyboardInterrupt:
    pass
except Exception as error:
    print(repr(error), file=sys.stderr)
    sys.exit(1)
