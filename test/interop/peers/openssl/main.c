// OpenSSL's own QUIC behind the environment of the public interoperability tests: see scripts/interop/endpoint.mjs for its
// variables. The server is one loop without blocking; the client blocks.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/quic.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { kMaxConnections = 64, kMaxStreams = 256, kMaxUrls = 1024, kAtOnce = 50, kBufferSize = 4 << 20, kPathSize = 4096 };

static const unsigned char kAlpn[] = "\x0ahq-interop";
static const size_t kAlpnLength = sizeof kAlpn - 1;
static const char* testcase;
static SSL_SESSION* session;

static const char* setting(const char* name) {
  const char* value = getenv(name);
  return value != NULL ? value : "";
}

static int isCase(const char* name) { return strcmp(testcase, name) == 0; }

static void die(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static const char* inFolder(char* path, const char* folder, const char* name) {
  char copy[kPathSize];
  snprintf(copy, sizeof copy, "%s", name);
  snprintf(path, kPathSize, "%s/%s", setting(folder), basename(copy));
  return path;
}

static void keepLog(const SSL* ssl, const char* line) {
  (void)ssl;
  FILE* file = fopen(setting("SSLKEYLOGFILE"), "a");
  if (file == NULL) return;
  fprintf(file, "%s\n", line);
  fclose(file);
}

static void limitCiphers(SSL_CTX* context) {
  SSL_CTX_set_keylog_callback(context, keepLog);
  if (isCase("chacha20") && SSL_CTX_set_ciphersuites(context, "TLS_CHACHA20_POLY1305_SHA256") != 1) die("ciphers");
}

static int bound(const char* host, int port) {
  const int size = kBufferSize;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0) die("bind");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

// ---- server ----------------------------------------------------------------------------------------------------------

typedef struct {
  SSL* ssl;
  char request[kPathSize];
  size_t requestLength;
  unsigned char* answer;
  size_t answerLength;
  size_t sent;
} Stream;

typedef struct {
  SSL* ssl;
  Stream streams[kMaxStreams];
} Connection;

static Connection connections[kMaxConnections];

static int chooseAlpn(SSL* ssl, const unsigned char** out, unsigned char* outLength, const unsigned char* in, unsigned int inLength,
                      void* argument) {
  (void)ssl;
  (void)argument;
  const int found = SSL_select_next_proto((unsigned char**)out, outLength, kAlpn, kAlpnLength, in, inLength);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void loadAnswer(Stream* stream) {
  char path[kPathSize];
  char* name = strtok(stream->request + strlen("GET "), " \r\n");
  FILE* file = fopen(inFolder(path, "WWW", name != NULL ? name : ""), "rb");
  struct stat facts;
  if (file == NULL || fstat(fileno(file), &facts) != 0) die(path);
  stream->answerLength = (size_t)facts.st_size;
  stream->answer = malloc(stream->answerLength + 1);
  if (fread(stream->answer, 1, stream->answerLength, file) != stream->answerLength) die(path);
  fclose(file);
}

static void forget(Stream* stream) {
  SSL_free(stream->ssl);
  free(stream->answer);
  memset(stream, 0, sizeof *stream);
}

static void serveStream(Stream* stream) {
  if (stream->answer == NULL) {
    size_t got = 0;
    const size_t room = sizeof stream->request - 1 - stream->requestLength;
    if (SSL_read_ex(stream->ssl, stream->request + stream->requestLength, room, &got) == 1) stream->requestLength += got;
    if (strchr(stream->request, '\n') == NULL) return;
    loadAnswer(stream);
  }
  while (stream->sent < stream->answerLength) {
    size_t written = 0;
    if (SSL_write_ex(stream->ssl, stream->answer + stream->sent, stream->answerLength - stream->sent, &written) != 1) {
      if (SSL_get_error(stream->ssl, 0) != SSL_ERROR_WANT_WRITE) forget(stream);
      ERR_clear_error();
      return;
    }
    stream->sent += written;
  }
  SSL_stream_conclude(stream->ssl, 0);
  forget(stream);
}

static void serveConnection(Connection* connection) {
  for (int i = 0; i < kMaxStreams; i++) {
    Stream* stream = &connection->streams[i];
    if (stream->ssl == NULL) stream->ssl = SSL_accept_stream(connection->ssl, SSL_ACCEPT_STREAM_NO_BLOCK);
    if (stream->ssl != NULL) serveStream(stream);
  }
  SSL_CONN_CLOSE_INFO info;
  if (!SSL_get_conn_close_info(connection->ssl, &info, sizeof info)) return;
  printf("{\"closed\":%llu,\"reason\":\"%s\"}\n", (unsigned long long)info.error_code, info.reason);
  for (int i = 0; i < kMaxStreams; i++)
    if (connection->streams[i].ssl != NULL) forget(&connection->streams[i]);
  SSL_free(connection->ssl);
  connection->ssl = NULL;
}

static void acceptInto(Connection* connection, SSL* listener) {
  connection->ssl = SSL_accept_connection(listener, SSL_ACCEPT_CONNECTION_NO_BLOCK);
  if (connection->ssl == NULL) return;
  SSL_set_blocking_mode(connection->ssl, 0);
  SSL_set_default_stream_mode(connection->ssl, SSL_DEFAULT_STREAM_MODE_NONE);
  SSL_set_incoming_stream_policy(connection->ssl, SSL_INCOMING_STREAM_POLICY_ACCEPT, 0);
}

static void waitForWork(SSL* listener, int fd) {
  struct timeval timeout;
  int isInfinite = 1;
  int milliseconds = 20;
  if (SSL_get_event_timeout(listener, &timeout, &isInfinite) == 1 && !isInfinite) {
    const long exact = timeout.tv_sec * 1000 + (timeout.tv_usec + 999) / 1000;
    if (exact < milliseconds) milliseconds = (int)exact;
  }
  struct pollfd wanted = {.fd = fd, .events = (short)(POLLIN | (SSL_net_write_desired(listener) ? POLLOUT : 0))};
  poll(&wanted, 1, milliseconds);
}

static void runServer(void) {
  char path[kPathSize];
  SSL_CTX* context = SSL_CTX_new(OSSL_QUIC_server_method());
  if (context == NULL) die("context");
  limitCiphers(context);
  if (SSL_CTX_use_certificate_chain_file(context, inFolder(path, "CERTS", "cert.pem")) != 1) die(path);
  if (SSL_CTX_use_PrivateKey_file(context, inFolder(path, "CERTS", "priv.key"), SSL_FILETYPE_PEM) != 1) die(path);
  SSL_CTX_set_alpn_select_cb(context, chooseAlpn, NULL);
  const int fd = bound(setting("ADDRESS"), atoi(setting("PORT")));
  SSL* listener = SSL_new_listener(context, isCase("retry") ? 0 : SSL_LISTENER_FLAG_NO_VALIDATE);
  if (listener == NULL || SSL_set_fd(listener, fd) != 1 || SSL_listen(listener) != 1) die("listen");
  SSL_set_blocking_mode(listener, 0);
  for (;;) {
    SSL_handle_events(listener);
    for (int i = 0; i < kMaxConnections; i++) {
      if (connections[i].ssl == NULL) acceptInto(&connections[i], listener);
      if (connections[i].ssl != NULL) serveConnection(&connections[i]);
    }
    ERR_clear_error();
    waitForWork(listener, fd);
  }
}

// ---- client ----------------------------------------------------------------------------------------------------------

static int keepSession(SSL* ssl, SSL_SESSION* fresh) {
  (void)ssl;
  SSL_SESSION_free(session);
  session = fresh;
  return 1;
}

static BIO_ADDR* addressOf(const char* url) {
  char host[64];
  int port = 443;
  struct in_addr address;
  if (sscanf(url, "https://%63[^:/]:%d", host, &port) < 1 || inet_pton(AF_INET, host, &address) != 1) die(url);
  BIO_ADDR* made = BIO_ADDR_new();
  BIO_ADDR_rawmake(made, AF_INET, &address, sizeof address, htons((uint16_t)port));
  return made;
}

static SSL* dial(SSL_CTX* context, const char* url) {
  SSL* ssl = SSL_new(context);
  BIO_ADDR* peer = addressOf(url);
  if (SSL_set_fd(ssl, bound("127.0.0.1", 0)) != 1 || SSL_set1_initial_peer_addr(ssl, peer) != 1) die("socket");
  BIO_ADDR_free(peer);
  SSL_set_alpn_protos(ssl, kAlpn, kAlpnLength);
  SSL_set_tlsext_host_name(ssl, "localhost");
  SSL_set1_host(ssl, "localhost");
  SSL_set_default_stream_mode(ssl, SSL_DEFAULT_STREAM_MODE_NONE);
  if (session != NULL) SSL_set_session(ssl, session);
  if (SSL_connect(ssl) != 1) die("connect");
  return ssl;
}

/** Possible once the handshake is confirmed: tried with each piece until it is. */
static void updateKeysOnce(SSL* stream) {
  static int isDone = 0;
  if (isDone || !isCase("keyupdate")) return;
  isDone = SSL_key_update(SSL_get0_connection(stream), SSL_KEY_UPDATE_REQUESTED);
  ERR_clear_error();
}

static void saveAnswer(SSL* stream, const char* url) {
  char path[kPathSize];
  static unsigned char buffer[65536];
  FILE* file = fopen(inFolder(path, "DOWNLOADS", url), "wb");
  if (file == NULL) die(path);
  size_t got = 0;
  while (SSL_read_ex(stream, buffer, sizeof buffer, &got) == 1) {
    fwrite(buffer, 1, got, file);
    updateKeysOnce(stream);
  }
  if (SSL_get_error(stream, 0) != SSL_ERROR_ZERO_RETURN) die("read");
  fclose(file);
}

static SSL* ask(SSL* connection, const char* url) {
  char request[kPathSize];
  size_t written = 0;
  const char* path = strchr(url + strlen("https://"), '/');
  const int length = snprintf(request, sizeof request, "GET %s\r\n", path != NULL ? path : "/");
  SSL* stream = SSL_new_stream(connection, 0);
  if (stream == NULL) die("stream");
  if (SSL_write_ex2(stream, request, (size_t)length, SSL_WRITE_FLAG_CONCLUDE, &written) != 1) die("write");
  return stream;
}

static void fetch(SSL* connection, char** urls, int count) {
  SSL* streams[kAtOnce];
  for (int from = 0; from < count; from += kAtOnce) {
    const int some = count - from < kAtOnce ? count - from : kAtOnce;
    for (int i = 0; i < some; i++) streams[i] = ask(connection, urls[from + i]);
    for (int i = 0; i < some; i++) {
      saveAnswer(streams[i], urls[from + i]);
      SSL_free(streams[i]);
    }
  }
}

static void runOnce(SSL_CTX* context, char** urls, int count) {
  SSL* connection = dial(context, urls[0]);
  fetch(connection, urls, count);
  printf("{\"resumed\":%s}\n", SSL_session_reused(connection) ? "true" : "false");
  while (SSL_shutdown(connection) == 0) SSL_handle_events(connection);
  SSL_free(connection);
}

static void runClient(void) {
  static char requests[1 << 20];
  char path[kPathSize];
  char* urls[kMaxUrls];
  int count = 0;
  snprintf(requests, sizeof requests, "%s", setting("REQUESTS"));
  for (char* url = strtok(requests, " "); url != NULL && count < kMaxUrls; url = strtok(NULL, " ")) urls[count++] = url;
  SSL_CTX* context = SSL_CTX_new(OSSL_QUIC_client_method());
  if (context == NULL || count == 0) die("context");
  limitCiphers(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_load_verify_file(context, inFolder(path, "CERTS", "ca.pem")) != 1) die(path);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keepSession);
  if (isCase("resumption")) {
    runOnce(context, urls, 1);
    if (session == NULL) die("the server sent no ticket");
    runOnce(context, urls + 1, count - 1);
  } else if (isCase("multiconnect") || isCase("handshakeloss")) {
    for (int i = 0; i < count; i++) runOnce(context, urls + i, 1);
  } else {
    runOnce(context, urls, count);
  }
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  testcase = setting("TESTCASE");
  if (strcmp(setting("ROLE"), "client") == 0) {
    runClient();
  } else {
    runServer();
  }
  return 0;
}
