// quic-go behind the environment of the public interoperability tests: see scripts/interop/endpoint.mjs for its variables.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	alpn          = "hq-interop"
	datagramCount = 20
	maxAtOnce     = 100
	window        = 16 << 20
)

var testcase = os.Getenv("TESTCASE")

type facts map[string]any

func say(what facts) {
	line, _ := json.Marshal(what)
	fmt.Println(string(line))
}

func keylog() io.Writer {
	name := os.Getenv("SSLKEYLOGFILE")
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	return file
}

func config() *quic.Config {
	conf := &quic.Config{
		EnableDatagrams:                true,
		MaxIdleTimeout:                 30 * time.Second,
		InitialStreamReceiveWindow:     window,
		MaxStreamReceiveWindow:         window,
		InitialConnectionReceiveWindow: window,
		MaxConnectionReceiveWindow:     window,
		Versions:                       []quic.Version{quic.Version1},
		Allow0RTT:                      true,
		TokenStore:                     quic.NewLRUTokenStore(10, 10),
	}
	switch testcase {
	case "versionnegotiation":
		// It offers no reserved version; to a server that knows v1 only, v2 is as good.
		conf.Versions = []quic.Version{quic.Version2, quic.Version1}
	case "v2only":
		conf.Versions = []quic.Version{quic.Version2}
	case "handshakeloss", "multiconnect", "longrtt":
		conf.HandshakeIdleTimeout = 60 * time.Second
	}
	return conf
}

// ---- client

func fetch(ctx context.Context, conn quic.Connection, address string) error {
	where, err := url.Parse(address)
	if err != nil {
		return err
	}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := stream.Write([]byte("GET " + where.Path + "\r\n")); err != nil {
		return err
	}
	if err := stream.Close(); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(os.Getenv("DOWNLOADS"), filepath.Base(where.Path)))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, stream)
	return err
}

func fetchAll(ctx context.Context, conn quic.Connection, addresses []string) error {
	var group sync.WaitGroup
	slots := make(chan struct{}, maxAtOnce)
	results := make(chan error, len(addresses))
	for _, address := range addresses {
		group.Add(1)
		slots <- struct{}{}
		go func() {
			defer group.Done()
			results <- fetch(ctx, conn, address)
			<-slots
		}()
	}
	group.Wait()
	close(results)
	var err error
	for one := range results {
		err = errors.Join(err, one)
	}
	return err
}

func exchangeDatagrams(ctx context.Context, conn quic.Connection) error {
	missing := map[string]bool{}
	for i := range datagramCount {
		text := fmt.Sprintf("datagram %d ", i)
		missing[text+strings.Repeat("x", 100+i-len(text))] = true
	}
	for len(missing) > 0 {
		for text := range missing {
			if err := conn.SendDatagram([]byte(text)); err != nil {
				return err
			}
		}
		some, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		for len(missing) > 0 {
			payload, err := conn.ReceiveDatagram(some)
			if err != nil {
				break
			}
			delete(missing, string(payload))
		}
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	say(facts{"datagrams": datagramCount})
	return nil
}

// Tickets come after the handshake; the second connection needs one.
type ticketCache struct {
	tls.ClientSessionCache
	came chan struct{}
	once sync.Once
}

func (cache *ticketCache) Put(key string, state *tls.ClientSessionState) {
	cache.ClientSessionCache.Put(key, state)
	cache.once.Do(func() { close(cache.came) })
}

func runOnce(ctx context.Context, addresses []string, tlsConfig *tls.Config, isSecond bool) error {
	where, err := url.Parse(addresses[0])
	if err != nil {
		return err
	}
	dial := quic.DialAddr
	if isSecond && testcase == "zerortt" {
		dial = func(ctx context.Context, address string, tlsConfig *tls.Config, conf *quic.Config) (quic.Connection, error) {
			return quic.DialAddrEarly(ctx, address, tlsConfig, conf)
		}
	}
	conn, err := dial(ctx, where.Host, tlsConfig, config())
	if err != nil {
		return err
	}
	if testcase == "datagram" {
		if err := exchangeDatagrams(ctx, conn); err != nil {
			return err
		}
	}
	if err := fetchAll(ctx, conn, addresses); err != nil {
		return err
	}
	state := conn.ConnectionState()
	say(facts{"resumed": state.TLS.DidResume, "early": state.Used0RTT, "version": uint32(state.Version)})
	if isSecond && !state.TLS.DidResume {
		return errors.New("not resumed")
	}
	if isSecond && testcase == "zerortt" && !state.Used0RTT {
		return errors.New("0-RTT was not used")
	}
	if cache, ok := tlsConfig.ClientSessionCache.(*ticketCache); ok && !isSecond && (testcase == "resumption" || testcase == "zerortt") {
		select {
		case <-cache.came:
		case <-time.After(5 * time.Second):
			return errors.New("the server sent no ticket")
		}
	}
	return conn.CloseWithError(0, "")
}

func runClient() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	authority, err := os.ReadFile(filepath.Join(os.Getenv("CERTS"), "ca.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	tlsConfig := &tls.Config{
		NextProtos: []string{alpn}, RootCAs: roots, ServerName: "localhost", KeyLogWriter: keylog(),
		ClientSessionCache: &ticketCache{ClientSessionCache: tls.NewLRUClientSessionCache(10), came: make(chan struct{})},
	}
	addresses := strings.Fields(os.Getenv("REQUESTS"))
	switch testcase {
	case "multiconnect", "handshakeloss":
		for _, address := range addresses {
			if err := runOnce(ctx, []string{address}, tlsConfig, false); err != nil {
				return err
			}
		}
		return nil
	case "resumption", "zerortt":
		if err := runOnce(ctx, addresses[:1], tlsConfig, false); err != nil {
			return err
		}
		return runOnce(ctx, addresses[1:], tlsConfig, true)
	}
	return runOnce(ctx, addresses, tlsConfig, false)
}

// ---- server

func serveStream(stream quic.Stream) {
	defer stream.Close()
	line, err := bufio.NewReader(stream).ReadString('\n')
	if err != nil && err != io.EOF {
		return
	}
	words := strings.Fields(line)
	if len(words) < 2 {
		return
	}
	file, err := os.Open(filepath.Join(os.Getenv("WWW"), filepath.Base(words[1])))
	if err != nil {
		stream.CancelWrite(404)
		return
	}
	defer file.Close()
	io.Copy(stream, file)
}

func serve(conn quic.Connection) {
	go func() {
		for {
			payload, err := conn.ReceiveDatagram(context.Background())
			if err != nil || conn.SendDatagram(payload) != nil {
				return
			}
		}
	}()
	go func() {
		<-conn.Context().Done()
		say(facts{"closed": fmt.Sprint(context.Cause(conn.Context()))})
	}()
	for {
		stream, err := conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go serveStream(stream)
	}
}

func runServer() error {
	certs := os.Getenv("CERTS")
	certificate, err := tls.LoadX509KeyPair(filepath.Join(certs, "cert.pem"), filepath.Join(certs, "priv.key"))
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(os.Getenv("PORT"))
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(os.Getenv("ADDRESS")), Port: port})
	if err != nil {
		return err
	}
	transport := &quic.Transport{Conn: socket, VerifySourceAddress: func(net.Addr) bool { return testcase == "retry" }}
	conf := config()
	if testcase == "versionnegotiation" {
		conf.Versions = []quic.Version{quic.Version1}
	}
	listener, err := transport.ListenEarly(&tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{alpn}, KeyLogWriter: keylog()}, conf)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return err
		}
		go serve(conn)
	}
}

func main() {
	run := runServer
	if os.Getenv("ROLE") == "client" {
		run = runClient
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
